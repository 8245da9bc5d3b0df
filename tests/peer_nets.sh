#!/bin/bash
# peer_nets.sh TEST_PEER_NETS: every architecture that cgvideo reads, as PyTorch saves it and runs
# it (bench/peers/torch_nets.py), against cgvideo. CGV_TORCH names the python that has torch.
set -euo pipefail
cd "$(dirname "$0")/.."
for python in ${CGV_TORCH:-python3 /usr/bin/python3}; do
    if "$python" -c 'import torch' 2>/dev/null; then
        folder=$(mktemp -d)
        trap 'rm -r "$folder"' EXIT
        "$python" bench/peers/torch_nets.py "$folder"
        "$1" "$folder"
        exit
    fi
done
echo "SKIPPED: no PyTorch here (Debian: python3-torch), nothing to compare networks with"
exit 77
