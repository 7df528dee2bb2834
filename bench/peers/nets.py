"""The peers' networks in PyTorch: chains of linear layers with relu between them, and small
convolutional networks."""

import torch
import torch.nn as nn
from safetensors.torch import load_file, save_file


def mlp(sizes):
    """A chain 784-128-10 as nn.Sequential, PyTorch's default initialization."""
    layers = []
    for i, (k, n) in enumerate(zip(sizes, sizes[1:])):
        layers += ([nn.ReLU()] if i else []) + [nn.Linear(k, n)]
    return nn.Sequential(*layers)


def cnn(channels, image, hidden, classes, dropout=0.0):
    """Convolutions 3x3 with relu and 2x2 max pooling behind each, then two linear layers."""
    layers, made = [], 1
    for n in channels:
        layers += [nn.Conv2d(made, n, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        made, image = n, image // 2
    layers += [nn.Flatten(), nn.Linear(made * image * image, hidden), nn.ReLU()]
    layers += ([nn.Dropout(dropout)] if dropout else []) + [nn.Linear(hidden, classes)]
    return nn.Sequential(*layers)


def redraw(source, target):
    """Write the tensors of one safetensors file to another with fresh weights as nn.Linear and nn.Conv2d
    draw them: uniform within 1/sqrt(inputs of an output), biases too."""
    tensors = load_file(source)
    bound = {k.rsplit(".", 1)[0]: (v.numel() / v.shape[0]) ** -0.5 for k, v in tensors.items() if v.dim() > 1}
    save_file({k: torch.empty_like(v).uniform_(-bound[k.rsplit(".", 1)[0]], bound[k.rsplit(".", 1)[0]])
               for k, v in tensors.items()}, target)


def mlp_from_safetensors(path):
    """The chain that motley's model.safetensors holds, with its weights: pairs NAME.weight (N,K) and
    NAME.bias (N) in the order in which outputs meet inputs."""
    tensors = load_file(path)
    left = {k[:-len(".weight")]: v for k, v in tensors.items() if k.endswith(".weight")}
    made = {v.shape[0] for v in left.values()}
    # The first layer is the one whose inputs no other layer makes; ties go by name.
    chain = []
    first = [k for k, v in sorted(left.items()) if v.shape[1] not in made] or sorted(left)
    name = first[0]
    while True:
        chain.append(name)
        weight = left.pop(name)
        following = [k for k in sorted(left) if left[k].shape[1] == weight.shape[0]]
        if not following:
            break
        name = following[0]
    if left:
        raise SystemExit(f"{path}: not a chain of linear layers: {sorted(left)} are left over")
    net = mlp([tensors[chain[0] + ".weight"].shape[1]]
              + [tensors[n + ".weight"].shape[0] for n in chain])
    linears = [m for m in net if isinstance(m, nn.Linear)]
    with torch.no_grad():
        for name, linear in zip(chain, linears):
            linear.weight.copy_(tensors[name + ".weight"])
            linear.bias.copy_(tensors[name + ".bias"])
    return net


def cnn_from_safetensors(path, image):
    """The network `cnn` that motley's model.safetensors holds, conv1, conv2, ..., fc1, fc2."""
    tensors = load_file(path)
    convs = sorted(k for k in tensors if k.startswith("conv") and k.endswith(".weight"))
    net = cnn([tensors[k].shape[0] for k in convs], image, *(tensors[f"fc{i}.weight"].shape[0] for i in (1, 2)))
    modules = [m for m in net if hasattr(m, "weight")]
    with torch.no_grad():
        for name, module in zip([k[:-len(".weight")] for k in convs] + ["fc1", "fc2"], modules):
            module.weight.copy_(tensors[name + ".weight"])
            module.bias.copy_(tensors[name + ".bias"])
    return net


def optimizer(name, parameters, lr, momentum=0.0, weight_decay=0.0):
    if name == "adam":
        return torch.optim.Adam(parameters, lr=lr, weight_decay=weight_decay)
    return torch.optim.SGD(parameters, lr=lr, momentum=momentum, weight_decay=weight_decay)
