#!/usr/bin/env bash
# Generators here and in other programs on the same CPU, taking turns, since machines are noisy:
#   bench/peers.sh [SIZE [ROUNDS]]     (default 256 5)
# Medians in milliseconds, one line a network. ncnn and onnxruntime come from PyPI into build/peers;
# PyTorch is python3-torch, where it is installed. $CGVIDEO: the program (default: the release build).
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/build/release
cgvideo=${CGVIDEO:-$build/src/app/cgvideo}
size=${1:-256} rounds=${2:-5}
python=$top/build/peers/bin/python
"$python" -c 'import ncnn, onnx, onnxruntime' 2>/dev/null || {
    python3 -m venv "$top/build/peers"
    "$top/build/peers/bin/pip" install -q ncnn onnx onnxruntime numpy
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What is measured: NAME.safetensors or .pth here, NAME.onnx there.
"$build/tests/make_model" resnet_9blocks 64 "$work/resnet9_ngf64.safetensors"
"$build/tests/make_model" resnet_9blocks 10 "$work/resnet9_ngf10.safetensors"
mobile=$top/../shared/data/weights/horse2zebra_mobile_net_G.pth
[ ! -e "$mobile" ] || "$cgvideo" model convert "$mobile" "$work/horse2zebra_mobile.safetensors"
for model in "$work"/*.safetensors; do
    "$cgvideo" model convert "$model" "${model%.safetensors}.onnx"
done
# The peers run the bundled network without the slicing of its grid.
cp "$top/models/day2night.safetensors" "$work/day2night.safetensors"
"$cgvideo" model convert "$work/day2night.safetensors" "$work/whole.onnx"
"$python" - "$work" <<'PY'
import sys
import onnx
graph = onnx.load(sys.argv[1] + "/whole.onnx").graph
widths = {i.name: i.dims[0] for i in graph.initializer if len(i.dims) == 4}
grid = next(n for n in graph.node if n.op_type == "Conv" and widths.get(n.input[1]) == 96
            and not any(n.output[0] in m.input and m.op_type == "InstanceNormalization"
                        for m in graph.node))
onnx.utils.extract_model(sys.argv[1] + "/whole.onnx", sys.argv[1] + "/day2night.onnx",
                         [graph.input[0].name], [grid.output[0]])
PY

median='import json, statistics, sys; print(statistics.median(json.load(sys.stdin)[sys.argv[1]]))'
ours() {
    "$cgvideo" bench -v error -m "$1.safetensors" -s "${size}x$size" -n 5 -json |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["ms_per_frame"])'
}
peer() {
    "$python" "$top/bench/peers/run_peer.py" "$1" "$2.onnx" "$size" 3 2>/dev/null | tail -1 | python3 -c "$median" ms
}
torch() {
    /usr/bin/python3 -c 'import torch' 2>/dev/null || {
        echo nan
        return
    }
    "$python" "$top/bench/peers/dump_graph.py" "$1.onnx" "$1.pickle"
    /usr/bin/python3 "$top/bench/peers/torch_graph.py" "$1.pickle" "$size" 3 | python3 -c "$median" ms
}
for model in "$work"/*.safetensors; do
    model=${model%.safetensors}
    for _ in $(seq "$rounds"); do
        echo "$(ours "$model") $(torch "$model") $(peer onnxruntime "$model") $(peer ncnn "$model")" \
            "$(peer ncnn_vulkan "$model")"
    done | python3 -c '
import statistics, sys
rows = [[float(x) for x in line.split()] for line in sys.stdin]
names = ["cgvideo", "PyTorch", "onnxruntime", "ncnn CPU", "ncnn Vulkan"]
medians = [statistics.median(c) for c in zip(*rows)]
print(f"{sys.argv[1]:20}", ", ".join(f"{n} {m:.0f} ms" + (f" ({m / medians[0]:.2f}x)" if i else "")
                                    for i, (n, m) in enumerate(zip(names, medians)) if m == m))
' "$(basename "$model")"
done
