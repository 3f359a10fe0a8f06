"""One reference selector on one dataset: selectors_reference.py METHOD FILE LABEL K JSON-PARAMS. Prints CPU seconds, wall seconds, peak memory and versions as JSON."""
import contextlib, importlib.metadata, io, json, resource, sys, time, warnings

warnings.filterwarnings("ignore")
import anndata
import numpy as np
import scipy.sparse as sp

method, path, label, k, given = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), json.loads(sys.argv[5])
data = anndata.read_h5ad(path)
data.obs[label] = data.obs[label].astype("category")
codes = data.obs[label].cat.codes.to_numpy()
data.uns["log1p"] = {"base": None}
package = "scanpy"


def dense():
    return data.X.toarray() if sp.issparse(data.X) else np.asarray(data.X)


def scanpy_test(**kw):
    import scanpy as sc

    return lambda: sc.tl.rank_genes_groups(data, label, use_raw=False, **kw)


def scanpy_hvg(flavor):
    import scanpy as sc

    layer = "counts" if flavor == "seurat_v3" else None
    return lambda: sc.pp.highly_variable_genes(data, flavor=flavor, n_top_genes=k, layer=layer)


def cosg():
    import cosg as package_

    return lambda: package_.cosg(data, groupby=label, n_genes_user=k)


def rank_correlation():
    """RankCorr's package is GPL, so its peer is a plain program made from the method's description: ranks by scipy, sums by numpy."""
    from scipy.stats import rankdata

    columns = data.X.tocsc() if sp.issparse(data.X) else data.X
    wide = 256

    def correlations():
        n, d = data.shape
        tau = np.where(codes[None, :] == np.arange(codes.max() + 1)[:, None], 1.0, -1.0)
        a = np.zeros((len(tau), d))
        for j in range(0, d, wide):
            x = columns[:, j : j + wide]
            z = rankdata(x.toarray() if sp.issparse(x) else x, axis=0) - (n + 1) / 2
            sd = z.std(axis=0)
            a[:, j : j + wide] = np.divide(tau @ z, sd, out=np.zeros((len(tau), x.shape[1])), where=sd > 0)
        return np.abs(a)

    def sparsities(strength):
        """At each rank, in falling order: the squared l1 norm of what is left after soft-thresholding by it and scaling to unit length."""
        t = np.sort(strength)[::-1]
        before, squares = np.cumsum(t) - t, np.cumsum(t * t) - t * t
        r = np.arange(len(t))
        length = np.sqrt(np.maximum(squares - 2 * t * before + r * t * t, 0))
        ok = (t < t[0]) & (length > 0)
        steps = np.divide(before - r * t, length, out=np.zeros(len(t)), where=ok) ** 2
        return t, np.maximum.accumulate(steps)

    def run():
        a = correlations()
        paths = [sparsities(row) for row in a]
        breaks = np.unique(np.concatenate([steps for _, steps in paths]))

        def union(s):
            kept = np.zeros(a.shape[1], bool)
            for row, (t, steps) in zip(a, paths):
                at = np.searchsorted(steps, s, side="right")
                if at == len(steps):
                    return None
                kept |= row > t[at]
            return kept

        low, high = 0, len(breaks) - 1
        while low < high:
            middle = (low + high) // 2
            kept = union(breaks[middle])
            if kept is None or kept.sum() >= k:
                high = middle
            else:
                low = middle + 1
        kept = union(breaks[high])
        best = a.max(axis=0)
        return np.lexsort((-best, ~kept if kept is not None else np.zeros(len(best))))[:k]

    return run


def mrmr(relevance):
    import pandas as pd
    from mrmr import mrmr_classif

    frame = pd.DataFrame(dense(), columns=[f"g{j}" for j in range(data.n_vars)])
    labels = pd.Series(codes)
    return lambda: mrmr_classif(frame, labels, K=k, relevance=relevance, n_jobs=1, show_progress=False)


