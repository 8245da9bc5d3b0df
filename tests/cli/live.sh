#!/bin/bash
# Live sources and several outputs: what is kept, what is dropped, and who is told.
. "$(dirname "$0")/lib.sh"
quiet=("$CGVIDEO" -v error -m identity -y)
fast=(-c:v libx264 -preset ultrafast)
# Whoever still sends or reads when the test is over.
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
has_encoder libx264 || skip "this FFmpeg has no libx264"
make_input -f lavfi -i testsrc2=s=160x120:r=25:d=3 -f lavfi -i sine=d=3 "${fast[@]}" -c:a aac in.mp4

# Ports that another run does not use.
port=$((20000 + $$ % 20000))
value() { sed -n "s/^$1=//p" "$2" | tail -1; } # the last value of a key of -progress

# ---- several outputs

# Options before an output are its own.
expect 0 "${quiet[@]}" -i in.mp4 "${fast[@]}" -pix_fmt yuv420p -o one.mkv -c:v mjpeg -an -o two.avi \
    -c:v ffv1 -r 5 -o three.mkv
equal "codecs" "h264 mjpeg ffv1" "$(echo $(for f in one.mkv two.avi three.mkv; do
    stream $f v:0 codec_name; done))"
equal "frames" "75 75 15" "$(echo $(for f in one.mkv two.avi three.mkv; do frame_count $f; done))"
equal "sound" "aac  aac" "$(echo "$(stream one.mkv a:0 codec_name) $(stream two.avi a:0 codec_name) \
$(stream three.mkv a:0 codec_name)")"
expect 0 "${quiet[@]}" -i in.mp4 "${fast[@]}" -pix_fmt yuv420p -o alone.mkv
equal "an output among others" "$(packets_md5 alone.mkv v:0)" "$(packets_md5 one.mkv v:0)"
# All pictures are made from those of one output; ranges and sitings differ.
luma() { # of two videos: PSNR of their luma in limited range
    ffmpeg -v info -nostdin -i "$1" -i "$2" -lavfi \
        '[0]scale=out_range=limited[a];[1]scale=out_range=limited[b];[a][b]psnr' -f null - 2>&1 |
        sed -n 's/.*PSNR y:\([0-9.inf]*\).*/\1/p' | sed s/inf/99/
}
expect 0 "${quiet[@]}" -i in.mp4 -c:v mjpeg -q:v 1 -o full.avi "${fast[@]}" -qp 0 -o limited.mkv
expect 0 "${quiet[@]}" -i in.mp4 -c:v mjpeg -q:v 1 -o full_alone.avi
between "PSNR of limited range beside full" 45 "$(luma in.mp4 limited.mkv)" 100
between "PSNR of full range beside limited" 40 "$(luma full_alone.avi full.avi)" 100
expect 0 "${quiet[@]}" -i in.mp4 -c:v mjpeg -q:v 1 -pix_fmt yuv444p -o full.avi "${fast[@]}" -qp 0 -o limited.mkv
between "PSNR of limited range from full" 45 "$(luma in.mp4 limited.mkv)" 100

# A colourless one, or one with more depth, takes nothing from the others.
expect 0 "${quiet[@]}" -i in.mp4 -t 1 -c:v ffv1 -pix_fmt gray16le -o mask.mkv "${fast[@]}" -qp 0 -o colour.mkv
chroma=$(ffmpeg -v info -nostdin -i colour.mkv -t 1 -i in.mp4 -lavfi psnr -f null - 2>&1 |
    sed -n 's/.*PSNR y:.* u:\([0-9.inf]*\).*/\1/p' | sed s/inf/99/)
between "PSNR of chroma beside a colourless output" 25 "$chroma" 100
equal "a colourless output" gray16le "$(stream mask.mkv v:0 pix_fmt)"

expect 2 "${quiet[@]}" -i in.mp4 -o a.mkv -o b.mkv -crf 20
says_one_line "behind the last of several outputs"
expect 2 "${quiet[@]}" -i in.mp4 -o a.mkv -o a.mkv
says_one_line "a.mkv is an output twice"
expect 2 "${quiet[@]}" -i in.mp4 -o a.mkv -o ./a.mkv
says_one_line "./a.mkv is an output twice"
expect 2 "${quiet[@]}" -i in.mp4 file:in.mp4
says_one_line "file:in.mp4 is both input and output"
expect 2 "${quiet[@]}" -i in.mp4 -preview -crf 20
says_one_line "options of an output .* but no output"
expect 2 "${quiet[@]}" -i in.mp4 -o a.mkv b.mkv
says_one_line "each needs its -o"
expect 1 "${quiet[@]}" -i in.mp4 -o a.mkv -o nowhere/b.mkv
says_one_line "nowhere/b.mkv: mux: cannot create"
no_file a.mkv
no_litter

