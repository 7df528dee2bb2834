#!/usr/bin/env python3
"""motley and PyTorch from the same weights on the same batches: are the losses the same?

    MOTLEY_DATA=... python compare_losses.py [--motley build/motley] [--steps 200] [--limit 1e-3]
    MOTLEY_DATA=... python compare_losses.py --net cnn --optimizer adam --lr 0.001
    MOTLEY_DATA=... python compare_losses.py --net gpt --optimizer adamw --lr 0.001
    MOTLEY_DATA=... python compare_losses.py --net resnet --steps 50

The network is that of examples/mnist_mlp.yaml, of examples/fashion_cnn.yaml without its dropout, or of
examples/cifar_resnet20.yaml, shakespeare_gpt.yaml or, smaller, shakespeare_lstm.yaml, as it is or of GRU;
the learning rate is constant, nothing is clipped, no picture is moved.
--double computes PyTorch's in double precision; --control compares PyTorch with itself in double instead of
with motley: what float32 alone makes of these steps.

1. PyTorch draws initial weights for the network that motley's own model.safetensors (of one step)
   describes, and writes them under the same names; those of ResNet-20 as its authors do.
2. `motley train CONFIG --init WEIGHTS --steps N` with train.log_every=1 writes the loss of every step
   to metrics.jsonl.
3. PyTorch starts from the same file and takes the same batches (motley's permutation, made again in
   motley_data.py).
Exit 1 when any step's loss differs by more than the limit, relative.
"""

import argparse
import itertools
import json
import os
import subprocess
import tempfile

import torch
import torch.nn.functional as F

import motley_data
import nets

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


# net: (example, folder of the data, samples of a batch, learning rate at which PyTorch's float32 stays within
# 1e-3 of its double: the CNN with twice that does not)
NETS = {"mlp": ("mnist_mlp.yaml", "mnist", 64, 0.01), "cnn": ("fashion_cnn.yaml", "fashion-mnist", 64, 0.005),
        "resnet": ("cifar_resnet20.yaml", "cifar-10", 128, 0.01),
        "gpt": ("shakespeare_gpt.yaml", "tiny-shakespeare", 12, 0.01),
        "lstm": ("shakespeare_lstm.yaml", "tiny-shakespeare", 32, 0.01),
        "gru": ("shakespeare_lstm.yaml", "tiny-shakespeare", 32, 0.01)}
# Mean and deviation of the channels of pictures.
PIXELS = {"mlp": ((0.1307,), (0.3081,)), "cnn": ((0.2860,), (0.3530,)),
          "resnet": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))}
# Without its dropout; gru: with that instead.
RECURRENT_LAYERS = "[embedding: {{vocabulary: 65, out: 64, name: token}}, {0}: 64, {0}: 64, linear: 65]"
CNN_LAYERS = ("[conv2d: {out: 32, kernel: 3, padding: same}, relu, max_pool2d: 2, "
              "conv2d: {out: 64, kernel: 3, padding: same}, relu, max_pool2d: 2, "
              "flatten, linear: 128, relu, linear: 10]")


def motley_losses(options, folder):
    """Initial weights' path, and the loss of each step."""
    common = [options.config, "--seed", str(options.seed), "--data", options.data,
              "--set", f"data.batch={options.batch}", "--set", "train.clip_norm=0",
              "--set", "train.schedule={name: constant}",
              "--set", f"train.optimizer={{name: {options.optimizer}, lr: {options.lr}, "
                       f"momentum: {options.momentum}, weight_decay: {options.weight_decay}}}"]
    if options.net == "cnn":
        common += ["--set", "model.layers=" + CNN_LAYERS]
    if options.net == "resnet":
        common += ["--set", "data.augment={}"]
    if options.net in ("lstm", "gru"):
        common += ["--set", "model.layers=" + RECURRENT_LAYERS.format(options.net)]
    if options.devices:
        common += ["--devices", options.devices]
    start, run = os.path.join(folder, "start"), os.path.join(folder, "run")
    weights = os.path.join(folder, "weights.safetensors")
    command = [options.motley, "train"] + common
    subprocess.run(command + ["--steps", "1", "--out", start], check=True,
                   stdout=subprocess.DEVNULL)
    torch.manual_seed(options.seed)
    nets.redraw(os.path.join(start, "model.safetensors"), weights, he=options.net == "resnet")
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


