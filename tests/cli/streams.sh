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

# A container that has no place for a stream: sound and text are encoded anew, and that is said.
codecs() { ffprobe -v error -show_entries stream=codec_name -of csv=p=0 "$1" | xargs; }
expect 0 "$CGVIDEO" -v info -m identity -y -i in.mkv -preset ultrafast out.mp4
says "mp4 cannot hold stream 2 (subtitle, subrip): encoded anew as mov_text"
says "mp4 cannot hold stream 3 (attachment"
equal "audio in mp4" "$(packets_md5 in.mkv a)" "$(packets_md5 out.mp4 a)"
equal "codecs in mp4" "h264 aac mov_text" "$(codecs out.mp4 | sed 's/ bin_data//')"
times() { ffprobe -v error -select_streams s -show_entries packet=pts_time,duration_time,size -of csv=p=0 "$1" |
    grep -v ',2$'; } # mov_text fills the gaps with empty texts
equal "times of mov_text" "$(times in.mkv | cut -d, -f1,2)" "$(times out.mp4 | cut -d, -f1,2)"
translate -i out.mp4 -preset ultrafast back.mkv
equal "codecs back in mkv" "h264 aac subrip" "$(codecs back.mkv)"
equal "text again" "$(packets_md5 in.mkv s)" "$(packets_md5 back.mkv s)"
translate -i in.mkv -c:v libvpx-vp9 -deadline realtime -cpu-used 8 out.webm
equal "codecs in webm" "vp9 opus webvtt" "$(codecs out.webm)"
translate -i in.mkv -c:a libmp3lame -b:a 96k -ar 44100 -ac 2 -preset ultrafast out.mkv
equal "-c:a -b:a -ar -ac" "mp3,44100,2,96000" \
    "$(stream out.mkv a codec_name,sample_rate,channels,bit_rate)"
translate -i in.mkv -ar 22050 -preset ultrafast out.mp4
equal "-ar alone" "aac,22050" "$(stream out.mp4 a codec_name,sample_rate)"
expect 1 "$CGVIDEO" -v error -m identity -y -i in.mkv -c:a copy -b:a 64k no.mkv
says_one_line "-c:a copy leaves the sound as it is"
expect 1 "$CGVIDEO" -v error -m identity -y -i in.mkv -c:a wibble no.mkv
says_one_line "no such encoder: -c:a wibble"
expect 1 "$CGVIDEO" -v error -m identity -y -i in.mkv -c:a copy no.webm
says_one_line "aac audio"
no_file no.webm

# Sound that changes its format on the way, to what has frames of one size and of any, from time 0
# or not: nothing is lost, and nothing comes in between but the 0.03 s that fill an AC-3 frame.
for channels in 2 6; do make_input -f lavfi -i sine=d=1:r=48000 -ac $channels $channels.ac3; done
make_input -f lavfi -i sine=d=1:r=44100 -ac 2 slow.ac3
cat 2.ac3 6.ac3 slow.ac3 >changes.ac3
make_input -f lavfi -i testsrc2=s=64x48:r=25:d=3 -f ac3 -i changes.ac3 -c:v libx264 -c:a copy changes.mkv
for to in "avi pcm_s16le 3.04 3.07" "avi mp2 3.04 3.08" "mkv flac 3.04 3.07" "mkv aac 3.04 3.10"; do
    read -r container codec least most <<<"$to"
    translate -i changes.mkv -c:a "$codec" changed.$container
    ffmpeg -v info -nostdin -i changed.$container -map a -ar 48000 -ac 1 -f s16le \
        -af silencedetect=n=-60dB:d=0.06 - 2>heard >samples
    seconds=$(awk -v bytes="$(stat -c %s samples)" 'BEGIN { print bytes / 96000 }')
    awk -v s="$seconds" -v a="$least" -v b="$most" 'BEGIN { exit !(s > a && s < b) }' ||
        fail "changing sound to $codec in $container: $seconds seconds"
    ! grep "silence_start: [1-9]" heard || fail "changing sound to $codec in $container: silence"
done

# A subtitle that no packet holds is told.
{ printf '1\n00:00:00,100 --> 00:00:00,900\n' && head -c 70000 /dev/zero | tr '\0' x && printf '\n\n' &&
    sed 's/^1$/2/' text.srt; } >long.srt
