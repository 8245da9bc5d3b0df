#!/bin/bash
# Memory stays what it is however long a video: of 40,000 small frames with sound, what is resident
# behind the first half and at the end. Before, queues and the allocator's arenas still fill, in
# steps of a megabyte; a run of 50,000 frames has as much from the 18,000th to its end.
. "$(dirname "$0")/lib.sh"
: "${CGV_MAKE_MODEL:?the program that makes small models}"
"$CGV_MAKE_MODEL" resnet_1blocks 1 net.safetensors
frames=40000 most=3072 # KiB that may be added: 0.2 a frame
[ -r /proc/self/status ] || skip "no /proc here"

# grows WHAT ARGUMENT…: translates, and compares.
grows() {
    local what=$1 child status=0 frame resident
    shift
    rm -f progress.txt
    "$CGVIDEO" -v error -hide_banner -f lavfi \
        -i "testsrc2=s=64x64:r=25:d=$((frames / 25))[out0];sine=d=$((frames / 25))[out1]" \
        -progress progress.txt -y "$@" 2>err &
    child=$!
    while resident=$(awk '/^VmRSS/ { print $2 }' /proc/$child/status 2>/dev/null) && [ -n "$resident" ]; do
        frame=$({ sed -n "s/^frame=//p" progress.txt 2>/dev/null || true; } | tail -n 1)
        echo "${frame:-0} $resident"
        sleep 0.1
    done >samples.txt
    wait $child || status=$?
    equal "$what: exit status" 0 $status
    # The largest of the samples between: the end of a run gives memory back.
    read -r early late count < <(awk -v n=$frames '
        $1 >= n / 2 && $1 < n * 6 / 10 && $2 > early { early = $2 }
        $1 >= n * 8 / 10 { if ($2 > late) late = $2; count++ }
        END { print early + 0, late + 0, count + 0 }' samples.txt)
    echo "$what: $early KiB resident behind the half, $late at the end"
    [ "$early" -gt 0 ] && [ "$count" -gt 1 ] || fail "$what: too few samples"
    [ "$late" -le $((early + most)) ] || fail "$what: $((late - early)) KiB more"
    equal "$what: frames" $frames "$(sed -n 's/^frame=//p' progress.txt | tail -n 1)"
}

grows "identity" -m identity -c:v libx264 -preset ultrafast -c:a aac out.mkv
grows "a network, held steady, two outputs" -m net.safetensors -net_height 16 -stabilize 0.9 \
    -o out.mkv -c:v mpeg4 -o out.ts
finish
