#!/usr/bin/env bash
# cgvideo train -paired: pairs in two folders and side by side, what a run leaves, going on with it.
source "$(dirname "$0")/lib.sh"

mkdir ab a b
for i in 1 2 3 4; do
    make_input -f lavfi -i "testsrc2=s=56x40:r=1:d=1,hue=h=$((i * 40)),split[x][y];\
[y]negate[z];[x][z]hstack" -frames:v 1 ab/$i.png
    make_input -i ab/$i.png -vf crop=56:40:0:0 a/$i.png
    make_input -i ab/$i.png -vf crop=56:40:56:0 b/$i.bmp
done
cp a/1.png a/lonely.png

options=(-v info -arch unet_16 -ngf 4 -ndf 4 -layers 1 -crop 32x32 -steps 60 -save_every 25
    -log_every 10 -sample_every 30)
train() { "$CGVIDEO" train -paired "${options[@]}" "$@"; }
# losses.csv without the columns that measure time.
losses() { cut -d, -f1,2,4,5,7- "$1/losses.csv"; }

expect 0 train -a ab -o beside
says "4 pairs"
for file in config.json losses.csv index.html G_AB.safetensors samples/step_00000030.png; do
    [ -s "beside/$file" ] || fail "no beside/$file"
done
no_file beside/G_BA.safetensors
equal "columns" "step,epoch,seconds,lr_g,lr_d,images_per_second,G_A,L1_A,D_A" \
    "$(head -n 1 beside/losses.csv)"
equal "size of the samples" "100,134" "$(stream beside/samples/step_00000060.png v:0 width,height)"
awk -F, 'NR == 2 { first = $8 } END { exit !($8 < 0.95 * first) }' beside/losses.csv ||
    fail "the difference does not shrink"
expect 0 "$CGVIDEO" -v error -m beside/G_AB.safetensors -i a/1.png -o translated.png
equal "size of the translated picture" 56,40 "$(stream translated.png v:0 width,height)"

# The same pairs in two folders give the same bytes; the other way round others.
expect 0 train -a a -b b -o apart
says "1 pictures of A and 0 of B have no partner"
diff <(losses beside) <(losses apart) >/dev/null || fail "two folders: other losses"
cmp -s beside/G_AB.safetensors apart/G_AB.safetensors || fail "two folders: another generator"
expect 0 train -a ab -direction BtoA -o back
expect 0 train -a b -b a -o swapped
cmp -s back/G_AB.safetensors swapped/G_AB.safetensors || fail "-direction BtoA is not -a b -b a"
cmp -s back/G_AB.safetensors beside/G_AB.safetensors && fail "-direction BtoA changes nothing"

# Stopped after its second checkpoint and resumed.
cp -r beside cut
rm cut/checkpoints/step_00000060.safetensors cut/G_AB.safetensors
expect 0 "$CGVIDEO" train -v info -resume cut
says "step 60/60"
cmp -s beside/G_AB.safetensors cut/G_AB.safetensors || fail "resumed: another generator"
diff <(losses beside) <(losses cut) >/dev/null || fail "resumed: other losses"

# A ResNet, from weights of its own.
expect 0 train -a ab -arch resnet_1blocks -steps 2 -o resnet
expect 0 train -a ab -init_g resnet/G_AB.safetensors -steps 2 -o further
equal "started from" resnet_1blocks \
    "$("$CGVIDEO" model info further/G_AB.safetensors | sed -n 's/^architecture *//p')"

# ---- what cannot be

expect 1 train -a ab -pool 5 -o none
says "no pool"
expect 1 train -a ab -identity 1 -o none
says "identity"
expect 1 train -a ab -crop 40x32 -o none
says "multiples of 16"
expect 1 train -a a -b ab/1.png,translated.png -init_g a/1.png -o none
says "a/1.png"
expect 2 "$CGVIDEO" train -hide_banner -a a -b b -lambda_l1 100 -o none
says_one_line "-lambda_l1 and -direction are of -paired"
expect 2 "$CGVIDEO" train -hide_banner -paired -a a -b b -histogram 1 -o none
says_one_line "-histogram is of unpaired trainings"
for option in "night 1" "windows 1" "freeze G_A"; do
    expect 2 "$CGVIDEO" train -hide_banner -paired -a a -b b -init_g a -$option -o none
    says_one_line "-${option% *} is of unpaired trainings"
done
expect 2 "$CGVIDEO" train -hide_banner -paired -o none
says_one_line "-paired"
mkdir other
cp a/1.png other/x.png
expect 1 train -a a -b other -o none
says "no picture of A is called as one of B"
no_file none/config.json
no_litter
finish