make_input -f lavfi -i testsrc2=s=64x48:r=25:d=2 -i long.srt -c:v libx264 -c:s srt long.mkv
expect 0 "$CGVIDEO" -v warning -hide_banner -m identity -y -i long.mkv -c:s ass -preset ultrafast out.mkv
says "encode: a subtitle that the encoder cannot hold in stream 1; going on"

# Times beyond all sense are none.
make_input -i in.mkv -map 0:v -map 0:a -c copy -bsf:v "setts=ts=if(gt(N\,44)\,9e18+TS\,TS)" late.nut
translate -i late.nut -preset ultrafast out.mkv
equal "times beyond all sense" 50 "$(frame_times out.mkv | awk '$1 < 2.1' | wc -l)"

# Of sound, too, and times that are many years away: nothing is lost, and no years of silence come in.
make_input -f lavfi -i testsrc2=s=64x48:r=25:d=2 -f lavfi -i sine=r=48000:d=2 -c:v mpeg4 -c:a pcm_s16le sound.nut
bytes() { ffmpeg -v error -nostdin -i "$1" -map 0:a -f s16le - | wc -c; }
for jump in 1e14 1e15; do
    make_input -i sound.nut -c copy -bsf:a "setts=ts=if(gt(N\,20)\,$jump+TS\,TS)" late.nut
    translate -i late.nut -c:a pcm_s16le -c:v mpeg4 out.avi
    between "bytes of sound behind $jump" 191000 "$(bytes out.avi)" 193000
    translate -i late.nut -c:a flac -c:v mpeg4 out.mkv
    between "bytes of flac behind $jump" 191000 "$(bytes out.mkv)" 193000
    last=$(ffprobe -v error -select_streams a -show_entries packet=pts_time -of csv=p=0 out.mkv | tail -1)
    between "hundredths of the last time behind $jump" 180 "$(awk "BEGIN { print int(100 * ${last%,}) }")" 205
done

# -map picks, in its order.
translate -i in.mkv -map 0:s -map 0:v -preset ultrafast out.mkv
equal "-map" "subrip h264" "$(codecs out.mkv)"
translate -i in.mkv -map v -map s:0 -preset ultrafast out.mkv
equal "-map v" "h264 subrip" "$(codecs out.mkv)"
translate -i in.mkv -map 0 -map -0:a -map 0:a:7? -preset ultrafast out.mkv
equal "-map -0:a" "h264 subrip" "$(codecs out.mkv | sed 's/ *text$//;s/ *unknown$//')"
translate -i in.mkv -map 0:v -map 0:m:language:fra -preset ultrafast out.mkv
equal "-map by language" "h264 aac" "$(codecs out.mkv)"
expect 1 "$CGVIDEO" -v error -m identity -y -i in.mkv -map 0:a no.mkv
says_one_line "picks no video"
expect 1 "$CGVIDEO" -v error -m identity -y -i in.mkv -map 0:v -map 0:a:7 no.mkv
says_one_line "matches no stream"
expect 1 "$CGVIDEO" -v error -m identity -y -i in.mkv -map wibble no.mkv
says_one_line "-map takes"

# Several videos and a cover: the largest is translated, the cover is kept.
make_input -f lavfi -i testsrc2=s=64x48:r=25:d=0.4 -f lavfi -i testsrc2=s=96x64:r=25:d=0.4 \
    -f lavfi -i color=red:s=200x200:d=0.1 -map 0 -map 1 -map 2 -c:v:0 libx264 -c:v:1 libx264 \
    -frames:v:2 1 -c:v:2 mjpeg -disposition:v:0 default \
    -disposition:v:1 default -disposition:v:2 attached_pic two.mp4
expect 0 "$CGVIDEO" -m identity -y -i two.mp4 -preset ultrafast out.mp4
says "another video (64x48): left out; -map 0:0 picks it"
equal "largest video" "96,64" "$(stream out.mp4 v:0 width,height)"
equal "cover" "mjpeg,1" "$(ffprobe -v error -select_streams v:1 \
    -show_entries stream=codec_name:stream_disposition=attached_pic -of csv=p=0 out.mp4)"
