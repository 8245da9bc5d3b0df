#!/bin/bash
# What can break while it runs: the device, its memory, the numbers, the encoder, the disk, pipes, the
# input. Each gives a message, an exit status, no leak (in a build with sanitizers), no litter, and no
# file that looks finished. CGV_FAULT=POINT@N makes the N-th call at a point fail (src/base/fault.h).

# Disks that are full take the right to mount them.
if [ "$(id -u)" != 0 ] && [ -z "${CGV_UNSHARED-}" ] && unshare -Urm true 2>/dev/null; then
    CGV_UNSHARED=1 exec unshare -Urm "$0"
fi
. "$(dirname "$0")/lib.sh"
: "${CGV_MAKE_MODEL:?the program that makes small models}"
quiet=("$CGVIDEO" -v error -m identity)
make_input -f lavfi -i testsrc2=s=64x48:r=25:d=2 -f lavfi -i sine=d=2 -c:v libx264 -g 10 -c:a aac \
    -movflags +faststart in.mp4
"$CGV_MAKE_MODEL" resnet_1blocks 4 net.safetensors
"$CGV_MAKE_MODEL" resnet_1blocks 4 huge.safetensors 1e38
"$CGV_MAKE_MODEL" resnet_1blocks 4 black.safetensors -100

export LSAN_OPTIONS=print_suppressions=0${LSAN_OPTIONS:+:$LSAN_OPTIONS}
# FFmpeg's muxer of HLS forgets a buffer unless its output is finished.
unfinished=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
provoked=0
# fault STATUS COMMAND…: as expect, for a fault; one that hangs fails as well.
fault() {
    provoked=$((provoked + 1))
    expect "$1" timeout 120 "${@:2}"
    ! grep -E 'Sanitizer|runtime error|Vulkan validation' err || fail "in: ${*:2}"
}
# The last run left nothing at all in the place of its output.
nothing() { no_file "$1"; no_litter; }
mkdir small
disk=
mount -t tmpfs none small 2>/dev/null && umount small && disk=yes
# full KIB OUTPUT COMMAND…: a fault on a disk with so much room, where it leaves nothing in OUTPUT.
full() {
    mount -t tmpfs -o "size=$1k" none small
    fault 1 "${@:3}"
    says "small/.*: cannot .*No space left"
    no_file "small/$2"
    no_litter
    ls -A small >left
    umount small
}

# ---- the device

for point in submit wait; do
    CGV_FAULT=$point@9 fault 1 "$CGVIDEO" -v error -m net.safetensors -i in.mp4 lost.mp4
    says "error: .* the Vulkan device was lost"
    says "translate: failed at frame [0-9]*: Vulkan device lost"
    equal "messages of a lost device" 2 "$(wc -l <err)"
    nothing lost.mp4
done
CGV_FAULT=submit@9 fault 1 "$CGVIDEO" -v error -m identity -re -i in.mp4 lost.mkv
says "failed at frame [0-9]*: Vulkan device lost"
no_file lost.mkv
rm .lost.mkv.*.part # what was recorded live stays, under this name
echo precious >kept.mp4
CGV_FAULT=wait@9 fault 1 "${quiet[@]}" -y -i in.mp4 kept.mp4
equal "what was there" precious "$(cat kept.mp4)"
echo precious >kept.png
CGV_FAULT=encode@2 fault 1 "${quiet[@]}" -y -i in.mp4 -t 0.04 kept.png
equal "the picture that was there" precious "$(cat kept.png)"
CGV_FAULT=wait@9 fault 1 "${quiet[@]}" -i in.mp4 -o one.mkv -o two.mp4
nothing one.mkv
nothing two.mp4
CGV_FAULT=pipeline@3 fault 1 "$CGVIDEO" -v error -m net.safetensors -i in.mp4 lost.mp4
says_one_line "the driver cannot compile this kernel"
nothing lost.mp4

# Every allocation in turn, until there is no further one.
for n in $(seq 100); do
    rm -f full.mp4
    status=0
    CGV_FAULT=memory@$n "$CGVIDEO" -v error -m net.safetensors -net_height 24 -stabilize 0.9 -i in.mp4 -t 0.2 \
        full.mp4 2>err || status=$?
    [ "$status" = 1 ] || break
    provoked=$((provoked + 1))
    says "no device memory for"
    ! grep -E 'Sanitizer|runtime error|Vulkan validation' err || fail "allocation $n"
    nothing full.mp4
