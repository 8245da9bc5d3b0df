#!/bin/bash
# Colours by experiment. Every pixel format and size returns through identity; colour bars of every
# matrix, range, subsampling and siting return too, and their RGB is that of zimg.
. "$(dirname "$0")/lib.sh"

# Two raw pictures differ by at most this many codes, of 1 or 2 bytes.
within() { # WHAT CODES BYTES FILE FILE
    cmp -s "$4" "$5" && return
    [ -s "$4" ] && [ "$(stat -c %s "$4")" = "$(stat -c %s "$5")" ] || {
        fail "$1: $(stat -c %s "$5") bytes, not $(stat -c %s "$4")"
        return
    }
    local worst
    worst=$(paste <(od -An -v -tu"$3" -w"$3" "$4") <(od -An -v -tu"$3" -w"$3" "$5") |
        awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > m) m = d } END { print m }')
    [ "$worst" -le "$2" ] || fail "$1: differs by $worst"
}

# A raw picture of a format through identity, to the format that holds it.
returns() { # FORMAT OUT SIZE [FILTERS]
    local raw=(-f rawvideo -pixel_format "$1" -video_size "$3") bytes=1
    [[ $2 != *le ]] || bytes=2
    make_input -f lavfi -i "testsrc=s=$3${4:-}" -frames:v 1 -pix_fmt "$1" -f rawvideo in.raw
    # In one thread: where swscale's slices meet, chroma of 4:1:0 has seams.
    make_input -filter_threads 1 "${raw[@]}" -i in.raw -sws_flags accurate_rnd+full_chroma_int+full_chroma_inp \
        -pix_fmt "$2" -f rawvideo want.raw
    rm -f out.raw
    translate "${raw[@]}" -i in.raw -f rawvideo out.raw
    within "$1 to $2, $3" 1 $bytes want.raw out.raw
}
for pair in yuv410p:yuv420p yuv411p:yuv422p yuv420p yuv422p yuv440p yuv444p gray gray10le gbrp \
    gbrp10le gbrp12le nv12 p010le rgb24 rgba yuv420p10le yuv422p10le yuv444p10le yuv420p12le \
    yuv440p10le yuv444p16le yuva420p yuva444p10le gbrap monow:gray rgb565le:rgb24 bgr8:rgb24 \
    gray16be:gray16le yuv420p10be:yuv420p10le; do
    via=
    # Straight from RGB there would be bits below the tenth.
    [ $pair != p010le ] || via=,format=yuv420p10le
    returns ${pair%:*} ${pair#*:} 64x48 $via
    returns ${pair%:*} ${pair#*:} 17x19 $via
done
for format in yuv420p yuv422p10le nv12 rgb24; do
    for size in 101x57 640x359 1921x1081; do
        returns $format $format $size
    done
done
make_input -f lavfi -i testsrc2=s=64x40:r=25:d=0.04 \
    -vf "split[a][b],[a]palettegen[p],[b][p]paletteuse" pal.png
translate -i pal.png pal_out.png
colours() { ffmpeg -v error -nostdin -i "$1" -pix_fmt rgba -f md5 -; }
equal "palette" "$(colours pal.png)" "$(colours pal_out.png)"

# So does alpha of 16 bits.
make_input -f lavfi -i "testsrc2=s=33x17,format=rgba64le,geq=r='X*900':g='Y*900':b=9:a='X*1900'" \
    -frames:v 1 deep.png
translate -i deep.png deep_out.png
equal "alpha of 16 bits" "$(frames_md5 deep.png)" "$(frames_md5 deep_out.png)"

# Full range stays where coder or container can say so; elsewhere the codes become limited ones.
make_input -f lavfi -i "gradients=s=128x96:d=0.2:seed=1:speed=0.00001:c0=black:c1=white,format=gbrp" -vf scale=out_range=pc \
    -pix_fmt yuvj420p -c:v mjpeg -q:v 1 full.avi
seen() { ffmpeg -v error -nostdin -i "$1" -vf scale=in_color_matrix=bt601:flags=accurate_rnd,format=gray \
    -color_range pc -frames:v 1 -f rawvideo -; }
seen full.avi >want.raw
for out in "libx264 pc -qp 0 o.mp4" "ffv1 pc o.mkv" "ffv1 unknown o.avi" "mpeg2video tv -q:v 1 o.ts" \
    "mpeg4 unknown -q:v 1 o.avi" "mpeg4 unknown -q:v 1 o.mp4"; do
    # shellcheck disable=SC2086
    set -- $out
    translate -i full.avi -c:v "$1" "${@:3}"
    equal "full range in $out" "$2" "$(stream "${*: -1}" v color_range)"
    seen "${*: -1}" >out.raw
    within "full range in $out" 10 1 want.raw out.raw # the wrong range is off by 16
done

has_filter zscale || {
    finish
    skip "this ffmpeg has no zscale to compare with; the rest was right"
}

# Bars of all colours, dark and saturated ones, and a ramp of greys; deeper than what is made of it.
{
    echo "P3 96 64 65535"
    awk 'BEGIN { for (y = 0; y < 64; y++) for (x = 0; x < 96; x++) {
        i = int(x / 12); top = y < 20 ? 65535 : y < 40 ? 49151 : 20000
        if (y < 48) print top * (i % 2), top * (int(i / 2) % 2), top * int(i / 4)
        else { g = int(x * 65535 / 95); print g, g, g } } }'
} >bars.ppm
bars() { # MATRIX TAG RANGE SITING FORMAT
    local what="bars of $2, $3, $4, $5" wide= bytes=1
    [[ $5 != *10le ]] || wide=10le bytes=2
    make_input -i bars.ppm -vf "format=gbrp16le,zscale=min=gbr:rin=pc:m=$1:r=$3:c=$4:d=none,format=$5" \
        -colorspace "$2" -color_range "$3" -chroma_sample_location "$4" -c:v libx264 -qp 0 bars.mkv
    make_input -i bars.mkv -f rawvideo bars.raw
    make_input -i bars.mkv -vf "zscale=min=$1:rin=$3:cin=$4:m=gbr:r=pc:f=bilinear:d=none,format=gbrp$wide" \
        -f rawvideo want.raw
    rm -f back.raw rgb.raw
    translate -i bars.mkv -f rawvideo back.raw
    within "$what: back" 1 $bytes bars.raw back.raw
    translate -i bars.mkv -pix_fmt gbrp$wide -f rawvideo rgb.raw
    within "$what: RGB" 1 $bytes want.raw rgb.raw
    # Three planes; the last rows are grey.
    local row=$((96 * bytes)) p
    for p in 1 2 3; do
        dd if=rgb.raw bs=$row skip=$((p * 64 - 4)) count=4 status=none | md5sum
    done | sort -u >greys
    equal "$what: greys" 1 "$(wc -l <greys)"
}
for matrix in 170m:smpte170m 709:bt709 2020_ncl:bt2020nc; do
    for range in tv pc; do
        for format in yuv444p yuv422p yuv444p10le yuv422p10le yuv420p10le; do
            bars ${matrix%:*} ${matrix#*:} $range left $format
        done
        for siting in left center topleft top bottomleft bottom; do
            bars ${matrix%:*} ${matrix#*:} $range $siting yuv420p
        done
    done
done

# And from RGB, as untagged pictures of this size are meant: BT.601.
make_input -i bars.ppm -vf "format=gbrp,zscale=min=gbr:rin=pc:m=170m:r=tv:d=none,format=yuv444p" \
    -f rawvideo want.raw
make_input -i bars.ppm -pix_fmt rgb24 bars.png
translate -i bars.png -pix_fmt yuv444p -f rawvideo out.raw
within "RGB to YCbCr" 1 1 want.raw out.raw
no_litter
finish
