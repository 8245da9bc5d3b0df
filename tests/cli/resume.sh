#!/usr/bin/env bash
# -segment_time and -resume: whatever ends a job, the same command goes on, and the output is that of
# a job that nothing ended. CGV_KILLS: how often one is killed at a random moment (3); CGV_SEED.
source "$(dirname "$0")/lib.sh"
kills=${CGV_KILLS:-3}
RANDOM=${CGV_SEED:=$$}

# Frames at uneven times, with a scene cut, and all that is carried past them.
printf '1\n00:00:00,500 --> 00:00:01,000\none\n\n2\n00:00:02,500 --> 00:00:03,000\ntwo\n' >text.srt
printf ';FFMETADATA1\ntitle=Job\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=A\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=4000\ntitle=B\n' >chapters.txt
make_input -f lavfi -i "testsrc2=s=160x96:r=25:d=2.3,format=yuv420p" -c:v ffv1 first.mkv
make_input -f lavfi -i "mandelbrot=s=160x96:r=25,format=yuv420p" -t 1.7 -c:v ffv1 second.mkv
printf 'file %s\n' first.mkv second.mkv >list.txt
make_input -f concat -i list.txt -f lavfi -i sine=d=4 -i text.srt -i chapters.txt \
    -map 0 -map 1 -map 2 -map_metadata 3 -map_chapters 3 -fps_mode vfr \
    -vf "select='not(eq(mod(n,7),3))*not(between(n,61,80))'" -c:v libx264 -c:a aac -c:s srt in.mkv
[ "$(frame_count in.mkv)" -gt 60 ] || fail "the input cannot be read"

packets() { ffprobe -v error -show_entries packet=stream_index,pts,dts,duration,size,flags \
    -show_data_hash md5 -of csv=p=0 "$1"; }
of_others() { packets "$1" | grep -v '^0,'; }
about() { ffprobe -v error -show_streams -show_chapters -show_format -of flat "$1" |
    grep -v 'bit_rate\|filename\|size=\|extradata\|DURATION'; }
# same WHAT FILE: every frame and every packet is that of the job that nothing ended.
same() {
    equal "$1: frames" "$(frames_md5 whole.mkv | md5sum)" "$(frames_md5 "$2" | md5sum)"
    equal "$1: packets" "$(packets whole.mkv | md5sum)" "$(packets "$2" | md5sum)"
    no_file "$2.segments"
}

job=("$CGVIDEO" -v info -i in.mkv -preset veryfast -segment_time 0.5)
began=$(date +%s%N)
expect 0 "${job[@]}" whole.mkv
took=$((($(date +%s%N) - began) / 1000000))
no_file whole.mkv.segments

# ---- as it is without segments, but for key frames

expect 0 "$CGVIDEO" -v error -i in.mkv -preset veryfast plain.mkv
equal "times" "$(frame_times plain.mkv)" "$(frame_times whole.mkv)"
equal "other streams" "$(of_others plain.mkv)" "$(of_others whole.mkv)"
equal "streams, chapters, metadata" "$(about plain.mkv)" "$(about whole.mkv)"
equal "chapters" 2 "$(ffprobe -v error -show_entries chapter=id -of csv=p=0 whole.mkv | wc -l)"
halves() { awk -F, '{ half = int($1 * 2); if (!(half in seen)) print $1; seen[half] }'; }
equal "a key frame where half a second begins" "$(frame_times in.mkv | halves)" \
    "$(ffprobe -v error -select_streams v -show_entries packet=pts_time,flags -of csv=p=0 whole.mkv |
        grep K | halves)"

# ---- killed

# run_for MILLISECONDS OUTPUT [OPTION…]: then it is killed, if it still runs.
run_for() {
    local time=$1 output=$2 pid
    shift 2
    "${job[@]}" -resume "$@" "$output" </dev/null >/dev/null 2>&1 &
    pid=$!
    sleep "$(awk "BEGIN { print $time / 1000 }")"
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
}

for ((i = 0; i < kills; i++)); do
    rm -rf killed.mkv killed.mkv.segments
    moment=$((RANDOM % took))
    run_for $moment killed.mkv
    expect 0 "${job[@]}" -y -resume killed.mkv
    same "killed after $moment ms (CGV_SEED=$CGV_SEED)" killed.mkv
done

