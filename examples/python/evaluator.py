"""Predicts the test cells from the panel by a support vector machine: an evaluator for panelflow."""

import json

import anndata
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

with open("request.json") as file:
    request = json.load(file)
data = anndata.read_h5ad(request["files"]["data"])

task = request["tasks"][0]
X = data.X.toarray() if hasattr(data.X, "toarray") else np.asarray(data.X)
labels = data.obs[task["column"]]
test = (data.obs["split"] == "test").to_numpy()
learn = ~test & labels.notna().to_numpy()

model = make_pipeline(StandardScaler(), SVC() if task["kind"] == "classification" else SVR())
model.fit(X[learn], labels[learn].to_numpy())
predicted = model.predict(X[test])
pd.DataFrame({"cell": data.obs_names[test], "prediction": predicted}).to_csv(request["files"]["answer"], index=False)
