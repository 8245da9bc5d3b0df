#!/usr/bin/env bash
# -stabilize and -compare: what is held over frames, what is not behind a cut, and what a wipe shows.
source "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3 here"

# Two scenes of nine frames, with noise, in one file.
scene() { echo "$1=s=160x96:r=25,format=yuv420p,noise=alls=6:allf=t:all_seed=$2"; }
make_input -f lavfi -i "$(scene mandelbrot 1)" -t 0.36 -c:v ffv1 first.mkv
make_input -f lavfi -i "$(scene testsrc2 2)" -t 0.36 -c:v ffv1 second.mkv
printf 'file %s\n' first.mkv second.mkv >list.txt
make_input -f concat -i list.txt -c:v ffv1 clip.mkv
equal "frames of the clip" 18 "$(frame_count clip.mkv)"

run() { expect 0 "$CGVIDEO" -v warning -y "$@"; }
same_frames() { paste -d' ' <(frames_md5 "$1") <(frames_md5 "$2") | awk '$1 == $2 { printf " %d", NR - 1 }'; }

run -i clip.mkv -c:v ffv1 held.mkv
run -i clip.mkv -stabilize 0.95 -c:v ffv1 again.mkv
run -i clip.mkv -stabilize 0 -c:v ffv1 loose.mkv
equal "held by default" "$(frames_md5 again.mkv)" "$(frames_md5 held.mkv)"
equal "the first of all and the first behind the cut" " 0 9" "$(same_frames held.mkv loose.mkv)"
run -i second.mkv -c:v ffv1 alone.mkv
equal "behind the cut as from the beginning" "$(frames_md5 alone.mkv)" \
    "$(frames_md5 held.mkv | tail -n 9)"
run -ss 0.36 -i clip.mkv -c:v ffv1 sought.mkv
equal "from there on" "$(frames_md5 alone.mkv)" "$(frames_md5 sought.mkv)"

# Single pictures are what they are without, of a size that the network does not divide, too.
make_input -i first.mkv -frames:v 1 -vf scale=151:91 one.png
make_input -i one.png one.jpg
for picture in one.png one.jpg; do
    run -i $picture held.png
    run -i $picture -stabilize 0 loose.png
    equal "$picture" "$(frames_md5 loose.png)" "$(frames_md5 held.png)"
done
# A sequence of them is a video.
make_input -i second.mkv s%02d.png
run -i s%02d.png -c:v ffv1 held_sequence.mkv
run -i s%02d.png -stabilize 0 -c:v ffv1 loose_sequence.mkv
equal "of a sequence only the first" " 0" "$(same_frames held_sequence.mkv loose_sequence.mkv)"

# ---- flicker

expect 0 "$CGVIDEO" eval -hide_banner -v error -a first.mkv -b one.png -s 64x64 -o measured
value() { python3 -c 'import json, sys
e = json.load(open(sys.argv[1] + "/eval.json"))["flicker"]
print(eval(sys.argv[2]))' "$1" "$2" || fail "$1: $2"; }
equal "steadier" True "$(value measured "e['steadied_worst'] < 0.9 * e['worst']")"
equal "of the clip" True "$(value measured "e['clips'][0]['steadied_ratio'] == e['steadied_worst']")"
grep -q "with -stabilize 0.95" out.txt || fail "not in the table: $(cat out.txt)"
expect 0 "$CGVIDEO" eval -hide_banner -v error -a first.mkv -b one.png -s 64x64 -stabilize 0 -o plain
equal "the same without" "$(value measured "e['worst']")" "$(value plain "e['worst']")"
equal "not measured" "None None" \
    "$(value plain "'%s %s' % (e['steadied_worst'], e['clips'][0]['steadied_ratio'])")"

# ---- compare

run -i clip.mkv -stabilize 0 -compare 0.5 -c:v ffv1 wipe.mkv
half() { ffmpeg -v error -nostdin -i "$1" -vf "crop=$2:96:$3:0" -f framemd5 - | grep -v '^#' | awk '{ print $NF }'; }
equal "left: the input" "$(half clip.mkv 76 0)" "$(half wipe.mkv 76 0)"
equal "right: the translation" "$(half loose.mkv 76 84)" "$(half wipe.mkv 76 84)"
line=$(ffmpeg -v error -nostdin -i wipe.mkv -frames:v 1 -vf crop=1:96:80:0:exact=1,format=gray -f rawvideo - | od -An -v -tu1 |
    awk '{ for (i = 1; i <= NF; i++) if ($i < 230) dark++ } END { print dark + 0 }')
equal "a white line" 0 "$line"
run -i clip.mkv -compare 1 -c:v ffv1 input.mkv
equal "all of it the input" "$(frames_md5 clip.mkv)" "$(frames_md5 input.mkv)"
run -i clip.mkv -stabilize 0 -compare 0 -c:v ffv1 none.mkv
equal "none of it" "$(frames_md5 loose.mkv)" "$(frames_md5 none.mkv)"

# ---- bench

expect 0 "$CGVIDEO" bench -v error -frame -m day2night -s 160x96 -n 1 -stabilize 0.9
grep -q "held steady over frames" out.txt || fail "bench: $(cat out.txt)"
expect 0 "$CGVIDEO" bench -v error -frame -m day2night -s 160x96 -n 1
! grep "held steady" out.txt || fail "bench without -stabilize"

# ---- what cannot be

run -m identity -stabilize 0.5 -i clip.mkv -c:v ffv1 same.mkv
says "-stabilize does nothing with identity"
equal "identity" "$(frames_md5 clip.mkv)" "$(frames_md5 same.mkv)"
run -m identity -i clip.mkv -c:v ffv1 same.mkv
! grep stabilize err || fail "a warning that nobody asked for"
expect 2 "$CGVIDEO" -v error -i clip.mkv -stabilize 1.5 no.mkv
says_one_line "-stabilize takes a number from 0 to 1"
expect 2 "$CGVIDEO" -v error -i clip.mkv -compare left no.mkv
says_one_line "-compare takes a number from 0 to 1"
expect 2 "$CGVIDEO" bench -v error -m day2night -s 160x96 -n 1 -stabilize 0.9
says_one_line "-stabilize belongs to -frame"
no_file no.mkv
no_litter
finish
