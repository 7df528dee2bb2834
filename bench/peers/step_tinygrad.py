#!/usr/bin/env python3
"""Median time of one tinygrad training step of an MLP on random data; called by bench/compare.

    DEV=CL python step_tinygrad.py --sizes 784-128-10 --batch 64 [--seconds 2]

The step is captured by TinyJit and ends with reading the loss, as a training loop would.  Prints one
JSON object.
"""

import argparse
import json
import statistics
import time
from importlib.metadata import version

from tinygrad import Device, Tensor, TinyJit, nn
from tinygrad.helpers import Context
from tinygrad.nn.optim import SGD


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", default="784-128-10")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    sizes = [int(n) for n in options.sizes.split("-")]
    layers = [nn.Linear(k, n) for k, n in zip(sizes, sizes[1:])]
    opt = SGD([p for layer in layers for p in (layer.weight, layer.bias)], lr=0.01)
    x = Tensor.randn(options.batch, sizes[0]).realize()
    y = Tensor.randint(options.batch, high=sizes[-1]).realize()

    @TinyJit
    def step():
        with Context(TRAINING=1):
            opt.zero_grad()
            h = x
            for i, layer in enumerate(layers):
                h = layer(h.relu() if i else h)
            loss = h.sparse_categorical_crossentropy(y).backward()
            opt.step()
            return loss.realize()

    for _ in range(5):
        step().item()
    times, end = [], time.perf_counter() + options.seconds
    while len(times) < 5 or time.perf_counter() < end:
        begin = time.perf_counter()
        step().item()
        times.append(time.perf_counter() - begin)
    print(json.dumps({"step_ms": 1e3 * statistics.median(times), "n_steps": len(times),
                      "version": f"tinygrad {version('tinygrad')} {Device.DEFAULT}"}))


if __name__ == "__main__":
    main()
