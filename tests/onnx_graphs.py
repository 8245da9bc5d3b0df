"""Random graphs of the operations that cgvideo imports, in operator sets 9 to 21, compared with
onnxruntime: onnx_graphs.py COUNT [SEED] runs COUNT chains of several operations each, after every
operation by itself; onnx_graphs.py seeds DIR writes a graph of each operation for tests/fuzz."""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from onnx_peer import TOLERANCE, difference, finish, own, peer


class Graph:
    """A graph in the making: a chain, whose end is `x` with `c` channels."""

    def __init__(self, random, opset):
        self.random, self.opset = random, opset
        self.nodes, self.constants = [], []
        self.x, self.c = "image", 3
        self.log = []

    def const(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def ints(self, *values):
        return self.const(np.array(values, dtype=np.int64))

    def floats(self, *values):
        return self.const(np.array(values, dtype=np.float32))

    def normal(self, *shape, scale=1.0, mean=0.0):
        return self.const((mean + scale * self.random.standard_normal(shape)).astype(np.float32))

    def op(self, kind, *inputs, outputs=1, **attributes):
        names = [f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(
            helper.make_node(kind, list(inputs), names, name=f"{kind}_{len(self.nodes)}", **attributes)
        )
        return names[0] if outputs == 1 else names

    def weights(self, cout, cin, *kernel):
        fan = cin * int(np.prod(kernel))
        return self.normal(cout, cin, *kernel, scale=fan**-0.5)

    def conv(self, cout, k=3, **attributes):
        k = (k, k) if isinstance(k, int) else k
        group = attributes.get("group", 1)
        inputs = [self.x, self.weights(cout, self.c // group, *k), self.normal(cout)]
        self.x = self.op("Conv", *inputs[: 2 + self.random.integers(2)], **attributes)
        self.c = cout

    def axes(self, kind, x, axes, since, **attributes):
        """An operation whose axes are an attribute before operator set `since`."""
        if self.opset < since:
            return self.op(kind, x, axes=axes, **attributes)
        return self.op(kind, x, self.ints(*axes), **attributes)

    def model(self, size, output="result"):
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, *size])
        result = helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, self.c, None, None])
        self.nodes.append(helper.make_node("Identity", [self.x], [output]))
        graph = helper.make_graph(self.nodes, "random", [image], [result], self.constants)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8
        )
        helper.set_model_props(model, {"input_range": "-1,1", "output_range": "-1,1"})
        onnx.checker.check_model(model)
        return model


# ---- operations: each takes the graph one step on ----


