"""One reference selector on one dataset: selectors_reference.py METHOD FILE LABEL K JSON-PARAMS. Prints CPU seconds, wall seconds and peak memory."""
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
    """RankCorr's package is GPL, so its peer is a plain program made from the paper: average ranks by scipy, products by numpy."""
    from scipy.stats import rankdata

    columns = data.X.tocsc() if sp.issparse(data.X) else data.X

    def run():
        n, d = data.shape
        tau = np.where(codes[None, :] == np.arange(codes.max() + 1)[:, None], 1.0, -1.0)
        a = np.zeros((len(tau), d))
        for j in range(d):
            x = columns[:, [j]].toarray().ravel() if sp.issparse(columns) else columns[:, j]
            z = rankdata(x) - (n + 1) / 2
            sd = z.std()
            if sd > 0:
                a[:, j] = tau @ (z / sd)
        best = np.sort(-np.abs(a), axis=1)
        return best

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

package, prepare = METHODS[method]
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    run = prepare()
    loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    times = []
    while len(times) < 5 and (not times or sum(t[0] for t in times) < 2):
        cpu, wall = time.process_time(), time.perf_counter()
        run()
        times.append((time.process_time() - cpu, time.perf_counter() - wall))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"cpu_s": min(t[0] for t in times), "wall_s": min(t[1] for t in times), "peak_mb": peak / 2**20, "added_mb": (peak - loaded) / 2**20, "version": f"{package} {importlib.metadata.version(package)}"}))
