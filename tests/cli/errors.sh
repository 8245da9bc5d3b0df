#!/bin/bash
# Mistakes, damage and interruptions: exit status, one clear message, no litter.
. "$(dirname "$0")/lib.sh"
make_input -f lavfi -i testsrc2=s=64x48:r=25:d=2 -f lavfi -i sine=d=2 -c:v libx264 -c:a aac in.mp4
quiet=("$CGVIDEO" -v error -m identity)

# Usage.
expect 2 "$CGVIDEO" -hide_banner -i in.mp4 -strenght 0.5 out.mp4
says_one_line "unknown option -strenght: did you mean -strength?"
expect 2 "$CGVIDEO" --presett fast
says_one_line "did you mean -preset?"
expect 2 "$CGVIDEO" -wibble
says_one_line "unknown option -wibble: see cgvideo -h"
expect 2 "$CGVIDEO" devces
says_one_line "did you mean 'devices'?"
expect 2 "$CGVIDEO" -v error -m identity out.mp4 -y
says_one_line "-i INPUT"
expect 2 "${quiet[@]}" -i in.mp4
says_one_line "no output"
expect 2 "${quiet[@]}" -i in.mp4 -y in.mp4
says_one_line "both input and output"
expect 2 "${quiet[@]}" -i in.mp4 -y ./in.mp4
expect 2 "${quiet[@]}" -i in.mp4 one.mp4 two.mp4
expect 2 "${quiet[@]}" -i in.mp4 -strength 1.5 out.mp4
says_one_line "-strength takes a number from 0 to 1"
expect 2 "${quiet[@]}" -i in.mp4 -ss later out.mp4
says_one_line "-ss takes a time"
expect 2 "${quiet[@]}" -i in.mp4 -ss 1 -to 0.5 out.mp4
expect 2 "${quiet[@]}" -i in.mp4 -r zero out.mp4
for rate in wibble 2Mx -1M '' nan; do
    expect 2 "${quiet[@]}" -i in.mp4 -b:v "$rate" out.mp4
    says_one_line "-b:v takes a bit rate like 2M or 800k, not '$rate'"
done
expect 2 "${quiet[@]}" -loglevel loud -i in.mp4 out.mp4
says_one_line "-loglevel takes quiet, .* not 'loud'"
expect 2 "${quiet[@]}" -loglevel 16x -i in.mp4 out.mp4
for level in quiet panic -8 0 7; do
    expect 1 "$CGVIDEO" -loglevel "$level" -m identity -i missing.mp4 out.mp4
    equal "messages at $level" 0 "$(wc -l <err)"
done
for level in fatal error 8 23; do
    expect 1 "$CGVIDEO" -loglevel "$level" -m identity -i missing.mp4 out.mp4
    equal "messages at $level" 1 "$(wc -l <err)"
done
for level in trace 56 100; do # as debug
    expect 0 "$CGVIDEO" model info identity -loglevel "$level"
done
expect 2 "${quiet[@]}" -i
says_one_line "-i needs a value"
expect 0 "$CGVIDEO" -h
grep -q -- "-strength" out.txt || fail "-h does not list -strength"
expect 0 "$CGVIDEO" -g 5 -i in.mp4 -g 5 -o out.mp4 -g 5 -h # (frees what was understood so far)
expect 2 "$CGVIDEO" -hide_banner -g 5 -o out.mp4 -g
says_one_line "-g needs a value"
expect 1 "$CGVIDEO" train -v error -a in.mp4 -b in.mp4 -o run -cache ""
says_one_line ": cannot make this folder"
expect 0 "$CGVIDEO" -version
grep -q '^cgvideo [0-9]' out.txt || fail "-version: $(cat out.txt)"
expect 0 "$CGVIDEO" --i=in.mp4 --m identity --v error --t 0.2 --o=long.mp4
equal "long forms" 5 "$(frame_count long.mp4)"