# One job, killed each time that another segment is whole.
segments() { find "$1.segments" -name '*.packets' ! -name '.*' 2>/dev/null | wc -l; }
rm -rf killed.mkv
count=0
for i in 1 2 3; do
    "${job[@]}" -resume killed.mkv </dev/null >/dev/null 2>err &
    pid=$!
    for ((wait = 0; wait < 600; wait++)); do
        [ "$(segments killed.mkv)" -gt "$count" ] && break
        sleep 0.05
    done
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    [ "$(segments killed.mkv)" -gt "$count" ] || fail "no segment became whole"
    count=$(segments killed.mkv)
done
first=$(stat -c %i killed.mkv.segments/000000.packets)
expect 1 "${job[@]}" killed.mkv
says "killed.mkv.segments: a job that was not finished: add -resume"
equal "left as it is" "$first" "$(stat -c %i killed.mkv.segments/000000.packets)"

# ---- another job

refuse() { # MESSAGE COMMAND…
    local message=$1
    shift
    expect 1 "$@"
    says_one_line "$message"
    [ "$(segments killed.mkv)" -ge "$count" ] || fail "segments are gone: $*"
}
quiet=("$CGVIDEO" -v error -i in.mkv -preset veryfast -segment_time 0.5 -resume)
refuse "killed.mkv.segments: of another job: crf was -1.0, and is 30.0" \
    "${quiet[@]}" -crf 30 killed.mkv
refuse "of another job: segment_time was \"0.5\", and is \"1\"" \
    "${quiet[@]}" -segment_time 1 killed.mkv
refuse "of another job: checksum of the model was" "${quiet[@]}" -m identity killed.mkv
refuse "of another job: g was not there, and is \"5\"" "${quiet[@]}" -g 5 killed.mkv
refuse "of another job: stabilize was 0.9" "${quiet[@]}" -stabilize 0 killed.mkv
if [ "$(nproc)" -gt 1 ]; then
    core=$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')
    refuse "of another job: cores for -threads 0 was $(nproc), and is 1" \
        taskset -c "$core" "${quiet[@]}" killed.mkv
fi
CGV_SUMS=float refuse "of another job: CGV_SUMS was not there, and is \"float\"" \
    "${quiet[@]}" killed.mkv
cp -p in.mkv kept.mkv
touch in.mkv
refuse "of another job: time of the input was" "${quiet[@]}" killed.mkv
cp -p kept.mkv in.mkv
exec 9<killed.mkv.segments
if flock -n 9; then
    refuse "another cgvideo is at this job" "${quiet[@]}" killed.mkv
else
    fail "the folder is locked without a job"
fi
exec 9<&-
cp -r killed.mkv.segments copy.segments
echo '{' >killed.mkv.segments/journal.json
refuse "journal.json: damaged" "${quiet[@]}" killed.mkv
cp copy.segments/journal.json killed.mkv.segments/journal.json
printf x | dd of=killed.mkv.segments/000000.packets bs=1 seek=300 conv=notrunc 2>/dev/null
refuse "000000.packets: damaged" "${quiet[@]}" killed.mkv
no_file killed.mkv
cp copy.segments/000000.packets killed.mkv.segments/
rm -r copy.segments
# The program's messages, and how to do with what is there, are no part of the job.
expect 0 "${job[@]}" -y -hide_banner -progress progress.txt -resume killed.mkv
says "going on at 00:00:0"
same "killed again and again" killed.mkv
equal "frames of all runs" "$(frame_count whole.mkv)" "$(sed -n 's/^frame=//p' progress.txt | tail -n 1)"

# ---- stopped

rm -f stopped.mkv
"${job[@]}" -resume stopped.mkv </dev/null >out.txt 2>err &
pid=$!
for ((wait = 0; wait < 600 && $(segments stopped.mkv) == 0; wait++)); do sleep 0.05; done
kill -INT $pid
status=0
wait $pid || status=$?
equal "exit status of a job that is stopped" 255 "$status"
says "stopped.mkv: not finished; the same command goes on at"
no_file stopped.mkv
expect 0 "${job[@]}" -resume stopped.mkv
same "stopped" stopped.mkv

# ---- a full disk

