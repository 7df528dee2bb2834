#!/usr/bin/env python3
"""Median time of one PyTorch training step on random data; called by bench/compare.

    python step_pytorch.py --net 784-128-10 --batch 64 [--threads 2] [--compile] [--channels-last]
        [--device cuda [--float32]]

The networks are named in cases.py; a GPT learns with AdamW, the others with SGD, as motley does there.
Prints one JSON object.
"""

import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F

import nets


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--net", default="784-128-10")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--channels-last", action="store_true", help="pixels outside, channels inside")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--float32", action="store_true", help="no tf32 in convolutions, where it is the default")
    options = parser.parse_args()

    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    torch.backends.cudnn.allow_tf32 = not options.float32
    net, x, y = (each.to(options.device) for each in nets.example(options.net, options.batch))
    if options.channels_last:
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    run = torch.compile(net) if options.compile else net
    if options.net.startswith("gpt"):
        opt = torch.optim.AdamW(net.parameters(), lr=0.001, fused=True)
    else:
        opt = torch.optim.SGD(net.parameters(), lr=0.01)

    def step():
        opt.zero_grad(set_to_none=True)
        F.cross_entropy(run(x), y).backward()
        opt.step()

    for _ in range(20):
        step()
    # A GPU works behind the program: it is waited for once in ten steps.
    wait, many = (torch.cuda.synchronize, 10) if options.device == "cuda" else (lambda: None, 1)
    wait()
    times = []
    end = time.perf_counter() + options.seconds
    while time.perf_counter() < end:
        begin = time.perf_counter()
        for _ in range(many):
            step()
        wait()
        times.append((time.perf_counter() - begin) / many)
    print(json.dumps({"step_ms": 1e3 * statistics.median(times), "n_steps": len(times),
                      "torch": torch.__version__, "threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main()
