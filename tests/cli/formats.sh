#!/bin/bash
# Pixel formats, odd sizes and containers: what identity leaves as it is comes out as it was.
. "$(dirname "$0")/lib.sh"

# Lossless in, lossless out: every sample must return.
for format in yuv420p yuv422p yuv444p yuv440p nv12 gray rgb24 gbrp yuyv422 yuv420p10le; do
    make_input -f lavfi -i testsrc=s=34x26:r=5:d=0.6 -pix_fmt $format -c:v rawvideo in.nut
    translate -i in.nut -c:v rawvideo out.nut
    case $format in
    yuyv422) same=yuv422p ;; # packed luma and chroma go through planes
    *) same=$format ;;
    esac
    make_input -i in.nut -pix_fmt $same -c:v rawvideo want.nut
    equal "$format: frames" "$(frames_md5 want.nut)" "$(frames_md5 out.nut)"
    equal "$format: pixel format" $same "$(stream out.nut v pix_fmt)"
done

# Odd sizes keep every column: H.264 takes them in 4:4:4 only.
for size in 17x19 33x16 16x35; do
    make_input -f lavfi -i testsrc=s=$size:r=5:d=0.6 -pix_fmt yuv420p -c:v ffv1 odd.mkv
    translate -i odd.mkv -preset ultrafast odd.mp4
    equal "$size: size" "${size/x/,},yuv444p" "$(stream odd.mp4 v width,height,pix_fmt)"
    translate -i odd.mkv -c:v ffv1 lossless.mkv
    equal "$size: frames" "$(frames_md5 odd.mkv)" "$(frames_md5 lossless.mkv)"
done
make_input -f lavfi -i testsrc=s=101x75:r=25:d=0.4 -pix_fmt yuv420p -c:v ffv1 odd.mkv
expect 1 "$CGVIDEO" -v error -m identity -y -i odd.mkv -pix_fmt yuv420p no.mp4
says_one_line "even sides"
expect 1 "$CGVIDEO" -v error -m identity -y -i odd.mkv -c:v huffyuv no.avi
says_one_line "even sides"
no_file no.mp4
no_file no.avi
for out in "mpeg4 -q:v 1 odd.avi" "mpeg2video -q:v 1 odd.ts" "mpeg1video -q:v 1 odd.mpg" "jpeg2000 j2k.mkv"; do
    # shellcheck disable=SC2086
    set -- $out
    translate -i odd.mkv -c:v "$@"
    equal "odd size, $1" 101,75,yuv420p "$(stream "${*: -1}" v width,height,pix_fmt)"
    psnr=$(ffmpeg -nostdin -i "${*: -1}" -i odd.mkv -lavfi "[0]setpts=N/25/TB[a];[1]setpts=N/25/TB[b];[a][b]psnr" \
        -f null - 2>&1 | sed -n 's/.*average:\([0-9a-z]*\).*/\1/p')
    [ "${psnr/inf/99}" -ge 35 ] || fail "odd size, $1: $psnr dB"
done

# Pictures.
make_input -f lavfi -i testsrc=s=35x27 -frames:v 1 in.png
translate -i in.png out.png
equal "png" "$(frames_md5 in.png)" "$(frames_md5 out.png)"
equal "png format" "rgb24" "$(stream out.png v pix_fmt)"
translate -i in.png out.jpg
equal "jpeg range" "yuvj444p,pc,bt470bg" "$(stream out.jpg v pix_fmt,color_range,color_space)"
translate -i out.jpg again.png
equal "jpeg to png" "35,27" "$(stream again.png v width,height)"
translate -i in.png out.mp4
equal "RGB to video" "tv,smpte170m" "$(stream out.mp4 v color_range,color_space)"
equal "one frame" 1 "$(frame_count out.mp4)"
make_input -f lavfi -i color=red:s=1280x32 -frames:v 1 -pix_fmt rgb24 wide.png
translate -i wide.png -preset ultrafast wide.mp4
equal "wide RGB to video" "tv,bt709" "$(stream wide.mp4 v color_range,color_space)"
# The matrix is applied, not only tagged: pure red is luma 63 in BT.709.
ffmpeg -v error -nostdin -i wide.mp4 -f rawvideo wide.yuv
red=$(od -An -tu1 -N1 wide.yuv | tr -d ' ')
[ "$red" -ge 62 ] && [ "$red" -le 64 ] || fail "red has luma $red"

