#!/bin/bash
# Times and the other streams: audio, subtitles, chapters, metadata; cutting; pipes.
. "$(dirname "$0")/lib.sh"

cat >text.srt <<'S'
1
00:00:00,100 --> 00:00:00,900
one

2
00:00:01,200 --> 00:00:01,900
two
S
cat >meta.txt <<'S'
;FFMETADATA1
title=A title
[CHAPTER]
TIMEBASE=1/1000
START=0
END=1000
title=first
[CHAPTER]
TIMEBASE=1/1000
START=1000
END=2000
title=second
S
make_input -f lavfi -i testsrc2=s=64x48:r=25:d=2 -f lavfi -i sine=d=2 -i text.srt -i meta.txt \
    -map 0 -map 1 -map 2 -map_metadata 3 -map_chapters 3 -attach text.srt \
    -metadata:s:t mimetype=text/plain -metadata:s:a language=fra -disposition:a default \
    -c:v libx264 -c:a aac -c:s srt -aspect 16:9 in.mkv

chapters() { ffprobe -v error -show_entries chapter=start_time,end_time:chapter_tags -of csv=p=0 "$1"; }

translate -i in.mkv -preset ultrafast out.mkv
equal "frame times" "$(frame_times in.mkv)" "$(frame_times out.mkv)"
equal "audio" "$(packets_md5 in.mkv a)" "$(packets_md5 out.mkv a)"
equal "subtitles" "$(packets_md5 in.mkv s)" "$(packets_md5 out.mkv s)"
equal "chapters" "$(chapters in.mkv)" "$(chapters out.mkv)"
equal "kinds" "$(ffprobe -v error -show_entries stream=codec_type -of csv=p=0 in.mkv | xargs)" \
    "$(ffprobe -v error -show_entries stream=codec_type -of csv=p=0 out.mkv | xargs)"
equal "title" "A title" "$(ffprobe -v error -show_entries format_tags=title -of csv=p=0 out.mkv)"
equal "language" fra "$(ffprobe -v error -select_streams a -show_entries stream_tags=language \
    -of csv=p=0 out.mkv)"
equal "aspect" "$(stream in.mkv v sample_aspect_ratio)" "$(stream out.mkv v sample_aspect_ratio)"

translate -i in.mkv -an -sn -preset ultrafast bare.mkv
equal "-an -sn" "video attachment" \
    "$(ffprobe -v error -show_entries stream=codec_type -of csv=p=0 bare.mkv | xargs)"

# A container that has no place for a stream.
expect 0 "$CGVIDEO" -v warning -m identity -y -i in.mkv -preset ultrafast out.mp4
says "mp4 cannot hold stream 2 (subtitle, subrip)"
equal "audio in mp4" "$(packets_md5 in.mkv a)" "$(packets_md5 out.mp4 a)"
expect 1 "$CGVIDEO" -v error -m identity -y -i in.mkv no.webm
says_one_line "aac audio"
no_file no.webm

# Variable frame rate, gaps included; a long last frame.
make_input -f lavfi -i testsrc2=s=64x48:r=25:d=2 -vf \
    "select='not(between(n,10,17))*not(between(n,30,31))*not(gt(n,40))',settb=1/1000" \
    -fps_mode vfr -c:v libx264 vfr.mp4
translate -i vfr.mp4 -preset ultrafast out.mp4
equal "variable rate: times" "$(frame_times vfr.mp4)" "$(frame_times out.mp4)"
equal "variable rate: duration" "$(stream vfr.mp4 v duration)" "$(stream out.mp4 v duration)"

# A video that starts after its sound.
make_input -itsoffset 0.28 -f lavfi -i testsrc2=s=64x48:r=30:d=1 -f lavfi -i sine=d=1 \
    -c:v libx264 -c:a aac late.mp4
translate -i late.mp4 -preset ultrafast out.mp4
equal "late start" "$(frame_times late.mp4)" "$(frame_times out.mp4)"

