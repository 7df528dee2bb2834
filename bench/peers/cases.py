"""What is compared: shapes of products, and networks."""

import random

SHAPES = ([f"{n}x{n}x{n}:{form}" for n in (512, 1024, 2048) for form in ("NN", "NT", "TN", "TT")]
          + ["256x256x256:NN", "64x128x784:NT", "128x784x64:TN", "512x128x784:NT", "768x512x128:NN",
             "768x128x512:NN", "768x384x128:NN", "48*64x64x32:NN"])

# name: (network, batch).  A network is the sizes of linear layers; cnn: and the channels of convolutions;
# gpt: and layers, heads, width, context, vocabulary
NETS = {"mlp64": ("784-128-10", 64), "mlp512": ("784-128-10", 512), "wide256": ("784-1024-1024-10", 256),
        "wide4096": ("784-1024-1024-10", 4096), "cnn64": ("cnn:32-64-128", 64),
        "gpt12": ("gpt:4-4-128-64-65", 12)}
STEPS = ["mlp64", "mlp512", "wide256", "cnn64", "gpt12"]
SHARES = ["mlp64", "mlp512", "wide256"]

DIGITS = """
data: {set: drawn-digits, batch: %d}
model:
  layers: [%s]
train: {epochs: 1000, optimizer: {name: sgd, lr: 0.01}}
"""
TEXT = """
data: {set: text, file: text.txt, context: %d, batch: %d}
model:
  layers:
    - embedding: {vocabulary: %d, out: %d, std: 0.02, name: token}
    - position: {std: 0.02}
    - repeat: %d
      layers:
        - {layer_norm: {bias: false}}
        - attention: {heads: %d, causal: true, bias: false}
        - add: {from: input, as: attended}
        - {layer_norm: {bias: false}}
        - linear: {out: %d, bias: false}
        - gelu
        - linear: {out: %d, bias: false}
        - add: attended
    - layer_norm: {bias: false}
    - linear: {out: %d, bias: false, tied: token}
train: {epochs: 1000, optimizer: {name: adamw, lr: 0.001}}
"""


def config(net, batch):
    """motley's configuration of such a network: of pictures, on digits that need no files; of a text, on
    text.txt in the folder of --data."""
    kind, _, sizes = net.rpartition(":")
    sizes = [int(n) for n in sizes.split("-")]
    if kind == "gpt":
        layers, heads, width, context, vocabulary = sizes
        return TEXT % (context, batch, vocabulary, width, layers, heads, 4 * width, width, vocabulary)
    if kind == "cnn":
        layers = [f"conv2d: {{out: {n}, kernel: 3, padding: same}}, relu, max_pool2d: 2" for n in sizes]
        layers += ["flatten, linear: 128, relu, linear: 10"]
    else:
        layers = ["flatten", ", relu, ".join(f"linear: {n}" for n in sizes[1:])]
    return DIGITS % (batch, ", ".join(layers))


def text(net):
    """Random characters, as many different ones as a network of a text takes."""
    n = int(net.rpartition("-")[2])
    return "".join(chr(32 + c) for c in random.Random(1).choices(range(n), k=100000))
