#!/usr/bin/env python3
"""dump_graph.py MODEL.onnx FILE: the graph as plain Python objects in a pickle, for torch_graph.py,
whose Python has PyTorch but perhaps no onnx."""
import pickle
import sys

import onnx
from onnx import numpy_helper

graph = onnx.load(sys.argv[1]).graph
attribute = onnx.helper.get_attribute_value
constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
nodes = []
for n in graph.node:
    values = {a.name: attribute(a) for a in n.attribute}
    if n.op_type == "Constant":
        constants[n.output[0]] = numpy_helper.to_array(values["value"])
    else:
        nodes.append((n.op_type, list(n.input), list(n.output), values))
with open(sys.argv[2], "wb") as f:
    pickle.dump({"input": graph.input[0].name, "output": graph.output[0].name, "nodes": nodes,
                 "constants": {k: (str(v.dtype), v.shape, v.tobytes())
                               for k, v in constants.items()}}, f)
