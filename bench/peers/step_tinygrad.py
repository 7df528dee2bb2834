#!/usr/bin/env python3
"""Median time of one tinygrad training step of an MLP or a CNN on random data; called by bench/compare.

    DEV=CL python step_tinygrad.py --net 784-128-10 --batch 64 [--seconds 2]

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


def linears(sizes):
    """Linear layers with relu between them."""
    layers = [nn.Linear(k, n) for k, n in zip(sizes, sizes[1:])]
    return sum(([layer, Tensor.relu] for layer in layers), [])[:-1]


def network(spec):
    """(layers, shape of a sample) of a network of cases.py"""
    kind, _, sizes = spec.rpartition(":")
    sizes = [int(n) for n in sizes.split("-")]
    if kind != "cnn":
        return linears(sizes), (sizes[0],)
    layers, made, image = [], 1, 28
    for n in sizes:
        layers += [nn.Conv2d(made, n, 3, padding=1), Tensor.relu, Tensor.max_pool2d]
        made, image = n, image // 2
    return layers + [lambda x: x.flatten(1)] + linears([made * image * image, 128, 10]), (1, 28, 28)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--net", default="784-128-10")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    layers, sample = network(options.net)
    opt = SGD(nn.state.get_parameters(layers), lr=0.01)
    x = Tensor.randn(options.batch, *sample).realize()
    y = Tensor.randint(options.batch, high=10).realize()

    @TinyJit
    def step():
        with Context(TRAINING=1):
            opt.zero_grad()
            loss = x.sequential(layers).sparse_categorical_crossentropy(y).backward()
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
