#!/usr/bin/env bash
# cgvideo train: what a run leaves, and that a run which was stopped goes on as if it had not been.
source "$(dirname "$0")/lib.sh"

mkdir a b
for i in 1 2 3 4 5; do
    make_input -f lavfi -i "testsrc2=s=56x40:r=1:d=1,hue=h=$((i * 20))" -frames:v 1 "a/$i.png"
done
make_input -f lavfi -i "mandelbrot=s=64x48:r=5" -t 2 b/clip.mp4
make_input -f lavfi -i "gradients=s=48x48:d=1:r=1:seed=3" -frames:v 1 b/one.jpg

options=(-v info -arch resnet_1blocks -ngf 4 -ndf 4 -layers 1 -crop 32x32 -batch 2 -pool 3
    -histogram 0.5 -histogram_bands 2 -histogram_chroma 0.5
    -night 1 -night_light 0.25 -night_gamma 1.5 -night_most 0.75 -windows 5 -coord_d
    -ema 0.9 -steps 150 -save_every 40 -log_every 1 -sample_every 75 -seed 5)
train() { "$CGVIDEO" train -a a -b b "${options[@]}" "$@"; }

newest() { ls "$1"/checkpoints/*.safetensors | tail -n 1; }
# losses.csv without the columns that measure time.
losses() {
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) time[i] = $i ~ /second/ }
             { for (i = 1; i <= NF; i++) if (!time[i]) printf "%s,", $i; print "" }' "$1/losses.csv"
}
same_end() {
    cmp -s "$(newest whole)" "$(newest "$1")" || fail "$1: another state at the end"
    cmp -s whole/G_AB.safetensors "$1/G_AB.safetensors" || fail "$1: another G_AB"
    cmp -s whole/G_BA.safetensors "$1/G_BA.safetensors" || fail "$1: another G_BA"
    diff <(losses whole) <(losses "$1") >differences || {
        fail "$1: other losses:"
        head -n 6 differences
    }
}

# ---- an uninterrupted run

expect 0 train -o whole
says "step 150/150"
for file in config.json losses.csv index.html G_AB.safetensors G_BA.safetensors \
    samples/step_00000075.png samples/step_00000150.png; do
    [ -s "whole/$file" ] || fail "no whole/$file"
done
ls whole/events.out.tfevents.* >/dev/null || fail "no TensorBoard events"
equal "checkpoints kept" 2 "$(ls whole/checkpoints | wc -l)"
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
         NR == 1 && !("hist_A" in column && "hist_B" in column) { exit 1 }
         END { if (NR < 2) exit 1 }
         NR > 1 && !($column["hist_A"] > 0 && $column["hist_B"] > 0) { exit 1 }' whole/losses.csv ||
    fail "-histogram: a step without that loss"
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; if (!("night" in column)) exit 1 }
         NR > 1 && !($column["night"] > 0) { exit 1 }' whole/losses.csv ||
    fail "-night: a step without that loss"
head -n 1 whole/losses.csv | grep -q ',night,windows,' || fail "no column for -windows"
# A channel of coordinates beside the picture's three.
grep -aq '"D_A/model.0.weight":{[^}]*"shape":\[4,4,4,4\]' "$(newest whole)" ||
    fail "-coord_d: discriminators without coordinates"
expect 0 "$CGVIDEO" -v error -m whole/G_AB.safetensors -i a/1.png -o translated.png
equal "size of the translated picture" 56,40 "$(stream translated.png v:0 width,height)"
equal "exported architecture" "resnet_1blocks" \
    "$("$CGVIDEO" model info whole/G_AB.safetensors | sed -n 's/^architecture *//p')"
equal "size it was trained at" "32x32" \
    "$("$CGVIDEO" model info whole/G_BA.safetensors | sed -n 's/^trained at *//p')"

expect 0 train -o again
same_end again
expect 0 train -o recomputed -recompute
cmp -s whole/G_AB.safetensors recomputed/G_AB.safetensors || fail "recompute changes the result"

# What the name of -arch says holds, unless an option says otherwise; also after resuming.
named=(-v error -arch resnet_1blocks_resize_affine -ngf 2 -ndf 2 -layers 1 -crop 16x16 -steps 2)
architecture() { "$CGVIDEO" model info "$1/G_AB.safetensors" | sed -n 's/^architecture *//p'; }
expect 0 "$CGVIDEO" train -a a -b b "${named[@]}" -o named
equal "named architecture" resnet_1blocks_resize_affine "$(architecture named)"
expect 0 "$CGVIDEO" train -v error -resume named
expect 0 "$CGVIDEO" train -a a -b b "${named[@]}" -upsample transpose -o transposed
equal "-upsample transpose" resnet_1blocks_affine "$(architecture transposed)"
expect 0 "$CGVIDEO" train -a a -b b "${named[@]}" -head plain -o plain
equal "-head plain" resnet_1blocks_resize "$(architecture plain)"
expect 0 "$CGVIDEO" train -v error -resume plain

expect 0 "$CGVIDEO" train -a a -b b "${named[@]}" -arch mobile -o mobile
equal "-arch mobile" mobile_resnet_9blocks "$(architecture mobile)"

# A generator that sees half the picture's size has been trained at that; also after resuming, and
# when it begins from a file.
shrunk=(-v error -arch resnet_1blocks_grid -ngf 2 -ndf 2 -layers 1 -crop 32x24 -shrink_g 2 -steps 2)
trained_at() { "$CGVIDEO" model info "$1/G_BA.safetensors" | sed -n 's/^trained at *//p'; }
expect 0 "$CGVIDEO" train -a a -b b "${shrunk[@]}" -o shrunk
equal "-shrink_g" "16x12 resnet_1blocks_grid" "$(trained_at shrunk) $(architecture shrunk)"
expect 0 "$CGVIDEO" train -v error -resume shrunk
equal "-shrink_g, resumed" 16x12 "$(trained_at shrunk)"
expect 0 "$CGVIDEO" train -a a -b b "${shrunk[@]}" -init_g shrunk/G_AB.safetensors,shrunk/G_BA.safetensors \
    -o begun
equal "-shrink_g from a file" 16x12 "$(trained_at begun)"
expect 1 "$CGVIDEO" train -a a -b b "${named[@]}" -shrink_g 2 -o none
says_one_line "resnet_1blocks_resize_affine has no grid"
expect 2 "$CGVIDEO" train -a a -b b "${shrunk[@]}" -preprocess crop -o none
says_one_line "-shrink_g is for pictures scaled to one size"

# Windows, looked for in the pictures as they are.
mkdir houses
make_input -f lavfi -i "color=0x303540:s=240x160:d=1,drawgrid=w=20:h=26:t=12:c=0xc0b8a0" \
    -frames:v 1 houses/1.png
expect 0 "$CGVIDEO" train -a houses -b b "${named[@]}" -windows 10 -log_every 1 -o windows
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; if (!("windows" in column)) exit 1 }
         NR > 1 && !($column["windows"] > 0 && $column["night"] == 0) { exit 1 }
         END { if (NR < 2) exit 1 }' windows/losses.csv || fail "-windows: a step without that loss"

