"""Every architecture written as .onnx: accepted by the checker, run by onnxruntime with the same
result as cgvideo's own, at another size and batch too, and read again by cgvideo."""
import os
import subprocess

import numpy as np
import onnx

from onnx_peer import TOLERANCE, difference, finish, own, peer

CGVIDEO, MAKE_MODEL = os.environ["CGVIDEO"], os.environ["CGV_MAKE_MODEL"]
SOURCE = os.environ["CGV_SOURCE_DIR"]
SHARED = os.path.join(SOURCE, "../shared/data/weights")
ARCHITECTURES = [
    "resnet_2blocks",
    "resnet_1blocks_3downs",
    "resnet_1blocks_resize",
    "resnet_1blocks_affine",
    "resnet_1blocks_resize_affine2",
    "resnet_1blocks_3downs_affine4",
    "resnet_1blocks_3downs_grid",
    "resnet_1blocks_grid_coord",
    "mobile_resnet_2blocks",
    "patchgan",
    "patchgan_nonorm",
]
REAL = [
    os.path.join(SOURCE, "models/day2night.safetensors"),
    os.path.join(SHARED, "horse2zebra_mobile_net_G.pth"),
    os.path.join(SHARED, "candy.onnx"),
]


def convert(source, target):
    subprocess.run([CGVIDEO, "model", "convert", source, target], check=True)


def export(name):
    """The model's file and its .onnx."""
    source = f"{name}.safetensors"
    subprocess.run([MAKE_MODEL, name, "8", source], check=True)
    convert(source, f"{name}.onnx")
    return source, f"{name}.onnx"


def check(source, target, random):
    model = onnx.load(target)
    onnx.checker.check_model(model, full_check=True)
    notes = {p.key: p.value for p in model.metadata_props}
    assert notes["input_range"] == "-1,1" and notes["channel_order"] == "rgb", notes
    assert model.opset_import[0].version == 17
    convert(target, f"again_{target}")
    worst = 0.0
    for h, w in ((64, 128), (128, 64)):
        x = random.uniform(-1, 1, (1, 3, h, w)).astype(np.float32)
        results, messages = own([(source, x), (target, x), (f"again_{target}", x)])
        expected = peer(target, x)
        worst = max([worst] + [difference(got, expected) for got in results])
        # A batch is its pictures.
        pair = np.concatenate([x, x[:, :, ::-1]])
        worst = max(worst, difference(peer(target, pair)[0], expected[0]))
        if messages:
            print(messages)
    print(f"{os.path.basename(source)}: {worst:.1e}")
    return worst <= TOLERANCE


def main():
    random = np.random.default_rng(8)
    failures = 0
    pairs = [export(name) for name in ARCHITECTURES]
    for path in REAL:
        if os.path.exists(path):
            target = os.path.basename(path).split(".")[0] + ".onnx"
            convert(path, target)
            pairs.append((path, target))
        else:
            print(f"SKIPPED: {path} is absent")
    for source, target in pairs:
        failures += not check(source, target, random)
    finish(failures, f"{len(pairs)} exports")


main()