# One that fails harms no other; the exit status tells.
expect 1 "$CGVIDEO" -v warning -hide_banner -m identity -y -i in.mp4 "${fast[@]}" -o good.mkv -c:v rawvideo \
    -f rawvideo -o /dev/full
says "error: /dev/full: mux: cannot"
says "/dev/full: dropped; the others go on"
says "1 of 2 outputs failed; the others are whole"
equal "beside a failed output" "$(packets_md5 alone.mkv a:0)" "$(packets_md5 good.mkv a:0)"
equal "frames beside a failed output" 75 "$(frame_count good.mkv)"
expect 1 "${quiet[@]}" -i in.mp4 -c:v rawvideo -f rawvideo -o /dev/full
says_one_line "/dev/full: mux: cannot"

# One encoding, several containers.
expect 0 "${quiet[@]}" -i in.mp4 -preset ultrafast -flags +global_header -f tee "[f=mpegts]tee.ts|tee.mkv"
equal "tee" "75 75" "$(frame_count tee.ts) $(frame_count tee.mkv)"

# ---- live

# A file that is played takes its time, and everything is measured.
begin=$(date +%s%N)
expect 0 "${quiet[@]}" -re -i in.mp4 -progress played.txt "${fast[@]}" played.mkv
between "milliseconds of a video of 3 s" 2800 $((($(date +%s%N) - begin) / 1000000)) 15000
equal "every frame is written or dropped" 75 \
    $(($(value frame played.txt) + $(value drop_frames played.txt)))
equal "frames" "$(value frame played.txt)" "$(frame_count played.mkv)"
for key in in_fps out_fps latency_p50_ms latency_p95_ms translate_ms gpu_in_ms gpu_out_ms; do
    between "$key" 0.1 "$(value $key played.txt)" 10000
done
equal "height of the network's picture" 120 "$(value net_height played.txt)"

# Nothing is held up by a slow translation: the delay stays, frames are dropped. With kernels by
# rule: the first picture would wait for them to be measured, and is one in twenty of a slow host.
"$CGV_MAKE_MODEL" resnet_6blocks 8 slow.safetensors
mkfifo fifo
ffmpeg -v quiet -nostdin -re -f lavfi -i testsrc2=s=640x480:r=50:d=15 -f nut -c:v rawvideo pipe:1 >fifo &
feeder=$!
"$CGVIDEO" -v error -m slow.safetensors -y -kernels rules -live -i fifo -net_height 4000 -progress slow.txt \
    "${fast[@]}" slow.mkv 2>err || fail "a slow translation fails: $(cat err)"
wait $feeder
between "drops" 20 "$(value drop_frames slow.txt)" 749
equal "frames of the slow one" 750 $(($(value frame slow.txt) + $(value drop_frames slow.txt)))
one=$(value translate_ms slow.txt)
between "delay in pictures" 0.5 "$(awk -v a="$(value latency_p95_ms slow.txt)" -v b="$one" \
    'BEGIN { print a / b }')" 6

expect 0 "$CGVIDEO" -v error -m slow.safetensors -y -re -i in.mp4 -net_height 40 -progress steady.txt "${fast[@]}" \
    steady.mkv
between "milliseconds of holding steady" 0.1 "$(value gpu_steady_ms steady.txt)" 10000

# The height that keeps up: a height that is given is obeyed.
expect 1 "${quiet[@]}" -i in.mp4 -quality auto out.mkv
says_one_line "-quality auto: in.mp4 is not live"
expect 1 "${quiet[@]}" -i in.mp4 -quality best out.mkv
says_one_line "libx264 has no option -quality"
make_input -f lavfi -i testsrc2=s=640x480:r=10:d=4 -c:v libx264 -preset ultrafast large.mp4
expect 0 "$CGVIDEO" -m identity -y -re -i large.mp4 -quality auto -progress auto.txt "${fast[@]}" auto.mkv
says "quality: the network runs at a height of"
between "the chosen height" 144 "$(value net_height auto.txt)" 480
expect 0 "$CGVIDEO" -m identity -y -re -i in.mp4 -t 1 -quality auto -net_height 60 -progress given.txt given.mkv
equal "the given height" 60 "$(value net_height given.txt)"

