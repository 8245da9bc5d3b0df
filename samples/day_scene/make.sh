#!/bin/sh
# Render samples/day.mp4 anew: about five minutes on two cores. Needs a C compiler and ffmpeg.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O3 -flto -march=native -ffast-math -D_GNU_SOURCE -o "$work/day_scene" "$here"/*.c -lm -pthread
"$work/day_scene" audio > "$work/day.wav"
"$work/day_scene" video | ffmpeg -loglevel error -y -i - -i "$work/day.wav" \
    -vf scale=in_color_matrix=bt709:out_color_matrix=bt709 -pix_fmt yuv420p \
    -color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv \
    -c:v libx264 -preset veryslow -crf "${CRF:-25}" -c:a aac -b:a 96k -movflags +faststart \
    -metadata title="A sunny street" "$work/day.mp4"
mv "$work/day.mp4" "$here/../day.mp4"