# Transparency passes by the network.
make_input -f lavfi -i testsrc=s=24x20 -vf "format=rgba,geq=r='X*9':g='Y*9':b=9:a='X*10'" \
    -frames:v 1 clear.png
translate -i clear.png clear_out.png
equal "alpha" "$(frames_md5 clear.png)" "$(frames_md5 clear_out.png)"
equal "alpha format" rgba "$(stream clear_out.png v pix_fmt)"

# Sequences.
make_input -f lavfi -i testsrc=s=32x32:r=5:d=1 in%03d.png
translate -i in%03d.png seq%02d.png
equal "sequence" 5 "$(ls seq*.png | wc -l)"
equal "sequence, last" "$(frames_md5 in005.png)" "$(frames_md5 seq05.png)"
make_input -i in%03d.png -f lavfi -i sine=d=1 -c:v png -c:a aac heard.mkv
translate -i heard.mkv heard%02d.png
equal "sequence of a video with sound" "$(cat seq*.png | md5sum)" "$(cat heard*.png | md5sum)"
translate -i heard.mkv -t 0.04 heard.png
equal "picture of a video with sound" "$(md5sum <seq01.png)" "$(md5sum <heard.png)"
translate -r 10 -f image2 -i in%03d.png -preset ultrafast seq.mp4
equal "rate of the sequence" "0.000000 0.100000 0.200000 0.300000 0.400000" \
    "$(frame_times seq.mp4 | xargs)"
expect 1 "$CGVIDEO" -v error -m identity -y -i in%03d.png single.png
says_one_line "more than one frame"
no_file single.png

# Colour tags.
make_input -f lavfi -i testsrc=s=32x32:r=5:d=0.4 -vf "format=yuv420p\
,setparams=range=pc:colorspace=bt709:color_primaries=bt709:color_trc=bt709" -c:v libx264 \
    -bsf:v h264_metadata=chroma_sample_loc_type=2 tags.mp4
translate -i tags.mp4 -preset ultrafast out.mp4
tags=color_range,color_space,color_transfer,color_primaries,chroma_location
equal "colour tags" "pc,bt709,bt709,bt709,topleft" "$(stream tags.mp4 v $tags)"
equal "colour tags, kept" "$(stream tags.mp4 v $tags)" "$(stream out.mp4 v $tags)"
make_input -f lavfi -i testsrc=s=32x32:r=5:d=0.4 -vf format=yuv420p10le,setparams=color_trc=smpte2084 \
    -c:v libx264 hdr.mp4
expect 1 "$CGVIDEO" -v error -m identity -y -hdr refuse -i hdr.mp4 no.mp4
says_one_line "the input is HDR (PQ)"
no_file no.mp4
expect 0 "$CGVIDEO" -v info -m identity -y -i hdr.mp4 -preset ultrafast sdr.mp4
says "HDR (PQ) is tone-mapped"
equal "SDR of HDR" "yuv420p10le,tv,bt709,bt709,bt709" \
    "$(stream sdr.mp4 v pix_fmt,color_range,color_space,color_transfer,color_primaries)"

# As deep as the input, where the encoder can; else dithered, which keeps mean values.
make_input -f lavfi -i color=gray:s=64x48:r=5:d=0.4,format=yuv420p10le,lutyuv=y=402:u=513:v=511 \
    -c:v ffv1 deep.mkv
for codec in libx264 libx265 ffv1 libvpx-vp9 prores_ks; do
    has_encoder $codec || continue
    translate -i deep.mkv -c:v $codec deep_out.mkv
    [[ $(stream deep_out.mkv v pix_fmt) == *10le ]] || fail "$codec: 10 bits became fewer"
