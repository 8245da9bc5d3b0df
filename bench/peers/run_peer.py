#!/usr/bin/env python3
"""run_peer.py ncnn|ncnn_vulkan|onnxruntime MODEL.onnx SIZE [RUNS]: milliseconds of each run of the
network on a picture of SIZE x SIZE, and the mean of the output's magnitude, as one JSON object."""
import json
import os
import sys
import tempfile
import time

import numpy


def run_ncnn(path, size, vulkan):
    import ncnn
    import ncnn_net
    with tempfile.TemporaryDirectory() as folder:
        stem = os.path.join(folder, "net")
        first, last = ncnn_net.write(path, stem, size, size)
        net = ncnn.Net()
        net.opt.use_vulkan_compute = vulkan
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
    peer, path, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    runs = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    run = run_onnxruntime(path) if peer == "onnxruntime" else run_ncnn(path, size,
                                                                       peer == "ncnn_vulkan")
    x = numpy.random.default_rng(1).uniform(-1, 1, (1, 3, size, size)).astype("f4")
    y = run(x)
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        y = run(x)
        times.append(1e3 * (time.perf_counter() - begin))
    print(json.dumps({"ms": times, "magnitude": float(numpy.abs(y).mean())}))


main()
