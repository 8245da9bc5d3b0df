#!/bin/bash
# check_matrix_spirv.sh [--update]: the shaders that are kept compiled (shaders/matrix/*.spv) are what their
# sources give. --update compiles them anew. Both need a glslang that knows cooperative matrices.
set -euo pipefail
cd "$(dirname "$0")/../shaders"
compiler=$(command -v glslangValidator || command -v glslang || true)
if [ -z "$compiler" ]; then
    echo "SKIPPED: no glslang here"
    exit 77
fi
made=$(mktemp --suffix=.spv)
trap 'rm -f "$made"' EXIT
# The words of the header that name the compiler.
generator() { od -An -tx4 -j8 -N4 "$1"; }
for source in matrix/*.comp; do
    kept=${source%.comp}.spv
    if ! message=$("$compiler" -V --quiet --target-env vulkan1.2 -Iinclude -o "$made" "$source"); then
        if grep -q "extension not supported: GL_KHR_cooperative_matrix" <<<"$message"; then
            echo "SKIPPED: this glslang does not know cooperative matrices"
            exit 77
        fi
        echo "$source does not compile: $message"
        exit 1
    fi
    if [ "${1-}" = --update ]; then
        cp "$made" "$kept"
    elif [ "$(generator "$made")" != "$(generator "$kept")" ]; then
        echo "SKIPPED: $kept was made by another glslang"
        exit 77
    elif ! cmp -s "$made" "$kept"; then
        echo "$kept is not what $source gives: run tests/check_matrix_spirv.sh --update"
        exit 1
    fi
done
echo "the compiled matrix shaders are those of their sources"
