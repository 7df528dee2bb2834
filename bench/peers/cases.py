"""What is compared: shapes of products, and networks."""

import os
import random
import re

SHAPES = ([f"{n}x{n}x{n}:{form}" for n in (512, 1024, 2048) for form in ("NN", "NT", "TN", "TT")]
          + ["256x256x256:NN", "64x128x784:NT", "128x784x64:TN", "512x128x784:NT", "768x512x128:NN",
             "768x128x512:NN", "768x384x128:NN", "48*64x64x32:NN"])

# As `motley bench conv` and `bench attention` take them.
CONVOLUTIONS = ["64x32x14x14:64x3x3", "32x64x32x32:64x3x3", "128x16x32x32:16x3x3", "128x64x8x8:64x3x3",
                "64x64x14x14:128x1x1", "64x16x14x14:32x5x5", "64x32x28x28:64x3x3/2", "32x3x64x64:64x7x7/2",
                "64x64x14x14:64x3x3g64"]
ATTENTIONS = ["12x4x64x32", "12x4x64x32:full", "8x6x256x64", "8x6x256x64:full"]

GPU_SHAPES = ["1024x1024x1024:NN", "2048x2048x2048:NN", "4096x4096x4096:NN", "4096x4096x4096:NT",
              "4096x4096x4096:TN", "8192x8192x8192:NN", "16384x384x1536:NN"]

# name: (network, batch).  A network is the sizes of linear layers; cnn: and the channels of convolutions;
# resnet: and the layers, of examples/cifar_resnet20.yaml; gpt: and layers, heads, width, context, vocabulary
NETS = {"mlp64": ("784-128-10", 64), "mlp512": ("784-128-10", 512), "wide256": ("784-1024-1024-10", 256),
        "wide4096": ("784-1024-1024-10", 4096), "cnn1024": ("cnn:32-64-128", 1024),
        "resnet1024": ("resnet:20", 1024), "gpt64": ("gpt:6-6-384-256-65", 64), "cnn64": ("cnn:32-64-128", 64),
        "resnet128": ("resnet:20", 128), "gpt12": ("gpt:4-4-128-64-65", 12)}
STEPS = ["mlp64", "mlp512", "wide256", "cnn64", "resnet128", "gpt12"]
GPU_STEPS = ["wide4096", "cnn1024", "resnet1024", "gpt64"]
SHARES = ["mlp64", "mlp512", "wide256"]

DIGITS = """
data: {set: drawn-digits, samples: %d, batch: %d}
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


RESNET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/cifar_resnet20.yaml")

# Every step takes a full batch: multiples of all batches above, of the text with what is held back for validation.
DIGITS_SAMPLES, PICTURES, CHARACTERS = 12000, 2048, 109230


def config(net, batch):
    """motley's configuration of such a network, on digits that need no files or on those of `files` in the
    folder of --data."""
    kind, _, sizes = net.rpartition(":")
    sizes = [int(n) for n in sizes.split("-")]
    if kind == "resnet":
        with open(RESNET) as f:
            example = re.sub("  augment: .*\n", "", f.read())
        example = re.sub("batch: 128", f"batch: {batch}", example)
        return example[:example.index("\ntrain:")] + "\ntrain: {optimizer: {name: sgd, lr: 0.01}}\n"
    if kind == "gpt":
        layers, heads, width, context, vocabulary = sizes
        return TEXT % (context, batch, vocabulary, width, layers, heads, 4 * width, width, vocabulary)
    if kind == "cnn":
        layers = [f"conv2d: {{out: {n}, kernel: 3, padding: same}}, relu, max_pool2d: 2" for n in sizes]
        layers += ["flatten, linear: 128, relu, linear: 10"]
    else:
        layers = ["flatten", ", relu, ".join(f"linear: {n}" for n in sizes[1:])]
    return DIGITS % (-(-DIGITS_SAMPLES // batch) * batch, batch, ", ".join(layers))


def files(net):
    """{name: bytes} of the files that its data set reads: random pictures, or random characters, as many
    different ones as a network of a text takes."""
    draw = random.Random(1)
    if net.startswith("resnet"):
        return {f"{name}.bin": b"".join(bytes([draw.randrange(10)]) + draw.randbytes(3072) for _ in range(n))
                for name, n in (("data_batch_1", PICTURES), ("test_batch", 10))}
    if net.startswith("gpt"):
        n = int(net.rpartition("-")[2])
        return {"text.txt": bytes(32 + c for c in draw.choices(range(n), k=CHARACTERS))}
    return {}