# Files that cannot be.
expect 1 "${quiet[@]}" -i missing.mp4 out.mp4
says_one_line "missing.mp4: cannot open: No such file"
expect 1 "${quiet[@]}" -gpu none-such -i file:missing.mp4 out.mp4 # before a device is opened
says_one_line "file:missing.mp4: cannot open: No such file"
expect 1 "$CGVIDEO" -v error -m missing.pth -i in.mp4 out.mp4
says_one_line "missing.pth"
printf 'this is no video %.0s' {1..180} >noise.mp4 # random bytes sometimes are one
expect 1 "${quiet[@]}" -i noise.mp4 out.mp4
says_one_line "noise.mp4: cannot open"
expect 1 "${quiet[@]}" -i in.mp4 nowhere/out.mp4
says_one_line "nowhere/out.mp4: mux: cannot create"
expect 1 "${quiet[@]}" -i in.mp4 out.wibble
says_one_line "add -f FORMAT"
make_input -f lavfi -i sine=d=1 sound.wav
expect 1 "${quiet[@]}" -i sound.wav out.mp4
says_one_line "no video in it"
expect 1 "${quiet[@]}" -i in.mp4 -c:v libx265000 out.mp4
says_one_line "encode: no such video encoder"
expect 1 "${quiet[@]}" -i in.mp4 -preset wibble out.mp4
says_one_line "encode: libx264 has no -preset wibble; there are"
expect 1 "${quiet[@]}" -i in.mp4 -c:v mpeg4 -crf 20 out.mp4
says_one_line "encode: mpeg4 has no -crf"
expect 1 "${quiet[@]}" -i in.mp4 -tag:v $'\xab\xe8' out.mp4
says_one_line "mux: cannot write mp4"
expect 1 "${quiet[@]}" -i in.mp4 -f mp4 pipe:1
says "mux: cannot write mp4"
expect 1 "${quiet[@]}" -gpu "no such device" -i in.mp4 out.mp4
no_file out.mp4
no_litter

# Libraries that would write to standard error themselves.
if ffmpeg -v quiet -encoders | grep libx265 >/dev/null; then
    expect 0 "${quiet[@]}" -i in.mp4 -t 0.2 -c:v libx265 -preset ultrafast -b:v 200k x265.mp4
    equal "messages of libx265" "" "$(cat err)"
    expect 1 "${quiet[@]}" -i in.mp4 -c:v libx265 -preset wibble out.mp4
    says_one_line "encode: libx265 has no -preset wibble"
else
    echo "SKIPPED: libx265, which this FFmpeg lacks"
fi

# A stage that fails in the middle leaves nothing.
expect 1 "${quiet[@]}" -i in.mp4 -f rawvideo /dev/full
says_one_line "/dev/full: mux: cannot"
[ -c /dev/full ] || fail "/dev/full is gone"

# Damage in the middle: what can be decoded is, and a warning says so.
cp in.mp4 damaged.mp4
size=$(stat -c %s in.mp4)
mdat=$(grep -obUa mdat in.mp4 | sed -n '1s/:.*//p')
dd if=/dev/urandom of=damaged.mp4 bs=1 seek=$((mdat + (size - mdat) / 3)) count=600 conv=notrunc \
    status=none
expect 0 "$CGVIDEO" -v warning -m identity -y -i damaged.mp4 damaged_out.mp4
equal "frames of a damaged file" "$(frame_count damaged.mp4)" "$(frame_count damaged_out.mp4)"
make_input -i in.mp4 -c copy -an -f h264 whole.h264
head -c 2000 /dev/zero | tr '\0' '\377' >zeros
{ head -c 4000 whole.h264 && head -c 3000 zeros; } >cut_off.h264
expect 0 "$CGVIDEO" -v error -m identity -y -i cut_off.h264 cut_off.mp4

# Overwriting.
echo precious >kept.mp4
expect 1 "${quiet[@]}" -i in.mp4 kept.mp4
says_one_line "kept.mp4 exists: add -y"
expect 1 "${quiet[@]}" -n -i in.mp4 kept.mp4
equal "kept" precious "$(cat kept.mp4)"
expect 1 "${quiet[@]}" -y -i in.mp4 -c:v mpeg4 -preset x kept.mp4
equal "kept after a failure" precious "$(cat kept.mp4)"
expect 0 "${quiet[@]}" -y -i in.mp4 kept.mp4
equal "overwritten" 50 "$(frame_count kept.mp4)"