equal "cover's bytes" "$(packets_md5 two.mp4 v:2)" "$(packets_md5 out.mp4 v:1)"
translate -i two.mp4 -preset ultrafast cover.mkv
equal "cover in mkv" "mjpeg,1" "$(ffprobe -v error -select_streams v:1 \
    -show_entries stream=codec_name:stream_disposition=attached_pic -of csv=p=0 cover.mkv)"
expect 0 "$CGVIDEO" -v info -m identity -y -i two.mp4 -preset ultrafast cover.mov
says "mov cannot hold stream 2 (cover picture, mjpeg): left out"
translate -i two.mp4 -map 0:0 -preset ultrafast out.mkv
equal "picked video" "64,48" "$(stream out.mkv v:0 width,height)"

# A larger one that holds nothing is none.
make_input -f lavfi -i testsrc2=s=64x48:d=0.4 -f lavfi -i testsrc2=s=96x64:d=0.4 -map 0 -map 1 -c:v libx264 full.mkv
make_input -i full.mkv -map 0 -c copy -bsf:v:1 noise=drop=1 -disposition:v:0 default -disposition:v:1 default \
    hollow.mkv
translate -i hollow.mkv -preset ultrafast out.mkv
equal "video with packets" "64,48" "$(stream out.mkv v:0 width,height)"

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

# Pictures of another size on the way are scaled to the first one's, when they are whole.
make_input -f lavfi -i testsrc2=s=64x48:r=25:d=0.4 -c:v libx264 -bf 0 a.ts
make_input -f lavfi -i testsrc2=s=96x80:r=50:d=0.4 -vf tinterlace=interleave_top -c:v libx264 -bf 0 \
    -x264-params tff=1 b.ts
cat a.ts b.ts a.ts >sizes.ts
expect 0 "$CGVIDEO" -m identity -y -i sizes.ts -c:v ffv1 sizes.mkv
equal "size changes, told once" 1 "$(grep -c "size changes from 64x48 to 96x80: scaled to 64x48" err)"
equal "size changes: frames" "30 64,48" "$(frame_count sizes.mkv) $(stream sizes.mkv v width,height)"
frames_md5 a.ts >whole.md5
frames_md5 sizes.mkv >scaled.md5
equal "the first part" "$(cat whole.md5)" "$(head -n 10 scaled.md5)"
equal "the last part" "$(cat whole.md5)" "$(tail -n 10 scaled.md5)"
make_input -i b.ts -vf bwdif=send_frame,scale=64:48,setpts=N/25/TB -c:v ffv1 want.mkv
make_input -i sizes.mkv -vf "select=between(n\,10\,19),setpts=N/25/TB" -c:v ffv1 part.mkv
psnr=$(ffmpeg -nostdin -i part.mkv -i want.mkv -lavfi psnr -f null - 2>&1 |
    sed -n 's/.*average:\([0-9a-z]*\).*/\1/p')
[ "${psnr/inf/99}" -ge 35 ] || fail "scaled pictures: $psnr dB"

# Rotation stays where the container can say it.
# Before FFmpeg 6 metadata, since then an option.
turn() { # FILE OUT ANGLE
    make_input -display_rotation "$3" -i "$1" -c copy "$2" 2>/dev/null ||
        make_input -i "$1" -c copy -metadata:s:v "rotate=$3" "$2"
}
rotation() { ffprobe -v error -show_entries stream_side_data=rotation -of csv=p=0 "$1" | grep .; }
# What a picture that is turned itself needs is decided by its turned sides.
make_input -f lavfi -i "testsrc2=s=64x48:r=25:d=0.08,scale=64:49" -pix_fmt yuv422p -c:v ffv1 -f mov odd422.mov
turn odd422.mov turned422.mov 90
translate -i turned422.mov -c:v libx264 turned422.avi
equal "turned, odd" "49,64,yuv444p" "$(stream turned422.avi v width,height,pix_fmt)"
turn vfr.mp4 rotated.mp4 90
translate -i rotated.mp4 -preset ultrafast out.mp4
equal "rotated input" 90 "$(rotation rotated.mp4)"
equal "rotation" 90 "$(rotation out.mp4)"

