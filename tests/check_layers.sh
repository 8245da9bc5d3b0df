#!/bin/bash
# Includes only point down the layers, and only some layers may use Vulkan, FFmpeg and SDL.
set -euo pipefail
cd "${1:-$(dirname "$0")/..}/src"

# Each layer may include itself and these.
declare -A below=(
    [base]=""
    [gpu]="base"
    [ops]="gpu base"
    [nn]="ops gpu base"
    [model]="nn base"
    [filter]="model nn ops gpu base"
    [train]="model nn ops gpu base"
    [eval]="train base"
    [video]="train filter model nn ops gpu base"
    [app]="video eval train filter model nn ops gpu base"
)
failed=0
wrong() {
    echo "src/$1: $2"
    failed=1
}
shopt -s nullglob
for folder in */; do
    layer=${folder%/}
    if [ -z "${below[$layer]+known}" ]; then
        wrong "$layer" "a layer that tests/check_layers.sh does not know"
        continue
    fi
    for file in "$layer"/*.[ch]; do
        while read -r include; do
            target=${include%%/*}
            case $include in
            cgvideo/* | shaders.h) ;;
            vulkan/* | volk.h | vk_*) [ "$layer" = gpu ] || wrong "$file" "only gpu uses Vulkan: $include" ;;
            libav* | libsw*) [[ $layer =~ ^(video|app)$ ]] || wrong "$file" "only video uses FFmpeg: $include" ;;
            SDL*) [ "$layer" = video ] || wrong "$file" "only video uses SDL: $include" ;;
            */*)
                [ -d "$target" ] || continue
                [[ " $layer ${below[$layer]} " == *" $target "* ]] ||
                    wrong "$file" "$layer lies below or beside $target: $include"
                ;;
            esac
        done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]([^>"]+)[>"].*/\1/p' "$file")
    done
done
[ $failed = 0 ] && echo "the layers of src/ are in order"
exit $failed
