#!/usr/bin/env python3
"""motley and PyTorch from the same weights on the same batches: are the losses the same?

    MOTLEY_DATA=... python compare_losses.py [--motley build/motley] [--steps 200] [--limit 1e-4]
    MOTLEY_DATA=... python compare_losses.py --net cnn --steps 50 --limit 1e-3 --optimizer adam --lr 0.001

The network is that of examples/mnist_mlp.yaml, or of examples/fashion_cnn.yaml without its dropout.

1. PyTorch draws initial weights for the network that motley's own model.safetensors (of one step)
   describes, and writes them under the same names.
2. `motley train CONFIG --init WEIGHTS --steps N` with train.log_every=1 writes the loss of every step
   to metrics.jsonl.
3. PyTorch starts from the same file and takes the same batches (motley's permutation, made again in
   motley_data.py).
Exit 1 when any step's loss differs by more than the limit, relative.
"""

import argparse
import json
import os
import subprocess
import tempfile

import torch
import torch.nn.functional as F

import motley_data
import nets

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


# net: (configuration, folder of the data, mean and deviation of its pixels)
NETS = {"mlp": ("mnist_mlp.yaml", "mnist", 0.1307, 0.3081),
        "cnn": ("fashion_cnn.yaml", "fashion-mnist", 0.2860, 0.3530)}
CNN_LAYERS = ("[conv2d: {out: 32, kernel: 3, padding: same}, relu, max_pool2d: 2, "
              "conv2d: {out: 64, kernel: 3, padding: same}, relu, max_pool2d: 2, "
              "flatten, linear: 128, relu, linear: 10]")


def motley_losses(options, folder):
    """Initial weights' path, and the loss of each step."""
    common = [options.config, "--seed", str(options.seed), "--data", options.data,
              "--set", f"data.batch={options.batch}",
              "--set", f"train.optimizer.name={options.optimizer}",
              "--set", f"train.optimizer.lr={options.lr}"]
    if options.momentum:
        common += ["--set", f"train.optimizer.momentum={options.momentum}"]
    if options.weight_decay:
        common += ["--set", f"train.optimizer.weight_decay={options.weight_decay}"]
    if options.net == "cnn":
        common += ["--set", "model.layers=" + CNN_LAYERS]
    if options.devices:
        common += ["--devices", options.devices]
    start, run = os.path.join(folder, "start"), os.path.join(folder, "run")
    weights = os.path.join(folder, "weights.safetensors")
    command = [options.motley, "train"] + common
    subprocess.run(command + ["--steps", "1", "--out", start], check=True,
                   stdout=subprocess.DEVNULL)
    torch.manual_seed(options.seed)
    nets.redraw(os.path.join(start, "model.safetensors"), weights)
    subprocess.run(command + ["--init", weights, "--steps", str(options.steps), "--out", run,
                              "--set", "train.log_every=1"], check=True,
                   stdout=subprocess.DEVNULL)
    losses = {}
    with open(os.path.join(run, "metrics.jsonl")) as f:
        for line in f:
            event = json.loads(line)
            if "epoch" not in event and event.get("loss") is not None:
                losses[event["step"]] = event["loss"]
    # Steps are counted from 0 or, as steps done, from 1.
    first = min(losses)
    return weights, [losses[first + i] for i in range(options.steps) if first + i in losses]


def pytorch_losses(options, weights):
    images, labels, _, _ = motley_data.mnist(options.data)
    _, _, mean, deviation = NETS[options.net]
    x = (torch.tensor(images).reshape(len(images), -1).float() / 255 - mean) / deviation
    y = torch.tensor(labels).long()
    if options.net == "cnn":
        x = x.reshape(-1, 1, 28, 28)
        net = nets.cnn_from_safetensors(weights, 28)
    else:
        net = nets.mlp_from_safetensors(weights)
    opt = nets.optimizer(options.optimizer, net.parameters(), options.lr, options.momentum,
                         options.weight_decay)
    losses = []
    for rows in motley_data.batches(len(x), options.batch, options.seed):
        rows = torch.tensor(rows)
        opt.zero_grad(set_to_none=True)
        loss = F.cross_entropy(net(x[rows]), y[rows])
        losses.append(loss.item())
        loss.backward()
        opt.step()
        if len(losses) == options.steps:
            return losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--motley", default="motley")
    parser.add_argument("--net", choices=sorted(NETS), default="mlp")
    parser.add_argument("--config", default="", help="instead of the example of the net")
    parser.add_argument("--data", default="")
    parser.add_argument("--devices", default="")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--limit", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--momentum", type=float, default=0.0)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    options = parser.parse_args()
    options.config = options.config or os.path.join(ROOT, "examples", NETS[options.net][0])
    options.data = options.data or motley_data.data_folder(NETS[options.net][1])

    with tempfile.TemporaryDirectory() as folder:
        weights, ours = motley_losses(options, folder)
        theirs = pytorch_losses(options, weights)
    if len(ours) != len(theirs):
        raise SystemExit(f"metrics.jsonl has {len(ours)} losses of steps, expected {len(theirs)}")
    apart = [abs(a - b) / abs(b) for a, b in zip(ours, theirs)]
    for step in sorted({0, 1, 2, 5, 10, 20, 50, 100, options.steps - 1}):
        if step < len(ours):
            print(f"step {step:4d} motley {ours[step]:.6f} pytorch {theirs[step]:.6f} "
                  f"relative {apart[step]:.2e}")
    worst = max(range(len(apart)), key=apart.__getitem__)
    print(json.dumps({"steps": len(ours), "largest_relative_difference": apart[worst],
                      "at_step": worst, "limit": options.limit}))
    raise SystemExit(apart[worst] > options.limit)


if __name__ == "__main__":
    main()
