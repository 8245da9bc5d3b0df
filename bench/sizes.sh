#!/usr/bin/env bash
# Time and memory of pictures of growing size: bench/sizes.sh [-frame] [ARGUMENT OF cgvideo bench...]
# (default: -arch resnet_9blocks -ngf 10). A table with the line "fixed part + part proportional to
# pixels" of least squares and each size's deviation from it, and the same as a plot: sizes.svg.
# $CGVIDEO: the program (default: the release build).
set -euo pipefail
. "$(dirname "$0")/setup.sh"
install_packages python3
prepare
[ $# -gt 0 ] || set -- -arch resnet_9blocks -ngf 10
for size in 256x256 384x384 640x360 512x512 960x540 1280x720 1600x896 1920x1080; do
    "$cgvideo" bench -v error -n 7 -json -s "$size" "$@"
done | python3 "$root/bench/sizes.py" "cgvideo bench $*" sizes.svg
