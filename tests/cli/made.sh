#!/bin/bash
# Files of every kind that ffmpeg itself can make, and every kind of file to write; flash and beep.
. "$(dirname "$0")/lib.sh"
codecs() { ffprobe -v error -show_entries stream=codec_name -of csv=p=0 "$1" | tr -d , | xargs; }
pattern="testsrc2=s=96x64:r=25:d=0.4"

# Frames, their times and their pictures are those of ffmpeg's decoder.
times() { # FILE: from the first frame on; what has no time follows at 25 a second
    ffprobe -v quiet -select_streams v:0 -show_entries frame=best_effort_timestamp_time -of csv=p=0 "$1" |
        sed 's/,.*//' | grep -v '^$' |
        awk '$1 == "N/A" { $1 = NR == 1 ? 0 : last + .04 } NR == 1 { first = $1 } {
            last = $1
            printf "%.3f\n", $1 - first
        }'
}
pictures() { # FILE FORMAT
    local format=(-pix_fmt "$2")
    [[ $2 != yuvj* ]] || format=() # an old name of what comes out
    ffmpeg -v quiet -nostdin -i "$1" -map v:0 -fps_mode passthrough "${format[@]}" -f framemd5 - |
        grep -v '^#' | awk '{ print $NF }' | md5sum
}
same() { # FILE COUNT
    local format out=same.nut
    format=$(stream "$1" v pix_fmt)
    [[ $format != yuvj* ]] || out=same.mkv # which can say that its range is full
    translate -i "$1" -c:v ffv1 $out
    equal "$1: frames" "$2" "$(frame_count $out)"
    equal "$1: times" "$(times "$1" | xargs)" "$(times $out | xargs)"
    equal "$1: pictures" "$(pictures "$1" "$format")" "$(pictures $out "$format")"
}
make_and_compare() { # FILE COUNT OPTIONS…
    local file=$1 count=$2
    shift 2
    make_input -f lavfi -i "$pattern" "$@" "$file" && same "$file" "$count"
}
make_and_compare one.mp4 1 -c:v libx264 -frames:v 1
make_and_compare raw.h264 10 -c:v libx264
make_and_compare raw.m2v 10 -c:v mpeg2video
make_and_compare mjpeg.avi 10 -c:v mjpeg -pix_fmt yuvj420p
make_and_compare prores.mov 10 -c:v prores_ks -pix_fmt yuv422p10le
make_and_compare ffv1.mkv 10 -c:v ffv1 -pix_fmt yuv444p
make_and_compare anim.apng 10 -c:v apng -pix_fmt rgb24
make_and_compare anim.gif 10 -c:v gif -pix_fmt bgr8
make_and_compare cut.ts 10 -c:v libx264 -output_ts_offset -3
make_and_compare xvid.avi 10 -c:v mpeg4 -bf 2
! has_encoder libwebp || make_and_compare still.webp 1 -c:v libwebp -frames:v 1
! has_encoder libvpx-vp9 || make_and_compare clear.webm 10 -c:v libvpx-vp9 -deadline realtime -pix_fmt yuva420p
! has_encoder libaom-av1 || make_and_compare av1.mkv 10 -c:v libaom-av1 -cpu-used 8
# Transparency of VP8 and VP9 lies beside their packets.
clear() { # ENCODER OPTIONS…
    make_input -f lavfi -i "testsrc2=s=64x48:r=25:d=0.2,format=yuva420p,geq=lum='p(X,Y)':cb='p(X,Y)':cr='p(X,Y)':a='mod(X*4+N*8,256)'" \
        -c:v "$@" -deadline realtime -b:v 1M clear.webm
    translate -i clear.webm -c:v ffv1 clear.mkv
    equal "$1: pixel format" yuva420p "$(stream clear.mkv v pix_fmt)"
    make_input -c:v "$1" -i clear.webm -c:v ffv1 want.mkv
    equal "$1: alpha" "$(frames_md5 want.mkv)" "$(frames_md5 clear.mkv)"
    translate -i clear.webm -c:v "$1" again.webm
    make_input -c:v "$1" -i again.webm -vf alphaextract -c:v ffv1 again.mkv
    make_input -i want.mkv -vf alphaextract -c:v ffv1 alpha.mkv
    psnr=$(ffmpeg -nostdin -i again.mkv -i alpha.mkv -lavfi psnr -f null - 2>&1 |
        sed -n 's/.*average:\([0-9a-z]*\).*/\1/p')
    [ "${psnr/inf/99}" -ge 25 ] || fail "$1: alpha again: $psnr dB"
    expect 0 "$CGVIDEO" -m identity -y -i clear.webm opaque.mp4
    says "libx264 cannot keep transparency: it is left out"
}
! has_encoder libvpx || clear libvpx -auto-alt-ref 0
! has_encoder libvpx-vp9 || clear libvpx-vp9
make_input -f lavfi -i "testsrc2=s=256x144:r=25:d=0.2" -c:v dnxhd -profile:v dnxhr_hq -pix_fmt yuv422p dnxhr.mov
same dnxhr.mov 5
make_input -f lavfi -i "testsrc2=s=64x48:r=120:d=0.25" -c:v libx264 fast.mp4
same fast.mp4 30
make_input -f lavfi -i "testsrc2=s=64x48:r=0.1:d=30" -c:v libx264 slow.mp4
same slow.mp4 3
make_input -f lavfi -i "testsrc2=s=64x48:r=50:d=2" -vf "select='lt(n,9)+between(n,40,44)+gt(n,90)'" \
    -fps_mode vfr -c:v libx264 gaps.mkv