# Progress.
expect 0 "${quiet[@]}" -y -i in.mp4 -progress progress.txt out.mp4
for key in frame=50 fps= bitrate= total_size= out_time_us=2000000 dup_frames=0 drop_frames=0 speed= \
    progress=end; do
    grep -q "^$key" progress.txt || fail "-progress lacks $key"
done
! grep -E '^(fps|speed)=.*(inf|nan)' progress.txt || fail "-progress: a rate that is no number"
equal "total_size" "total_size=$(stat -c %s out.mp4)" "$(grep total_size progress.txt | tail -1)"
expect 0 "$CGVIDEO" -m identity -y -i in.mp4 -progress - out.mp4
says "frame= *50 fps="
grep -q "progress=end" out.txt || fail "-progress - writes to standard output"

for output in - pipe:1 /dev/stdout; do
    expect 2 "${quiet[@]}" -i in.mp4 -progress - -f nut "$output"
    says_one_line "-progress -: standard output is an output already"
done
expect 0 "${quiet[@]}" -y -i in.mp4 -progress - -f nut beside.nut

# A signal finishes the file, even where the input hangs; a second one gives up at once.
feed() { exec ffmpeg -v quiet -nostdin -re -f lavfi -i testsrc2=s=64x48:r=25:d=30 -f nut -c:v rawvideo \
    pipe:1 >fifo; }
stop_feed() { { kill -KILL $feeder && wait $feeder; } 2>/dev/null || true; }
wait_for() { # a condition that comes true within 20 s
    for _ in $(seq 200); do
        "$@" && return 0
        sleep 0.1
    done
    fail "never: $*"
}
some_frames() { grep -q '^frame=[1-9]' progress.txt 2>/dev/null; }
start() { # OUTPUT
    rm -f progress.txt
    feed & feeder=$!
    "$CGVIDEO" -v error -m identity -y -i fifo -preset ultrafast -progress progress.txt "$1" & child=$!
    wait_for some_frames
}
mkfifo fifo
start stopped.mp4
kill -STOP $feeder
sleep 0.5
kill -INT $child
status=0
wait $child || status=$?
stop_feed
equal "exit status after SIGINT" 255 $status
count=$(frame_count stopped.mp4)
[ "$count" -ge 5 ] && [ "$count" -lt 500 ] || fail "$count frames after SIGINT"

start given_up.mp4
kill -INT $child
kill -TERM $child
status=0
wait $child || status=$?
stop_feed
equal "exit status after two signals" 255 $status

# What fails behind a signal has failed: here the end of the file cannot be written.
rm -f progress.txt
feed & feeder=$!
"$CGVIDEO" -v error -m identity -y -i fifo -preset ultrafast -crf 50 -progress progress.txt \
    -f matroska /dev/full 2>err & child=$!
wait_for some_frames
kill -INT $child
status=0
wait $child || status=$?
stop_feed
equal "exit status of a failure behind SIGINT" 1 $status
says_one_line "/dev/full: mux: cannot"

# The key q finishes the file as well. That takes a terminal, which bare roots may lack. With exec,
# for a shell that stays between (dash) would die of Ctrl-C itself and answer in cgvideo's place.
if script -qec true /dev/null </dev/null >/dev/null 2>&1; then
    rm -f progress.txt
    feed & feeder=$!
    status=0
    { wait_for some_frames && printf q && sleep 2; } | script -qec \
        "exec $CGVIDEO -v error -m identity -y -i fifo -preset ultrafast -progress progress.txt quit.mp4" \
        /dev/null || status=$?
    stop_feed
    equal "exit status after q" 0 $status
    status=0
    asked() { grep -q "Overwrite" asked.txt 2>/dev/null; }
    { wait_for asked && printf '\003' && sleep 1; } | script -qefc \
        "exec $CGVIDEO -v error -m identity -i in.mp4 kept.mp4" asked.txt >/dev/null || status=$?
    equal "exit status after Ctrl-C at a question" 255 $status
    count=$(frame_count quit.mp4)
    [ "$count" -ge 5 ] && [ "$count" -lt 500 ] || fail "$count frames after q"
else
    echo "SKIPPED: the key q, for there is no pseudo-terminal here"
fi
no_litter
finish
