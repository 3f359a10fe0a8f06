"""PyTorch's side of training.ts: training.py SPEC FOLDER. The same networks and batches on the case in the folder; prints seconds per step as JSON."""
import json, math, os, sys, time

spec, folder = json.loads(sys.argv[1]), sys.argv[2]
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(spec["threads"])
torch.manual_seed(0)
TINY = torch.finfo(torch.float32).eps


def high_water():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM"))


def gumbel(*shape):
    return -torch.log(-torch.log(torch.rand(*shape).clamp(TINY, 1 - TINY)))


def relaxed_top_k(a, k, t):
    """k-hot vector by k rounds of softmax (Xie and Ermon 2019), as MarkerMap's code does it."""
    hot, one = torch.zeros_like(a), torch.zeros_like(a)
    for _ in range(k):
        a = a + torch.log(torch.clamp(1 - one, min=1e-40))
        one = torch.softmax(a / t, -1)
        hot = hot + one
    return hot


def reduced_neural_sort(s, k, tau):
    """The first k rows of NeuralSort by sorting and prefix sums: k x n instead of n x n."""
    n = s.numel()
    falling, order = torch.sort(s, descending=True)
    r = torch.arange(n, dtype=s.dtype)
    above = torch.cumsum(falling, 0) - falling
    b = above - r * falling + (n - 1 - r) * falling - (falling.sum() - above - falling)
    m = torch.arange(1, k + 1, dtype=s.dtype)[:, None]
    soft = torch.softmax(((n + 1 - 2 * m) * falling - b) / tau, -1).sum(0)
    return torch.zeros_like(s).scatter(0, order, soft), order[:k]


def naive_neural_sort(s, k, tau):
    """NeuralSort as published (Grover et al. 2019): the whole n x n matrix."""
    n = s.numel()
    b = (s[:, None] - s[None, :]).abs().sum(1)
    m = torch.arange(1, n + 1, dtype=s.dtype)[:, None]
    p = torch.softmax(((n + 1 - 2 * m) * s[None, :] - b[None, :]) / tau, -1)
    return p[:k].sum(0), p[:k].argmax(1)


def block(inputs, outputs, slope=0.01):
    return nn.Sequential(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.LeakyReLU(slope) if slope else nn.ReLU())


class Yoto(nn.Module):
    def __init__(self, d, classes):
        super().__init__()
        self.scores = nn.Parameter(0.01 * torch.randn(d))
        self.net = nn.Sequential(block(d, 128, 0), block(128, 128, 0), nn.Linear(128, classes))
        self.step_number, self.steps = 0, spec["steps"]
        rest = list(self.net.parameters())
        self.optimizer = torch.optim.Adam([{"params": [self.scores], "lr": 3e-3}, {"params": rest, "lr": 1e-3}])

    def loss(self, x, y):
        done = min(1, self.step_number / max(1, self.steps - 1))
        tau = 0.01**done
        first = min(x.shape[1], 4 * spec["k"])
        k = round(first * (spec["k"] / first) ** min(1, self.step_number / max(1, self.steps / 2)))
        self.step_number += 1
        s = self.scores + 0.1 * tau * gumbel(x.shape[1])
        soft, best = (naive_neural_sort if spec.get("naive") else reduced_neural_sort)(s, k, tau)
        hard = torch.zeros_like(soft)
        hard[best] = 1
        return F.cross_entropy(self.net(x * (hard + soft - soft.detach())), y)


class Mask(nn.Module):
    """The relaxed top-k alone, value and gradient."""

    def __init__(self, d, classes):
        super().__init__()
        j = torch.arange(d, dtype=torch.float64)
        self.scores = nn.Parameter((0.02 * torch.sin(12.9898 * j)).float())
        self.above = torch.cos(78.233 * j).float()
        self.optimizer = torch.optim.SGD([self.scores], lr=0.0)

    def loss(self, x, y):
        return (naive_neural_sort if spec["naive"] else reduced_neural_sort)(self.scores, spec["k"], spec["t"])[0] @ self.above


