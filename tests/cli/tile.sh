#!/usr/bin/env bash
# -tile: the pictures are those of the whole, within one code.
source "$(dirname "$0")/lib.sh"

"$CGV_MAKE_MODEL" resnet_2blocks 8 net.safetensors
make_input -f lavfi -i testsrc2=s=250x190:r=25 -frames:v 4 -pix_fmt bgr0 -c:v ffv1 in.mkv
make_input -i in.mkv -frames:v 1 in.png

run() { expect 0 "$CGVIDEO" -v error -y -m net.safetensors "$@"; }
at_most_one() { [ "$2" -le 1 ] || fail "$1: a difference of $2"; }

run -i in.png whole.png
for side in 32 77 200; do
    run -tile $side -i in.png tiled.png
    at_most_one "tiles of $side" "$(largest_difference whole.png tiled.png)"
done
run -stabilize 0.9 -i in.mkv -c:v ffv1 whole.mkv
run -stabilize 0.9 -tile 64 -i in.mkv -c:v ffv1 tiled.mkv
equal "frames" 4 "$(frame_count tiled.mkv)"
at_most_one "held steady" "$(largest_difference whole.mkv tiled.mkv)"
run -strength 0.5 -compare 0.3 -i in.png whole.png
run -strength 0.5 -compare 0.3 -tile 64 -i in.png tiled.png
at_most_one "blended" "$(largest_difference whole.png tiled.png)"
run -tile 4096 -i in.png tiled.png # one tile
# The head needs the picture itself: no stretch is narrow, all of the network is in tiles.
"$CGV_MAKE_MODEL" resnet_1blocks_affine 4 net.safetensors
run -net_height 190 -i in.png whole.png
run -net_height 190 -tile 100 -i in.png tiled.png
at_most_one "an affine head" "$(largest_difference whole.png tiled.png)"

"$CGV_MAKE_MODEL" resnet_1blocks_grid 4 net.safetensors
run -net_height 100 -i in.png whole.png
run -net_height 100 -tile 40 -i in.png tiled.png
at_most_one "a grid" "$(largest_difference whole.png tiled.png)"
"$CGV_MAKE_MODEL" resnet_1blocks_grid_coord 4 net.safetensors
run -net_height 100 -i in.png whole.png
run -net_height 100 -tile 40 -i in.png tiled.png
at_most_one "a grid that knows the height" "$(largest_difference whole.png tiled.png)"

# Where one tile, with what it needs around it, is all there is.
make_input -f lavfi -i testsrc2=s=200x190 -frames:v 1 small.png
"$CGV_MAKE_MODEL" resnet_2blocks 8 net.safetensors
run -i small.png whole.png
expect 0 "$CGVIDEO" -v warning -y -m net.safetensors -tile 190 -i small.png tiled.png
says "no memory is saved"
equal "largest difference of what is whole" 0 "$(largest_difference whole.png tiled.png)"

expect 2 "$CGVIDEO" -v error -m net.safetensors -tile 31 -i in.png none.png
says_one_line "-tile takes 32 or more, or 0 for none"
expect 2 "$CGVIDEO" -v error -m net.safetensors -tile 64 -precision fp16 -i in.png none.png
says_one_line "-tile runs in single precision"
no_file none.png
no_litter

finish
