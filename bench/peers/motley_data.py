"""motley's view of a data set, in NumPy: which samples make up step t.

Twin of runtime/base/random.c (Philox4x32-10, permutation) and of the loader's rule: one permutation
of the training rows from (seed, epoch); global batches are consecutive ranges of it.  Of a text, each
row's window begins where its own sequence of (seed, epoch, row) says.  Also reads IDX and texts.
"""

import gzip
import os
import struct

import numpy as np

STREAM_SHUFFLE, STREAM_AUGMENT = 2, 5


def philox(key, counter):
    """Philox4x32-10 of many counters at once: counter (n,4) uint32 -> (n,4) uint32."""
    c = [counter[:, i].astype(np.uint64) for i in range(4)]
    k = [int(key[0]), int(key[1])]
    low = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    for _ in range(10):
        a = np.uint64(0xD2511F53) * c[0]
        b = np.uint64(0xCD9E8D57) * c[2]
        c = [(b >> shift) ^ c[1] ^ np.uint64(k[0]), b & low,
             (a >> shift) ^ c[3] ^ np.uint64(k[1]), a & low]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(c, 1).astype(np.uint32)


def words(seed, stream, index, n):
    """The first n words of the sequence that mot_random_init(seed, stream, index) starts."""
    blocks = (n + 3) // 4
    counter = np.zeros((blocks, 4), np.uint32)
    counter[:, 0] = np.arange(blocks, dtype=np.uint32)
    counter[:, 1] = index & 0xFFFFFFFF
    counter[:, 2] = index >> 32
    counter[:, 3] = stream
    return philox((seed & 0xFFFFFFFF, seed >> 32), counter).reshape(-1)[:n]


def permutation(seed, stream, index, n):
    """mot_random_permutation: the permutation of 0..n-1 that belongs to (seed, stream, index)."""
    draws = words(seed, stream, index, 2 * n + 64).tolist()
    order = [0] * n
    at = 0
    for i in range(n):
        reject = (1 << 64) % (i + 1)
        while True:  # mot_random_below; a second turn is as good as never seen
            draw = draws[at] << 32 | draws[at + 1]
            at += 2
            if draw >= reject:
                break
        j = draw % (i + 1)
        order[i] = order[j]
        order[j] = i
    return np.array(order)


def batches(n, batch, seed, shuffle=True):
    """Rows of every step, epoch after epoch, without end; the last batch of an epoch may be short."""
    epoch = 0
    while True:
        order = permutation(seed, STREAM_SHUFFLE, epoch, n) if shuffle else np.arange(n)
        for first in range(0, n, batch):
            yield order[first:first + batch]
        epoch += 1


def windows(tokens, context, batch, seed):
    """Windows of a text (batch, context + 1) of every step: inputs, and behind each the label of the last."""
    n, epoch = (len(tokens) - 1) // context, 0
    while True:
        order = permutation(seed, STREAM_SHUFFLE, epoch, n)
        for first in range(0, n, batch):
            draws = [words(seed, STREAM_AUGMENT, (epoch << 40) ^ int(row), 2).tolist()
                     for row in order[first:first + batch]]
            begins = [(high << 32 | low) % (len(tokens) - context) for high, low in draws]
            yield np.stack([tokens[b:b + context + 1] for b in begins])
        epoch += 1


def shakespeare(folder):
    """(training tokens, validation tokens), numbered by code point."""
    with gzip.open(os.path.join(folder, "input.txt.gz"), "rt") as f:
        text = np.array([ord(c) for c in f.read()])
    tokens = np.searchsorted(np.unique(text), text)
    kept = int(0.9 * len(tokens))
    return tokens[:kept], tokens[kept:]


def read_idx(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as f:
        dims = struct.unpack(">I", f.read(4))[0] & 0xFF
        shape = struct.unpack(">" + "I" * dims, f.read(4 * dims))
        return np.frombuffer(f.read(), np.uint8).reshape(shape)


def mnist(folder):
    """(train images, train labels, test images, test labels) as uint8."""
    def find(name):
        for path in (os.path.join(folder, name), os.path.join(folder, name + ".gz")):
            if os.path.exists(path):
                return read_idx(path)
        raise SystemExit(f"{folder} has no {name}: set MOTLEY_DATA, or run examples/get-data")
    return (find("train-images-idx3-ubyte"), find("train-labels-idx1-ubyte"),
            find("t10k-images-idx3-ubyte"), find("t10k-labels-idx1-ubyte"))


def cifar(folder):
    """(training images (N,3,32,32), labels) as uint8, of the batches that are there."""
    rows = []
    for i in range(1, 6):
        for path, opener in ((f"data_batch_{i}.bin", open), (f"data_batch_{i}.bin.gz", gzip.open)):
            path = os.path.join(folder, path)
            if os.path.exists(path):
                with opener(path, "rb") as f:
                    rows.append(np.frombuffer(f.read(), np.uint8).reshape(-1, 3073))
                break
    if not rows:
        raise SystemExit(f"{folder} has no data_batch_1.bin: set MOTLEY_DATA")
    rows = np.concatenate(rows)
    return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0]


def data_folder(name):
    return os.path.join(os.environ.get("MOTLEY_DATA", "data"), name)
