#!/usr/bin/env bash
# Generators here and in other programs on the same CPU, taking turns, since machines are noisy:
#     bench/peers.sh [-gpu DEVICE] [-only NETWORK] [SIZE [ROUNDS]]  (default 256 5; a SIZE that 4 divides)
# Medians in milliseconds, one line a network, all in single precision; cgvideo and ncnn's Vulkan on
# the CPU's driver or on DEVICE. "-" is a failure, which a line tells. What the programs make of a
# picture is compared. Exit status 1 if one failed or differs; one that cannot be had is left out.
# ncnn and onnxruntime come from PyPI into build/peers (bench/peers/requirements.txt), PyTorch is
# python3-torch of apt, or what $CGV_TORCH, a Python, has. $CGVIDEO: the program (default: the
# release build).
set -euo pipefail
. "$(dirname "$0")/setup.sh"
chosen='' only=''
while [[ ${1-} == -* ]]; do
    case $1 in
    -gpu) chosen=${2:?-gpu needs a device} && shift 2 ;;
    -only) only=${2:?-only needs the name of a network} && shift 2 ;;
    *) usage ;;
    esac
done
size=${1:-256} rounds=${2:-5}
install_packages python3 python3-venv
prepare make_model
same_device "$chosen"

# One by one, so that one that cannot be had takes no other with it.
python=$root/build/peers/bin/python
"$python" -c '' 2>/dev/null || python3 -m venv --clear "$root/build/peers"
while read -r requirement; do
    "$python" - "$requirement" <<'PY' 2>/dev/null ||
import importlib.metadata, sys
name, version = sys.argv[1].split("==")
sys.exit(importlib.metadata.version(name) != version)
PY
        "$python" -m pip install -q --disable-pip-version-check "$requirement" >&2 </dev/null ||
        say "could not install $requirement"
done <"$root/bench/peers/requirements.txt"
has() { "$python" -c "import $1" 2>/dev/null; }
has numpy && has onnx || {
    say "no peer can be measured without numpy and onnx"
    exit 1
}
peers=(cgvideo)
if prepare_torch; then
    peers+=(PyTorch)
else
    echo "left out: PyTorch, for $torch has none (Debian: python3-torch)"
fi
if has onnxruntime; then
    peers+=(onnxruntime)
else
    echo "left out: onnxruntime, for it could not be installed into build/peers"
fi
if has ncnn; then
    peers+=("ncnn CPU" "ncnn Vulkan")
else
    echo "left out: ncnn, for it could not be installed into build/peers"
fi

echo "${size}x$size; cgvideo and ncnn Vulkan on $device_name, the others on $(nproc) threads of the CPU"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What is measured: NAME.safetensors or .pth here, NAME.onnx there.
"$make_model" resnet_9blocks 64 "$work/resnet9_ngf64.safetensors"
"$make_model" resnet_9blocks 10 "$work/resnet9_ngf10.safetensors"
mobile=$root/../shared/data/weights/horse2zebra_mobile_net_G.pth
if [ -e "$mobile" ]; then
    "$cgvideo" model convert "$mobile" "$work/horse2zebra_mobile.safetensors"
else
    echo "left out: horse2zebra_mobile, for there is no ../shared/data/weights/$(basename "$mobile")"
