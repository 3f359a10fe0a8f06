"""Ranks all genes by their mutual information with the task: a selector for panelflow, called once for every k."""

import json

import anndata
import numpy as np
import pandas as pd
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

with open("request.json") as file:
    request = json.load(file)
data = anndata.read_h5ad(request["files"]["data"])

task = request["tasks"][0]
data = data[data.obs[task["column"]].notna().to_numpy()]
labels = data.obs[task["column"]].to_numpy()
X = data.X.toarray() if hasattr(data.X, "toarray") else np.asarray(data.X)

measure = mutual_info_classif if task["kind"] == "classification" else mutual_info_regression
print(f"{measure.__name__} of {data.n_vars} genes on {data.n_obs} cells", flush=True)
scores = measure(X, labels, discrete_features=False, random_state=request["seed"])

# A stable order: of equal genes the first in the data comes first.
order = np.argsort(-scores, kind="stable")[: request["k"]]
pd.DataFrame({"gene": data.var_names[order], "score": scores[order]}).to_csv(request["files"]["answer"], index=False)
