#!/usr/bin/python3
"""torch_graph.py FILE PICTURE SIZE OUTPUT [RUNS]: a generator that dump_graph.py wrote, in PyTorch on
the CPU, as its users would write it. Milliseconds of each run on a picture of SIZE x SIZE, as one
JSON object. PICTURE and OUTPUT: their float32 numbers, channel by channel. Needs python3-torch."""
import json
import os
import pickle
import sys
import time

import torch
from torch.nn import functional as F

DTYPES = {"float32": torch.float32, "int64": torch.int64}


def both(values):
    """ONNX's pads of two axes, which are equal on all sides here."""
    assert len(set(values)) == 1, values
    return values[0]


def conv(x, w, b=None, *, pads=(0,) * 4, strides=(1, 1), group=1, **_):
    return F.conv2d(x, w, b, tuple(strides), both(pads), 1, group)


def conv_transpose(x, w, b=None, *, pads=(0,) * 4, strides=(1, 1), output_padding=(0, 0), group=1,
                   **_):
    return F.conv_transpose2d(x, w, b, tuple(strides), both(pads), tuple(output_padding), group)


def pad(x, pads, *_, mode=b"constant"):
    top, left, bottom, right = (int(pads[i]) for i in (2, 3, 6, 7))
    return F.pad(x, (left, right, top, bottom), {b"reflect": "reflect", b"edge": "replicate",
                                                 b"constant": "constant"}[mode])


OPS = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Pad": pad,
    "InstanceNormalization": lambda x, s, b, epsilon=1e-5: F.instance_norm(x, weight=s, bias=b,
                                                                          eps=epsilon),
    "Relu": lambda x: F.relu(x),
    "Tanh": lambda x: torch.tanh(x),
    "Add": lambda x, y: x + y,
    "Identity": lambda x: x,
}


def main():
    with open(sys.argv[1], "rb") as f:
        graph = pickle.load(f)
    picture, size, output = sys.argv[2], int(sys.argv[3]), sys.argv[4]
    runs = int(sys.argv[5]) if len(sys.argv) > 5 else 5
    torch.set_num_threads(os.cpu_count())
    constants = {k: torch.frombuffer(bytearray(data), dtype=DTYPES[dtype]).reshape(shape)
                 for k, (dtype, shape, data) in graph["constants"].items() if data}

    def run(x):
        values = dict(constants, **{graph["input"]: x})
        for op, inputs, outputs, attributes in graph["nodes"]:
            values[outputs[0]] = OPS[op](*(values[i] for i in inputs if i), **attributes)
        return values[graph["output"]]

    with open(picture, "rb") as f:
        x = torch.frombuffer(bytearray(f.read()), dtype=torch.float32).reshape(1, 3, size, size)
    times = []
    with torch.no_grad():
        y = run(x)
        while len(times) < runs or sum(times) < 1000:  # a second at least
            begin = time.perf_counter()
            y = run(x)
            times.append(1e3 * (time.perf_counter() - begin))
    y.numpy().tofile(output)
    print(json.dumps({"ms": times}))


main()