same gaps.mkv 23

# Nothing to translate.
make_input -f lavfi -i sine=d=1 sound.m4a
expect 1 "$CGVIDEO" -v error -m identity -y -i sound.m4a no.mp4
says_one_line "no video in it"
# One tile is not the picture; before FFmpeg 7 not even that can be decoded.
expect 1 "$CGVIDEO" -v error -m identity -y -i "$CGV_SOURCE_DIR/tests/fixtures/tiles.avif" no.png
says_one_line "made of tiles\|none of its . video packets"
no_file no.png
make_input -f lavfi -i "$pattern" -c:v libx264 -frames:v 0 none.mp4 2>/dev/null || true
expect 1 "$CGVIDEO" -v error -m identity -y -i none.mp4 no.mp4
[ "$(wc -l <err)" = 1 ] || fail "no frames: $(cat err)"
no_file no.mp4

# Many streams keep their order, languages and dispositions.
printf '1\n00:00:00,100 --> 00:00:00,300\nword\n' >text.srt
printf ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=only\n' >meta.txt
inputs=() maps=() marks=()
for i in 0 1 2 3 4; do
    inputs+=(-f lavfi -i "sine=f=$((300 + 100 * i)):d=0.4")
    maps+=(-map $((i + 1)))
    marks+=("-metadata:s:a:$i" "language=$(echo fra deu eng spa ita | cut -d' ' -f$((i + 1)))")
done
make_input -f lavfi -i "$pattern" "${inputs[@]}" -i text.srt -i meta.txt -map 0 "${maps[@]}" -map 6 -map 6 \
    -map 6 -map_chapters 7 "${marks[@]}" -disposition:a:2 default -disposition:a:0 0 -disposition:s:1 forced \
    -attach text.srt -metadata:s:t mimetype=text/plain -c:v libx264 -c:a flac -c:s srt many.mkv
translate -i many.mkv -preset ultrafast many_out.mkv
shown() { ffprobe -v error -show_entries \
    stream=codec_name:stream_disposition=default,forced:stream_tags=language,mimetype:chapter=start,end:chapter_tags \
    -of csv "$1"; }
equal "many streams" "$(shown many.mkv)" "$(shown many_out.mkv)"
equal "many sounds" "$(packets_md5 many.mkv a)" "$(packets_md5 many_out.mkv a)"
expect 0 "$CGVIDEO" -m identity -y -i many.mkv many.avi
equal "sound in avi" 6 "$(codecs many.avi | wc -w)"

