"""The peers' networks in PyTorch: chains of linear layers with relu between them, small convolutional
networks, ResNet-20, recurrent networks and GPTs."""

import torch
import torch.nn as nn
import torch.nn.functional as F
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


class Normalized(nn.Module):
    """Convolution and batch norm, called as in examples/cifar_resnet20.yaml."""

    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.batch_norm1 = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.batch_norm1(self.conv1(x))


class Residual(nn.Module):
    """Two of them beside a residual connection; with more outputs than inputs half as high and wide."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.more = (outputs - inputs) // 2
        self.normalized1 = Normalized(inputs, outputs, 2 if self.more else 1)
        self.normalized2 = Normalized(outputs, outputs)

    def forward(self, x):
        y = self.normalized2(F.relu(self.normalized1(x)))
        if self.more:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.more, self.more))
        return F.relu(x + y)


class ResNet20(nn.Module):
    """That of examples/cifar_resnet20.yaml, with its names."""

    def __init__(self):
        super().__init__()
        self.normalized1 = Normalized(3, 16)
        self.blocks, made, counts = [], 16, {}
        for outputs in (16, 16, 16, 32, 32, 32, 64, 64, 64):
            kind = "residual" if outputs == made else "narrower"
            counts[kind] = counts.get(kind, 0) + 1
            self.blocks.append(f"{kind}{counts[kind]}")
            self.add_module(self.blocks[-1], Residual(made, outputs))
            made = outputs
        self.fc1 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.normalized1(x))
        for block in self.blocks:
            x = getattr(self, block)(x)
        return self.fc1(x.mean((2, 3)))


class Block(nn.Module):
    """Attention and two linear layers, each behind a layer norm and beside a residual connection."""

    def __init__(self, heads, width):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.qkv, self.proj = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def attend(self, x):
        b, t, c = x.shape
        q, k, v = (a.view(b, t, self.heads, -1).transpose(1, 2) for a in self.qkv(x).split(c, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).reshape(b, t, c))

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class GPT(nn.Module):
    """That of examples/shakespeare_gpt.yaml, which is nanoGPT's: no biases, the embedding's table is
    the output layer's weight, too."""

    def __init__(self, layers, heads, width, context, vocabulary):
        super().__init__()
        self.vocabulary = vocabulary
        self.token, self.position = nn.Embedding(vocabulary, width), nn.Parameter(torch.zeros(context, width))
        self.blocks = nn.ModuleList([Block(heads, width) for _ in range(layers)])
        self.norm = nn.LayerNorm(width, bias=False)
        for name, p in self.named_parameters():
            if "norm" not in name:
                into_residual = name.endswith(("proj.weight", "fc2.weight"))
                nn.init.normal_(p, 0, 0.02 / (2 * layers) ** 0.5 if into_residual else 0.02)

    def forward(self, ids):
        """(B,T) to logits (B,vocabulary,T), as cross_entropy takes them."""
        x = self.token(ids) + self.position
        for block in self.blocks:
            x = block(x)
        return F.linear(self.norm(x), self.token.weight).transpose(1, 2)


class Recurrent(nn.Module):
    """Embedding, recurrent layers of one kind (nn.LSTM, nn.GRU), linear."""

    def __init__(self, kind, layers, vocabulary, width, hidden):
        super().__init__()
        self.token, self.fc1 = nn.Embedding(vocabulary, width), nn.Linear(hidden, vocabulary)
        self.layers = nn.ModuleList(kind(hidden if i else width, hidden, batch_first=True) for i in range(layers))

    def forward(self, ids):
        """(B,T) to logits (B,vocabulary,T), as cross_entropy takes them."""
        x = self.token(ids)
        for layer in self.layers:
            x, _ = layer(x)
        return self.fc1(x).transpose(1, 2)


