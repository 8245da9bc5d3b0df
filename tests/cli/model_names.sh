#!/bin/bash
# Models by name: cgvideo models, -m NAME, and the model that is used without -m.
. "$(dirname "$0")/lib.sh"
: "${CGV_MAKE_MODEL:?the program that makes small models}"

# A program in a prefix of its own, so that neither the source tree's models nor this user's are
# found. Those of the system stay in sight: Vulkan's loader looks there too.
export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$HOME/.cache} # compiled shaders
export HOME=$work/home
unset XDG_DATA_HOME CGVIDEO_MODEL_PATH
mkdir -p prefix/bin
cp "$CGVIDEO" prefix/bin/cgvideo
cgvideo=$work/prefix/bin/cgvideo
installed=$work/prefix/share/cgvideo/models
own=$work/home/.local/share/cgvideo/models
mkdir -p "$installed" "$own" more
make_input -f lavfi -i testsrc2=s=64x48 -frames:v 1 in.png

# ---- none

expect 0 "$cgvideo" models
if [ -s out.txt ]; then
    echo "SKIPPED: what happens without any model, for some are installed"
else
    says_one_line "no models in $own, .*, $installed"
    expect 0 "$cgvideo" models -json -v error
    equal "JSON of no models" "[]" "$(cat out.txt)"
    expect 1 "$cgvideo" -v error -i in.png out.png
    says_one_line "no model 'day2night', which is the default: .*-m FILE.*CGVIDEO_MODEL_PATH"
    no_file out.png
fi
expect 1 "$cgvideo" -v error -m no_such_model -i in.png out.png
says_one_line "no model 'no_such_model': .*$own, .*$installed"

# ---- the default, from the installed tree

"$CGV_MAKE_MODEL" resnet_1blocks 4 day.safetensors
"$CGV_MAKE_MODEL" resnet_2blocks 2 other.safetensors
"$cgvideo" model convert day.safetensors "$installed/day2night.safetensors" -description "by day"
expect 0 "$cgvideo" -v info -i in.png -o by_default.png
says "^model day2night: $installed/day2night.safetensors"
expect 0 "$cgvideo" -v error -m day.safetensors -i in.png by_file.png
expect 0 "$cgvideo" -v error -m day2night -i in.png by_name.png
[ "$(frames_md5 by_default.png)" != "$(frames_md5 in.png)" ] || fail "the default changes nothing"
equal "default model" "$(frames_md5 by_file.png)" "$(frames_md5 by_default.png)"
equal "model by name" "$(frames_md5 by_file.png)" "$(frames_md5 by_name.png)"

# ---- another in front of it

cp other.safetensors more/day2night.safetensors
cp other.safetensors "$own/night2day.safetensors"
architecture() { "$cgvideo" model info "$1" -v error | sed -n 's/^architecture *//p'; }
equal "installed" resnet_1blocks "$(architecture day2night)"
equal "of the user" resnet_2blocks "$(architecture night2day)"
export CGVIDEO_MODEL_PATH=$work/nowhere:$work/more
equal "of CGVIDEO_MODEL_PATH" resnet_2blocks "$(architecture day2night)"
expect 0 "$cgvideo" bench -v error -m day2night -s 32x32 -n 1 -json
grep -q '"arch": "resnet_2blocks"' out.txt || fail "bench -m NAME: $(cat out.txt)"
grep -qF '"step": "model.1 conv 7 3>2 32x32"' out.txt || fail "bench: steps: $(cat out.txt)"
! grep '"step": ".*  ' out.txt || fail "bench: padded names of steps"

# ---- the list: each name once, as -m finds it; broken files are told, and hide nothing

head -c 1000 day.safetensors >more/broken.safetensors
"$CGV_MAKE_MODEL" resnet_1blocks 2 "more/with space.safetensors"
touch more/.hidden.safetensors more/readme.txt
mkdir more/folder.safetensors
expect 0 "$cgvideo" models
says_one_line "broken.safetensors: damaged"
equal "names listed" "* day2night|  with space|  night2day" \
    "$(grep -E '^(\*| ) [^ ]' out.txt | head -3 | paste -sd '|')"
equal "paths listed" "$work/more/day2night.safetensors" "$(sed -n 's/^ *path *//p' out.txt | head -1)"
grep -q 'GMAC at 256x256' out.txt || fail "no cost: $(cat out.txt)"
expect 0 "$cgvideo" models -json
says_one_line "broken.safetensors: damaged"
equal "the default in JSON" 1 "$(grep -c '"default": true' out.txt)"
for part in '"name": "with space"' '"architecture": "resnet_2blocks"' '"train_width": 0' \
    "\"bytes\": $(stat -c %s other.safetensors)" "\"path\": \"$own/night2day.safetensors\""; do
    grep -qF "$part" out.txt || fail "no $part in JSON"
done
mkdir graphs
"$cgvideo" model convert day.safetensors graphs/graph.onnx
cp day.safetensors $'graphs/caf\xe9.safetensors'
CGVIDEO_MODEL_PATH=$work/graphs expect 0 "$cgvideo" models
grep -qx '  graph.onnx' out.txt || fail "an .onnx file is not listed: $(cat out.txt)"
CGVIDEO_MODEL_PATH=$work/graphs expect 0 "$cgvideo" model info graph.onnx
CGVIDEO_MODEL_PATH=$work/graphs expect 0 "$cgvideo" models -json
equal "messages of a name that is no UTF-8" "" "$(cat err)"
grep -qF '"name": "caf\\xe9"' out.txt || fail "a name that is no UTF-8: $(cat out.txt)"
unset CGVIDEO_MODEL_PATH
expect 0 "$cgvideo" models -json
grep -qF '"description": "by day"' out.txt || fail "no description in JSON"
no_litter
finish
