#!/bin/bash
# HDR end to end: PQ and HLG, made here, come out as SDR by the book and say so; or are refused.
. "$(dirname "$0")/lib.sh"
has_filter zscale || skip "this ffmpeg has no zscale to compare with"
tags=color_range,color_space,color_transfer,color_primaries

# Light from black to the peak in all colours and greys, moving, as codes of HDR.
light="nullsrc=s=128x96:r=25:d=0.12,format=gbrp16le,geq=r='65535*mod(X+8*N,128)/127'\
:g='if(lt(Y,24),r(X,Y),65535*Y/95)':b='if(lt(Y,24),r(X,Y),65535*(127-X)/127)'"
made() { # FILE TRC PEAK-OPTIONS…
    local file=$1 trc=$2
    shift 2
    make_input -f lavfi -i "$light" -vf "zscale=min=gbr:rin=pc:m=2020_ncl:r=tv:c=topleft:d=none\
,format=yuv420p10le,setparams=colorspace=bt2020nc:range=tv:color_primaries=bt2020:color_trc=$trc" \
        -chroma_sample_location topleft "$@" "$file"
    equal "$file: made" "tv,bt2020nc,$trc,bt2020,topleft" "$(stream "$file" v $tags,chroma_location)"
}
rgb() { # FILE: its codes as R'G'B' of 16 bits
    ffmpeg -v error -nostdin -i "$1" -vf "zscale=min=2020_ncl:rin=tv:cin=topleft:m=gbr:r=pc\
:f=bilinear:d=none,format=gbrp16le" -pix_fmt rgb48le -f rawvideo - | od -An -v -tu2 -w6
}
mapped() { # FILE PQ|HLG PEAK
    local distance
    translate -i "$1" -pix_fmt rgb48le -f rawvideo sdr.raw
    distance=$(paste <(rgb "$1") <(od -An -v -tu2 -w6 sdr.raw) |
        awk -v transfer="$2" -v peak="$3" -f "$CGV_SOURCE_DIR/tests/cli/tone_map.awk")
    echo "$1: largest and mean distance from BT.2390: $distance codes"
    echo "$distance" | awk '{ exit !($1 <= 1 && $2 <= 0.02) }' || fail "$1: differs by $distance"
    # Told once; the output is what it says that it is, as deep as before.
    expect 0 "$CGVIDEO" -v info -m identity -y -i "$1" -preset ultrafast sdr.mkv
    equal "told once" 1 "$(grep -c "HDR ($2) is tone-mapped to SDR (BT.709)" err)"
    equal "$1: tags" "tv,bt709,bt709,bt709" "$(stream sdr.mkv v $tags)"
    equal "$1: depth" yuv420p10le "$(stream sdr.mkv v pix_fmt)"
    equal "$1: frames" 3 "$(frame_count sdr.mkv)"
    equal "$1: side data of HDR" "" "$(ffprobe -v error -show_streams -show_frames sdr.mkv |
        grep -iE 'mastering|light level|max_content')"
    expect 1 "$CGVIDEO" -v error -m identity -y -hdr refuse -i "$1" no.mkv
    says_one_line "the input is HDR ($2), which -hdr refuse refuses"
    no_file no.mkv
}
made hlg.mp4 arib-std-b67 -c:v libx264 -qp 0
mapped hlg.mp4 HLG 1000
made pq.mp4 smpte2084 -c:v libx264 -qp 0
mapped pq.mp4 PQ 1000
if has_encoder libx265; then
    display="G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(40000000,50)"
    made graded.mkv smpte2084 -c:v libx265 -x265-params "log-level=none:lossless=1:hdr10=1:master-display=$display"
    mapped graded.mkv PQ 4000
    made lit.mkv smpte2084 -c:v libx265 -x265-params "log-level=none:lossless=1:hdr10=1:max-cll=2000,300:master-display=$display"
    mapped lit.mkv PQ 2000
fi

# 8 bits of HDR, and what the tags of a container alone say.
translate -i hlg.mp4 -pix_fmt yuv420p -preset ultrafast eight.mp4
equal "8 bits" "yuv420p,tv,bt709,bt709,bt709" "$(stream eight.mp4 v pix_fmt,$tags)"
translate -i hlg.mp4 -t 0.04 still.png
equal "picture" "rgb48be,pc" "$(stream still.png v pix_fmt,color_range)"
no_litter
finish
