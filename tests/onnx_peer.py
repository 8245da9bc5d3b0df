"""What the comparisons with onnxruntime share: running both programs on one tensor."""
import os
import subprocess
import sys

import numpy as np
import onnxruntime

onnxruntime.set_default_logger_severity(3)
RUN_MODEL = os.environ["CGV_RUN_MODEL"]
TOLERANCE = 1e-4  # of the largest value


def peer(path, x):
    """What onnxruntime makes of x [N, C, H, W]."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def own(jobs):
    """What cgvideo makes of each (model, x [1, C, H, W]); None where it fails."""
    words = []
    for i, (model, x) in enumerate(jobs):
        x.astype("<f4").tofile(f"in_{i}.f32")
        if os.path.exists(f"out_{i}.f32"):
            os.remove(f"out_{i}.f32")
        words += [model, str(x.shape[2]), str(x.shape[3]), f"in_{i}.f32", f"out_{i}.f32"]
    run = subprocess.run([RUN_MODEL, *words], stderr=subprocess.PIPE, text=True)
    results = []
    for i in range(len(jobs)):
        there = os.path.exists(f"out_{i}.f32")
        results.append(np.fromfile(f"out_{i}.f32", dtype="<f4") if there else None)
    return results, run.stderr


def difference(got, expected):
    """The largest one, as a share of the largest value (at least 1); infinite where the sizes or
    what is a number differ."""
    if got is None or got.size != expected.size or not np.isfinite(got).all():
        return float("inf")
    scale = max(1.0, float(np.abs(expected).max()))
    return float(np.abs(got.reshape(-1) - expected.reshape(-1)).max()) / scale


def finish(failures, what):
    if failures:
        print(f"{failures} of {what} FAILED")
        sys.exit(1)
    print(f"{what}: all right")
