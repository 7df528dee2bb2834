#!/usr/bin/env python3
"""Convolutions and attention of PyTorch, timed like `motley bench conv` and `bench attention`; called by
bench/compare.

    python layers_pytorch.py conv|attention [--threads 2] SHAPE...        shapes as `motley bench` has them

Prints one JSON array: shape, what, time_s (median over batches of calls), version.  What is forward, dinput,
dweight and, both in one call, backward of a convolution, forward and backward of attention.
"""

import argparse
import json
import re

import torch
import torch.nn.functional as F

from gemm_pytorch import median_s


def uniform(*shape):
    return torch.rand(*shape) * 2 - 1


def convolution(text):
    """{what: call}"""
    match = re.fullmatch(r"(\d+)x(\d+)x(\d+)x(\d+):(\d+)x(\d+)x(\d+)(?:/(\d+))?(?:g(\d+))?", text)
    batch, channels, height, width, outs, down, across, stride, groups = (int(n or 1) for n in match.groups())
    x, w = uniform(batch, channels, height, width), uniform(outs, channels // groups, down, across)
    padding = [down // 2, across // 2]

    def forward():
        return F.conv2d(x, w, None, stride, padding, 1, groups)

    dy = torch.rand_like(forward())

    def backward(dinput, dweight):
        return lambda: torch.ops.aten.convolution_backward(dy, x, w, None, [stride] * 2, padding, [1, 1], False,
                                                           [0, 0], groups, [dinput, dweight, False])

    return {"forward": forward, "dinput": backward(True, False), "dweight": backward(False, True),
            "backward": backward(True, True)}


def attention(text):
    sizes, _, form = text.partition(":")
    q, k, v = (uniform(*(int(n) for n in sizes.split("x"))).requires_grad_() for _ in range(3))
    dy = torch.rand_like(q)

    def forward():
        return F.scaled_dot_product_attention(q, k, v, is_causal=form != "full")

    y = forward()
    return {"forward": torch.no_grad()(forward),
            "backward": lambda: torch.autograd.grad(y, (q, k, v), dy, retain_graph=True)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=["conv", "attention"])
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("shape", nargs="+")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    rows = []
    for text in options.shape:
        for what, call in {"conv": convolution, "attention": attention}[options.kind](text).items():
            rows.append({"shape": text, "what": what, "time_s": median_s(call, lambda: None),
                         "version": "PyTorch " + torch.__version__})
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
