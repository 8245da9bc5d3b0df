#!/bin/bash
# check_install.sh BUILD CC MAKE_MODEL: a program outside the tree builds against the installed
# library through pkg-config, and translates a picture; the installed program finds its models.
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$1" --prefix "$work/prefix" >/dev/null
# An installed tree may be moved.
mv "$work/prefix" "$work/moved"

# The models of the source tree are there, and the program finds what lies beside them.
models=$work/moved/share/cgvideo/models
for model in "$source"/models/*.safetensors; do
    [ ! -e "$model" ] || cmp "$model" "$models/$(basename "$model")"
done
mkdir -p "$models"
"$3" resnet_1blocks 2 "$models/wibble.safetensors"
env -u CGVIDEO_MODEL_PATH "$work/moved/bin/cgvideo" model info wibble 2>&1 |
    grep "^model wibble: $models/wibble.safetensors"

PKG_CONFIG_PATH=$(dirname "$(find "$work/moved" -name cgvideo.pc)")
export PKG_CONFIG_PATH
cd "$work"
# shellcheck disable=SC2046 # words are what is wanted
"$2" -Wall -Wextra -Werror -o translate_image "$source/samples/translate_image.c" \
    $(pkg-config --cflags --libs cgvideo)
LD_LIBRARY_PATH=$(pkg-config --variable=libdir cgvideo)
export LD_LIBRARY_PATH

{ printf 'P6\n33 17\n255\n' && head -c $((33 * 17 * 3)) "$source/samples/translate_image.c"; } >in.ppm
if ! moved/bin/cgvideo devices | grep -q . && [ -z "${CGV_REQUIRE_DEVICE-}" ]; then
    echo "SKIPPED: built, but no Vulkan device to run on"
    exit 77
fi
./translate_image identity in.ppm out.ppm
# The identity gives each byte back within one code.
[ "$(stat -c %s in.ppm)" = "$(stat -c %s out.ppm)" ]
{ cmp -l in.ppm out.ppm || true; } | awk '
    function value(octal) { return int(octal / 100) * 64 + int(octal / 10) % 10 * 8 + octal % 10 }
    { d = value($2) - value($3) }
    d > 1 || d < -1 { print "byte " $1 " is off by " d; bad = 1 }
    END { exit bad }'
if ./translate_image nothing.pth in.ppm none.ppm 2>messages || [ -e none.ppm ]; then
    echo "a missing model was not refused"
    exit 1
fi
grep -q 'nothing.pth' messages
echo "built through pkg-config, and translated a picture"