def hsic():
    from pyHSICLasso import HSICLasso

    model = HSICLasso()
    model.input(dense(), codes.astype(float), featname=[str(j) for j in range(data.n_vars)])
    return lambda: model.classification(k, B=given["block"], M=given["permutations"], n_jobs=1, max_neighbors=0)


def smash():
    from sklearn.ensemble import RandomForestClassifier

    x = dense()
    classes, sizes = np.unique(codes, return_counts=True)
    weights = {int(c): len(codes) / (len(classes) * n) for c, n in zip(classes, sizes)}
    return lambda: RandomForestClassifier(n_estimators=100, random_state=42, class_weight=weights).fit(x, codes).feature_importances_


def scgenefit():
    from scGeneFit.functions import get_markers

    x = dense()
    labels = np.array([str(c) for c in codes])
    kind = given["method"]
    extra = {} if kind == "centers" else {"sampling_rate": 0.1, "max_constraints": given["max_constraints"]}
    return lambda: get_markers(x, labels, k, method=kind, redundancy=0.25, verbose=False, **extra)


def spapros():
    import scanpy as sc
    # spapros 0.1.6 calls a numpy function that numpy 2.4 no longer has.
    if not hasattr(np, "in1d"):
        np.in1d = np.isin
    import spapros as package_

    # The genes among which it looks are part of our selector's work, so they are part of the reference's.
    def run():
        sc.pp.highly_variable_genes(data, flavor="cell_ranger", n_top_genes=min(1000, data.n_vars - 1))
        selector = package_.se.ProbesetSelector(data, n=k, celltype_key=label, genes_key="highly_variable", verbosity=0, n_jobs=1)
        selector.select_probeset()

    return run


METHODS = {
    "t-test": ("scanpy", lambda: scanpy_test(method="t-test")),
    "t-test-overestim-var": ("scanpy", lambda: scanpy_test(method="t-test_overestim_var")),
    "wilcoxon": ("scanpy", lambda: scanpy_test(method="wilcoxon")),
    "wilcoxon-tie-correct": ("scanpy", lambda: scanpy_test(method="wilcoxon", tie_correct=True)),
    "cosg": ("cosg", cosg),
    "rankcorr": ("scipy", rank_correlation),
    "mrmr-f": ("mrmr-selection", lambda: mrmr("f")),
    "mrmr-rf": ("mrmr-selection", lambda: mrmr("rf")),
    "hsic-lasso": ("pyHSICLasso", hsic),
    "smash": ("scikit-learn", smash),
    "scgenefit": ("scGeneFit", scgenefit),
    "spapros": ("spapros", spapros),
    "hvg-seurat": ("scanpy", lambda: scanpy_hvg("seurat")),
    "hvg-cell-ranger": ("scanpy", lambda: scanpy_hvg("cell_ranger")),
    "hvg-seurat-v3": ("scanpy", lambda: scanpy_hvg("seurat_v3")),
}


def high_water():
    """MB. Not getrusage's maxrss on Linux: that is at least the peak of the process that started this one."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def version_of(name):
    return f"{name} {importlib.metadata.version(name)}"


package, prepare = METHODS[method]
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    run = prepare()
    before = high_water()
    try:
        with open("/proc/self/clear_refs", "w") as marks:
            marks.write("5")
    except OSError:
        pass
    loaded = high_water()
    times = []
    while len(times) < 5 and (not times or sum(t[0] for t in times) < 2):
        cpu, wall = time.process_time(), time.perf_counter()
        run()
        times.append((time.process_time() - cpu, time.perf_counter() - wall))
after = high_water()
said = {
    "cpu_s": min(t[0] for t in times),
    "wall_s": min(t[1] for t in times),
    "first_cpu_s": times[0][0],
    "peak_mb": max(before, after),
    "added_mb": after - loaded,
    "version": ", ".join([*map(version_of, dict.fromkeys([package, "numpy"])), f"Python {sys.version.split()[0]}"]),
}
if method == "rankcorr":
    said["version"] = "a plain program of ours (RankCorr is GPL), " + said["version"]
print(json.dumps(said))