# Rates of their own; a crop out of larger pictures says no size that the model was trained at.
expect 0 "$CGVIDEO" train -a a -b b "${named[@]}" -schedule constant -lr 0.0001 -lr_d 0.0005 \
    -log_every 1 -preprocess crop -o rates
equal "learning rates" "0.0001 0.0005" \
    "$(awk -F, 'END { printf "%.4f %.4f", $4, $5 }' rates/losses.csv)"
equal "training size of a crop" "" \
    "$("$CGVIDEO" model info rates/G_AB.safetensors | sed -n 's/^trained at *//p')"
expect 0 "$CGVIDEO" train -a a -b b "${named[@]}" -schedule constant -log_every 1 -o rate
equal "one learning rate" "0.0002 0.0002" \
    "$(awk -F, 'END { printf "%.4f %.4f", $4, $5 }' rate/losses.csv)"

# ---- stopped and resumed

# stop_at STEP SIGNAL DIR: start a run and send the signal once it has logged that step.
stop_at() {
    local log=$3.log status=0
    # Not the function: the signal must reach the program, not a shell around it.
    "$CGVIDEO" train -a a -b b "${options[@]}" -o "$3" >"$log" 2>&1 </dev/null &
    local run=$!
    for _ in $(seq 600); do
        grep -q "step $1/150" "$log" && break
        sleep 0.05
    done
    kill "-$2" $run 2>/dev/null || true
    wait $run || status=$?
    echo "$status"
}