# Containers to write, with their own defaults.
make_input -f lavfi -i "$pattern" -f lavfi -i sine=d=0.4 -c:v libx264 -c:a aac in.mp4
written() { # CODECS FRAMES FILE OPTIONS…
    local codecs=$1 frames=$2 file=$3
    shift 3
    translate -i in.mp4 "$@" "$file"
    equal "$file: codecs" "$codecs" "$(codecs "$file")"
    equal "$file: frames" "$frames" "$(frame_count "$file")"
}
written "h264 aac" 10 out.mp4
written "h264 aac" 10 out.mkv
written "h264 aac" 10 out.mov -movflags +faststart
[ "$(grep -obUa moov out.mov | sed -n '1s/:.*//p')" -lt 100 ] || fail "-movflags +faststart"
written "mpeg4 aac" 10 out.avi
written "gif" 10 out.gif
written "apng" 10 out.apng -f apng
written "rawvideo" 10 out.y4m
written "mpeg1video mp2" 10 out.mpg
written "mpeg2video pcm_s16le" 10 out.mxf
! has_encoder libvpx || written "vp8" 10 out.ivf
! has_encoder libvpx-vp9 || written "vp9 opus" 10 out.webm
! has_encoder libvpx-vp9 || written "vp8 opus" 10 out.webm -c:v libvpx
! has_encoder libwebp_anim || {
    translate -i in.mp4 out.webp
    grep -qa ANMF out.webp || fail "webp does not move"
}
if has_encoder libtheora; then
    expect 0 "$CGVIDEO" -m identity -y -i in.mp4 out.ogv
    says "ogv cannot hold stream 1 (audio, aac): encoded anew as vorbis"
    equal "ogv: codecs" "theora vorbis" "$(codecs out.ogv)"
    equal "ogv: rate" 25/1 "$(stream out.ogv v r_frame_rate)"
fi
translate -i in.mp4 -f rawvideo out.yuv
equal "raw bytes" $((96 * 64 * 3 / 2 * 10)) "$(stat -c %s out.yuv)"
translate -i in.mp4 -an -f framemd5 out.md5
equal "framemd5" "$(frames_md5 in.mp4 | md5sum)" "$(grep -v '^#' out.md5 | awk '{ print $NF }' | md5sum)"
translate -i in.mp4 -an -f md5 -
equal "md5" "$(ffmpeg -v error -i in.mp4 -an -f md5 -)" "$(cat out.txt)"
translate -i in.mp4 -f null -

# libav's options by name.
translate -i in.mp4 -tune zerolatency -x264-params keyint=5:scenecut=0 -profile:v main -an opt.mp4
equal "-profile:v" Main "$(stream opt.mp4 v profile)"
equal "keyint" 2 "$(ffprobe -v error -select_streams v -show_entries packet=flags -of csv=p=0 opt.mp4 | grep -c K)"
translate -i in.mp4 -g 2 -an opt.mp4
equal "-g" 5 "$(ffprobe -v error -select_streams v -show_entries packet=flags -of csv=p=0 opt.mp4 | grep -c K)"
translate -i in.mp4 -qp 0 -an opt.mp4
equal "-qp 0 loses nothing" "$(frames_md5 in.mp4 | md5sum)" "$(frames_md5 opt.mp4 | md5sum)"
translate -i in.mp4 -c:v mjpeg -q:v 2 fine.avi
translate -i in.mp4 -c:v mjpeg -q:v 20 coarse.avi
[ "$(stat -c %s fine.avi)" -gt "$(stat -c %s coarse.avi)" ] || fail "-q:v"
translate -fflags +genpts -i in.mp4 opt.mp4
refused() { # STATUS MESSAGE OPTIONS…
    local status=$1 message=$2
    shift 2
    expect "$status" "$CGVIDEO" -v error -m identity -y -i in.mp4 "$@" no.mp4
    says_one_line "$message"
    no_file no.mp4
}
refused 2 "unknown option -wibble" -wibble 3
refused 2 "-c:v copy" -c:v copy
refused 2 "-r asks for a constant rate" -r 10 -vsync vfr
refused 2 "-fps_mode is one of" -fps_mode wibble
refused 1 "libx264 has no option -deadline" -deadline good
refused 1 "mp4 has no option -hls_time" -hls_time 3
refused 1 "libx264 has no -q:v" -q:v 3
refused 2 "a tag is four characters" -tag:v 0x34363248
expect 1 "$CGVIDEO" -v error -m identity -y -framerate 10 -i in.mp4 no.mp4
says_one_line "neither the demuxer .* nor the decoder h264 has an option -framerate"
expect 1 "$CGVIDEO" -v error -m identity -model_range 0,255 -y -i in.mp4 no.mp4
says_one_line "for .onnx files only"
refused 1 "put it before -i" -probesize 5000000
refused 1 "-hwaccel is none, auto" -hwaccel wibble
# Some releases of SVT-AV1 take no side below 64; all of them have much to say.
if has_encoder libsvtav1; then
    make_input -i in.mp4 -vf scale=48:32 -an -c:v libx264 small.mp4
    "$CGVIDEO" -v error -m identity -y -i small.mp4 -c:v libsvtav1 svt.mkv 2>err ||
        says_one_line "libsvtav1 cannot store 48x32 pictures"
    translate -i in.mp4 -c:v libsvtav1 svt.mkv
    equal "svt says nothing" "" "$(cat err)"
    equal "svt" "av1,10" "$(stream svt.mkv v codec_name),$(frame_count svt.mkv)"
