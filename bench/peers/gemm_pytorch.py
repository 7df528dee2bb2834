#!/usr/bin/env python3
"""Matrix products of PyTorch, timed like `motley bench gemm`; called by bench/compare.

    python gemm_pytorch.py [--threads 2] [--device cuda [--precision float32|tf32|bf16]] SHAPE...       SHAPE is [batch*]MxNxK[:NN|NT|TN|TT]

Prints one JSON array: shape, time_s (median over batches of calls), gflops, version.
"""

import argparse
import json
import re
import statistics
import time

import torch


def matrix(batch, rows, columns, transposed, **kind):
    """(batch, rows, columns), or a transposed view of what lies the other way round in memory."""
    x = torch.rand(batch, columns, rows) if transposed else torch.rand(batch, rows, columns)
    x = (x * 2 - 1).to(**kind)
    return x.transpose(1, 2) if transposed else x


def median_s(call, wait):
    call()
    wait()
    begin = time.perf_counter()
    call()
    wait()
    runs = max(1, min(2000, int(4e-3 / (time.perf_counter() - begin))))
    times, end = [], time.perf_counter() + 0.4
    while len(times) < 9 or (len(times) < 101 and time.perf_counter() < end):
        begin = time.perf_counter()
        for _ in range(runs):
            call()
        wait()
        times.append((time.perf_counter() - begin) / runs)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="float32", choices=["float32", "tf32", "bf16"])
    parser.add_argument("shape", nargs="+")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.backends.cuda.matmul.allow_tf32 = options.precision == "tf32"
    wait = torch.cuda.synchronize if options.device == "cuda" else lambda: None
    kind = {"device": options.device, "dtype": torch.bfloat16 if options.precision == "bf16" else torch.float32}
    rows = []
    for text in options.shape:
        batch, m, n, k, form = re.fullmatch(r"(?:(\d+)\*)?(\d+)x(\d+)x(\d+)(?::([NT]{2}))?", text).groups("")
        batch, m, n, k = int(batch or 1), int(m), int(n), int(k)
        a, b = matrix(batch, m, k, form[:1] == "T", **kind), matrix(batch, k, n, form[1:] == "T", **kind)
        c = torch.empty(batch, m, n, **kind)
        if batch == 1:
            a, b, c = a[0], b[0], c[0]
        product = torch.mm if batch == 1 else torch.bmm
        with torch.no_grad():
            time_s = median_s(lambda: product(a, b, out=c), wait)
        rows.append({"shape": text, "time_s": time_s, "gflops": 2e-9 * batch * m * n * k / time_s,
                     "version": "PyTorch " + torch.__version__})
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
