#!/usr/bin/env python3
"""motley's operators and PyTorch's, forward and backward: how far apart are they?

    python compare_operators.py [--motley build/motley] [--devices D] [--limit 1e-5] [CASE]...

A case is a layer, or a few, between a linear layer (of pictures a convolution 1x1) that makes its input
and one that makes classes of its output.  PyTorch draws weights and samples; `motley predict` gives the
probabilities, and one step of SGD the gradients of all weights: the change of a weight over the learning
rate, which is so high that the weight's own rounding does not count.  The gradient of the first layer's
weights is right only if that of the operator's input is.

Prints for each case the largest difference of probabilities (or of what a regression predicts) and of
gradients, relative to the largest element of the tensor; exit 1 where one is above the limit.  A layer's
keys are here as in a configuration, so a further case is a line.  Embedding, position, shared weights and
losses at each position: compare_losses.py --net gpt.
"""

import argparse
import csv
import json
import os
import subprocess
import tempfile

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file


LR, BATCH = 1024.0, 13


class Apply(nn.Module):
    """A function of the value before, and of that which the first layer made."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x, first):
        return self.function(x, first)


class Net(nn.Module):
    """A case's modules under the names that motley's layers have."""

    def __init__(self, shape, module, n_out):
        super().__init__()
        self.first = nn.Conv2d(shape[0], shape[0], 1) if len(shape) == 3 else nn.Linear(shape[-1], shape[-1])
        self.op = module()
        width = self.middle(torch.zeros(1, *shape)).shape[1]
        self.last = nn.Linear(width, n_out)

    def middle(self, x):
        first = self.first(x)
        return (self.op(first, first) if isinstance(self.op, Apply) else self.op(first)).flatten(1)

    def forward(self, x):
        return self.last(self.middle(x))


class Attention(nn.Module):
    def __init__(self, width, heads, causal):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (a.view(b, t, self.heads, -1).transpose(1, 2) for a in self.qkv(x).split(c, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.proj(y.transpose(1, 2).reshape(b, t, c))


def function(text, apply, *shape):
    return shape, text, lambda: Apply(apply)


def conv(shape, out, kernel, **more):
    return shape, {"conv2d": {"out": out, "kernel": kernel, "name": "op", **more}}, lambda: nn.Conv2d(
        shape[0], out, kernel, **more)


def pool(kind, module, shape, **more):
    keys = {"count_include_pad" if k == "count_padding" else k + "_size" * (k == "kernel"): v
            for k, v in more.items()}
    return shape, {kind: more}, lambda: module(**keys)


def linear(out, *shape):
    return shape, {"linear": {"out": out, "name": "op"}}, lambda: nn.Linear(shape[-1], out)


def norm(kind, module, *shape, **more):
    return shape, {kind: {"name": "op", **more}}, module


def attention(positions, width, heads, causal):
    return ((positions, width), {"attention": {"heads": heads, "causal": causal, "name": "op"}},
            lambda: Attention(width, heads, causal))


# name: (shape of a sample, motley's layers, PyTorch's module)
CASES = {
    "linear": linear(13, 37),
    "linear, wide": linear(257, 130),
    "linear at positions": linear(11, 9, 23),
    "conv 3x3": conv((3, 9, 7), 5, 3),
    "conv 3x3 same": conv((16, 14, 14), 33, 3, padding="same"),
    "conv 5x3, stride 2x1": conv((3, 13, 11), 7, [5, 3], stride=[2, 1], padding=[2, 1]),
    "conv dilated": conv((4, 15, 13), 6, 3, dilation=[2, 3], padding=[1, 2]),
    "conv 7x7, stride 2": conv((3, 29, 31), 17, 7, stride=2, padding=3),
    "conv 1x1": conv((19, 6, 5), 23, 1, bias=False),
    "conv 1x1, stride 3": conv((5, 10, 11), 8, 1, stride=3),
    "conv groups": conv((6, 9, 8), 9, 3, groups=3, padding=1),
    "conv depthwise": conv((13, 11, 9), 13, 3, groups=13, padding=1),
    "conv depthwise, stride 2": conv((8, 12, 13), 16, 3, groups=8, padding=1, stride=2),
    "max pool": pool("max_pool2d", nn.MaxPool2d, (5, 9, 11), kernel=2),
    "max pool, overlapping": pool("max_pool2d", nn.MaxPool2d, (3, 13, 9), kernel=3, stride=2, padding=1),
    "mean pool": pool("avg_pool2d", nn.AvgPool2d, (4, 11, 7), kernel=[3, 2], stride=[2, 2], padding=[1, 0]),
    "mean pool of pixels": pool("avg_pool2d", nn.AvgPool2d, (4, 11, 7), kernel=3, stride=2, padding=1,
                                count_padding=False),
    "global mean": function("global_avg_pool", lambda x, _: x.mean((2, 3)), 7, 9, 5),
    "relu": function("relu", lambda x, _: F.relu(x), 53),
    "gelu": function("gelu", lambda x, _: F.gelu(x), 53),
    "gelu, tanh": function({"gelu": {"approximate": "tanh"}}, lambda x, _: F.gelu(x, approximate="tanh"), 53),
    "silu": function("silu", lambda x, _: F.silu(x), 53),
    "sigmoid": function("sigmoid", lambda x, _: torch.sigmoid(x), 53),
    "tanh": function("tanh", lambda x, _: torch.tanh(x), 53),
    "leaky relu": function({"leaky_relu": 0.1}, lambda x, _: F.leaky_relu(x, 0.1), 53),
    "layer norm": norm("layer_norm", lambda: nn.LayerNorm(33), 7, 33),
    "layer norm of 2": norm("layer_norm", lambda: nn.LayerNorm([7, 33]), 7, 33, dims=2),
    "layer norm, no bias": norm("layer_norm", lambda: nn.LayerNorm(130, bias=False), 130, bias=False),
    "rms norm": norm("rms_norm", lambda: nn.RMSNorm(33, eps=1.1920929e-7), 7, 33),
    "group norm": norm("group_norm", lambda: nn.GroupNorm(3, 9), 9, 5, 7, groups=3),
    "attention": attention(17, 36, 3, False),
    "attention, causal": attention(33, 64, 2, True),
    "attention, wide": attention(70, 128, 1, True),
    "add": function(["tanh", {"add": "first"}], lambda x, first: torch.tanh(x) + first, 29),
    "concat": function([{"tanh": {"as": "second"}}, {"concat": {"from": ["first", "second"]}}],
                       lambda x, first: torch.cat([first, torch.tanh(x)], 1), 3, 5, 7),
    "permute": function([{"permute": {"order": [2, 1]}}, "tanh", {"mean": {"dim": 1}}],
                        lambda x, _: torch.tanh(x.transpose(1, 2)).mean(1), 6, 11),
    "slice": function({"slice": {"dim": [2, 3], "start": 1, "step": 2}},
                      lambda x, _: x[:, :, 1::2, 1::2], 3, 9, 8),
    "pad": function([{"pad": {"dim": 1, "before": 2, "after": 3}}, {"layer_norm": {"elementwise_affine": False}}],
                    lambda x, _: F.layer_norm(F.pad(x, (2, 3)), [36]), 31),
    "sum": function({"sum": {"dim": [2, 3]}}, lambda x, _: x.sum((2, 3)), 5, 7, 3),
}
# name: (a case above, outputs, loss)
LOSSES = {"cross-entropy, wide": ("tanh", 1001, "cross-entropy"), "mean squared error": ("tanh", 1, "mse")}


def write_table(path, x, y):
    with open(path, "w") as f:
        for row, label in zip(x.flatten(1).tolist(), y.tolist()):
            f.write(",".join(f"{v:.9g}" for v in row + [label]) + "\n")


def config(shape, layers, n_out, loss):
    first = {"conv2d": {"out": shape[0], "kernel": 1}} if len(shape) == 3 else {"linear": {"out": shape[-1]}}
    next(iter(first.values())).update(name="first", **{"as": "first"})
    data = {"set": "csv", "file": "table.csv", "header": False, "standardize": False, "batch": BATCH,
            "standardize_target": False, "test_fraction": 0, "shape": list(shape),
            "task": "regression" if loss == "mse" else "classification"}
    if loss != "mse":
        data["classes"] = n_out
    layers = layers if isinstance(layers, list) else [layers]
    layers = [first, *layers, "flatten", {"linear": {"out": n_out, "name": "last"}}]
    return {"data": data, "model": {"layers": layers, "loss": loss},
            "train": {"steps": 1, "tune": False, "optimizer": {"name": "sgd", "lr": LR}}}


def motley(options, folder, text, weights):
    """(what `predict` says of each sample, weights behind one step)"""
    path = {n: os.path.join(folder, n) for n in ("net.yaml", "weights.safetensors", "out.csv", "run")}
    with open(path["net.yaml"], "w") as f:
        json.dump(text, f)
    save_file(weights, path["weights.safetensors"])
    common = [path["net.yaml"], "--data", folder, "--init", path["weights.safetensors"]]
    common += ["--devices", options.devices] if options.devices else []
    for command in (["predict", *common, "--part", "train", "--csv", path["out.csv"]],
                    ["train", *common, "--out", path["run"], "--quiet"]):
        done = subprocess.run([options.motley] + command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        if done.returncode:
            raise SystemExit(f"motley {command[0]}: {done.stdout[-1000:]}")
    with open(path["out.csv"]) as f:
        rows = list(csv.reader(f))[1:]
    first = 2 if text["model"]["loss"] == "mse" else 3
    out = torch.tensor([[float(v) for v in row[first:]] for row in sorted(rows, key=lambda r: int(r[0]))])
    return out, load_file(os.path.join(path["run"], "model.safetensors"))


def apart(a, b):
    return ((a - b).abs().max() / b.abs().max().clamp(min=1e-30)).item()


def compare(options, case, n_out=3, loss="cross-entropy"):
    """Largest relative differences of what comes out, and of gradients, and whose that is."""
    shape, layers, module = case
    net = Net(shape, module, n_out)
    x = torch.randn(BATCH, *shape)
    y = torch.randn(BATCH) if loss == "mse" else torch.arange(BATCH) % n_out
    out = net(x)
    (F.mse_loss(out[:, 0], y) if loss == "mse" else F.cross_entropy(out, y)).backward()
    weights = {k: v.detach().clone() for k, v in net.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        write_table(os.path.join(folder, "table.csv"), x, y)
        ours, behind = motley(options, folder, config(shape, layers, n_out, loss), weights)
    gradient = {k: apart((weights[k] - behind[k]) / LR, p.grad) for k, p in net.named_parameters()}
    worst = max(gradient, key=gradient.get)
    return apart(ours, out if loss == "mse" else out.softmax(1)), gradient[worst], worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--motley", default="motley")
    parser.add_argument("--devices", default="")
    parser.add_argument("--limit", type=float, default=1e-5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("case", nargs="*", metavar="CASE", help="; ".join([*CASES, *LOSSES]))
    options = parser.parse_args()
    worst = 0.0
    print(f"{'operator':28} {'output':>8} {'gradient':>8}  of")
    for name in options.case or [*CASES, *LOSSES]:
        torch.manual_seed(options.seed)
        case, *more = LOSSES.get(name, (name,))
        forward, backward, which = compare(options, CASES[case], *more)
        worst = max(worst, forward, backward)
        print(f"{name:28} {forward:8.1e} {backward:8.1e}  {which}"
              + ("  TOO FAR" if max(forward, backward) > options.limit else ""), flush=True)
    print(json.dumps({"largest_relative_difference": worst, "limit": options.limit}))
    raise SystemExit(worst > options.limit)


if __name__ == "__main__":
    main()