# An output that nobody reads is given up, and the recording beside it has everything.
mkfifo stuck
sleep 60 <stuck & reader=$!
ffmpeg -v quiet -nostdin -re -f lavfi -i testsrc2=s=320x240:r=10:d=9 -f nut -c:v rawvideo pipe:1 >fifo &
feeder=$!
status=0
timeout 60 "$CGVIDEO" -v warning -hide_banner -m identity -y -live -i fifo -c:v rawvideo -f nut -o stuck "${fast[@]}" \
    -o beside.mkv -progress stuck.txt 2>err || status=$?
equal "exit status with a stuck output" 1 $status
says "error: stuck: it takes nothing any more"
says "stuck: dropped; the others go on"
equal "failed outputs" 1 "$(value failed_outputs stuck.txt)"
# What libav read ahead to know the stream came in one heap, of which the latest was taken.
between "frames beside a stuck output" 60 "$(frame_count beside.mkv)" 90
kill $reader
wait $feeder || true

# The delay of an output that is gone is not told any more.
mkfifo late
(exec 0<late; for _ in 1 2 3 4; do head -c 115000; sleep 1; done) >/dev/null & # a picture a second
ffmpeg -v quiet -nostdin -re -f lavfi -i testsrc2=s=320x240:r=10:d=8 -f nut -c:v rawvideo pipe:1 >fifo &
feeder=$!
expect 1 timeout 60 "$CGVIDEO" -v warning -hide_banner -m identity -y -live -i fifo -c:v rawvideo -f nut -o late \
    "${fast[@]}" -o beside.mkv -progress late.txt
says "late: dropped; the others go on"
between "the most delay while it was there" 600 \
    "$(sed -n 's/^latency_p95_ms=//p' late.txt | sort -n | tail -1)" 4000
between "delay of the one that goes on" 0.1 "$(value latency_p95_ms late.txt)" 500
wait $feeder || true

# Behind a jump of the clock an output of constant rate does not make up for an hour of pictures.
ffmpeg -v quiet -nostdin -re -f lavfi -i testsrc2=s=64x48:r=10:d=4 -vf "setpts=PTS+gt(N\,30)*3600/TB" \
    -enc_time_base 1:10 -fps_mode passthrough -f nut -c:v rawvideo pipe:1 >fifo &
feeder=$!
expect 0 timeout 60 "${quiet[@]}" -live -i fifo -r 20 -c:v mjpeg jump.mkv
wait $feeder || true
between "frames around a jump" 30 "$(frame_count jump.mkv)" 110
between "seconds behind a jump" 3600 "$(frame_times jump.mkv | tail -1)" 3605

# The wanted part ends though its sound has died. It is longer than libav may look for streams, from
# which only the latest frame is kept.
make_input -f lavfi -i testsrc2=s=64x48:r=10:d=30 -f lavfi -i sine=d=1 "${fast[@]}" -g 10 dies.mkv
ffmpeg -v quiet -nostdin -re -i dies.mkv -c copy -f nut -max_interleave_delta 100000 -flush_packets 1 pipe:1 \
    >fifo & feeder=$!
expect 0 timeout 20 "${quiet[@]}" -live -i fifo -t 8 "${fast[@]}" part.mkv
between "frames of the part" 5 "$(frame_count part.mkv)" 80
wait $feeder || true

# From network to network, and a source that is lost: what was recorded is whole.
(exec ffmpeg -v quiet -nostdin -re -stream_loop 4 -i in.mp4 -c:v libx264 -preset ultrafast -tune zerolatency \
    -g 25 -c:a copy -f mpegts "udp://127.0.0.1:$port") & sender=$!
(exec timeout 30 ffprobe -v quiet -count_frames -read_intervals %+3 -show_entries \
    stream=codec_name,width,nb_read_frames -of csv=p=0 "udp://127.0.0.1:$((port + 1))?timeout=20000000" \
    >probed.txt) & prober=$!
status=0
"$CGVIDEO" -v warning -hide_banner -m identity -y -i "udp://127.0.0.1:$port" -source_timeout 3 -progress udp.txt \
    -preset ultrafast -o "udp://127.0.0.1:$((port + 1))" -preset ultrafast -o take.mkv 2>err || status=$?