done
equal "status without a failed allocation" 0 "$status"
[ "$n" -gt 8 ] || fail "only $((n - 1)) allocations"
make_input -f lavfi -i testsrc2=s=640x480 -frames:v 1 large.png
CGV_FAULT=memory@2 fault 1 "$CGVIDEO" -v error -kernels rules -m net.safetensors -i large.png full.png
says "the network at a height of 480 is too large for this device: try -net_height 240, or -tile 240, which is slow"
nothing full.png
# Measuring kernels, of which nothing is known yet, can be done without.
XDG_CACHE_HOME=$PWD/fresh CGV_FAULT=memory@2 fault 0 "$CGVIDEO" -v warning -m net.safetensors -i large.png full.png
says "so its kernel is not measured"
[ -s full.png ] || fail "no picture without measuring"

# A live source goes on at the height that it had.
make_input -f lavfi -i testsrc2=s=320x240:r=2:d=8 -c:v mpeg4 slow.mp4
CGV_FAULT=memory@$((n + 2)) fault 0 "$CGVIDEO" -v warning -hide_banner -m net.safetensors -re -quality auto \
    -i slow.mp4 -c:v mpeg4 slow.mkv
says "no device memory for"
says "quality: so the network stays at a height of 144"
[ "$(frame_count slow.mkv)" -ge 12 ] || fail "$(frame_count slow.mkv) frames with a height that was too large"

# ---- the numbers

fault 1 "$CGVIDEO" -v error -m huge.safetensors -i in.mp4 nan.mp4
says "the network's picture holds NaN or infinity"
says "translate: failed at frame 0: NaN"
nothing nan.mp4
# Black is what masks and edges are where there is nothing to find: a warning, one in all.
fault 0 "$CGVIDEO" -v warning -hide_banner -m black.safetensors -i in.mp4 black.mp4
says "warning: translate: the last 25 pictures came out all black, though the inputs are not"
equal "warnings of black" 1 "$(grep -c 'all black' err)"
equal "black frames" 50 "$(frame_count black.mp4)"
fault 0 "$CGVIDEO" -v warning -hide_banner -m black.safetensors -i large.png black.png
says "warning: translate: every picture came out all black, .* right -model_range?"
equal "black pictures" 1 "$(frame_count black.png)"
for format in yuv420p10le rgb24 gray yuvj444p rgb565le; do
    fault 0 "$CGVIDEO" -v warning -hide_banner -m black.safetensors -y -i in.mp4 -t 0.2 -c:v rawvideo \
        -pix_fmt $format black.nut
    says "every picture came out all black"
done
# Black that is not the network's doing, and what is nearly black.
make_input -f lavfi -i color=black:s=64x48:r=25:d=1 dark.mp4
expect 0 "$CGVIDEO" -v warning -hide_banner -m black.safetensors -i dark.mp4 dark_out.mp4
! grep "all black" err || fail "a warning of a dark input"
make_input -f lavfi -i "color=black:s=64x48:r=25:d=1,drawbox=x=3:y=1:w=1:h=1:c=0x181818" speck.mp4
expect 0 "$CGVIDEO" -v warning -hide_banner -m identity -i speck.mp4 speck_out.mp4
! grep "all black" err || fail "a warning of a speck"
expect 0 "$CGVIDEO" -v warning -hide_banner -m black.safetensors -strength 0.5 -i in.mp4 half.mp4
! grep "all black" err || fail "a warning of half the strength"

# ---- the encoder, the input

CGV_FAULT=encode@9 fault 1 "${quiet[@]}" -i in.mp4 encoded.mp4
says_one_line "encode: libx264 failed"
nothing encoded.mp4
CGV_FAULT=encode@9 fault 1 "${quiet[@]}" -i in.mp4 -c:v mpeg4 -o one.mkv -an -c:v mpeg4 -o two.mkv
equal "outputs beside a failed one" 1 "$(ls one.mkv two.mkv 2>/dev/null | wc -l)"
no_litter
rm -f one.mkv two.mkv
# A playlist of which the rest is missing goes; one from before stays until it is written to.
mkdir hls
ASAN_OPTIONS=$unfinished CGV_FAULT=encode@40 fault 1 "${quiet[@]}" -i in.mp4 -an -c:v mpeg4 -g 5 -hls_time 0.2 \
    -f hls hls/a.m3u8
