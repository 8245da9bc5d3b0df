#!/bin/bash
# ONNX against its own checker and onnxruntime: every architecture exported, and random graphs of
# the operations imported. Needs Python with the packages onnx and onnxruntime: $CGV_PEERS/bin/python
# (a virtual environment), that of BUILD/peers, or python3.
set -euo pipefail
export PYTHONDONTWRITEBYTECODE=1
build=$1
here=$(dirname "$0")
for python in "${CGV_PEERS:+$CGV_PEERS/bin/python}" "$build/peers/bin/python" \
    "$build/../peers/bin/python" python3; do
    if [ -n "$python" ] && "$python" -c 'import onnx, onnxruntime' 2>/dev/null; then
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
        cd "$here" && here=$PWD && cd "$work"
        "$python" "$here/onnx_exports.py"
        "$python" "$here/onnx_graphs.py" "${CGV_GRAPHS:-40}"
        exit 0
    fi
done
echo "SKIPPED: no Python here has the packages onnx and onnxruntime (python3 -m venv" \
    "$build/peers && $build/peers/bin/pip install onnx onnxruntime)"
exit 77