done
expect 0 "$CGVIDEO" -v info -m identity -y -i deep.mkv -pix_fmt yuv420p -c:v ffv1 shallow.mkv
equal "-pix_fmt" yuv420p "$(stream shallow.mkv v pix_fmt)"
mean() { ffmpeg -v error -nostdin -i "$1" -frames:v 1 -f rawvideo - | od -An -v -tu1 -w1 |
    awk -v from="$2" -v n="$3" 'NR > from && NR <= from + n { s += $1 } END { printf "%.2f", s / n }'; }
equal "dithered luma" 100.50 "$(mean shallow.mkv 0 3072)"
equal "dithered chroma" 128.25 "$(mean shallow.mkv 3072 768)"
expect 0 "$CGVIDEO" -v info -m identity -y -i deep.mkv -c:v mpeg4 shallow.mp4
equal "told once" 1 "$(grep -c 'mpeg4 gets 8 bits (yuv420p), dithered from 10' err)"

# Interlaced: two fields of a moving bar become one whole picture a frame.
make_input -f lavfi -i "color=black:s=64x48:r=50:d=0.4,format=yuv420p,geq=lum='if(between(X,10+4*N,20+4*N),235,16)':cb=128:cr=128,tinterlace=interleave_top,setfield=tff" \
    -c:v libx264 -qp 0 -flags +ildct+ilme fields.mkv
combs() { # FILE: how far the rows of the fifth frame differ from the mean of their neighbours
    ffmpeg -v error -nostdin -i "$1" -vf "select=eq(n\,4),format=gray" -f rawvideo - | od -An -v -tu1 -w64 |
        awk '{ for (i = 1; i <= 64; i++) { if (NR > 2) { d = 2 * b[i] - a[i] - $i; s += d < 0 ? -d : d }
            a[i] = b[i]; b[i] = $i } } END { printf "%d", s / 64 / 46 }'
}
expect 0 "$CGVIDEO" -v info -m identity -y -i fields.mkv -c:v ffv1 whole.mkv
equal "told once" 1 "$(grep -c 'deinterlacing with bwdif' err)"
equal "deinterlaced: times" "$(frame_times fields.mkv | xargs)" "$(frame_times whole.mkv | xargs)"
[ "$(combs fields.mkv)" -gt 20 ] && [ "$(combs whole.mkv)" -lt 5 ] ||
    fail "combs: $(combs fields.mkv), after deinterlacing $(combs whole.mkv)"
make_input -i fields.mkv -vf bwdif=mode=send_frame -c:v ffv1 bwdif.mkv
equal "as bwdif has it" "$(frames_md5 bwdif.mkv)" "$(frames_md5 whole.mkv)"
expect 0 "$CGVIDEO" -v info -m identity -y -deinterlace off -i fields.mkv -c:v ffv1 combed.mkv
equal "warned once" 1 "$(grep -c 'warning: .*interlaced frames are translated as they are' err)"
equal "-deinterlace off" "$(frames_md5 fields.mkv)" "$(frames_md5 combed.mkv)"
translate -ss 0.08 -t 0.04 -i fields.mkv -c:v ffv1 one.mkv
equal "one interlaced frame" 1 "$(frame_count one.mkv)"
make_input -i fields.mkv -vf setfield=tff -c:v ffv1 -field_order tt container.mkv
translate -i container.mkv -c:v ffv1 whole.mkv
make_input -i container.mkv -vf setfield=tff,bwdif=mode=send_frame -c:v ffv1 bwdif.mkv
equal "marked by the container" "$(frames_md5 bwdif.mkv)" "$(frames_md5 whole.mkv)"
make_input -i fields.mkv -vf setfield=prog -c:v ffv1 unmarked.mkv
translate -i unmarked.mkv -c:v ffv1 combed.mkv
equal "unmarked" "$(frames_md5 fields.mkv)" "$(frames_md5 combed.mkv)"
translate -deinterlace on -i unmarked.mkv -c:v ffv1 whole.mkv
[ "$(combs whole.mkv)" -lt 5 ] || fail "-deinterlace on leaves combs: $(combs whole.mkv)"
no_litter
finish
