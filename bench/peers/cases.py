"""What is compared: shapes of products, and networks."""

SHAPES = ([f"{n}x{n}x{n}:{form}" for n in (512, 1024, 2048) for form in ("NN", "NT", "TN", "TT")]
          + ["256x256x256:NN", "64x128x784:NT", "128x784x64:TN", "512x128x784:NT", "768x512x128:NN",
             "768x128x512:NN", "768x384x128:NN", "48*64x64x32:NN"])

# name: (sizes of the layers, batch)
NETS = {"mlp64": ("784-128-10", 64), "mlp512": ("784-128-10", 512), "wide256": ("784-1024-1024-10", 256),
        "wide4096": ("784-1024-1024-10", 4096)}


def config(sizes, batch):
    """motley's configuration of such a network, on digits that need no files."""
    sizes = [int(n) for n in sizes.split("-")]
    layers = ["    - flatten"]
    for i, n in enumerate(sizes[1:]):
        layers += (["    - relu"] if i else []) + [f"    - linear: {n}"]
    return "\n".join(["data:", "  set: drawn-digits", f"  batch: {batch}", "model:", "  layers:"] + layers
                     + ["train:", "  epochs: 1000", "  optimizer:", "    name: sgd", "    lr: 0.01", ""])