no_file hls/a.m3u8
[ -e hls/a0.ts ] || fail "no segment before the fault"
echo precious >hls/b.m3u8
ASAN_OPTIONS=$unfinished CGV_FAULT=encode@2 fault 1 "${quiet[@]}" -y -i in.mp4 -an -c:v mpeg4 -hls_time 0.2 \
    -f hls hls/b.m3u8
equal "the playlist that was there" precious "$(cat hls/b.m3u8)"
CGV_FAULT=read@40 fault 1 "${quiet[@]}" -i in.mp4 read.mp4
says_one_line "in.mp4: demux: cannot read: Input/output error"
nothing read.mp4
make_input -i in.mp4 -c copy in.mkv
# Over HTTP with the file's length, where a break is told from the end, and without.
if command -v python3 >/dev/null; then
    python3 -c '
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        data = open("in.mkv", "rb").read()
        self.send_response(200)
        if "length" in self.path:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if "half" in self.path else data)
    def log_message(self, *words):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()' >port &
    server=$!
    for _ in $(seq 100); do
        [ -s port ] && break
        sleep 0.05
    done
    site=http://127.0.0.1:$(cat port)
    fault 0 "$CGVIDEO" -v warning -hide_banner -m identity -i "$site/all" closed.mkv
    says "/all: nothing says how long it is, and its connection closed"
    equal "frames from a server without lengths" 50 "$(frame_count closed.mkv)"
    expect 0 "$CGVIDEO" -v warning -hide_banner -m identity -y -i "$site/length" closed.mkv
    ! grep "nothing says" err || fail "the length was said"
    fault 1 "${quiet[@]}" -i "$site/half,length" broken.mkv
    says_one_line "demux: cannot read: Input/output error"
    nothing broken.mkv
    kill $server
    wait $server || true
else
    echo "SKIPPED: inputs over HTTP, for there is no python3"
fi
size=$(stat -c %s in.mp4)
head -c $((size / 3)) in.mp4 >third.mp4
fault 69 "$CGVIDEO" -v warning -hide_banner -m identity -i third.mp4 third_out.mp4
says "third.mp4: it breaks off: [0-9]* of its 50 pictures are missing"
says "packets were damaged or missing"
head -c $((size * 3 / 4)) in.mp4 >most.mp4
fault 0 "$CGVIDEO" -v warning -hide_banner -m identity -i most.mp4 most_out.mp4
says "most.mp4: it breaks off: [0-9]* of its 50 pictures are missing"
make_input -f lavfi -i testsrc2=s=64x48:r=5:d=20 -c:v mpeg4 long.mkv
head -c $(($(stat -c %s long.mkv) / 2)) long.mkv >half.mkv
fault 0 "$CGVIDEO" -v warning -hide_banner -m identity -i half.mkv half_out.mkv
says "half.mkv: it breaks off after [0-9.]* of 20.0 seconds"
make_input -i in.mkv -c copy -output_ts_offset 100 late.mkv
for whole in in.mp4 in.mkv long.mkv late.mkv; do
    expect 0 "$CGVIDEO" -v warning -hide_banner -m identity -y -i $whole whole_out.mkv
    ! grep "breaks off" err || fail "$whole is whole"
done
expect 0 "$CGVIDEO" -v warning -hide_banner -m identity -i in.mp4 -segment_time 1 whole_out.mp4
! grep "breaks off" err || fail "in segments in.mp4 is whole"

# ---- the disk

if [ -n "$disk" ]; then
    for name in mp4 mkv yuv ts; do
        options=(-c:v mpeg4 -q:v 1)
        [ $name != mkv ] || options=(-c:v rawvideo)
        [ $name != yuv ] || options=(-c:v rawvideo -f rawvideo)
        full 24 full.$name "${quiet[@]}" -i in.mp4 "${options[@]}" small/full.$name
        equal "left of full.$name" "" "$(cat left)"
        equal "messages of full.$name" 1 "$(wc -l <err)"
    done
    # Muxers that open their files themselves do not look whether these were written.
    full 4 full.png "${quiet[@]}" -i large.png small/full.png
    equal "left of a picture" "" "$(cat left)"
    mount -t tmpfs -o size=12k none small # room for the picture before, and for none beside it
    echo precious >small/a.png
    fault 1 "${quiet[@]}" -y -i large.png small/a.png
    says_one_line "small/a.png: mux: cannot .*No space left"
    equal "the picture before, on a full disk" precious "$(cat small/a.png)"
    equal "beside it" "" "$(ls -A small | grep -vx a.png || true)"
    umount small
    full 20 003.bmp "${quiet[@]}" -i in.mp4 -c:v bmp small/%03d.bmp
    equal "left of a sequence" "001.bmp" "$(cat left)"
    full 20 full.m3u8 "${quiet[@]}" -i in.mp4 -c:v mpeg4 -q:v 1 -f hls small/full.m3u8
    full 20 full.mpd "${quiet[@]}" -i in.mp4 -c:v mpeg4 -q:v 1 -f dash small/full.mpd
    equal "temporary files of segments" "" "$(grep -F .tmp left || true)"
    # In the middle, where the playlist names segments already.
    ASAN_OPTIONS=$unfinished full 24 full.m3u8 "${quiet[@]}" -i in.mp4 -an -c:v mpeg4 -q:v 1 -g 5 -hls_time 0.2 \
        -f hls small/full.m3u8
    equal "messages of a playlist" 1 "$(wc -l <err)"
    ! grep "rename" err || fail "the muxer's complaint of what was deleted"
    grep -qF full0.ts left || fail "no whole segment is left: $(cat left)"
    equal "temporary files of a playlist" "" "$(grep -F .tmp left || true)"