def example(spec, batch):
    """A network of bench/peers/cases.py, random inputs and labels of it."""
    kind, _, sizes = spec.rpartition(":")
    sizes = [int(n) for n in sizes.split("-")]
    if kind == "gpt":
        return (GPT(*sizes), *torch.randint(0, sizes[-1], (2, batch, sizes[3])))
    if kind == "resnet":
        net, x = ResNet20(), torch.randn(batch, 3, 32, 32)
    elif kind == "cnn":
        net, x = cnn(sizes, 28, 128, 10), torch.randn(batch, 1, 28, 28)
    else:
        net, x = mlp(sizes), torch.randn(batch, sizes[0])
    return net, x, torch.randint(0, 10, (batch,))


def redraw(source, target, he=False):
    """Write the tensors of one safetensors file to another with fresh weights as nn.Linear and nn.Conv2d
    draw them: uniform within 1/sqrt(inputs of an output), biases too.  Those of norms are around 1; running
    means are 0, variances 1.  he: weights of convolutions are normal, of variance 2/inputs."""
    tensors = load_file(source)
    bound = {k.rsplit(".", 1)[0]: (v.numel() / v.shape[0]) ** -0.5 for k, v in tensors.items() if v.dim() > 1}

    def draw(name, like):
        layer, parameter = name.rsplit(".", 1)
        if parameter.startswith("running"):
            return torch.full_like(like, float(parameter == "running_var"))
        if he and like.dim() == 4:
            return torch.empty_like(like).normal_(0, 2 ** 0.5 * bound[layer])
        middle = 1.0 if layer not in bound and parameter == "weight" else 0.0
        return middle + torch.empty_like(like).uniform_(-1, 1) * bound.get(layer, 0.5)

    save_file({k: draw(k, v) for k, v in tensors.items()}, target)


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


def resnet20_from_safetensors(path):
    net = ResNet20()
    missing, unexpected = net.load_state_dict(load_file(path), strict=False)
    if unexpected or any("num_batches_tracked" not in name for name in missing):
        raise SystemExit(f"{path}: {missing} are missing, {unexpected} unexpected")
    return net


def gpt_from_safetensors(path, heads):
    """The network `GPT` that motley's model.safetensors holds."""
    tensors = load_file(path)
    context, width = tensors["position1.weight"].shape
    blocks = {k.split(".")[0] for k in tensors if k.startswith("block")}
    net = GPT(len(blocks), heads, width, context, tensors["token.weight"].shape[0])
    names = {"norm": "layer_norm1", "norm1": "layer_norm1", "norm2": "layer_norm2", "qkv": "attn1.qkv",
             "proj": "attn1.proj", "position": "position1.weight"}
    with torch.no_grad():
        for name, p in net.named_parameters():
            parts = [names.get(n, n) for n in name.split(".")]
            if parts[0] == "blocks":
                parts[:2] = [f"block{int(parts[1]) + 1}"]
            p.copy_(tensors[".".join(parts)])
    return net


def recurrent_from_safetensors(path, kind):
    """The network `Recurrent` that motley's model.safetensors holds, whose layers are called lstm1, gru1, ..."""
    tensors = load_file(path)
    hidden = [v.shape[1] for k, v in sorted(tensors.items()) if k.endswith("weight_hh_l0")]
    net = Recurrent(kind, len(hidden), *tensors["token.weight"].shape, hidden[0])
    with torch.no_grad():
        for name, p in net.named_parameters():
            parts = name.split(".")
            if parts[0] == "layers":
                parts[:2] = [f"{kind.__name__.lower()}{int(parts[1]) + 1}"]
            p.copy_(tensors[".".join(parts)])
    return net


def optimizer(name, parameters, lr, momentum=0.0, weight_decay=0.0):
    if name == "adam":
        return torch.optim.Adam(parameters, lr=lr, weight_decay=weight_decay)
    if name == "adamw":
        return torch.optim.AdamW(parameters, lr=lr, weight_decay=weight_decay)
    return torch.optim.SGD(parameters, lr=lr, momentum=momentum, weight_decay=weight_decay)
