#!/usr/bin/env python3
"""Median time of one step of PyTorch DistributedDataParallel over gloo, ranks of one thread each;
bench/compare calls it through torchrun.

    torchrun --nproc_per_node 2 step_ddp.py --net 784-128-10 --batch 64 [--seconds 2]

`--batch` is the global batch, shared equally.  Rank 0 prints one JSON object.
"""

import argparse
import json
import statistics
import time

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch.nn.parallel import DistributedDataParallel

import nets


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--net", default="784-128-10")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    net, x, y = nets.example(options.net, options.batch // dist.get_world_size())
    net = DistributedDataParallel(net)
    opt = torch.optim.SGD(net.parameters(), lr=0.01)

    def step():
        opt.zero_grad(set_to_none=True)
        F.cross_entropy(net(x), y).backward()
        opt.step()

    def timed():
        begin = time.perf_counter()
        step()
        return time.perf_counter() - begin

    for _ in range(20):
        step()
    # All ranks make the same number of steps.
    n = torch.tensor([max(10, int(options.seconds / max(timed() for _ in range(5))))])
    dist.broadcast(n, 0)
    times = [timed() for _ in range(int(n))]
    if dist.get_rank() == 0:
        print(json.dumps({"step_ms": 1e3 * statistics.median(times), "n_steps": len(times),
                          "version": f"PyTorch {torch.__version__} DDP, {dist.get_world_size()} ranks"}))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