else
    echo "SKIPPED: full disks, for tmpfs cannot be mounted here"
fi
fault 1 "${quiet[@]}" -i in.mp4 /proc/nowhere/out.mp4
says_one_line "/proc/nowhere/out.mp4: mux: cannot create"
fault 1 bash -c '"$0" models >/dev/full' "$CGVIDEO"
says_one_line "standard output: cannot write: No space left"
fault 1 bash -c '"$0" devices >/dev/full' "$CGVIDEO"
says_one_line "standard output: cannot write: No space left"

# ---- pipes

fault 1 bash -c '"$0" -v error -m identity -i in.mp4 -c:v rawvideo -f nut - | head -c 1000 >/dev/null
    exit ${PIPESTATUS[0]}' "$CGVIDEO"
says_one_line "mux: cannot .*Broken pipe"
fault 0 bash -c '"$0" -m identity -i in.mp4 messages.mp4 2>&1 >/dev/null | true
    exit ${PIPESTATUS[0]}' "$CGVIDEO"
equal "frames when nobody reads the messages" 50 "$(frame_count messages.mp4)"

# ---- signals

for signal in INT TERM HUP; do
    rm -f progress.txt
    "$CGVIDEO" -v error -m identity -re -i in.mp4 -preset ultrafast -progress progress.txt $signal.mp4 2>err &
    child=$!
    for _ in $(seq 200); do
        grep -q '^frame=[1-9]' progress.txt 2>/dev/null && break
        sleep 0.05
    done
    provoked=$((provoked + 1))
    kill -$signal $child
    status=0
    wait $child || status=$?
    equal "exit status after SIG$signal" 255 $status
    [ "$(frame_count $signal.mp4)" -ge 1 ] || fail "SIG$signal: not finished"
done
fault 0 bash -c 'trap "" HUP; "$0" -v error -m identity -re -i in.mp4 -progress - nohup.mp4 | {
    read -r _; kill -HUP 0; cat >/dev/null; }' "$CGVIDEO"
[ "$(frame_count nohup.mp4)" -ge 40 ] || fail "$(frame_count nohup.mp4) frames under nohup"
no_litter

# ---- caches and models

CGV_FAULT= XDG_CACHE_HOME=/proc/nowhere fault 0 "$CGVIDEO" -v warning -hide_banner -m identity -i large.png a.png
says "no pipeline cache can be kept there"
echo 'no model at all' >text.safetensors
cp large.png picture.pth
head -c 3000 net.safetensors >cut.safetensors
"$CGV_MAKE_MODEL" patchgan 4 judge.safetensors
for model in missing.pth missing-name text.safetensors picture.pth cut.safetensors judge.safetensors; do
    fault 1 "$CGVIDEO" -v error -m $model -i in.mp4 model.mp4
    says_one_line "."
    nothing model.mp4
done

# ---- the other commands

# While the device's rates are measured, in less than 80 runs, and after that.
for at in 3 90; do
    CGV_FAULT=wait@$at fault 1 "$CGVIDEO" bench -v error -m net.safetensors -s 64x48 -n 100 -kernels rules
    says_one_line "the Vulkan device was lost"
done
for at in 1 3 5; do
    CGV_FAULT=memory@$at fault 1 "$CGVIDEO" bench -m net.safetensors -s 64x48 -n 2
    says "bench: a smaller -s or -batch needs less memory"