fi
expect 0 "$CGVIDEO" -v info -m identity -y -hwaccel auto -i in.mp4 opt.mp4
says "decode: .*by"
equal "-hwaccel" 10 "$(frame_count opt.mp4)"

# Frame rate modes.
translate -i gaps.mkv -fps_mode cfr cfr.mp4
equal "cfr" 0.020000 "$(frame_times cfr.mp4 | awk 'NR > 1 { print $1 - p } { p = $1 }' | sort -u | awk '{ printf "%.6f", $1 }')"
translate -i gaps.mkv -vsync passthrough pass.mp4
equal "passthrough" 23 "$(frame_count pass.mp4)"
translate -i gaps.mkv gaps.y4m
equal "y4m has one rate" "$(frame_count cfr.mp4)" "$(frame_count gaps.y4m)"
translate -i gaps.mkv -fps_mode vfr gaps.avi
equal "vfr" 23 "$(frame_count gaps.avi)"

# Damage beyond what is allowed.
make_input -f lavfi -i testsrc2=s=96x64:r=25:d=0.24 damaged%d.png
for i in 2 3 4 5 6; do
    echo "not a picture" >damaged$i.png
done
expect 69 "$CGVIDEO" -v warning -m identity -y -max_error_rate 0 -i damaged%d.png -f null -
says "decode: 5 of 6 packets were damaged"
equal "told once" 1 "$(grep -c 'damaged data; going on' err)"
expect 69 "$CGVIDEO" -v error -m identity -y -i damaged%d.png -f null -
says "decode: 5 of 6 packets were damaged"
expect 0 "$CGVIDEO" -v warning -m identity -y -max_error_rate 0.84 -i damaged%d.png -f null -
cp damaged1.png damaged6.png
translate -threads 4 -max_error_rate 0.84 -i damaged%d.png whole.nut
equal "frames behind damage" 2 "$(frame_count whole.nut)"

# Flash and beep: what coincides goes on coinciding, to 10 ms.
flash() { echo "color=black:s=64x48:r=$1:d=4,drawbox=c=white:t=fill:enable='gte(t,0.5)*lt(mod(t+0.0001,1),0.1)'"; }
beep="aevalsrc='if(gte(t,0.5)*lt(mod(t,1),0.1),0.8*sin(2*PI*1000*t),0)':s=48000:d=4"
make_input -f lavfi -i "$(flash 25)" -f lavfi -i "$beep" -c:v libx264 -g 60 -c:a aac fb_cfr.mp4
make_input -f lavfi -i "$(flash 50),select='not(mod(n,3))+lt(mod(t+0.0001,1),0.1)'" -f lavfi -i "$beep" \
    -fps_mode vfr -c:v libx264 -c:a aac fb_vfr.mp4
