#!/bin/bash
# peer.sh SCRIPT PROGRAM: bench/peers/SCRIPT.py makes a folder of what PyTorch does, and PROGRAM
# holds cgvideo against it. CGV_TORCH names the python that has torch.
set -euo pipefail
cd "$(dirname "$0")/.."
for python in ${CGV_TORCH:-python3 /usr/bin/python3}; do
    if "$python" -c 'import torch' 2>/dev/null; then
        folder=$(mktemp -d)
        trap 'rm -r "$folder"' EXIT
        PYTHONDONTWRITEBYTECODE=1 "$python" "bench/peers/$1.py" "$folder"
        "$2" "$folder"
        exit
    fi
done
echo "SKIPPED: no PyTorch here (Debian: python3-torch), nothing to compare with"
exit 77
