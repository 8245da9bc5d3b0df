#!/usr/bin/env python3
"""run_peer.py ncnn|ncnn_vulkan|onnxruntime MODEL.onnx PICTURE SIZE OUTPUT [RUNS [DEVICE]]:
milliseconds of each run of the network on a picture of SIZE x SIZE, as one JSON object. PICTURE and
OUTPUT: their float32 numbers, channel by channel. DEVICE: the name of a Vulkan device."""
import json
import os
import sys
import tempfile
import time

import numpy


def vulkan_device(name):
    """ncnn's number of the device; the first without a name. ncnn says nothing when it finds none,
    and runs on the CPU."""
    import ncnn
    names = [ncnn.get_gpu_info(i).device_name() for i in range(ncnn.get_gpu_count())]
    if not names:
        raise SystemExit("ncnn finds no Vulkan device")
    if name and name not in names:
        raise SystemExit(f"ncnn finds no Vulkan device {name}, only {', '.join(names)}")
    return names.index(name) if name else 0


def run_ncnn(path, size, device):
    import ncnn
    import ncnn_net
    with tempfile.TemporaryDirectory() as folder:
        stem = os.path.join(folder, "net")
        first, last = ncnn_net.write(path, stem, size, size)
        net = ncnn.Net()
        net.opt.use_vulkan_compute = device is not None
        if device is not None:
            net.set_vulkan_device(device)
        net.opt.num_threads = os.cpu_count()
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.opt.use_bf16_storage = False
        net.load_param(stem + ".param")
        net.load_model(stem + ".bin")

    def run(x):
        extractor = net.create_extractor()
        extractor.input(first, ncnn.Mat(x[0]))
        return numpy.array(extractor.extract(last)[1])

    return run


def run_onnxruntime(path):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def main():
    peer, path, picture, size, output = sys.argv[1:6]
    size, runs = int(size), int(sys.argv[6]) if len(sys.argv) > 6 else 5
    if peer == "onnxruntime":
        run = run_onnxruntime(path)
    elif peer == "ncnn":
        run = run_ncnn(path, size, None)
    else:
        run = run_ncnn(path, size, vulkan_device(sys.argv[7] if len(sys.argv) > 7 else None))
    x = numpy.fromfile(picture, "<f4").reshape(1, 3, size, size)
    y = run(x)
    times = []
    while len(times) < runs or sum(times) < 1000:  # a second at least
        begin = time.perf_counter()
        y = run(x)
        times.append(1e3 * (time.perf_counter() - begin))
    y.astype("<f4").tofile(output)
    print(json.dumps({"ms": times}))


main()