step=$((2 + RANDOM % 70))
echo "stopping at step $step"
equal "exit status after SIGINT" 255 "$(stop_at $step INT stopped)"
grep -q -- "-resume stopped" stopped.log || fail "no hint how to go on"
expect 0 "$CGVIDEO" train -v info -resume stopped
same_end stopped

stop_at 60 KILL killed >/dev/null
expect 0 "$CGVIDEO" train -v info -resume killed
same_end killed

expect 0 "$CGVIDEO" train -v info -resume whole # nothing is left to do
same_end again

# Ended between its last checkpoint and the generators of it.
cp -r whole cut
rm cut/G_BA.safetensors
head -c 1000 whole/G_BA.safetensors >cut/G_AB.safetensors
expect 0 "$CGVIDEO" train -v info -resume cut
same_end cut

# Going on with other pictures cannot come to the same end: it is said.
expect 0 "$CGVIDEO" train -v warning -resume whole
! grep -q "its pictures" err || fail "the same pictures taken for others"
cp a/5.png a/6.png
expect 0 "$CGVIDEO" train -v warning -resume whole
says "its pictures are not those that this run began with"
rm a/6.png

# From another folder: relative names begin where the run was started, as long as that is there.
cp -r cut elsewhere
rm elsewhere/checkpoints/*150* elsewhere/G_*
mkdir -p other/folder
expect 0 env -C other/folder "$CGVIDEO" train -v info -resume ../../elsewhere
same_end elsewhere
no_file other/folder/elsewhere
sed -i 's|"folder": ".*"|"folder": "/gone"|' elsewhere/config.json
expect 0 "$CGVIDEO" train -v warning -resume elsewhere
says "this run was started in /gone (No such file or directory)"

# Crops of pictures of their own size: a cache does not make these smaller first.
cached() { # DIR OPTION…
    local dir=$1
    shift
    expect 0 "$CGVIDEO" train -a a -b b "${named[@]}" -cache "$dir.cache" -o "$dir" "$@"
}
cached small -preprocess crop
cached large -preprocess crop -crop 32x32
cmp -s small.cache/a.frames large.cache/a.frames || fail "-preprocess crop: scaled in the cache"
cached scaled
cmp -s small.cache/a.frames scaled.cache/a.frames && fail "not scaled in the cache"

# Checkpoints that are there and cannot be read do not make a run that begins anew; none do.
cp -r whole damaged
for file in damaged/checkpoints/*; do truncate -s 1000 "$file"; done
tree() { (cd "$1" && find . -type f -exec md5sum {} + | sort); }
before=$(tree damaged)
expect 1 "$CGVIDEO" train -v error -resume damaged
says "no whole checkpoint to go on from"
equal "a run that cannot be gone on with" "$before" "$(tree damaged)"
rm damaged/checkpoints/*
expect 0 "$CGVIDEO" train -v info -resume damaged
says "damaged has no checkpoint: starting from the beginning"
same_end damaged

# Networks of files: options say nothing of them, and the files may go once there is a checkpoint.
mkdir files
cp whole/G_AB.safetensors files/ab.safetensors
cp transposed/G_AB.safetensors files/ba.safetensors
from_files=(-v error -arch resnet_1blocks -ngf 3 -ndf 2 -layers 1 -crop 16x16
    -init_g files/ab.safetensors,files/ba.safetensors)
expect 0 "$CGVIDEO" train -a a -b b "${from_files[@]}" -steps 4 -save_every 2 -o from_files
equal "network of a file" "resnet_1blocks resnet_1blocks_affine" \
    "$(for g in AB BA; do "$CGVIDEO" model info from_files/G_$g.safetensors; done |
        sed -n 's/^architecture *//p' | paste -sd ' ')"
