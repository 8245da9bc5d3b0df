#!/usr/bin/env bash
# A training step here and in PyTorch on the same CPU, taking turns, since machines are noisy:
#     bench/train_vs_torch.sh [-gpu DEVICE] [NGF BLOCKS NDF SIZE [ROUNDS]]     (default 16 6 32 128 5)
# Both in single precision, in which all training is; cgvideo on the CPU's Vulkan driver or on
# DEVICE. PyTorch is python3-torch of apt, or what $CGV_TORCH, a Python, has. $CGVIDEO: the program
# (default: the release build).
set -euo pipefail
. "$(dirname "$0")/setup.sh"
chosen=
while [[ ${1-} == -* ]]; do
    case $1 in
    -gpu) chosen=${2:?-gpu needs a device} && shift 2 ;;
    *) usage ;;
    esac
done
ngf=${1:-16} blocks=${2:-6} ndf=${3:-32} size=${4:-128} rounds=${5:-5}
install_packages python3
prepare
same_device "$chosen"
prepare_torch || {
    say "no PyTorch for $torch (Debian: python3-torch)"
    exit 1
}
own=() peer=()
for _ in $(seq "$rounds"); do
    own+=("$("$cgvideo" bench -v error -gpu "$device" -train \
        -arch "resnet_${blocks}blocks" -ngf "$ngf" -ndf "$ndf" -s "${size}x$size" -n 3 -json |
        python3 -c 'import json,sys; print(json.load(sys.stdin)["ms_per_step"])')")
    peer+=("$("$torch" "$root/bench/peers/torch_cyclegan.py" --ngf "$ngf" \
        --blocks "$blocks" --ndf "$ndf" --size "$size" --runs 3 |
        python3 -c 'import json,statistics,sys; print(statistics.median(json.load(sys.stdin)["ms"]))')")
done
python3 - "${own[*]}" "${peer[*]}" <<'PY'
import statistics, sys
own, torch = ([float(x) for x in a.split()] for a in sys.argv[1:3])
o, t = statistics.median(own), statistics.median(torch)
print(f"cgvideo {o:.1f} ms, PyTorch {t:.1f} ms a step (medians): {o / t:.2f} times PyTorch")
print("ratio of each round:", ", ".join(f"{a / b:.2f}" for a, b in zip(own, torch)))
PY