def conv_square(g):
    k = int(g.random.choice([1, 3, 5, 7]))
    g.conv(int(g.random.choice([4, 8, 12])), k, pads=[k // 2] * 4)


def conv_stride(g):
    g.conv(8, 4, strides=[2, 2], pads=[1, 1, 1, 1])
    g.x = g.op("ConvTranspose", g.x, g.weights(8, 6, 4, 4), strides=[2, 2], pads=[1, 1, 1, 1])
    g.c = 6


def conv_odd(g):
    g.conv(6, (1, 7), pads=[0, 3, 0, 3])
    g.conv(6, (5, 3), pads=[2, 1, 2, 1])


def conv_uneven(g):
    g.conv(6, 3, pads=[0, 0, 2, 2])
    g.conv(6, 2, pads=[1, 0, 0, 1])


def conv_dilated(g):
    g.conv(6, 3, pads=[2, 3, 2, 3], dilations=[2, 3])


def conv_same(g):
    mode = str(g.random.choice(["SAME_UPPER", "SAME_LOWER"]))
    g.conv(8, 3, strides=[2, 2], auto_pad=mode)
    resize_nearest(g)


def conv_valid(g):
    g.conv(5, 3, auto_pad="VALID")
    pad_constant(g, 1)


def conv_groups(g):
    conv_to(g, 8)
    g.conv(8, 3, group=8, pads=[1] * 4)
    g.conv(12, 3, group=4, pads=[1] * 4)


def conv_stride_three(g):
    pad_reflect(g, 4)
    g.conv(4, 3, strides=[1, 3], pads=[1, 0, 1, 1])
    g.x = g.op(
        "ConvTranspose", g.x, g.weights(4, 4, 1, 3), strides=[1, 3], output_padding=[0, 2]
    )
    g.x = g.op("Slice", g.x, g.ints(4, 3), g.ints(-4, 2**62), g.ints(2, 3)) if g.opset >= 10 else g.op(
        "Slice", g.x, starts=[4, 3], ends=[-4, 2**31 - 1], axes=[2, 3]
    )
    crop_like(g)


def conv_transpose_odd(g):
    g.x = g.op(
        "ConvTranspose",
        g.x,
        g.weights(g.c, 4, 3, 2),
        g.normal(4),
        strides=[1, 1],
        pads=[1, 0, 1, 1],
    )
    g.c = 4


def conv_transpose_groups(g):
    conv_to(g, 8)
    g.x = g.op(
        "ConvTranspose",
        g.x,
        g.weights(8, 2, 3, 3),
        g.normal(8),
        group=4,
        strides=[2, 2],
        pads=[1] * 4,
        output_padding=[1, 1],
    )
    pool_average(g)


def conv_to(g, channels):
    if g.c != channels:
        g.conv(channels, 1)


def crop_like(g):
    """As large as the picture: U-Nets that were not padded do it."""
    if g.opset < 10:
        return
    shape = g.op("Shape", "image")
    height = g.axes("Unsqueeze", g.op("Gather", shape, g.const(np.int64(2)), axis=0), [0], 13)
    width = g.axes("Unsqueeze", g.op("Gather", shape, g.const(np.int64(3)), axis=0), [0], 13)
    ends = g.op("Concat", height, width, axis=0)
    g.x = g.op("Slice", g.x, g.ints(0, 0), ends, g.ints(2, 3))


def batch_norm(g):
    if g.random.integers(2):
        conv_square(g)
    if g.random.integers(2):
        g.x = g.op("Relu", g.x)
    constants = [g.normal(g.c), g.normal(g.c), g.normal(g.c)]
    constants.append(g.const(g.random.uniform(0.5, 2, g.c).astype(np.float32)))
    g.x = g.op("BatchNormalization", g.x, *constants, epsilon=1e-3)


def batch_norm_transposed(g):
    conv_to(g, 6)
    g.x = g.op("ConvTranspose", g.x, g.weights(6, 4, 3, 3), group=2, pads=[1] * 4)
    g.c = 8
    batch_norm_after(g)


def batch_norm_after(g):
    constants = [g.normal(g.c), g.normal(g.c), g.normal(g.c)]
    constants.append(g.const(g.random.uniform(0.5, 2, g.c).astype(np.float32)))
    g.x = g.op("BatchNormalization", g.x, *constants)


def instance_norm(g):
    g.x = g.op("InstanceNormalization", g.x, g.normal(g.c), g.normal(g.c), epsilon=1e-4)


def instance_norm_flat(g):
    """As PyTorch exports a group norm of one channel a group."""
    shape = g.op("Shape", g.x)
    flat = g.op("Reshape", g.x, g.ints(0, g.c, -1))
    ones, zeros = g.const(np.ones(g.c, np.float32)), g.const(np.zeros(g.c, np.float32))
    g.x = g.op("Reshape", g.op("InstanceNormalization", flat, ones, zeros), shape)
    g.x = g.op("Mul", g.x, g.normal(g.c, 1, 1))


def layer_norm(g):
    """Of the channels of each pixel, in its parts."""
    mean = g.axes("ReduceMean", g.x, [1], 18)
    centred = g.op("Sub", g.x, mean)
    variance = g.axes("ReduceMean", g.op("Pow", centred, g.floats(2)), [1], 18)
    deviation = g.op("Sqrt", g.op("Add", variance, g.floats(1e-2)))
    g.x = g.op("Div", centred, deviation)


def activation(kind, **attributes):
    def run(g):
        g.x = g.op(kind, g.x, **attributes)

    run.__name__ = kind.lower()
    return run


def hard_swish(g):
    if g.opset >= 14:
        g.x = g.op("HardSwish", g.x)


def swish(g):
    g.x = g.op("Mul", g.x, g.op("Sigmoid", g.x))


def clip(g):
    if g.opset < 11:
        g.x = g.op("Clip", g.x, min=-0.7, max=1.2)
    else:
        low, high = g.const(np.float32(-0.7)), g.const(np.float32(1.2))
        g.x = g.op("Clip", g.x, *([low, high] if g.random.integers(2) else ["", high]))


def prelu(g):
    slope = g.normal(g.c, 1, 1) if g.random.integers(2) else g.normal(1)
    g.x = g.op("PRelu", g.x, slope)


def constants(g):
    for kind in g.random.permutation(["Add", "Sub", "Mul", "Div"]):
        shape = [(), (1,), (g.c, 1, 1), (1, g.c, 1, 1)][g.random.integers(4)]
        value = g.const((1 + g.random.uniform(0, 1, shape)).astype(np.float32))
        operands = [g.x, value]
        if g.random.integers(2) and kind != "Div":
            operands.reverse()
        g.x = g.op(str(kind), *operands)


def constants_after_conv(g):
    conv_square(g)
    constants(g)


def reciprocal(g):
    g.x = g.op("Div", g.floats(1), g.op("Add", g.op("Abs", g.x), g.floats(0.5)))
    g.x = g.op("Neg", g.op("Exp", g.x))


def maximum(g):
    other = g.op("Conv", g.x, g.weights(g.c, g.c, 1, 1))
    g.x = g.op("Max", g.op("Min", g.x, other), g.floats(-0.5))


def residual(g):
    before, channels = g.x, g.c
    conv_to(g, channels)
    g.conv(channels, 3, pads=[1] * 4)
    g.x = g.op("Add", g.x, before)


def gate(g):
    """Squeeze and excitation."""
    pooled = g.op("GlobalAveragePool", g.x)
    if g.random.integers(2):
        pooled = g.axes("ReduceMean", g.x, [2, 3], 18, keepdims=1)
    weight = g.op("Conv", pooled, g.weights(g.c, g.c, 1, 1), g.normal(g.c))
    g.x = g.op("Mul", g.x, g.op("Sigmoid", weight))


def gate_expanded(g):
    weight = g.op("Sigmoid", g.op("GlobalAveragePool", g.x))
    g.x = g.op("Mul", g.x, g.op("Expand", weight, g.op("Shape", g.x)))


def global_max(g):
    g.x = g.op("Sub", g.x, g.op("GlobalMaxPool", g.x))


def squeezed_mean(g):
    mean = g.axes("ReduceMean", g.x, [-1, -2], 18, keepdims=0)
    mean = g.axes("Unsqueeze", g.axes("Unsqueeze", mean, [2], 13), [3], 13)
    g.x = g.op("Add", g.x, mean)


def concat(g):
    other = g.op("Relu", g.x)
    g.x = g.op("Concat", g.x, other, g.op("Neg", g.x) if g.random.integers(2) else g.x, axis=1)
    g.c *= 3
    conv_to(g, 6)


def split(g):
    conv_to(g, 8)
    sizes = [3, 5]
    if g.opset < 13:
        a, b = g.op("Split", g.x, outputs=2, axis=1, split=sizes)
    else:
        a, b = g.op("Split", g.x, g.ints(*sizes), outputs=2, axis=1)
    g.x = g.op("Concat", b, a, axis=1)


def pad(g, mode, most, **attributes):
    p = [int(v) for v in g.random.integers(0, most + 1, 4)]
    pads = [0, 0, p[0], p[1], 0, 0, p[2], p[3]]
    if g.opset < 11:
        g.x = g.op("Pad", g.x, mode=mode, pads=pads, **attributes)
    elif attributes:
        value = g.const(np.float32(attributes["value"]))
        g.x = g.op("Pad", g.x, g.ints(*pads), value, mode=mode)
    else:
        g.x = g.op("Pad", g.x, g.ints(*pads), mode=mode)
    g.conv(6, 3)


def pad_constant(g, most=2):
    pad(g, "constant", most, value=float(g.random.integers(2)))


def pad_reflect(g, most=3):
    pad(g, "reflect", most)


def pad_edge(g, most=5):
    pad(g, "edge", most)


def pad_then_conv(g):
    p = int(g.random.choice([1, 2, 3]))
    mode = str(g.random.choice(["constant", "reflect", "edge"]))
    pads = [0, 0, p, p, 0, 0, p, p]
    if g.opset < 11:
        g.x = g.op("Pad", g.x, mode=mode, pads=pads)
    else:
        g.x = g.op("Pad", g.x, g.ints(*pads), mode=mode)
    g.conv(7, 2 * p + 1)


def crop(g):
    starts, ends = [1, 2], [-1, -3]
    if g.opset < 10:
        g.x = g.op("Slice", g.x, starts=starts, ends=ends, axes=[2, 3])
    else:
        g.x = g.op("Slice", g.x, g.ints(*starts), g.ints(*ends), g.ints(2, -1), g.ints(1, 1))


def slice_channels(g):
    conv_to(g, 8)
    if g.opset < 10:
        g.x = g.op("Slice", g.x, starts=[2], ends=[7], axes=[1])
    else:
        g.x = g.op("Slice", g.x, g.ints(2), g.ints(7), g.ints(1))
    g.c = 5


def pick_channels(g):
    g.x = g.op("Gather", g.x, g.ints(*[int(i) for i in g.random.permutation(g.c)]), axis=1)


def resize(g, scales, mode, **attributes):
    scales = g.floats(1, 1, *scales)
    if g.opset < 10:
        g.x = g.op("Upsample", g.x, scales, mode=mode)
    elif g.opset < 11:
        g.x = g.op("Resize", g.x, scales, mode=mode)
    else:
        roi = g.const(np.zeros(0, np.float32))
        g.x = g.op("Resize", g.x, roi, scales, mode=mode, **attributes)


def resize_nearest(g):
    ways = [
        dict(coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        dict(coordinate_transformation_mode="half_pixel", nearest_mode="round_prefer_floor"),
        dict(coordinate_transformation_mode="half_pixel", nearest_mode="ceil"),
    ]
    resize(g, (2, 2), "nearest", **ways[g.random.integers(3)])


def resize_nearest_odd(g):
    mode = str(g.random.choice(["floor", "ceil", "round_prefer_ceil", "round_prefer_floor"]))
    kind = str(g.random.choice(["asymmetric", "half_pixel", "align_corners"]))
    resize(g, (3, 1.5), "nearest", coordinate_transformation_mode=kind, nearest_mode=mode)
    pool_max(g)


def resize_linear(g):
    kind = str(g.random.choice(["asymmetric", "half_pixel", "align_corners", "pytorch_half_pixel"]))
    resize(g, (2, 2), "linear", coordinate_transformation_mode=kind)
    pool_average(g)


def resize_linear_down(g):
    resize(g, (2, 2), "linear", coordinate_transformation_mode="half_pixel")
    if g.opset >= 11:
        resize(g, (0.5, 0.25), "linear", coordinate_transformation_mode="half_pixel")


def resize_to_sizes(g):
    """Twice the size, computed from the tensor's own."""
    if g.opset < 11:
        return
    shape = g.op("Shape", g.x)
    both = g.op("Slice", shape, g.ints(2), g.ints(4), g.ints(0))
    sizes = g.op("Cast", g.op("Floor", g.op("Mul", g.op("Cast", both, to=1), g.floats(2))), to=7)
    head = g.op("Slice", shape, g.ints(0), g.ints(2), g.ints(0))
    sizes = g.op("Concat", head, sizes, axis=0)
    g.x = g.op("Resize", g.x, "", "", sizes, mode="linear") if g.opset >= 13 else g.op(
        "Resize", g.x, g.const(np.zeros(0, np.float32)), g.const(np.zeros(0, np.float32)), sizes,
        mode="linear",
    )
    pool_average(g)


def resize_like(g):
    """The mean of all, enlarged to the size of what it is the mean of."""
    if g.opset < 13:
        return
    pooled = g.op("GlobalAveragePool", g.x)
    sizes = g.op("Slice", g.op("Shape", g.x), g.ints(2), g.ints(4))
    sizes = g.op("Concat", g.ints(1, g.c), sizes, axis=0)
    wide = g.op("Resize", pooled, "", "", sizes, mode="linear")
    g.x = g.op("Concat", g.x, wide, axis=1)
    g.c *= 2
    conv_to(g, 6)


def resize_like_before(g):
    """Back to the size before a window took a border away: the scale is each picture's own."""
    if g.opset < 13:
        return
    narrow = g.op("MaxPool", g.x, kernel_shape=[5, 3], strides=[1, 1])
    sizes = g.op("Slice", g.op("Shape", g.x), g.ints(2), g.ints(4))
    sizes = g.op("Concat", g.ints(1, g.c), sizes, axis=0)
    g.x = g.op("Resize", narrow, "", "", sizes, mode="linear")
    conv_to(g, 6)


def gate_of_mean(g):
    """A mean over rows and columns whose axes are put back, times what it is the mean of."""
    if g.opset < 13 or g.opset >= 18:
        return
    mean = g.op("ReduceMean", g.x, axes=[2, 3], keepdims=0)
    g.x = g.op("Mul", g.op("Unsqueeze", mean, g.ints(2, 3)), g.x)
    conv_to(g, 6)


def pool_average(g):
    more = {}
    if g.opset >= 10:
        more["ceil_mode"] = int(g.random.integers(2))
    g.x = g.op(
        "AveragePool",
        g.x,
        kernel_shape=[3, 3],
        strides=[2, 2],
        pads=[1, 1, 1, 1],
        count_include_pad=int(g.random.integers(2)),
        **more,
    )


def pool_max(g):
    more = {"dilations": [1, 2]} if g.opset >= 10 else {}
    g.x = g.op("MaxPool", g.x, kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1], **more)


def depth_to_space(g):
    conv_to(g, 12)
    mode = str(g.random.choice(["DCR", "CRD"])) if g.opset >= 11 else None
    g.x = g.op("DepthToSpace", g.x, blocksize=2, **({"mode": mode} if mode else {}))
    g.x = g.op("SpaceToDepth", g.x, blocksize=2)


def pixel_shuffle(g):
    """In its parts, as older exporters write it, there and back."""
    conv_to(g, 12)
    shape = g.op("Shape", g.x)
    h = g.axes("Unsqueeze", g.op("Gather", shape, g.const(np.int64(2)), axis=0), [0], 13)
    w = g.axes("Unsqueeze", g.op("Gather", shape, g.const(np.int64(3)), axis=0), [0], 13)
    two = g.ints(2)
    six = g.op("Concat", g.ints(1, 3, 2, 2), h, w, axis=0)
    x = g.op("Transpose", g.op("Reshape", g.x, six), perm=[0, 1, 4, 2, 5, 3])
    four = g.op("Concat", g.ints(1, 3), g.op("Mul", h, two), g.op("Mul", w, two), axis=0)
    x = g.op("Relu", g.op("Reshape", x, four))
    six = g.op("Concat", g.ints(1, 3), h, two, w, two, axis=0)
    x = g.op("Transpose", g.op("Reshape", x, six), perm=[0, 1, 3, 5, 2, 4])
    four = g.op("Concat", g.ints(1, 12), h, w, axis=0)
    g.x = g.op("Conv", g.op("Reshape", x, four), g.weights(12, 12, 1, 1))


def channels_last(g):
    x = g.op("Transpose", g.x, perm=[0, 2, 3, 1])
    x = g.op("Mul", g.op("Tanh", x), g.normal(g.c))
    x = g.op("Concat", x, g.op("Relu", x), axis=-1)
    g.x = g.op("Transpose", x, perm=[0, 3, 1, 2])
    g.c *= 2
    conv_to(g, 5)


def plumbing(g):
    x = g.axes("Squeeze", g.x, [0], 13)
    x = g.axes("Unsqueeze", g.op("Cast", x, to=1), [0], 13)
    x = g.op("Dropout", x)
    w = g.op("Transpose", g.normal(3, 3, g.c, 4, scale=0.2), perm=[3, 2, 0, 1])
    g.x = g.op("Conv", x, w, g.op("Mul", g.normal(4), g.floats(0.5)), pads=[1] * 4)
    g.c = 4


def constant_nodes(g):
    value = helper.make_tensor("v", TensorProto.FLOAT, [g.c, 1, 1], g.random.standard_normal(g.c))
    g.x = g.op("Add", g.x, g.op("Constant", value=value))
    if g.opset >= 12:
        g.x = g.op("Mul", g.x, g.op("Constant", value_float=0.7))


def half_weights(g):
    weights = (0.2 * g.random.standard_normal((4, g.c, 3, 3))).astype(np.float16)
    g.x = g.op("Conv", g.x, g.op("Cast", g.const(weights), to=1), pads=[1] * 4)
    g.c = 4


OPERATIONS = [
    conv_square, conv_stride, conv_odd, conv_uneven, conv_dilated, conv_same, conv_valid,
    conv_groups, conv_stride_three, conv_transpose_odd, conv_transpose_groups, batch_norm,
    batch_norm_transposed, instance_norm, instance_norm_flat, layer_norm, activation("Relu"),
    activation("LeakyRelu", alpha=0.3), activation("Elu", alpha=0.7), activation("Sigmoid"),
    activation("Tanh"), activation("HardSigmoid", alpha=0.25, beta=0.4), activation("Softplus"),
    activation("Abs"), hard_swish, swish, clip, prelu, constants, constants_after_conv, reciprocal,
    maximum, residual, gate, gate_expanded, global_max, squeezed_mean, concat, split, pad_constant, pad_reflect,
    pad_edge, pad_then_conv, crop, slice_channels, pick_channels, resize_nearest,
    resize_nearest_odd, resize_linear, resize_linear_down, resize_to_sizes, resize_like,
    resize_like_before, gate_of_mean,
    pool_average, pool_max, depth_to_space, pixel_shuffle, channels_last, plumbing, constant_nodes,
    half_weights,
]


def build(random, opset, operations, fixed, path):
    g = Graph(random, opset)
    g.conv(6, 3, pads=[1] * 4)
    for operation in operations:
        operation(g)
        g.log.append(operation.__name__)
    g.conv(3, 1)
    size = (96, 192)
    onnx.save(g.model(size if fixed else ("h", "w")), path)
    return f"opset {opset}{', fixed size' if fixed else ''}: {', '.join(g.log)}"


def write_seeds(folder):
    random = np.random.default_rng(1)
    for i, operation in enumerate(OPERATIONS):
        path = os.path.join(folder, f"{operation.__name__}.onnx")
        build(random, (21, 17, 13, 11, 9)[i % 5], [operation], i % 3 == 0, path)


def main():
    if sys.argv[1] == "seeds":
        write_seeds(sys.argv[2])
        return
    count = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 9
    random = np.random.default_rng(seed)
    plans = []
    for i, operation in enumerate(OPERATIONS):
        for opset in (9, 11, 13, 17, 21) if i % 5 == 0 else (9 + i % 13, 21 - i % 4):
            plans.append((opset, [operation], bool(random.integers(3) == 0)))
    for _ in range(count):
        chosen = [OPERATIONS[k] for k in random.integers(0, len(OPERATIONS), random.integers(2, 7))]
        # It crops to the image's size, which what was resized by halves reaches in some sizes only:
        # that is refused.
        if resize_nearest_odd in chosen:
            chosen = [operation for operation in chosen if operation is not conv_stride_three]
        plans.append((int(random.integers(9, 22)), chosen, bool(random.integers(3) == 0)))
    jobs, what, expected = [], [], []
    for i, (opset, chosen, fixed) in enumerate(plans):
        text = build(random, opset, chosen, fixed, f"graph_{i}.onnx")
        size = (96, 192) if fixed else [(96, 96), (96, 192), (192, 96)][random.integers(3)]
        x = random.uniform(-1, 1, (1, 3, *size)).astype(np.float32)
        try:
            expected.append(peer(f"graph_{i}.onnx", x))
        except Exception as error:  # not a graph at all: the script's fault, unless it is the size
            print(f"left out: {text}: {str(error).splitlines()[0][:120]}")
            continue
        jobs.append((f"graph_{i}.onnx", x))
        what.append(text)
    results = []
    failures, worst = 0, 0.0
    for i in range(0, len(jobs), 40):
        got, messages = own(jobs[i : i + 40])
        print(messages, end="")
        results += got
    for job, text, got, wanted in zip(jobs, what, results, expected):
        error = difference(got, wanted)
        worst = max(worst, error)
        if error > TOLERANCE:
            failures += 1
            size = "no result" if got is None else f"{got.size} of {wanted.size} numbers"
            print(f"FAILED {job[0]} {job[1].shape[2:]}: {error:.1e} ({size}), {text}")
    print(f"largest difference {worst:.1e}")
    if len(jobs) < 0.8 * len(plans):
        finish(1, "too many graphs left out: the comparison")
    finish(failures, f"{len(jobs)} graphs (seed {seed})")


main()