grep -q '"init_g"' from_files/config.json || fail "config.json: no -init_g"
! grep -q '"arch"\|"ngf"' from_files/config.json || fail "config.json names a network that is none"
! grep -q '"loglevel"\|"help"' from_files/config.json || fail "config.json: messages are no settings"
cp -r from_files moved
# A frozen one stays as its file gives it, whole and resumed; the other learns.
expect 0 "$CGVIDEO" train -a a -b b "${from_files[@]}" -freeze G_A -steps 2 -save_every 1 -o frozen
cp -r frozen thawed
rm thawed/checkpoints/step_00000002.safetensors thawed/G_??.safetensors
expect 0 "$CGVIDEO" train -v error -resume thawed
for file in G_AB.safetensors G_BA.safetensors checkpoints/step_00000002.safetensors; do
    cmp -s "frozen/$file" "thawed/$file" || fail "a frozen generator, resumed: another $file"
done
weights() { # a file's bytes behind its header
    tail -c +$((9 + $(od -A n -t u8 -N 8 "$1"))) "$1" | md5sum
}
equal "a frozen generator" "$(weights files/ab.safetensors)" "$(weights frozen/G_AB.safetensors)"
[ "$(weights files/ba.safetensors)" != "$(weights frozen/G_BA.safetensors)" ] || fail "-freeze G_A: nobody learns"
rm -r files moved/checkpoints/step_00000004.safetensors
expect 0 "$CGVIDEO" train -v error -resume moved
for g in AB BA; do
    cmp -s from_files/G_$g.safetensors moved/G_$g.safetensors || fail "moved: another G_$g"
done

# ---- what cannot be

expect 2 "$CGVIDEO" train -hide_banner -a a
says_one_line "-a and -b"
expect 1 train -o whole
says "-resume whole"
expect 2 "$CGVIDEO" train -hide_banner -resume whole -lr 1
says_one_line "leave out -lr"
expect 1 "$CGVIDEO" train -v error -resume whole -gpu nowhere
says_one_line "nowhere"
expect 2 "$CGVIDEO" train -hide_banner -a a -b b -o x -init_g a,b,c
says_one_line "two files at most"
expect 2 "$CGVIDEO" train -hide_banner -a a -b b -o x -init_g a -freeze G_B
says_one_line "-freeze G_B: -init_g does not give it"
expect 2 "$CGVIDEO" train -hide_banner -a a -b b -o x -init_g a -freeze G_A -windows 1
says_one_line "-night and -windows are losses of G_A"
expect 2 "$CGVIDEO" train -hide_banner -a a -b b -o x -histogram_bands 3
says_one_line "are of -histogram"
expect 2 "$CGVIDEO" train -hide_banner -a a -b b -o x -night_light 0.3
says_one_line "-night_light is of -night"
for option in gamma most; do
    expect 2 "$CGVIDEO" train -hide_banner -a a -b b -o x -night_$option 0.3
    says_one_line "-night_gamma and -night_most are of -night and -windows"
done
expect 1 "$CGVIDEO" train -v error -a a -b b -o x -crop 32x32 -coord_d -init_d d.safetensors
says_one_line "-init_d starts only discriminators without"
expect 2 "$CGVIDEO" train -hide_banner -a a -b b -o x -coarse_d 1
says_one_line "-coarse_d takes 0 (none) or 2"
expect 2 "$CGVIDEO" train -hide_banner -a a -b b -o x -preprocess none -size 64
says_one_line "none has no size to load pictures at"
expect 2 "$CGVIDEO" train -a a -b b -o x -gan wgan
says_one_line "lsgan, vanilla, hinge"
expect 1 "$CGVIDEO" train -v error -a nowhere -b b -o none
says_one_line "nowhere"
no_file none/config.json
expect 1 "$CGVIDEO" train -v error -resume nowhere
says_one_line "nowhere/config.json: no run to go on with: No such file or directory"
expect 1 "$CGVIDEO" train -v error -a nowhere -b b -o none -arch resnet_none
says_one_line "resnet_none: no such architecture" # before all sources are looked through
CGV_FAULT=read@4 expect 1 "$CGVIDEO" train -v warning -hide_banner -a a -b b/clip.mp4 -o none
says "b/clip.mp4: cannot read: Input/output error: left out"
expect 1 "$CGVIDEO" train -v error -a a -b b -cache $'caf\xe9' -o none
says_one_line "config.json notes all settings, and one of them is no text in UTF-8"
expect 1 train -o none -init_g a/1.png
says "a/1.png"
no_file none/config.json
no_litter
finish