# Elsewhere the pictures are turned.
make_input -f lavfi -i testsrc=s=64x48:r=25:d=0.12 -pix_fmt yuv444p -c:v libx264 -qp 0 -aspect 8:3 stored.mp4
make_input -i stored.mp4 -vf gblur=2 -pix_fmt yuv422p10le -c:v libx264 -qp 0 stored422.mp4
for angle in 90 180 270; do
    turn stored.mp4 turned.mp4 $angle
    expect 0 "$CGVIDEO" -v info -m identity -y -i turned.mp4 -c:v ffv1 out.avi
    says "avi cannot say how the video is turned: its pictures are turned"
    make_input -i turned.mp4 -c:v ffv1 want.avi
    equal "turned by $angle" "$(frames_md5 want.avi)" "$(frames_md5 out.avi)"
    equal "turned by $angle: shape" "$(stream want.avi v width,height,sample_aspect_ratio)" \
        "$(stream out.avi v width,height,sample_aspect_ratio)"
    # What is halved in one direction is halved in the other one then; ffmpeg does not move the sites
    # of chroma when it turns, so that it is no exact reference.
    turn stored422.mp4 turned.mp4 $angle
    translate -i turned.mp4 -c:v ffv1 out.avi
    make_input -i turned.mp4 -pix_fmt yuv422p10le -c:v ffv1 want.avi
    equal "turned by $angle: pixel format" yuv422p10le "$(stream out.avi v pix_fmt)"
    psnr=$(ffmpeg -nostdin -i out.avi -i want.avi -lavfi psnr -f null - 2>&1 |
        sed -n 's/.*average:\([0-9]*\).*/\1/p')
    [ "${psnr:-0}" -ge 30 ] || fail "4:2:2 turned by $angle: $psnr dB"
done

# Cutting: frames from -ss on, counted from it.
make_input -f lavfi -i testsrc2=s=64x48:r=25:d=2 -f lavfi -i sine=d=2 -c:v libx264 -g 50 -bf 2 \
    -c:a aac cut.mp4
frames_md5 cut.mp4 >all.md5
check_cut() { # FIRST COUNT OPTIONS…: the frames of the cut, by content
    local first=$1 count=$2
    shift 2
    translate -i cut.mp4 "$@" -an -c:v ffv1 part.mkv
    equal "$*" "$(tail -n +$((first + 1)) all.md5 | head -n "$count")" "$(frames_md5 part.mkv)"
    equal "$*: start" 0.000000 "$(frame_times part.mkv | sed -n 1p)"
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

# Open groups of pictures, where the index is poor, missing, or cannot be used.
make_input -f lavfi -i testsrc2=s=64x48:r=25:d=6 -c:v libx264 -g 75 -bf 3 \
    -x264-params scenecut=0:open-gop=1 open.ts
make_input -i open.ts -c copy -f h264 open.h264
make_input -i open.ts -c:v mpeg2video -g 50 -bf 2 open.mpg
make_input -i open.ts -c:v libx264 -intra-refresh 1 -g 40 refresh.ts
make_input -i open.ts -c copy open.flv # its seek fails before the first decoding time
ffmpeg -v quiet -nostdin -y -i open.ts -c:v libx265 -x265-params log-level=none:keyint=75:open-gop=1 open_hevc.ts ||
    rm -f open_hevc.ts
for clip in open.ts open.h264 open.mpg refresh.ts open.flv open_hevc.ts; do
    [ -e $clip ] || continue
    frames_md5 $clip >all.md5
    for first in 1 10 72 75 76 140; do
        translate -i $clip -ss $((first / 25)).$(printf %02d $((first % 25 * 4))) -t 0.2 -c:v ffv1 part.mkv
        equal "$clip from frame $first" "$(tail -n +$((first + 1)) all.md5 | head -n 5)" "$(frames_md5 part.mkv)"
    done
done
"$CGVIDEO" -v error -m identity -y -i - -ss 0.4 -t 0.2 -c:v ffv1 part.mkv <open.mpg || fail "pipe, cut"
frames_md5 open.mpg >all.md5
equal "cut of a pipe" "$(tail -n +11 all.md5 | head -n 5)" "$(frames_md5 part.mkv)"

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