wait $sender $prober || true
equal "exit status of a lost source" 1 $status
says "udp://127.0.0.1:$port: nothing comes: waiting"
says "error: udp://127.0.0.1:$port: lost: nothing came for 3 s"
grep -q '^h264,160,[1-9]' probed.txt || fail "what came by UDP: $(cat probed.txt)"
grep -q '^aac,' probed.txt || fail "no sound came by UDP: $(cat probed.txt)"
equal "frames of the recording" "$(value frame udp.txt)" "$(frame_count take.mkv)"
between "frames of the recording" 250 "$(frame_count take.mkv)" 375
equal "sound of the recording" aac "$(stream take.mkv a:0 codec_name)"
# Sound and pictures end together.
ends=$(for s in v:0 a:0; do ffprobe -v quiet -select_streams $s -show_entries packet=pts_time -of csv=p=0 \
    take.mkv | sed 's/,.*//' | sort -n | tail -1; done)
between "seconds between the ends of picture and sound" -0.3 "$(echo $ends | awk '{ print $1 - $2 }')" 0.3

# A sender that never was.
expect 1 timeout 20 "${quiet[@]}" -source_timeout 2 -i "udp://127.0.0.1:$((port + 2))" never.mkv
says_one_line "lost: nothing came for 2 s"
no_file never.mkv

# One that falls silent before its streams are known.
(sleep 1; exec ffmpeg -v quiet -nostdin -f lavfi -i testsrc2=s=64x48:r=25:d=0.2 "${fast[@]}" -f mpegts \
    "udp://127.0.0.1:$((port + 4))") & sender=$!
expect 1 timeout 20 "${quiet[@]}" -source_timeout 3 -i "udp://127.0.0.1:$((port + 4))" never.mkv
says_one_line "lost: nothing came for 3 s"
no_file never.mkv
wait $sender

# A signal finishes the recording of a stream.
ffmpeg -v quiet -nostdin -re -f lavfi -i testsrc2=s=64x48:r=25:d=30 "${fast[@]}" -tune zerolatency -g 10 \
    -f mpegts "udp://127.0.0.1:$((port + 3))" & sender=$!
"$CGVIDEO" -v error -m identity -y -i "udp://127.0.0.1:$((port + 3))" -progress signal.txt signal.mkv & child=$!
for _ in $(seq 200); do
    [ "$(value frame signal.txt 2>/dev/null || true)" -gt 10 ] 2>/dev/null && break
    sleep 0.1
done
kill -INT $child
status=0
wait $child || status=$?
equal "exit status of a stopped stream" 255 $status
{ kill -KILL $sender && wait $sender; } 2>/dev/null || true
equal "frames of a stopped stream" "$(value frame signal.txt)" "$(frame_count signal.mkv)"

# A live recording that breaks off is not thrown away, and does not look finished.
mkdir small
if mount -t tmpfs -o size=3m none small 2>/dev/null; then
    expect 1 "$CGVIDEO" -v warning -hide_banner -m identity -y -re -i large.mp4 -c:v rawvideo small/disk.mkv
    says "small/disk.mkv: mux: cannot .*No space left"
    says "small/disk.mkv: not finished: what was recorded is in"
    no_file small/disk.mkv
    [ -n "$(find small -name '*disk.mkv*.part' -size +100k)" ] || fail "no part of the recording: $(ls small)"
    umount small
else
    echo "SKIPPED: a full disk, for tmpfs cannot be mounted here"
fi

# ---- devices

expect 0 "$CGVIDEO" -list_devices
[ -s out.txt ] || fail "-list_devices prints nothing"
expect 1 "${quiet[@]}" -i in.mp4 -o v4l2:/dev/video97
says "/dev/video97: no such device: load the loopback driver: modprobe v4l2loopback video_nr=97"
expect 1 "${quiet[@]}" -i in.mp4 -f v4l2 -o /dev/null
says_one_line "/dev/null: mux: it is no loopback device, or takes no pictures in yuv420p .*-list_devices"
expect 1 "${quiet[@]}" -i in.mp4 -pix_fmt yuv444p10le -f v4l2 -o /dev/null
says_one_line "/dev/null: mux: .*takes no pictures in yuv444p10le"
expect 1 "${quiet[@]}" -i /dev/video98 out.mkv
says_one_line "/dev/video98: cannot open"
expect 0 "${quiet[@]}" -f lavfi -i testsrc2=s=64x48:r=10:d=1 generated.mkv
equal "frames of lavfi" 10 "$(frame_count generated.mkv)"

finish
