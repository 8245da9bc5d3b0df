#!/bin/bash
# check_spirv.sh FOLDER: every built shader is valid SPIR-V for Vulkan 1.2.
set -euo pipefail
if ! command -v spirv-val >/dev/null; then
    echo "SKIPPED: no spirv-val here"
    exit 77
fi
shaders=("$1"/*.spv)
for shader in "${shaders[@]}"; do
    spirv-val --target-env vulkan1.2 "$shader"
done
echo "${#shaders[@]} shaders are valid"
