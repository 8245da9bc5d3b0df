#!/bin/bash
# Models as .onnx: written, read again, their numbers chosen; a style network of others.
. "$(dirname "$0")/lib.sh"
: "${CGV_MAKE_MODEL:?the program that makes small models}"

make_input -f lavfi -i testsrc2=s=64x48 -frames:v 1 in.png
"$CGV_MAKE_MODEL" resnet_1blocks 4 net.safetensors
expect 0 "$CGVIDEO" model convert net.safetensors net.onnx -description "day → night"
expect 0 "$CGVIDEO" model info net.onnx -s 64x48
for line in 'description   day → night' 'format        onnx' 'channels      3 -> 3' \
    "$("$CGVIDEO" model info net.safetensors -s 64x48 | grep ^cost)"; do
    grep -qF "$line" out.txt || fail "model info: no '$line': $(cat out.txt)"
done
expect 0 "$CGVIDEO" -v error -m net.safetensors -i in.png weights.png
expect 0 "$CGVIDEO" -v error -m net.onnx -i in.png graph.png
equal "the same network" "$(frames_md5 weights.png)" "$(frames_md5 graph.png)"
[ "$(frames_md5 graph.png)" != "$(frames_md5 in.png)" ] || fail "the net changes nothing"

# What its metadata say is overruled, and what is written then is the same picture by itself.
expect 0 "$CGVIDEO" -v error -m net.onnx -model_range 0,1 -model_order bgr -i in.png unit.png
[ "$(frames_md5 unit.png)" != "$(frames_md5 graph.png)" ] || fail "-model_range changes nothing"
expect 0 "$CGVIDEO" model convert net.onnx unit.onnx -model_range 0,1 -model_order bgr
expect 0 "$CGVIDEO" -v error -m unit.onnx -i in.png again.png
equal "range and order, written" "$(frames_md5 unit.png)" "$(frames_md5 again.png)"
# Its -1..1 is black where 0..255 is meant.
expect 0 "$CGVIDEO" -v warning -hide_banner -m net.onnx -model_range 0,255 -i in.png black.png
says "warning: translate: every picture came out all black, .* right -model_range?"
expect 0 "$CGVIDEO" bench -m net.onnx -s 64x48 -n 1 -model_range 0,1

expect 2 "$CGVIDEO" -m net.onnx -model_range 0,2 -i in.png no.png
says_one_line "-model_range is one of auto, -1,1, 0,1, 0,255"
expect 2 "$CGVIDEO" -m net.onnx -model_order gbr -i in.png no.png
says_one_line "-model_order is one of auto, rgb, bgr"
expect 1 "$CGVIDEO" -v error -m net.safetensors -model_range 0,1 -i in.png no.png
says_one_line "for .onnx files only"
expect 2 "$CGVIDEO" model convert net.safetensors half.onnx -dtype f16
says_one_line "leave out -dtype"
expect 1 "$CGVIDEO" model convert net.onnx back.safetensors
says_one_line "can only be written as .onnx"
head -c 700 net.onnx >cut.onnx
expect 1 "$CGVIDEO" model info cut.onnx
says_one_line "cut.onnx: damaged"
expect 0 "$CGVIDEO" model convert identity identity.onnx
translate -m identity.onnx -i in.png same.png
equal "identity" "$(frames_md5 in.png)" "$(frames_md5 same.png)"
mkdir pictures
cp in.png pictures
expect 1 "$CGVIDEO" train -a pictures -b pictures -o run -init_g net.onnx
says "net.onnx: a graph from an .onnx file runs, and cannot be trained"
no_file no.png
no_file half.onnx
no_file back.safetensors

weights=$CGV_SOURCE_DIR/../shared/data/weights
if [ -d "$weights" ]; then
    expect 0 "$CGVIDEO" -v error -m "$weights/candy.onnx" -i "$weights/candy_in.png" candy.png
    # Mean and largest difference from what its authors' program makes, of all three channels.
    ffmpeg -v error -nostdin -i candy.png -i "$weights/candy_out.png" -lavfi \
        '[0]format=gbrp[a];[1]format=gbrp[b];[a][b]blend=all_mode=difference,format=rgb24' \
        -f rawvideo - | od -An -v -tu1 -w1 |
        awk '{ sum += $1; if ($1 > most) most = $1 } END { print sum / NR, most, NR }' >differences
    read -r mean most count <differences
    [ "$count" = $((320 * 184 * 3)) ] || fail "candy: $count numbers compared"
    awk "BEGIN { exit !($mean <= 0.6 && $most <= 3) }" || fail "candy: mean $mean, largest $most"
    # Any size: its sides are extended to multiples of 4.
    expect 0 "$CGVIDEO" -v error -m "$weights/candy.onnx" -i in.png candy_small.png
    make_input -i in.png -vf scale=67:45 odd.png
    expect 0 "$CGVIDEO" -v error -m "$weights/candy.onnx" -i odd.png candy_odd.png
    equal "size" 67,45 "$(stream candy_odd.png v:0 width,height)"
else
    echo "SKIPPED: the part with a style network: $weights is absent"
fi
no_litter
finish
