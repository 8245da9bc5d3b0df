#!/bin/bash
# Generators of every family, through the program: pictures larger and smaller than what a U-Net
# takes to one pixel, video, conversion, timing.
. "$(dirname "$0")/lib.sh"
: "${CGV_MAKE_MODEL:?the program that makes small models}"

make_input -f lavfi -i testsrc2=s=150x70 -frames:v 1 wide.png
make_input -f lavfi -i testsrc2=s=18x22 -frames:v 1 small.png
make_input -f lavfi -i testsrc2=s=96x64:r=5 -t 0.4 clip.mp4

for name in unet_64 resnet_1blocks_antialias; do
    "$CGV_MAKE_MODEL" $name 4 $name.safetensors
    expect 0 "$CGVIDEO" model info $name.safetensors -s 150x70
    grep -q "^architecture  $name\$" out.txt || fail "architecture: $(cat out.txt)"
    expect 0 "$CGVIDEO" -v error -m $name.safetensors -i wide.png $name-wide.png
    expect 0 "$CGVIDEO" -v error -m $name.safetensors -i small.png $name-small.png
    equal "$name: size of a picture" 150,70 "$(stream $name-wide.png v:0 width,height)"
    equal "$name: size of a small one" 18,22 "$(stream $name-small.png v:0 width,height)"
    expect 0 "$CGVIDEO" -v error -m $name.safetensors -i clip.mp4 $name.mp4
    equal "$name: size of a video" 96,64 "$(stream $name.mp4 v:0 width,height)"
    # Whole pictures where they have no two parts of the network's size.
    expect 0 "$CGVIDEO" -v error -m $name.safetensors -net_height 10 -i small.png -y $name-low.png
    equal "$name: size at a height" 18,22 "$(stream $name-low.png v:0 width,height)"

    expect 0 "$CGVIDEO" model convert $name.safetensors $name-half.safetensors -dtype f16
    expect 0 "$CGVIDEO" -v error -m $name-half.safetensors -i wide.png $name-half.png
    psnr=$(ffmpeg -hide_banner -i $name-wide.png -i $name-half.png -lavfi psnr -f null - 2>&1 |
        sed -n 's/.*average:\([0-9.inf]*\).*/\1/p')
    [ "$psnr" = inf ] || [ "${psnr%.*}" -ge 45 ] || fail "$name in half precision: PSNR $psnr"
    expect 0 "$CGVIDEO" bench -m $name.safetensors -s 128x128 -n 1 -kernels rules
    grep -q "$name at 128x128" out.txt || fail "bench: $(cat out.txt)"
    [ $name != unet_64 ] || grep -q ' -  - .* concat ' out.txt || fail "a roofline of nothing: $(cat out.txt)"
done
cmp -s unet_64-small.png unet_64-low.png || fail "a height changes a picture that is too small"

# No option of bench is taken that does nothing.
while read -r options; do
    read -ra words <<<"$options"
    expect 2 "$CGVIDEO" bench -v error -s 32x32 -n 1 "${words[@]}"
    says_one_line "belongs to\|does nothing\|of discriminators\|of generators"
done <<'O'
-train -m unet_64.safetensors
-train -precision fp32
-train -frame
-recompute
-frame -batch 2
-net_height 16
-tile 64
-m unet_64.safetensors -arch resnet_1blocks
-m unet_64.safetensors -ngf=8
-m unet_64.safetensors -head affine
-m unet_64.safetensors --upsample resize
-m unet_64.safetensors -layers 2
-arch resnet_1blocks -ndf 8
-arch patchgan -ngf 8
-model_range 0,1
O
expect 0 "$CGVIDEO" bench -v error -arch patchgan -ndf 4 -layers 2 -s 64x64 -n 1
no_litter
finish