# A file may have so many KiB: more than a segment of half a second, fewer than all together.
make_input -f lavfi -i testsrc2=s=320x192:r=25:d=3,format=yuv420p -c:v ffv1 large.mkv
raw=("$CGVIDEO" -v error -m identity -i large.mkv -c:v rawvideo -segment_time)
limited() { (ulimit -f 4096 && "$@"); }
expect 1 limited "${raw[@]}" 3 full.mkv
says_one_line "000000.packets: cannot write: File too large"
no_file full.mkv.segments
expect 1 limited "${raw[@]}" 0.5 full.mkv
says_one_line "full.mkv: mux: cannot .*File too large"
no_file full.mkv
equal "whole segments" 6 "$(segments full.mkv)"
equal "beside them only the journal" 1 "$(find full.mkv.segments -type f ! -name '*.packets' | wc -l)"
cp -r full.mkv.segments kept
expect 0 "${raw[@]}" 0.5 -resume full.mkv
equal "joined later" "$(frames_md5 large.mkv)" "$(frames_md5 full.mkv)"
no_file full.mkv.segments
# Killed when the output had its name already: nobody is asked.
mv kept full.mkv.segments
cp full.mkv before.mkv
expect 1 "${raw[@]}" 0.5 -resume -n full.mkv
says_one_line "full.mkv exists"
expect 0 "${raw[@]}" 0.5 -resume full.mkv
equal "joined again" "$(packets before.mkv | md5sum)" "$(packets full.mkv | md5sum)"
no_file full.mkv.segments

rm full.mkv
if unshare -rm true 2>/dev/null; then
    mkdir disk
    # shellcheck disable=SC2016
    expect 0 unshare -rm bash -c 'mount -t tmpfs -o size=4m none disk || exit 3
        "$@" disk/full.mkv && exit 4
        [ -e disk/full.mkv.segments/journal.json ] || exit 5
        mount -o remount,size=32m disk && "$@" disk/full.mkv && cp disk/full.mkv .' - \
        "${raw[@]}" 0.5 -resume
    says_one_line "00000[1-9].packets: cannot write: No space left on device"
    equal "a full disk" "$(frames_md5 large.mkv)" "$(frames_md5 full.mkv)"
else
    echo "not tested here: a disk that is full"
fi

# ---- a folder of that name that is somebody else's

raw=("$CGVIDEO" -v error -m identity -i large.mkv -c:v ffv1 -segment_time)
mkdir theirs
touch theirs/{notes.part,7.state,000001.packets,.000000.packets.1.part}
ln -s theirs linked.mkv.segments
expect 1 "${raw[@]}" 1 -resume linked.mkv
says_one_line "linked.mkv.segments: a folder without a job, with .* in it"
equal "files of somebody else" 4 "$(find theirs -type f | wc -l)"
rm -r theirs linked.mkv.segments
mkdir empty.mkv.segments
expect 1 "${raw[@]}" 1 -c:v wibble empty.mkv
[ -d empty.mkv.segments ] || fail "a folder that was there is gone"
expect 0 "${raw[@]}" 1 empty.mkv
no_file empty.mkv.segments
# Killed before its first segment was whole.
mkdir young.mkv.segments
touch young.mkv.segments/{output.part,.000000.packets.1.part,000000.packets,.journal.json.1.part}
expect 0 "${raw[@]}" 1 young.mkv
no_file young.mkv.segments
# What is in the way of its journal may be one.
mkdir odd.mkv.segments
touch odd.mkv.segments/000000.packets
ln -s journal.json odd.mkv.segments/journal.json
expect 1 "${raw[@]}" 1 -resume odd.mkv
says_one_line "odd.mkv.segments/journal.json: "
equal "segments" 1 "$(segments odd.mkv)"
rm -r odd.mkv.segments

# ---- a folder on another file system

elsewhere=$(mktemp -d /dev/shm/cgvideo.XXXXXX 2>/dev/null || true)
if [ -n "$elsewhere" ] && [ "$(stat -c %d "$elsewhere")" != "$(stat -c %d .)" ]; then
    ln -s "$elsewhere" far.mkv.segments
    expect 1 "${raw[@]}" 1 far.mkv
    says_one_line "far.mkv.segments: on another file system than the output"
    rm far.mkv.segments
else
    echo "not tested here: a folder on another file system"
fi
[ -z "$elsewhere" ] || rmdir "$elsewhere"

# ---- a folder that can be written, but not read

caps=()
[ "$(id -u)" != 0 ] || caps=(setpriv --bounding-set=-all --inh-caps=-all)
if "${caps[@]}" true 2>/dev/null; then
    mkdir -m 0300 box
    expect 0 "${caps[@]}" "${raw[@]}" 1 box/whole.mkv
    equal "messages" "" "$(cat err)"
    chmod 0700 box
    equal "what is in the box" whole.mkv "$(ls -A box)"
else
    echo "not tested here: a folder that cannot be read"
fi

# ---- a device that fails

for fault in 40 10; do # in the second of the three segments, which begins at frame 25
    CGV_FAULT=wait@$fault expect 1 "${raw[@]}" 1 -resume failed.mkv
    says "translate: failed at frame [34][0-9]: "