done
fault 1 bash -c '"$0" bench -json -m net.safetensors -s 64x48 -n 2 >/dev/full' "$CGVIDEO"
says "standard output: cannot write: No space left"
mkdir a b
for i in 1 2 3; do
    make_input -f lavfi -i "testsrc2=s=56x40:r=1:d=1,hue=h=$((i * 40))" -frames:v 1 a/$i.png
    make_input -f lavfi -i "mandelbrot=s=64x48:r=1:start_scale=$i" -frames:v 1 b/$i.png
done
measure=("$CGVIDEO" eval -v error -m net.safetensors -a a -b b -s 32x32 -o measured)
CGV_FAULT=wait@3 fault 1 "${measure[@]}"
says "the Vulkan device was lost"
says "eval: failed at frame 0 of [ab]/[123].png: Vulkan device lost"
fault 0 bash -c '"$@" -v info 2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}' bash "${measure[@]}"
[ -s measured/eval.json ] || fail "no figures when nobody reads the messages"
rm -r measured
for command in bench eval; do # a reader that is gone before the figures come
    words=("${measure[@]}")
    [ $command = eval ] || words=("$CGVIDEO" bench -m net.safetensors -s 64x48 -n 2)
    fault 1 bash -c '{ sleep 0.3; exec "$@"; } | true; exit ${PIPESTATUS[0]}' bash "${words[@]}"
    says "standard output: cannot write: Broken pipe"
done
rm -r measured
CGV_FAULT=memory@3 fault 1 "${measure[@]}"
says "out of device memory; a smaller -net_height needs less"
no_file measured/eval.json
fault 1 "${measure[@]}" -m huge.safetensors
says "NaN or infinity"
no_file measured/eval.json
if [ -n "$disk" ]; then
    full 4 eval.json "${measure[@]}" -o small
    equal "left of eval" "" "$(cat left)"
fi

# ---- training: what was saved stays, and the run goes on from there

options=(-hide_banner -v info -arch resnet_1blocks -ngf 4 -ndf 4 -layers 1 -crop 32x32 -steps 12 -save_every 4
    -log_every 1 -sample_every 6)
train() { "$CGVIDEO" train -a a -b b "${options[@]}" "$@"; }
goes_on() { # DIR: after a fault
    expect 0 "$CGVIDEO" train -v error -resume "$1"
    for file in G_AB.safetensors checkpoints/step_00000012.safetensors; do
        cmp -s "whole/$file" "$1/$file" || fail "$1: resumed to another $file"
    done
}
expect 0 train -o whole
for fault in submit@28 wait@33 memory@70; do
    export CGV_FAULT=$fault
    fault 1 "$CGVIDEO" train -a a -b b "${options[@]}" -o $fault
    unset CGV_FAULT
    says "train: stopped behind step [0-9]*; the last good checkpoint is that of step [48] in $fault/checkpoints"
    says "go on with: cgvideo train -resume $fault"
    no_litter
    goes_on $fault
done
CGV_FAULT=submit@4 fault 1 "$CGVIDEO" train -a a -b b "${options[@]}" -o early
says "stopped behind step [0-3], before the first checkpoint"
goes_on early
CGV_FAULT=memory@9 fault 1 "$CGVIDEO" train -a a -b b "${options[@]}" -o nowhere
says "training needs less memory with -recompute"
nothing nowhere
fault 1 "$CGVIDEO" train -a a -b b "${options[@]}" -init_g huge.safetensors,huge.safetensors -o nan
says "NaN"
no_litter
if [ -n "$disk" ]; then
    for size in 200 600; do # room for no checkpoint, and for one
        mount -t tmpfs -o size=${size}k none small
        fault 1 "$CGVIDEO" train -a a -b b "${options[@]}" -o small/run
        says "cannot write: No space left"
        [ $size = 200 ] || says "the last good checkpoint is that of step 4"
        no_litter
        mount -o remount,size=8m small
        goes_on small/run
        umount small
    done
fi
fault 1 "$CGVIDEO" train -a a -b b "${options[@]}" -o /proc/nowhere
says "/proc/nowhere: cannot make this folder"
fault 0 bash -c '"$0" train -a a -b b "${@}" -o unheard 2>&1 | true; exit ${PIPESTATUS[0]}' "$CGVIDEO" \
    "${options[@]}"
cmp -s whole/G_AB.safetensors unheard/G_AB.safetensors || fail "a run whose messages nobody reads"

echo "$provoked faults provoked"
finish
