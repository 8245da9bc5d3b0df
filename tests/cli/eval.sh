#!/usr/bin/env bash
# cgvideo eval: what identity must give, that a translation is told from its input, what cannot be.
source "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3 here"

mkdir a b
for i in 1 2 3 4 5; do
    make_input -f lavfi -i "testsrc2=s=$((64 + 8 * i))x64:r=1:d=1,hue=h=$((i * 20))" \
        -frames:v 1 "a/$i.png"
done
for i in 1 2 3 4 5 6 7; do
    make_input -f lavfi -i "mandelbrot=s=80x64:start_scale=0.$i" -frames:v 1 \
        -vf "eq=brightness=-0.2" "b/$i.jpg"
done
make_input -f lavfi -i "mandelbrot=s=96x64:r=5" -t 3 -c:v libx264 -crf 12 clip.mp4

# value FILE EXPRESSION: of the parsed file, `e`.
value() { python3 -c 'import json, sys
e = json.load(open(sys.argv[1]), parse_constant=lambda c: sys.exit("not JSON: " + c))
print(eval(sys.argv[2]))' "$1/eval.json" "$2" || fail "$1: $2"; }
evaluate() { "$CGVIDEO" eval -hide_banner -v error -b b -s 64x64 "$@"; }

# ---- identity

expect 0 evaluate -m identity -m_back identity -a a -o same
for variant in plain normalised; do
    equal "$variant: as far as the input" True \
        "$(value same "e['swd']['$variant']['output'] == e['swd']['$variant']['input']")"
    equal "$variant: levels" 3 "$(value same "len(e['swd']['$variant']['output']['levels'])")"
    equal "$variant: some distance" True "$(value same "e['swd']['$variant']['output']['mean'] > 0")"
    equal "$variant: nothing beaten" False "$(value same "e['swd']['$variant']['beaten']['input']")"
done
equal "levels" "['64x64', '32x32', '16x16']" "$(value same "e['swd']['levels']")"
equal "nearer to itself" True "$(value same "
e['swd']['plain']['halves']['mean'] < e['swd']['plain']['input']['mean']")"
equal "pictures" "5 7 5" "$(value same "
'%d %d %d' % (e['setting']['pictures_a'], e['setting']['pictures_b'], len(e['pictures']))")"
equal "comes back" 100.0 "$(value same "e['cycle_psnr']['least']")"
equal "a tone curve" 1.0 "$(value same "e['tone_curve']['mean']")"
equal "no flicker without video" None "$(value same "e['flicker']")"
grep -q "output G(A)" out.txt || fail "no table"
equal "sheet" "328,328" "$(stream same/sheet_01.png v:0 width,height)"

expect 0 evaluate -m identity -m_back identity -a a -o again
equal "the same again" "$(grep -v seconds same/eval.json)" "$(grep -v seconds again/eval.json)"
expect 0 evaluate -m identity -a a -o seeded -seed 2
equal "another seed" True "$(value seeded "
0 < abs(e['swd']['plain']['input']['mean'] - $(value same "e['swd']['plain']['input']['mean']")) \
    < 0.5 * e['swd']['plain']['input']['mean']")"
equal "no way back" "None None" "$(value seeded "
'%s %s' % (e['cycle_psnr'], e['pictures'][0]['cycle_psnr'])")"

# ---- video

expect 0 evaluate -m identity -a clip.mp4,a/1.png -limit 12 -o moving
equal "clip" "12 11 0 0 1.0" "$(value moving "
'%(frames)d %(pairs)d %(cuts)d %(flat)d %(ratio)s' % e['flicker']['clips'][0]")"
equal "worst" 1.0 "$(value moving "e['flicker']['worst']")"
equal "a frame a second" "clip.mp4 at 0.000 s|clip.mp4 at 1.000 s|clip.mp4 at 2.000 s|a/1.png" \
    "$(value moving "'|'.join(p['name'] for p in e['pictures'])")"
expect 0 evaluate -m identity -a a -limit 2 -o few
equal "evenly chosen" "a/3.png|a/5.png" "$(value few "'|'.join(p['name'] for p in e['pictures'])")"

# Names of files are bytes, and JSON is UTF-8: nothing is left out.
mkdir bytes
cp a/1.png $'bytes/caf\xe9.png'
cp clip.mp4 $'bytes/clip\xe9.mp4'
expect 0 evaluate -m identity -a $'bytes/caf\xe9.png,bytes/clip\xe9.mp4' -limit 12 -o bytes/out
equal "pictures and clips" '4 bytes/caf\xe9.png 1 bytes/clip\xe9.mp4' "$(value bytes/out "
'%d %s %d %s' % (len(e['pictures']), e['pictures'][0]['name'], len(e['flicker']['clips']),
e['flicker']['clips'][0]['name'])")"

# ---- a network that changes something

expect 0 "$CGVIDEO" train -v error -a a -b b -o run -arch resnet_1blocks -ngf 4 -ndf 4 -layers 1 \
    -crop 32x32 -steps 3
expect 0 evaluate -m run/G_AB.safetensors -m_back run/G_BA.safetensors -a a,clip.mp4 -limit 5 \
    -o changed
equal "changed" True "$(value changed "
e['swd']['plain']['output']['mean'] != e['swd']['plain']['input']['mean']")"
equal "not what it was" True "$(value changed "0 < e['cycle_psnr']['mean'] < 60")"
equal "more than a curve" True "$(value changed "0 < e['tone_curve']['most'] < 0.999")"
equal "architecture" resnet_1blocks "$(value changed "e['setting']['architecture']")"

# ---- what cannot be

expect 2 "$CGVIDEO" eval -hide_banner -m identity -a a
says_one_line "-a and -b"
expect 2 evaluate -m identity -a a -s 8x8
says_one_line "-s takes WIDTHxHEIGHT"
expect 2 evaluate -m identity -a a -frames 3
says_one_line "unknown option -frames"
expect 1 evaluate -m identity -a nowhere -o none
says_one_line "nowhere"
expect 1 evaluate -m nowhere.pth -a a -o none
says_one_line "nowhere.pth"
head -c 200 a/1.png >a/broken.png
expect 1 evaluate -m identity -a a/broken.png -o none
says_one_line "a/broken.png"
no_file none
expect 1 evaluate -m identity -a a/1.png -o clip.mp4
says_one_line "clip.mp4"
no_litter
finish
