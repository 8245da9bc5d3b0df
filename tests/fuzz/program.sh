#!/bin/bash
# tests/fuzz/program.sh [CASES [SEED [KIND]]]: the program with odd command lines (lines), damaged
# media files (media), and damaged folders that it goes on from (kept); CASES of each (20), on all
# cores, of the build with ASan and UBSan, and a fourth as many of the release build, whose memory is
# watched. Cases that fail stay in build/fuzz_program, each with the command that repeats it.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cases=${1:-20} seed=${2:-1} kinds=${3:-lines media kept}
command -v ffmpeg >/dev/null || {
    echo "SKIPPED: no ffmpeg here"
    exit 77
}
jobs=$(nproc)
for preset in asan release; do
    [ -e "$root/build/$preset/build.ninja" ] || cmake -S "$root" --preset $preset >/dev/null
    cmake --build "$root/build/$preset" --target cgvideo_program make_model fuzz_program -j "$jobs" >/dev/null
done
program=src/app/cgvideo
release=$root/build/release
"$release/$program" devices >/dev/null 2>&1 || {
    echo "SKIPPED: no usable Vulkan device"
    exit 77
}
work=$root/build/fuzz_program kit=$root/build/fuzz_program/kit
rm -rf "$kit"
mkdir -p "$kit" "$work/cache"
export XDG_CACHE_HOME=$work/cache HOME=$work
unset DISPLAY WAYLAND_DISPLAY CGV_VALIDATE

cd "$kit"
make() { ffmpeg -v error -nostdin -y -f lavfi -i "testsrc2=s=48x32:r=10:d=0.6" "$@"; }
sound=(-f lavfi -i "sine=d=0.6")
make "${sound[@]}" -c:v libx264 -c:a aac in.mp4
make "${sound[@]}" -c:v libx264 -g 3 -c:a flac in.mkv
make "${sound[@]}" -c:v mpeg4 -c:a mp3 in.avi
make "${sound[@]}" -c:v mpeg2video -c:a mp2 in.ts
make "${sound[@]}" -c:v libx264 -c:a aac in.flv
make -c:v libvpx-vp9 -b:v 100k in.webm
make -c:v libx264 -pix_fmt yuv420p10le -movflags +frag_keyframe+empty_moov in.mov
make -c:v ffv1 in.nut
make in.gif
make -f apng in.apng
make -frames:v 2 in.y4m
make -frames:v 1 in.png
make -frames:v 1 in.jpg
make -frames:v 1 in.webp
make -frames:v 1 in.bmp
ffmpeg -v error -nostdin -y "${sound[@]}" -i in.jpg -map 0 -map 1 -c:v copy -disposition:v attached_pic in.mp3
"$release/tests/make_model" resnet_1blocks 2 net.safetensors
"$release/$program" train -v error -a "$kit/in.mkv" -b "$kit/in.mp4" -o run -arch resnet_1blocks -ngf 2 -ndf 2 -layers 1 \
    -crop 16x16 -frames 2 -steps 2 -save_every 1 -sample_every 2 -log_every 1
# A job that was killed behind its first segments: the fault comes after three of them.
CGV_FAULT=encode@5 "$release/$program" -v quiet -m net.safetensors -i "$kit/in.mkv" -c:v mpeg4 -segment_time 0.2 job.mkv || :
[ -e job.mkv.segments/journal.json ] || {
    echo "FAILED: no job to go on with"
    exit 1
}
# What a run that goes on reads; one step more is to be done.
rm -r run/samples run/G_* run/events* run/index.html
sed -i 's/"steps": 2/"steps": 3/' run/config.json

failed=0
fuzz() { # BUILD KIND CASES
    local job pids=()
    echo "$1 build, seed $seed:"
    for ((job = 0; job < jobs; job++)); do
        CGVIDEO=$root/build/$1/$program "$root/build/$1/tests/fuzz_program" \
            "$2" $job "$3" "$jobs" "$seed" "$kit" "$work" &
        pids+=($!)
    done
    for job in "${pids[@]}"; do wait "$job" || failed=1; done
}
# What lavapipe frees would fill gigabytes of quarantine.
options=exitcode=99:hard_rss_limit_mb=3072:max_allocation_size_mb=2048:allocator_may_return_null=1
options=$options:quarantine_size_mb=16:thread_local_quarantine_size_kb=64
for kind in $kinds; do
    ASAN_OPTIONS=$options UBSAN_OPTIONS=print_stacktrace=1 fuzz asan "$kind" "$cases"
    fuzz release "$kind" $(((cases + 3) / 4))
done
exit $failed
