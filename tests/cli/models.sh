#!/bin/bash
# cgvideo devices, model info, model convert; -strength.
. "$(dirname "$0")/lib.sh"
: "${CGV_MAKE_MODEL:?the program that makes small models}"

expect 0 "$CGVIDEO" devices
grep -q '^\* [0-9]' out.txt || fail "devices marks none"
expect 0 "$CGVIDEO" model info identity
grep -q '^architecture  identity' out.txt || fail "model info: $(cat out.txt)"
expect 2 "$CGVIDEO" model info
says_one_line "usage"
expect 2 "$CGVIDEO" model info -gpu 0 identity
says_one_line "unknown option -gpu"
for out in out.pth out.onnx.txt .safetensors .onnx; do
    expect 2 "$CGVIDEO" model convert identity $out
    says_one_line "$out: .*must end in .safetensors"
done
expect 1 "$CGVIDEO" model convert identity out.safetensors
says_one_line "no weights"
expect 2 "$CGVIDEO" model convert identity
says_one_line "usage"
expect 2 "$CGVIDEO" model convert identity out.safetensors -dtype f8
says_one_line "-dtype is one of f32, f16"
expect 2 "$CGVIDEO" model info identity -dtype f16
says_one_line "unknown option -dtype"
expect 1 "$CGVIDEO" model info missing.pth
says_one_line "missing.pth"
head -c 1000 /dev/urandom >noise.pth
expect 1 "$CGVIDEO" model info noise.pth
says_one_line "noise.pth"

# Means of weights (their numbers: tests/test_model.c).
"$CGV_MAKE_MODEL" resnet_1blocks 4 plain.safetensors
"$CGV_MAKE_MODEL" resnet_1blocks 5 wider.safetensors
expect 0 "$CGVIDEO" model convert plain.safetensors same.safetensors -average plain.safetensors -share 0.3
expect 0 "$CGVIDEO" model convert plain.safetensors copy.safetensors
cmp copy.safetensors same.safetensors || fail "a mean with itself is another model"
expect 1 "$CGVIDEO" model convert plain.safetensors two.safetensors -average wider.safetensors
says_one_line "two models alike"
expect 1 "$CGVIDEO" model convert plain.safetensors two.safetensors -average missing.safetensors
says_one_line "missing.safetensors"
expect 2 "$CGVIDEO" model convert plain.safetensors two.safetensors -share 0.5
says_one_line "-average"
[ ! -e two.safetensors ] || fail "a refused mean was written"

# Conversion: half the space, rounded once; the description stays until another is given.
"$CGV_MAKE_MODEL" resnet_1blocks_resize_affine 4 full.safetensors
expect 0 "$CGVIDEO" model convert full.safetensors half.safetensors -dtype f16 -description "day → night"
numbers=$("$CGVIDEO" model info full.safetensors | awk '/^parameters/ { print $2 }')
# bytes of the numbers: of the file without its header and the header's length
bytes() { echo $(($(stat -c %s "$1") - $(od -An -tu8 -N8 "$1") - 8)); }
equal "bytes of float32" $((4 * numbers)) "$(bytes full.safetensors)"
equal "bytes of half precision" $((2 * numbers)) "$(bytes half.safetensors)"
expect 0 "$CGVIDEO" model convert half.safetensors again.safetensors
expect 0 "$CGVIDEO" model convert --dtype=f16 again.safetensors half_again.safetensors
cmp half.safetensors half_again.safetensors || fail "half precision is not kept"
expect 0 "$CGVIDEO" model info again.safetensors
grep -q '^description   day → night$' out.txt || fail "description: $(cat out.txt)"
grep -q '^architecture  resnet_1blocks_resize_affine$' out.txt || fail "architecture: $(cat out.txt)"
expect 2 "$CGVIDEO" model convert full.safetensors two.safetensors -description $'two\nlines'
says_one_line "one line of UTF-8"
no_file two.safetensors

weights=$CGV_SOURCE_DIR/../shared/data/weights
if [ -d "$weights" ]; then
    net=$weights/horse2zebra_mobile_net_G.pth
    expect 0 "$CGVIDEO" model info "$net" -s 256x256
    grep -q '356867' out.txt || fail "parameters: $(cat out.txt)"
    grep -q '^cost .* GMAC at 256x256' out.txt || fail "cost: $(cat out.txt)"
    expect 0 "$CGVIDEO" model convert "$net" net.safetensors
    expect 0 "$CGVIDEO" model info net.safetensors
    grep -q '356867' out.txt || fail "parameters after conversion"
    make_input -f lavfi -i testsrc2=s=64x48 -frames:v 1 in.png
    expect 0 "$CGVIDEO" -v error -m "$net" -i in.png pth.png
    expect 0 "$CGVIDEO" -v error -m net.safetensors -i in.png safetensors.png
    equal "converted model" "$(frames_md5 pth.png)" "$(frames_md5 safetensors.png)"
    [ "$(frames_md5 pth.png)" != "$(frames_md5 in.png)" ] || fail "the net changes nothing"
    expect 0 "$CGVIDEO" -v error -m "$net" -strength 0 -i in.png unchanged.png
    equal "-strength 0" "$(frames_md5 in.png)" "$(frames_md5 unchanged.png)"
    # Weights so large that sums overflow: a picture of NaN is an error, never black.
    header=$(od -An -tu8 -N8 net.safetensors)
    for _ in $(seq 2000); do printf '\377\377\177\177'; done >huge
    dd if=huge of=net.safetensors bs=1 seek=$((header + 8)) conv=notrunc status=none
    expect 1 "$CGVIDEO" -v error -m net.safetensors -i in.png nan.png
    says "translate: failed at frame 0: NaN"
    no_file nan.png
    expect 1 "$CGVIDEO" model info "$weights/corrupt_netG.pth"
    says_one_line "corrupt_netG.pth"
else
    echo "SKIPPED: the part with real weights: $weights is absent"
fi
no_litter
finish
