#!/bin/bash
# check_races.sh: build the program with ThreadSanitizer, in build/tsan, and run what has threads: a
# translation with several outputs, live ones, a training, and their ends by faults and signals.
# Suppressed is what libraries do that are not instrumented (tests/sanitizers.c).
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
command -v ffmpeg >/dev/null || {
    echo "SKIPPED: no ffmpeg here"
    exit 77
}
jobs=$(nproc)
cmake -S "$root" --preset tsan >/dev/null
cmake --build "$root/build/tsan" --target cgvideo_program make_model -j "$jobs" >/dev/null
program=$root/build/tsan/src/app/cgvideo
"$program" devices >/dev/null 2>&1 || {
    echo "SKIPPED: no usable Vulkan device, or ThreadSanitizer does not run here"
    exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

runs=0 failures=0
# run STATUS COMMAND…
run() {
    local status=0
    runs=$((runs + 1))
    # 66: races were reported.
    TSAN_OPTIONS="exitcode=66 ${TSAN_OPTIONS-}" timeout 300 "${@:2}" </dev/null >out.txt 2>err || status=$?
    if [ $status != "$1" ] || grep -q ThreadSanitizer err; then
        echo "FAILED: exit status $status, not $1: ${*:2}"
        grep -v '^frame=' err | head -n 120
        failures=$((failures + 1))
    fi
}

ffmpeg -v error -nostdin -f lavfi -i testsrc2=s=128x96:r=25:d=2 -f lavfi -i sine=d=2 -c:v libx264 -g 10 \
    -c:a aac in.mp4
"$root/build/tsan/tests/make_model" resnet_1blocks 4 net.safetensors
translate=("$program" -v error -y -i in.mp4)
run 0 "${translate[@]}" -m net.safetensors -threads 4 -preset ultrafast -c:a ac3 -progress progress.txt -o one.mkv \
    -c:v mpeg4 -o two.mkv -c:v rawvideo -f null -o -
run 0 "${translate[@]}" -m day2night -threads 4 day.mkv
run 0 "$program" -v error -m day2night -re -i in.mp4 -quality auto -progress progress.txt -preset ultrafast \
    -o live.mkv -c:v mpeg4 -f mpegts -o udp://127.0.0.1:47123
run 0 "$program" -v error -m net.safetensors -live -f lavfi -i testsrc2=s=128x96:r=100:d=2 -c:v mpeg4 -y lavfi.mkv
for fault in submit@20 wait@20 read@60; do
    CGV_FAULT=$fault run 1 "${translate[@]}" -m net.safetensors -c:v mpeg4 -o one.mkv -c:v mpeg4 -o two.mkv
done
CGV_FAULT=encode@30 run 1 "${translate[@]}" -m net.safetensors -c:v mpeg4 -o one.mkv -c:v mpeg4 -o two.mkv
run 255 timeout --preserve-status -s INT 3 "$program" -v error -m net.safetensors -re -f lavfi \
    -i testsrc2=s=128x96:r=25:d=60 -c:v mpeg4 -y stopped.mkv

mkdir a b
for i in 1 2 3 4; do
    ffmpeg -v error -nostdin -f lavfi -i "testsrc2=s=56x40:r=1:d=1,hue=h=$((i * 20))" -frames:v 1 "a/$i.png"
    cp "a/$i.png" b
done
run 0 "$program" train -v error -a in.mp4,a -b b -frames 8 -threads 3 -arch resnet_1blocks -ngf 4 -ndf 4 -layers 1 \
    -crop 32x32 -steps 8 -save_every 3 -log_every 2 -sample_every 4 -cache cache -o trained
run 0 "$program" eval -v error -m net.safetensors -a in.mp4 -b b -s 32x32 -limit 8 -o measured
echo "$runs runs"
[ "$failures" = 0 ]