def training_batches(options):
    """Inputs and labels of every step, without end."""
    if options.net in ("gpt", "lstm", "gru"):
        tokens, _ = motley_data.shakespeare(options.data)
        for window in motley_data.windows(tokens, 64, options.batch, options.seed):
            window = torch.tensor(window)
            yield window[:, :-1], window[:, 1:]
    if options.net == "resnet":
        images, labels = motley_data.cifar(options.data)
    else:
        images, labels, _, _ = motley_data.mnist(options.data)
    mean, deviation = (torch.tensor(v).view(1, -1, 1, 1) for v in PIXELS[options.net])
    x = (torch.tensor(images).view(len(images), len(mean[0]), *images.shape[-2:]).float() / 255 - mean) / deviation
    y = torch.tensor(labels).long()
    for rows in motley_data.batches(len(x), options.batch, options.seed):
        yield x[rows], y[rows]


def pytorch_losses(options, weights, double):
    net = {"mlp": lambda: torch.nn.Sequential(torch.nn.Flatten(), nets.mlp_from_safetensors(weights)),
           "cnn": lambda: nets.cnn_from_safetensors(weights, 28),
           "resnet": lambda: nets.resnet20_from_safetensors(weights),
           "gpt": lambda: nets.gpt_from_safetensors(weights, 4),
           "lstm": lambda: nets.recurrent_from_safetensors(weights, torch.nn.LSTM),
           "gru": lambda: nets.recurrent_from_safetensors(weights, torch.nn.GRU)}[options.net]()
    net = net.double() if double else net
    opt = nets.optimizer(options.optimizer, net.parameters(), options.lr, options.momentum,
                         options.weight_decay)
    losses = []
    for x, y in itertools.islice(training_batches(options), options.steps):
        opt.zero_grad(set_to_none=True)
        loss = F.cross_entropy(net(x.double() if double and x.is_floating_point() else x), y)
        losses.append(loss.item())
        loss.backward()
        opt.step()
    return losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--motley", default="motley")
    parser.add_argument("--net", choices=sorted(NETS), default="mlp")
    parser.add_argument("--config", default="", help="instead of the example of the net")
    parser.add_argument("--data", default="")
    parser.add_argument("--devices", default="")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--limit", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=0, help="as the example has it")
    parser.add_argument("--optimizer", choices=["sgd", "adam", "adamw"], default="sgd")
    parser.add_argument("--lr", type=float, default=0, help="else one at which float32 is stable")
    parser.add_argument("--momentum", type=float, default=0.0)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--double", action="store_true")
    parser.add_argument("--control", action="store_true")
    options = parser.parse_args()
    options.config = options.config or os.path.join(ROOT, "examples", NETS[options.net][0])
    options.batch = options.batch or NETS[options.net][2]
    options.lr = options.lr or NETS[options.net][3]
    options.data = options.data or motley_data.data_folder(NETS[options.net][1])

    with tempfile.TemporaryDirectory() as folder:
        weights, ours = motley_losses(options, folder)
        theirs = pytorch_losses(options, weights, options.double or options.control)
        if options.control:
            ours = pytorch_losses(options, weights, False)
    if len(ours) != len(theirs):
        raise SystemExit(f"metrics.jsonl has {len(ours)} losses of steps, expected {len(theirs)}")
    apart = [abs(a - b) / abs(b) for a, b in zip(ours, theirs)]
    for step in sorted({0, 1, 2, 5, 10, 20, 50, 100, options.steps - 1}):
        if step < len(ours):
            print(f"step {step:4d} {'pytorch float32' if options.control else 'motley'} {ours[step]:.6f} pytorch {theirs[step]:.6f} "
                  f"relative {apart[step]:.2e}")
    worst = max(range(len(apart)), key=apart.__getitem__)
    print(json.dumps({"steps": len(ours), "largest_relative_difference": apart[worst],
                      "at_step": worst, "limit": options.limit}))
    raise SystemExit(apart[worst] > options.limit)


if __name__ == "__main__":
    main()
