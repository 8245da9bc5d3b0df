#!/bin/bash
# check_matrix_spirv.sh [--update]: the shaders that are kept compiled (shaders/matrix/*.spv) were made
# from the sources that are here, as the checksum beside them says; and, where glslang knows
# cooperative matrices and is the version that made them, it makes the same. --update compiles anew.
set -euo pipefail
cd "$(dirname "$0")/../shaders"
sources() { cat matrix/*.comp include/common.glsl include/push.h include/matrix_conv.h matrix/*.spv | sha256sum; }
compiler=$(command -v glslangValidator || command -v glslang || true)
made=$(mktemp --suffix=.spv)
trap 'rm -f "$made"' EXIT
compile() { "$compiler" -V --quiet --target-env vulkan1.2 -Iinclude -o "$made" "$1"; }
if [ "${1-}" = --update ]; then
    for source in matrix/*.comp; do
        compile "$source"
        cp "$made" "${source%.comp}.spv"
    done
    sources >matrix/checksum
fi
if [ "$(sources)" != "$(cat matrix/checksum)" ]; then
    echo "shaders/matrix/*.spv are not those of their sources: run tests/check_matrix_spirv.sh --update" \
        "where glslang knows cooperative matrices (Debian 13)"
    exit 1
fi
# The words of the header that name the compiler.
generator() { od -An -tx4 -j8 -N4 "$1"; }
for source in matrix/*.comp; do
    kept=${source%.comp}.spv
    if [ -z "$compiler" ] || ! compile "$source" >/dev/null || [ "$(generator "$made")" != "$(generator "$kept")" ]; then
        echo "the checksum is right; not compiled: another glslang than the one that made $kept"
    elif ! cmp -s "$made" "$kept"; then
        echo "$kept is not what $source gives: run tests/check_matrix_spirv.sh --update"
        exit 1
    fi
done