# Rotation stays where the container can say it.
make_input -i vfr.mp4 -c copy -metadata:s:v rotate=90 rotated.mp4
rotation() { ffprobe -v error -show_entries stream_side_data=rotation -of csv=p=0 "$1" | grep .; }
translate -i rotated.mp4 -preset ultrafast out.mp4
equal "rotation" "$(rotation rotated.mp4)" "$(rotation out.mp4)"
expect 0 "$CGVIDEO" -v warning -m identity -y -i rotated.mp4 -t 0.1 out.avi
says "avi cannot say that the video is to be shown turned by"

# Cutting: frames from -ss on, counted from it.
make_input -f lavfi -i testsrc2=s=64x48:r=25:d=2 -f lavfi -i sine=d=2 -c:v libx264 -g 50 -bf 2 \
    -c:a aac cut.mp4
frames_md5 cut.mp4 >all.md5
check_cut() { # FIRST COUNT OPTIONS…: the frames of the cut, by content
    local first=$1 count=$2
    shift 2
    translate -i cut.mp4 "$@" -an -c:v ffv1 part.mkv
    equal "$*" "$(tail -n +$((first + 1)) all.md5 | head -n "$count")" "$(frames_md5 part.mkv)"
    equal "$*: start" 0.000000 "$(frame_times part.mkv | head -1)"
}
check_cut 0 50
check_cut 20 30 -ss 0.8
check_cut 20 10 -ss 0.8 -t 0.4
check_cut 20 10 -ss 0.8 -to 1.2
check_cut 0 13 -t 0.52
check_cut 25 25 -ss 00:00:01
translate -i cut.mp4 -ss 0.8 -t 0.4 -preset ultrafast part.mp4
audio=$(stream part.mp4 a duration)
awk -v d="$audio" 'BEGIN { exit !(d > 0.36 && d < 0.43) }' || fail "cut audio lasts $audio s"
expect 1 "$CGVIDEO" -v error -m identity -y -i cut.mp4 -ss 10 no.mp4
says_one_line "no frame in the part"
translate -i in.mkv -ss 0.5 -t 1 -preset ultrafast part.mkv
equal "cut chapters" "0.000000,0.500000,first 0.500000,1.000000,second" "$(chapters part.mkv | xargs)"

# The same for what has no seek points.
make_input -i cut.mp4 -frames:v 10 picture%02d.png
translate -i picture%02d.png -ss 0.2 -t 0.08 cut%d.png
equal "cut pictures" "$(frames_md5 picture06.png; frames_md5 picture07.png)" \
    "$(frames_md5 cut1.png; frames_md5 cut2.png)"
no_file cut3.png

# A constant rate drops and repeats.
translate -i cut.mp4 -r 10 -an -preset ultrafast slow.mp4
equal "-r 10" 20 "$(frame_count slow.mp4)"
translate -i vfr.mp4 -r 50 -preset ultrafast fast.mp4
equal "-r 50" "$(seq 0 0.02 1.62 | wc -l)" "$(frame_count fast.mp4)"

expect 1 "$CGVIDEO" -v error -m identity -y -r 10 -i cut.mp4 no.mp4
says_one_line "put it after -i"

# Pipes.
"$CGVIDEO" -v error -m identity -i - -c:v ffv1 -f matroska - <in.mkv >piped.mkv || fail "pipe"
translate -i in.mkv -c:v ffv1 filed.mkv
equal "piped frames" "$(frames_md5 filed.mkv)" "$(frames_md5 piped.mkv)"
equal "piped audio" "$(packets_md5 in.mkv a)" "$(packets_md5 piped.mkv a)"
"$CGVIDEO" -v error -m identity -i pipe:0 -f rawvideo pipe: <cut.mp4 | cat >raw.yuv || fail "raw pipe"
equal "raw bytes" $((64 * 48 * 3 / 2 * 50)) "$(wc -c <raw.yuv)"
no_litter
finish
