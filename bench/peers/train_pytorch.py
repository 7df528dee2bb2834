#!/usr/bin/env python3
"""PyTorch on the recipe of examples/mnist_mlp.yaml, for its accuracy over a few seeds.

    MOTLEY_DATA=... python train_pytorch.py [--seeds 1 2 3] [--optimizer adam --lr 0.001]

MLP 784-128-10 with relu, pixels normalized by (0.1307, 0.3081), batch 64, shuffled, SGD 0.01,
10 epochs on all 60,000 samples, cross-entropy.  Prints a line a seed, then one JSON object.
"""

import argparse
import json

import torch
import torch.nn.functional as F

import motley_data
import nets


def accuracy(net, x, y):
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


def train(seed, options, x, y, test_x, test_y):
    torch.manual_seed(seed)
    net = nets.mlp([784, 128, 10])
    opt = nets.optimizer(options.optimizer, net.parameters(), options.lr)
    losses = []
    for _ in range(options.epochs):
        total = 0.0
        order = torch.randperm(len(x))
        for first in range(0, len(x), options.batch):
            rows = order[first:first + options.batch]
            opt.zero_grad(set_to_none=True)
            loss = F.cross_entropy(net(x[rows]), y[rows])
            loss.backward()
            opt.step()
            total += loss.item() * len(rows)
        losses.append(total / len(x))
    return accuracy(net, test_x, test_y), losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--data", default=motley_data.data_folder("mnist"))
    options = parser.parse_args()

    images, labels, test_images, test_labels = motley_data.mnist(options.data)
    prepare = lambda a: (torch.tensor(a).reshape(len(a), -1).float() / 255 - 0.1307) / 0.3081
    x, test_x = prepare(images), prepare(test_images)
    y, test_y = torch.tensor(labels).long(), torch.tensor(test_labels).long()
    results = []
    for seed in options.seeds:
        test_accuracy, losses = train(seed, options, x, y, test_x, test_y)
        results.append(test_accuracy)
        print(f"seed {seed} test_accuracy {test_accuracy:.4f} epoch_losses "
              + " ".join(f"{v:.5f}" for v in losses), flush=True)
    print(json.dumps({"torch": torch.__version__, "optimizer": options.optimizer, "lr": options.lr,
                      "test_accuracy": results}))


if __name__ == "__main__":
    main()
