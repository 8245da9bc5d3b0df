"""An .onnx file of `cgvideo model convert` as a network of ncnn: as much of ONNX as those of ResNet
generators need. write(onnx_path, stem, height, width): STEM.param and STEM.bin; returns the output's
name."""
import struct

import numpy
import onnx
from onnx import numpy_helper


class Writer:
    def __init__(self, graph):
        self.values = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        self.lines, self.blobs, self.weights = [], set(), bytearray()
        self.readers = {}
        for node in graph.node:
            for name in node.input:
                self.readers[name] = self.readers.get(name, 0) + 1
        self.copies = {}

    # A blob of ncnn has one reader: others get copies.
    def read(self, name):
        return self.copies[name].pop() if name in self.copies else name

    def layer(self, kind, name, inputs, output, *options):
        inputs = [self.read(i) for i in inputs]
        self.blobs |= set(inputs) | {output}
        words = [kind, name, len(inputs), 1, *inputs, output, *options]
        self.lines.append(" ".join(map(str, words)))
        if self.readers.get(output, 0) > 1:
            self.copies[output] = [f"{output}_{i}" for i in range(self.readers[output])]
            self.blobs |= set(self.copies[output])
            self.lines.append(" ".join(map(str, ["Split", f"split_{output}", 1,
                                                 self.readers[output], output,
                                                 *self.copies[output]])))

    def floats(self, array, tagged):
        if tagged:
            self.weights += struct.pack("<I", 0)
        self.weights += numpy.ascontiguousarray(array, "<f4").tobytes()

    def convolution(self, node, options, transposed):
        w = self.values[node.input[1]]
        group = options.get("group", 1)
        outputs = w.shape[1] if transposed else w.shape[0]
        words = [f"0={outputs}", f"1={w.shape[3]}", f"11={w.shape[2]}",
                 f"3={options['strides'][0]}", f"4={options.get('pads', [0])[0]}",
                 f"5={int(len(node.input) > 2)}", f"6={w.size}"]
        if transposed:
            words += [f"18={options.get('output_padding', [0])[0]}",
                      f"19={options.get('output_padding', [0])[0]}"]
            w = w.transpose(1, 0, 2, 3)
        if group > 1:
            words.append(f"7={group}")
        kind = "Deconvolution" if transposed else "Convolution"
        self.layer(kind + "DepthWise" * (group > 1), node.output[0], node.input[:1],
                   node.output[0], *words)
        self.floats(w, True)
        if len(node.input) > 2:
            self.floats(self.values[node.input[2]], False)

    def node(self, node):
        options = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        kind, out = node.op_type, node.output[0]
        if kind in ("Conv", "ConvTranspose"):
            self.convolution(node, options, kind == "ConvTranspose")
        elif kind == "Pad":
            pads = [int(p) for p in self.values[node.input[1]]]
            self.layer("Padding", out, node.input[:1], out, f"0={pads[2]}", f"1={pads[6]}",
                       f"2={pads[3]}", f"3={pads[7]}", "4=2")
        elif kind == "InstanceNormalization":
            channels = self.values[node.input[1]].size
            self.layer("InstanceNorm", out, node.input[:1], out, f"0={channels}",
                       f"1={options['epsilon']:e}", "2=0")
        elif kind in ("Relu", "Tanh"):
            self.layer("ReLU" if kind == "Relu" else "TanH", out, node.input, out)
        elif kind == "Add":
            self.layer("BinaryOp", out, node.input, out, "0=0")
        elif kind == "Identity":
            self.layer("Noop", out, node.input, out)
        else:
            raise SystemExit(f"{node.name}: {kind} is not known here")


def write(path, stem, height, width):
    graph = onnx.load(path).graph
    w = Writer(graph)
    w.layer("Input", "image", [], graph.input[0].name, f"0={width}", f"1={height}", "2=3")
    for node in graph.node:
        w.node(node)
    with open(stem + ".param", "w") as f:
        f.write(f"7767517\n{len(w.lines)} {len(w.blobs)}\n" + "\n".join(w.lines) + "\n")
    with open(stem + ".bin", "wb") as f:
        f.write(w.weights)
    return graph.input[0].name, graph.output[0].name
