"""PyTorch's side of spatial.ts: spatial.py SPEC FOLDER. The same network, spots and first weights; prints seconds a step as JSON."""

import json
import os
import sys
import time

import numpy as np
import torch

spec, folder = json.loads(sys.argv[1]), sys.argv[2]
torch.set_num_threads(spec["threads"])
SPOTS, FEATURES, PRIMARY, AUXILIARY = spec["spots"], spec["features"], spec["primary"], spec["auxiliary"]
GENES = PRIMARY + AUXILIARY
WIDTHS = [FEATURES, *spec["hidden"], GENES]


def read(name, *shape):
    return torch.from_numpy(np.fromfile(os.path.join(folder, name), dtype=np.float32).reshape(shape).copy())


def peak_mb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def losses(predicted, y):
    p, t = predicted - predicted.mean(0), y - y.mean(0)
    return 1 - (p * t).sum(0) / ((p**2).sum(0).sqrt() * (t**2).sum(0).sqrt() + 1e-8)


def network(parameters, x):
    for weights, bias in zip(parameters[:-1:2], parameters[1:-1:2]):
        x = torch.relu(x @ weights + bias)
    return x @ parameters[-1]


def weights_of(theta):
    ranks = torch.arange(AUXILIARY, dtype=torch.float32) / (AUXILIARY - 1)
    return torch.cat([torch.ones(PRIMARY), torch.sigmoid((theta - ranks) / 0.01)])


def theta_step(start, theta, batch, validation):
    """As the library `higher` differentiates adam, fresh for each batch."""
    now = [p.detach().requires_grad_() for p in start]
    first, second = [torch.zeros_like(p) for p in now], [torch.zeros_like(p) for p in now]
    for t in range(1, spec["steps"] + 1):
        w = weights_of(theta)
        loss = (w * losses(network(now, x[batch]), y[batch])).sum() / w.sum().detach() / 64
        gradients = torch.autograd.grad(loss, now, create_graph=True)
        first = [0.9 * m + 0.1 * g for m, g in zip(first, gradients)]
        second = [0.999 * v + 0.001 * g * g for v, g in zip(second, gradients)]
        roots = [(v + 1e-36).sqrt() / (1 - 0.999**t) ** 0.5 + 1e-8 for v in second]
        now = [p - spec["inner_rate"] / (1 - 0.9**t) * m / r for p, m, r in zip(now, first, roots)]
    value = losses(network(now, x[validation])[:, :PRIMARY], y[validation][:, :PRIMARY]).mean()
    (slope,) = torch.autograd.grad(value, theta)
    return value.item(), slope.item()


x, y = read("x.f32", SPOTS, FEATURES), read("y.f32", SPOTS, GENES)
parameters = []
for layer, (inputs, outputs) in enumerate(zip(WIDTHS, WIDTHS[1:])):
    parameters.append(read(f"w{layer}.f32", inputs, outputs))
    if layer < len(WIDTHS) - 2:
        parameters.append(read(f"b{layer}.f32", outputs))
theta = torch.tensor(0.5, requires_grad=True)

said = {}
if spec["part"] == "theta":
    rows = lambda at: torch.arange(64 * at, 64 * at + 64) % SPOTS
    said["loss"], said["slope"] = theta_step(parameters, theta, rows(0), rows(7))
    began = time.perf_counter()
    for at in range(spec["repeats"]):
        theta_step(parameters, theta, rows(at), rows(at + 7))
else:
    model = [p.requires_grad_() for p in parameters]
    optimizer = torch.optim.Adam(model, lr=3e-5)
    w = weights_of(theta).detach()

    def step(at):
        rows = torch.arange(128 * at, 128 * at + 128) % SPOTS
        optimizer.zero_grad()
        loss = (w * losses(network(model, x[rows]), y[rows])).sum() / w.sum()
        loss.backward()
        optimizer.step()
        return loss.item()

    said["loss"] = step(0)
    for at in range(3):
        step(at)
    began = time.perf_counter()
    for at in range(spec["repeats"]):
        step(at)
wall = (time.perf_counter() - began) / spec["repeats"]
print(json.dumps({"wall_s": wall, "peak_mb": peak_mb(), "version": f"PyTorch {torch.__version__}", **said}))