make_input -i fb_cfr.mp4 -c copy fb_ts.ts
make_input -itsoffset -0.7 -i fb_cfr.mp4 -c copy -f mpegts fb_early.ts
make_input -ss 1.5 -i fb_cfr.mp4 -c copy fb_edit.mp4
make_input -i fb_cfr.mp4 -c:v mpeg4 -q:v 3 -c:a libmp3lame fb_avi.avi # counts whole frames
offsets() { # FILE: milliseconds from beep to flash
    ffprobe -v quiet -f lavfi -i "movie=$1,blackdetect=d=0.01:pix_th=0.3:pic_th=0.9" \
        -show_entries frame_tags=lavfi.black_end -of csv=p=0 | tr -d , | grep -v '^$' >flashes
    ffprobe -v quiet -f lavfi -i "amovie=$1,silencedetect=n=-12dB:d=0.1" \
        -show_entries frame_tags=lavfi.silence_end -of csv=p=0 | tr -d , | grep -v '^$' >beeps
    paste flashes beeps | awk 'NF == 2 { printf "%.1f\n", 1000 * ($1 - $2) } NF != 2 { print "unpaired" }'
}
for clip in fb_cfr.mp4 fb_vfr.mp4 fb_ts.ts fb_early.ts fb_edit.mp4 fb_avi.avi; do
    before=$(offsets $clip | sed -n 1p)
    for cut in "" "-ss 0.775" "-ss 1.2 -t 1.4" "-ss 0.3 -c:a libmp3lame"; do
        for out in out.mp4 out.mkv; do
            # shellcheck disable=SC2086
            translate -i $clip $cut -c:v mpeg4 -q:v 3 $out
            offsets $out >after
            [ -s after ] && awk -v b="$before" '$1 == "unpaired" || $1 - b > 10 || b - $1 > 10 { exit 1 }' after ||
                fail "$clip $cut $out: $(xargs <after) ms, was $before"
        done
    done
done
# Where nothing says when a stream begins, silence or the first picture comes before a late one; a
# cut between two packets takes new sound. AVI is measured in packets of 24 ms.
make_input -itsoffset 0.7 -i fb_cfr.mp4 -i fb_cfr.mp4 -map 0:v -map 1:a -c copy late_video.mkv
make_input -itsoffset 0.7 -i fb_cfr.mp4 -i fb_cfr.mp4 -map 1:v -map 0:a -c copy late_sound.mkv
for clip in late_video.mkv late_sound.mkv; do
    before=$(offsets $clip | sed -n 1p)
    for cut in "" "-ss 0.775"; do
        for out in out.mxf out.avi; do
            # shellcheck disable=SC2086
            translate -i $clip $cut $out
            offsets $out >after
            within=$([ $out = out.mxf ] && echo 10 || echo 24)
            [ -s after ] && awk -v b="$before" -v w="$within" \
                '$1 == "unpaired" || $1 - b > w || b - $1 > w { exit 1 }' after ||
                fail "$clip $cut $out: $(xargs <after) ms, was $before"
        done
    done
done
expect 0 "$CGVIDEO" -m identity -y -i late_sound.mkv out.avi
says "avi cannot say when stream 1 (audio, aac) begins: encoded anew as mp3"
# Recordings that were joined: the clock falls back, or leaps.
make_input -i fb_ts.ts -c copy -output_ts_offset 5000 fb_later.ts
make_input -i fb_ts.ts -c:v mpeg2video -q:v 3 -c:a mp2 fb_ps.mpg
cat fb_ts.ts fb_ts.ts fb_later.ts fb_ts.ts >joined.ts
cat fb_ps.mpg fb_ps.mpg fb_ps.mpg fb_ps.mpg >joined.mpg
for part in fb_ts.ts fb_ps.mpg; do
    clip=joined.${part##*.}
    before=$(offsets $part | sed -n 1p)
    translate -i "$clip" -c:v mpeg4 -q:v 3 out.mkv
    equal "$clip: frames" $((4 * $(frame_count $part))) "$(frame_count out.mkv)"
    frame_times out.mkv | awk 'NR > 1 && ($1 - t < 0.01 || $1 - t > 0.09) { exit 1 } { t = $1 }
        END { exit t < 15.9 || t > 16.2 }' || fail "$clip: times"
    offsets out.mkv >after
    equal "$clip: flashes" 12 "$(wc -l <after)"
    awk -v b="$before" '$1 == "unpaired" || $1 - b > 10 || b - $1 > 10 { exit 1 }' after ||
        fail "$clip: $(xargs <after) ms, was $before"
done
no_litter
finish
