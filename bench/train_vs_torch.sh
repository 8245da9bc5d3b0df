#!/usr/bin/env bash
# A training step here and in PyTorch on the same CPU, taking turns, since machines are noisy:
#   bench/train_vs_torch.sh [NGF BLOCKS NDF SIZE [ROUNDS]]     (default 16 6 32 128 5)
# Needs python3-torch. $CGVIDEO: the program (default: the release build).
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
cgvideo=${CGVIDEO:-$top/build/release/src/app/cgvideo}
ngf=${1:-16} blocks=${2:-6} ndf=${3:-32} size=${4:-128} rounds=${5:-5}
/usr/bin/python3 -c 'import torch' 2>/dev/null || {
    echo "no PyTorch for /usr/bin/python3: apt-get install python3-torch" >&2
    exit 1
}
own=() torch=()
for _ in $(seq "$rounds"); do
    own+=("$("$cgvideo" bench -v error -train -arch "resnet_${blocks}blocks" -ngf "$ngf" \
        -ndf "$ndf" -s "${size}x$size" -n 3 -json |
        python3 -c 'import json,sys; print(json.load(sys.stdin)["ms_per_step"])')")
    torch+=("$(/usr/bin/python3 "$top/bench/peers/torch_cyclegan.py" --ngf "$ngf" \
        --blocks "$blocks" --ndf "$ndf" --size "$size" --runs 3 |
        python3 -c 'import json,statistics,sys; print(statistics.median(json.load(sys.stdin)["ms"]))')")
done
python3 - "${own[*]}" "${torch[*]}" <<'PY'
import statistics, sys
own, torch = ([float(x) for x in a.split()] for a in sys.argv[1:3])
o, t = statistics.median(own), statistics.median(torch)
print(f"cgvideo {o:.1f} ms, PyTorch {t:.1f} ms a step (medians): {o / t:.2f} times PyTorch")
print("ratio of each round:", ", ".join(f"{a / b:.2f}" for a, b in zip(own, torch)))
PY
