"""scikit-learn's nearest neighbours on the case that knn.ts wrote: knn.py FOLDER."""
import json, resource, sys, time
import numpy as np
import sklearn
from sklearn.neighbors import KNeighborsClassifier

folder = sys.argv[1]
case = json.load(open(f"{folder}/case.json"))
x = np.fromfile(f"{folder}/x.f32", dtype=np.float32).reshape(-1, case["genes"])
y = np.fromfile(f"{folder}/y.i32", dtype=np.int32)
n = case["rows"]
start = time.process_time()
model = KNeighborsClassifier(algorithm="brute").fit(x[:n], y[:n])
accuracy = float((model.predict(x[n:]) == y[n:]).mean())
cpu = time.process_time() - start
print(json.dumps({"cpu_s": cpu, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "accuracy": accuracy, "version": sklearn.__version__}))