fi
for model in "$work"/*.safetensors; do
    "$cgvideo" model convert "$model" "${model%.safetensors}.onnx"
done
# The bundled network is compared without the slicing of its grid, which the peers do not have, and
# they without the coordinates of its first convolution.
cp "$root/models/day2night.safetensors" "$work/day2night.safetensors"
"$cgvideo" model convert "$work/day2night.safetensors" "$work/whole.onnx"
"$python" - "$work" "$size" <<'PY'
import sys
import numpy
import onnx
import onnx.numpy_helper
work, size = sys.argv[1], int(sys.argv[2])
model = onnx.load(work + "/whole.onnx")
graph = model.graph
joined = next(n for n in graph.node if n.op_type == "Concat" and n.input[0] == graph.input[0].name)
for node in graph.node:
    if node.op_type in ("Pad", "Conv") and node.input[0] == joined.output[0]:
        node.input[0] = graph.input[0].name
weights = next(i for i in graph.initializer if len(i.dims) == 4 and i.dims[1] == 4)
weights.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weights)[:, :3],
                                              weights.name))
onnx.save(model, work + "/whole.onnx")
widths = {i.name: i.dims[0] for i in graph.initializer if len(i.dims) == 4}
grid = next(n for n in graph.node if n.op_type == "Conv" and widths.get(n.input[1]) == 96
            and not any(n.output[0] in m.input and m.op_type == "InstanceNormalization"
                        for m in graph.node))
onnx.utils.extract_model(work + "/whole.onnx", work + "/day2night.onnx", [graph.input[0].name],
                         [grid.output[0]])
picture = numpy.random.default_rng(1).integers(0, 256, (size, size, 3), numpy.uint8)
with open(work + "/picture.ppm", "wb") as f:
    f.write(b"P6 %d %d 255\n" % (size, size) + picture.tobytes())
(picture.transpose(2, 0, 1) / 127.5 - 1).astype("<f4").tofile(work + "/picture.f32")
PY

# run PEER MODEL OUTPUT: one JSON object; what the network makes of the picture into OUTPUT, where
# that can be compared.
run() {
    local run_peer=("$python" "$root/bench/peers/run_peer.py")
    local arguments=("$work/picture.f32" "$size" "$3" 3)
    case $1 in
    cgvideo)
        [ -e "$3.ppm" ] || [ "$(basename "$2")" = day2night ] ||
            "$cgvideo" -v error -m "$2.safetensors" -gpu "$device" -precision fp32 \
                -i "$work/picture.ppm" "$3.ppm"
        local bench=("$cgvideo" bench -v error -m "$2.safetensors" -gpu "$device" -precision fp32
            -s "${size}x$size" -json)
        # For a second, as the others are: small networks take many pictures to get up to speed.
        local count
        count=$("${bench[@]}" -n 3 | "$python" -c 'import json, sys
print(max(5, min(100, round(1000 / json.load(sys.stdin)["ms_per_frame"]))))')
        "${bench[@]}" -n "$count"
        ;;
    PyTorch)
        "$python" "$root/bench/peers/dump_graph.py" "$2.onnx" "$2.pickle"
        "$torch" "$root/bench/peers/torch_graph.py" "$2.pickle" "${arguments[@]}"
        ;;
    onnxruntime) "${run_peer[@]}" onnxruntime "$2.onnx" "${arguments[@]}" ;;
    "ncnn CPU") "${run_peer[@]}" ncnn "$2.onnx" "${arguments[@]}" ;;
    "ncnn Vulkan") "${run_peer[@]}" ncnn_vulkan "$2.onnx" "${arguments[@]}" "$device_name" ;;
    esac
}

status=0 measured=''
for model in "$work"/*.safetensors; do
    model=${model%.safetensors}
    [ -z "$only" ] || [ "$(basename "$model")" = "$only" ] || continue
    measured=1
    folder=$model.runs # PEER.ROUND.json, .err where it failed; PEER, its output
    mkdir "$folder"
    for round in $(seq "$rounds"); do
        for peer in "${peers[@]}"; do
            # In a shell of its own, which ends at the first failure, as it would not behind ||.
            set +e
            (
                set -e
                run "$peer" "$model" "$folder/$peer"
            ) >"$folder/$peer.$round.json" 2>"$folder/$peer.$round.err"
            code=$?
            set -e
            if [ $code = 0 ]; then
                rm "$folder/$peer.$round.err"
            else
                echo "exit status $code" >"$folder/$peer.$round.json"
            fi
        done
    done
    "$python" "$root/bench/peers/report.py" "$folder" "$rounds" "${peers[@]}" || status=1
done
[ -n "$measured" ] || {
    say "there is no network $only here"
    exit 2
}
exit $status