class Vae(nn.Module):
    """What the MarkerMap family shares: encoder, decoders, classifier (methods of arXiv:2207.14106 and its code)."""

    def __init__(self, d, classes, inputs):
        super().__init__()
        h, z = spec["hidden"], 16
        self.alpha = spec["alpha"]
        self.encoder = nn.Sequential(block(inputs, h), block(h, h), nn.Linear(h, h), nn.LeakyReLU(0.01))
        self.mean, self.logvar = nn.Linear(h, z), nn.Linear(h, z)
        if self.alpha > 0:
            self.decoder = nn.Sequential(block(z, h), nn.Linear(h, d))
            self.decoder_logvar = nn.Sequential(block(z, h), nn.Linear(h, d))
        if self.alpha < 1:
            self.classifier = nn.Sequential(block(z, h), nn.Linear(h, classes))

    def finish(self):
        self.optimizer = torch.optim.Adam(self.parameters(), lr=spec.get("rate", 1e-4))

    def of_selected(self, selected, x, y):
        hidden = self.encoder(selected)
        mu, logvar = self.mean(hidden), self.logvar(hidden)
        loss = 0
        if self.alpha > 0:
            z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
            to, lv = self.decoder(z), self.decoder_logvar(z)
            likelihood = (0.5 * math.log(2 * math.pi) + 0.5 * lv + (x - to) ** 2 / (2 * lv.exp())).sum()
            kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()
            loss = self.alpha * (likelihood + 0.1 * kl) / len(x)
        if self.alpha < 1:
            loss = loss + (1 - self.alpha) * F.cross_entropy(self.classifier(mu), y)
        return loss


class MarkerMap(Vae):
    def __init__(self, d, classes):
        super().__init__(d, classes, d)
        h = spec["hidden"]
        self.maker = nn.Sequential(block(d, h), nn.Dropout(0.5), block(h, h), nn.LeakyReLU(0.01), nn.Linear(h, d))
        self.register_buffer("state", torch.zeros(d))
        self.finish()

    def loss(self, x, y):
        logits = 0.95 * self.state + 0.05 * self.maker(x).mean(0)
        self.state = logits.detach()
        return self.of_selected(x * relaxed_top_k(logits + gumbel(x.shape[1]), spec["k"], spec["t"]), x, y)


class GlobalGumbel(Vae):
    def __init__(self, d, classes):
        super().__init__(d, classes, d)
        self.logits = nn.Parameter(torch.randn(d))
        self.finish()

    def loss(self, x, y):
        return self.of_selected(x * relaxed_top_k(self.logits + gumbel(x.shape[1]), spec["k"], spec["t"]), x, y)


class ConcreteVae(Vae):
    def __init__(self, d, classes):
        super().__init__(d, classes, spec["k"])
        self.logits = nn.Parameter(torch.randn(spec["k"], d))
        self.finish()

    def loss(self, x, y):
        weights = torch.softmax((self.logits + gumbel(*self.logits.shape)) / spec["t"], -1)
        return self.of_selected(x @ weights.T, x, y)


class Persist(nn.Module):
    """Covert et al. 2023: gates for each gene (eliminate) or k concrete vectors (select) in front of an MLP."""

    def __init__(self, d, classes):
        super().__init__()
        self.is_select = spec["stage"] == "select"
        self.theta = nn.Parameter(torch.zeros(spec["k"], d) if self.is_select else torch.full((d,), 0.5 * math.log(99)))
        self.net = nn.Sequential(nn.Linear(d, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, classes))
        self.t, self.factor = 10.0, (0.01 / 10) ** (1 / spec["steps"])
        self.optimizer = torch.optim.Adam(self.parameters(), lr=1e-3)

    def loss(self, x, y):
        if self.is_select:
            noise = gumbel(len(x), *self.theta.shape)
            mask = torch.softmax((self.theta * 3 + noise) / self.t, -1).amax(1)
        else:
            u = torch.rand(len(x), x.shape[1]).clamp(TINY, 1 - TINY)
            mask = torch.sigmoid((self.theta * 2 + torch.log(u) - torch.log(1 - u)) / self.t)
        self.t *= self.factor
        loss = F.cross_entropy(self.net(x * mask), y)
        return loss if self.is_select else loss + 1e-4 * mask.sum(1).mean()