done
rm -r failed.mkv.segments
# Of an MP4 with reordered frames and sound, whose tables lie at the end or in fragments.
for flags in 0 frag_keyframe+empty_moov; do
    make_input -f lavfi -i testsrc2=s=160x96:r=25:d=3 -f lavfi -i sine=d=3 -c:v libx264 -bf 2 -g 20 \
        -pix_fmt yuv420p -c:a aac -movflags $flags in.mp4
    mp4=("$CGVIDEO" -v error -m identity -i in.mp4 -segment_time 1)
    expect 0 "${mp4[@]}" -y whole.mp4
    CGV_FAULT=wait@60 expect 1 "${mp4[@]}" gone.mp4
    equal "segments" 2 "$(segments gone.mp4)"
    expect 0 "${mp4[@]}" -resume gone.mp4
    equal "packets of an MP4" "$(packets whole.mp4 | md5sum)" "$(packets gone.mp4 | md5sum)"
    equal "frames of an MP4" 75 "$(frame_count gone.mp4)"
    [ -n "$(of_others gone.mp4)" ] || fail "no sound"
    no_file gone.mp4.segments
    rm gone.mp4
done

# ---- an input that grows

cp in.mkv growing.mkv
"$CGVIDEO" -v error -i growing.mkv -t 0.6 -segment_time 0.2 growing.mp4 </dev/null >out.txt 2>err &
pid=$!
for ((wait = 0; wait < 600 && $(segments growing.mp4) == 0; wait++)); do sleep 0.05; done
printf x >>growing.mkv
status=0
wait $pid || status=$?
equal "exit status of a job whose input grows" 1 "$status"
says_one_line "growing.mkv: it changed while the job ran: delete the folder"
no_file growing.mp4
[ "$(segments growing.mp4)" -gt 0 ] || fail "its segments are gone"
rm -r growing.mp4.segments

# ---- what cannot be

expect 2 "$CGVIDEO" -v error -i in.mkv -resume no.mkv
says_one_line "-resume goes on with a job in segments: add its -segment_time"
expect 2 "$CGVIDEO" -v error -i in.mkv -resume -preview
says_one_line "-resume goes on with a job in segments: add its -segment_time"
expect 2 "$CGVIDEO" -v error -i in.mkv -resume -f segment -segment_time 1 no%d.mkv
says_one_line "-resume goes on with a job in segments: the muxer's own segments are none"
expect 2 "$CGVIDEO" -v error -i in.mkv -segment_time 1 -o no.mkv -o other.mkv
says_one_line "-segment_time is for a single output"
expect 2 "$CGVIDEO" -v error -i in.mkv -segment_time soon no.mkv
says_one_line "-segment_time takes a time"
expect 2 "$CGVIDEO" -v error -i in.mkv -segment_time 0 no.mkv
says_one_line "-segment_time takes 0.1 seconds or more"
cannot() { # MESSAGE COMMAND…
    local message=$1
    shift
    expect 1 "$CGVIDEO" -v error -m identity -segment_time 1 "$@"
    says_one_line "$message"
    [ -z "$(find . -name 'no*')" ] || fail "left behind: $(find . -name 'no*')"
}
make_input -f lavfi -i testsrc2 -frames:v 1 picture.png
cannot "not for live inputs" -re -i in.mkv no.mkv
cannot "needs an input that is a file" -f lavfi -i testsrc2=d=1 no.mkv
cannot "not for inputs made of several files" -f concat -i list.txt no.mkv
cannot "not for inputs made of several files" -f image2 -pattern_type none -i picture.png no.mkv
cannot "needs an output that is a file" -i in.mkv -f matroska -
cannot "needs an output that is one file, not pictures" -i in.mkv no%03d.png
cannot "an animation by gif cannot be made in segments" -i in.mkv no.gif
cannot "no such video encoder" -i in.mkv -c:v wibble no.mkv
# ffmpeg's own segments remain.
expect 0 "$CGVIDEO" -v error -m identity -i in.mkv -an -sn -g 10 -f segment -segment_time 1 many%d.mkv
[ -e many2.mkv ] || fail "no segments by the muxer"

# ---- what a long job takes is said after its first frames

make_input -f lavfi -i color=gray:s=640x360:r=5 -t 4000 -c:v libx264 -preset ultrafast long.mp4
expect 255 timeout --preserve-status -s INT 15 "$CGVIDEO" -v info -y -i long.mp4 -kernels rules -c:v mpeg4 \
    cut.mp4
says "frames a second this takes about [0-9][0-9]*:[0-9][0-9]:[0-9][0-9], and [0-9]* MiB on the device"
no_litter
finish
