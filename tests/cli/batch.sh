#!/usr/bin/env bash
# -batch: pictures that go through the network together come out as they would alone, in order.
source "$(dirname "$0")/lib.sh"

"$CGV_MAKE_MODEL" resnet_1blocks 6 net.safetensors
make_input -f lavfi -i testsrc2=s=64x48:r=10 -f lavfi -i sine -t 1.9 -c:v ffv1 -c:a flac in.mkv
run() { expect 0 "$CGVIDEO" -v error -y -m net.safetensors -stabilize 0 -c:v ffv1 -i in.mkv "$@"; }

run -batch 1 alone.mkv
for batch in 0 2 5 16; do
    run -batch $batch together.mkv
    equal "frames of $batch together" 19 "$(frame_count together.mkv)"
    equal "times of $batch together" "$(frame_times alone.mkv)" "$(frame_times together.mkv)"
    equal "sound of $batch together" "$(packets_md5 alone.mkv a)" "$(packets_md5 together.mkv a)"
    largest=$(largest_difference alone.mkv together.mkv)
    [ "$largest" -le 1 ] || fail "$batch together: a difference of $largest"
done
[ "$(frames_md5 alone.mkv | sort -u | wc -l)" = 19 ] || fail "frames are alike"

expect 0 "$CGVIDEO" -v verbose -y -m net.safetensors -stabilize 0 -i in.mkv auto.mkv
says "translator: 64x48, 10 at a time"
expect 0 "$CGVIDEO" -v verbose -y -m net.safetensors -i in.mkv auto.mkv
says "translator: 64x48, 1 at a time"
expect 0 "$CGVIDEO" -v verbose -y -m net.safetensors -stabilize 0 -live -i in.mkv auto.mkv
says "translator: 64x48, 1 at a time"

expect 2 "$CGVIDEO" -v error -m net.safetensors -batch 4 -i in.mkv none.mkv
says_one_line "add -stabilize 0"
expect 1 "$CGVIDEO" -v error -m net.safetensors -stabilize 0 -batch 4 -net_height 24 -i in.mkv none.mkv
says "not with steadiness, tiles or another height"
no_file none.mkv
no_litter

finish
