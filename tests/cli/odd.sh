#!/bin/bash
# Files of many makers (edit lists, no key frame at first, fragments, several tracks, encryption):
# the same streams, frames, times and tags as ffmpeg's own decoder has them, or one clear error.
. "$(dirname "$0")/lib.sh"
clips=$CGV_SOURCE_DIR/../shared/data/clips_odd
[ -d "$clips" ] || skip "$clips is absent"

# Seconds of the frames from START to END.
times_from() { # FILE STREAM START END
    ffprobe -v quiet -select_streams "$2" -show_entries frame=best_effort_timestamp_time -of csv=p=0 "$1" |
        sed 's/,.*//' | grep -v '^$' |
        awk -v s="$3" -v e="$4" '$1 - s < e - 1e-6 { printf "%.6f\n", $1 - s }'
}

# Matroska counts milliseconds.
same_times() { # WHAT EXPECTED ACTUAL
    paste "$2" "$3" | awk 'NF != 2 || $1 - $2 > .00151 || $2 - $1 > .00151 { exit 1 }' ||
        fail "$1: $(wc -l <"$2") frames expected, $(wc -l <"$3") there, or other times"
}

tag() { stream "$@" 2>/dev/null | sed 's/1:1/N\/A/'; }

# As it is shown: Matroska says how a picture is turned only since FFmpeg 6.1; before, it is turned.
size() { # FILE STREAM
    ffprobe -v quiet -select_streams "$2" -show_entries stream=width,height:stream_side_data=rotation \
        -of default=nw=1 "$1" | awk -F= '{ v[$1] = $2 } END {
            if (v["rotation"] % 180) print v["height"] "x" v["width"]; else print v["width"] "x" v["height"] }'
}

# Of the first frames of a stream to those of out.mkv, code by code.
psnr() { # FILE STREAM
    local raw decoder=()
    # FFmpeg's own decoder leaves transparency out.
    [ "$(stream "$1" "$2" codec_name:stream_tags=alpha_mode)" != vp9,1 ] || decoder=(-c:v libvpx-vp9)
    raw=(-f rawvideo -pix_fmt "$(stream out.mkv v:0 pix_fmt)"
        -s "$(size out.mkv v:0)")
    ffmpeg -v quiet -nostdin -y "${decoder[@]}" -i "$1" -map "0:$2" -frames:v "$(wc -l <expected)" \
        -fps_mode passthrough -f rawvideo expected.raw
    ffmpeg -v quiet -nostdin -y -i out.mkv -map 0:v:0 -fps_mode passthrough \
        -f rawvideo actual.raw
    ffmpeg -nostdin "${raw[@]}" -i actual.raw "${raw[@]}" -i expected.raw -lavfi psnr -f null - 2>&1 |
        sed -n 's/.*average:\([^ ]*\).*/\1/p'
}

check() { # NAME STREAM END CODECS
    local in=$clips/$1 stream=$2 end=$3 start tags psnr
    local trim=()
    [ "$end" = 1000 ] || trim=(-t "$end")
    translate -i "$in" "${trim[@]}" -c:v ffv1 out.mkv
    equal "$1: streams" "$4" "$(ffprobe -v error -show_entries stream=codec_name -of csv=p=0 out.mkv | tr -d , | xargs)"
    start=$(ffprobe -v quiet -show_entries format=start_time -of csv=p=0 "$in")
    times_from "$in" "$stream" "$start" "$end" >expected
    times_from out.mkv v:0 0 1000 >actual
    [ -s expected ] || fail "$1: cannot be read"
    same_times "$1" expected actual
    equal "$1: size" "$(size "$in" "$stream")" "$(size out.mkv v:0)"
    for tags in sample_aspect_ratio color_range color_space color_transfer color_primaries; do
        equal "$1: $tags" "$(tag "$in" "$stream" $tags)" "$(tag out.mkv v:0 $tags)"
    done
    psnr=$(psnr "$in" "$stream")
    awk -v p="$psnr" 'BEGIN { exit !(p == "inf" || p >= 45) }' || fail "$1: PSNR $psnr dB"
    echo "$1: $(wc -l <actual) frames, $psnr dB"
}

check annex-b.mp4 v:0 0.5 ffv1
check cursed-vfr.mp4 v:0 0.7 ffv1
check fragmented_captions.mp4 v:0 0.7 ffv1
check h264_10bits.mp4 v:0 0.5 ffv1
check nasa_13013.mp4 3 1.5 "aac subrip ffv1 aac subrip"
check no-initial-keyframe.ts v:0 1000 "ffv1 aac"
check rotate-buck-bunny.mp4 v:0 0.5 "ffv1 aac"
check sample_fragmented.mp4 v:0 1 "ffv1 aac"
check sar_2x1.mp4 v:0 0.7 ffv1
check transparency.webm v:0 0.1 ffv1
check trim_optimization_failure.mp4 v:0 1 "ffv1 aac"

# HDR, against the formulas of BT.2390; every 307th pixel.
hdr=$clips/hdr10-av1.mp4
if has_filter zscale; then
    translate -i "$hdr" -t 0.1 -pix_fmt rgb48le -f rawvideo sdr.raw
    ffmpeg -v error -nostdin -y -i "$hdr" -frames:v 3 -vf "zscale=min=2020_ncl:rin=tv:cin=left:m=gbr:r=pc\
:f=bilinear:d=none,format=gbrp16le" -pix_fmt rgb48le -f rawvideo hdr.raw
    distance=$(paste <(od -An -v -tu2 -w6 hdr.raw) <(od -An -v -tu2 -w6 sdr.raw) |
        awk 'NR % 307 == 0 && NF == 6' | tee pixels |
        awk -v transfer=PQ -v peak=1000 -f "$CGV_SOURCE_DIR/tests/cli/tone_map.awk")
    equal "hdr10-av1.mp4: pixels" $((3 * 720 * 1280 / 307)) "$(wc -l <pixels)"
    echo "hdr10-av1.mp4: largest and mean distance from BT.2390: $distance codes"
    echo "$distance" | awk '{ exit !($1 <= 1 && $2 <= 0.02) }' || fail "hdr10-av1.mp4: differs by $distance"
fi
translate -i "$hdr" -t 0.5 -c:v ffv1 out.mkv
times_from "$hdr" v:0 0 0.5 >expected
times_from out.mkv v:0 0 1000 >actual
same_times hdr10-av1.mp4 expected actual
equal "hdr10-av1.mp4: tags" "720,1280,yuv420p10le,tv,bt709,bt709,bt709" \
    "$(stream out.mkv v:0 width,height,pix_fmt,color_range,color_space,color_transfer,color_primaries)"
expect 1 "$CGVIDEO" -v error -m identity -y -hdr refuse -i "$hdr" no.mkv
says_one_line "the input is HDR (PQ), which -hdr refuse refuses"
no_file no.mkv

refused() { # NAME MESSAGE
    expect 1 "$CGVIDEO" -v error -m identity -y -i "$clips/$1" no.mkv
    says_one_line "$2"
    no_file no.mkv
}
refused sample_malformed_free_box.mp4 "cannot open: Invalid data"
refused short-cenc.mp4 "none of its [0-9]* video packets could be decoded"
refused sample_with_fake_auxiliary_tracks.mp4 "a picture of 10x12"
no_litter
finish
