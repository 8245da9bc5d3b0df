#!/bin/bash
# ONNX against other programs: every architecture exported and random graphs of the operations
# imported, by its own checker and onnxruntime; networks exported by PyTorch, by PyTorch. Each part
# needs a Python with these packages: $CGV_PEERS/bin/python (a virtual environment), that of
# BUILD/peers or build/peers, or the system's.
set -euo pipefail
export PYTHONDONTWRITEBYTECODE=1
build=$1
here=$(cd "$(dirname "$0")" && pwd)

# python_with MODULES: the first that has them.
python_with() {
    local python
    for python in "${CGV_PEERS:-$build/peers}/bin/python" "$here/../build/peers/bin/python" python3 \
        /usr/bin/python3; do
        if "$python" -c "import $1" 2>/dev/null; then
            echo "$python"
            return
        fi
    done
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
ran=0
python=$(python_with "onnx, onnxruntime")
if [ -n "$python" ]; then
    "$python" "$here/onnx_exports.py"
    "$python" "$here/onnx_graphs.py" "${CGV_GRAPHS:-40}"
    ran=1
else
    echo "SKIPPED: no Python here has onnx and onnxruntime (python3 -m venv $build/peers &&" \
        "$build/peers/bin/pip install onnx onnxruntime)"
fi
python=$(python_with "torch, numpy")
if [ -n "$python" ]; then
    "$python" "$here/onnx_torch.py"
    ran=1
else
    echo "SKIPPED: no Python here has torch (Debian: python3-torch)"
fi
[ "$ran" = 1 ] || exit 77
