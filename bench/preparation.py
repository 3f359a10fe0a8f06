"""The peer of preparation.ts: reads an .h5ad, quality numbers, total 1e4 + log1p, three flavors of variable genes; prints CPU seconds as JSON."""

import json
import resource
import sys
import time
import warnings

warnings.filterwarnings("ignore")

import anndata
import h5py
import numpy
import scanpy

path = sys.argv[1]
seconds = {}


def timed(name, work):
    start = time.process_time()
    result = work()
    seconds[name] = time.process_time() - start
    return result


def quality():
    data.var["mt"] = data.var_names.str.upper().str.startswith("MT-")
    scanpy.pp.calculate_qc_metrics(data, qc_vars=["mt"], percent_top=[50, 100, 200, 500], inplace=True)


def normalise():
    data.layers["counts"] = data.X.copy()
    scanpy.pp.normalize_total(data, target_sum=1e4)
    scanpy.pp.log1p(data)


data = timed("read", lambda: anndata.read_h5ad(path))
timed("quality", quality)
timed("normalise", normalise)
timed("hvg seurat", lambda: scanpy.pp.highly_variable_genes(data, flavor="seurat", n_top_genes=2000))
timed("hvg cell_ranger", lambda: scanpy.pp.highly_variable_genes(data, flavor="cell_ranger", n_top_genes=2000))
timed("hvg seurat_v3", lambda: scanpy.pp.highly_variable_genes(data, flavor="seurat_v3", n_top_genes=2000, layer="counts"))

usage = resource.getrusage(resource.RUSAGE_SELF)
print(
    json.dumps(
        {
            "seconds": seconds,
            "processSeconds": usage.ru_utime + usage.ru_stime,
            "peakMb": usage.ru_maxrss / 1024,
            "check": int(data.var["highly_variable"].sum()),
            "versions": {
                "python": sys.version.split()[0],
                "scanpy": scanpy.__version__,
                "anndata": anndata.__version__,
                "numpy": numpy.__version__,
                "h5py": h5py.__version__,
            },
        }
    )
)