class LassoNet(nn.Module):
    """Lemhadri et al. 2021: residual MLP, and the hierarchical proximal step after each step of the optimiser."""

    def __init__(self, d, classes):
        super().__init__()
        self.skip = nn.Linear(d, classes, bias=False)
        self.first, self.second = nn.Linear(d, 100), nn.Linear(100, classes)
        parameters = self.parameters()
        is_path = spec["stage"] == "path"
        self.optimizer = torch.optim.SGD(parameters, lr=1e-3, momentum=0.9) if is_path else torch.optim.Adam(parameters, lr=1e-3)
        self.penalty = spec["penalty"] if is_path else 0.0

    def loss(self, x, y):
        return F.cross_entropy(self.skip(x) + self.second(torch.relu(self.first(x))), y)

    @torch.no_grad()
    def after(self):
        v, u, m = self.skip.weight, self.first.weight, 10.0
        norm = v.norm(dim=0)
        falling = torch.sort(u.abs(), dim=0, descending=True).values
        zero = torch.zeros(1, u.shape[1])
        counts = torch.arange(len(u) + 1.0)[:, None]
        a = self.penalty * 1e-3 - m * torch.cat([zero, torch.cumsum(falling, 0)])
        x = torch.where(norm > 0, torch.relu(1 - a / norm) / (1 + counts * m * m), zero)
        w = m * x * norm
        at = (torch.cat([falling, zero]) > w).sum(0, keepdim=True)
        self.skip.weight.copy_(torch.gather(x, 0, at) * v)
        self.first.weight.copy_(torch.sign(u) * torch.minimum(u.abs(), torch.gather(w, 0, at)))


MODELS = {"yoto": Yoto, "markermap": MarkerMap, "global-gumbel": GlobalGumbel, "concrete-vae": ConcreteVae, "persist": Persist, "lassonet": LassoNet, "soft-top-k": Mask}


def step(model, x, y):
    model.optimizer.zero_grad()
    loss = model.loss(x, y)
    loss.backward()
    model.optimizer.step()
    if hasattr(model, "after"):
        model.after()
    return loss.item()


case = json.load(open(f"{folder}/case.json"))
x = torch.from_numpy(np.fromfile(f"{folder}/x.f32", dtype=np.float32).reshape(-1, case["genes"]))
y = torch.from_numpy(np.fromfile(f"{folder}/y.i32", dtype=np.int32).astype(np.int64))
orders = torch.from_numpy(np.fromfile(f"{folder}/order.u32", dtype=np.uint32).astype(np.int64).reshape(-1, case["rows"]))
if spec["form"] == "scaled":
    sd = x.std(0)
    x -= x.mean(0)
    x /= torch.where(sd > 0, sd, torch.ones(1))
elif spec["form"] == "binary":
    x = (x > 0).float()
make = MODELS[spec["method"]]
size = spec["batch"] or case["rows"]


def batches(order):
    cut = [order[at : at + size] for at in range(0, len(order), size)]
    if len(cut) > 1 and spec.get("dropLast") and len(cut[-1]) < size:
        cut.pop()
    elif len(cut) > 1 and len(cut[-1]) == 1:
        cut[-2:] = [torch.cat(cut[-2:])]
    return cut[: spec.get("limit")]


def train(model, epochs):
    whole = size >= len(x)
    losses = []
    for e in range(epochs):
        cut = batches(orders[e % len(orders)])
        losses.append(sum(step(model, x if whole else x[rows], y if whole else y[rows]) for rows in cut) / len(cut))
    return losses, epochs * len(cut)


model = make(case["genes"], case["classes"])
for rows in batches(orders[0])[:1] * min(30, spec["epochs"] * len(batches(orders[0]))):
    step(model, x[rows], y[rows])
model = make(case["genes"], case["classes"])
wall, cpu = time.perf_counter(), time.process_time()
losses, steps = train(model, spec["epochs"])
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(json.dumps({"wall_s": wall / steps, "cpu_s": cpu / steps, "steps": steps, "peak_mb": high_water(), "losses": losses, "version": "PyTorch " + torch.__version__}))
