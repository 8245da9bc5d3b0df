#!/bin/bash
# docs/pictures.sh [CGVIDEO]: make the pictures of README.md and docs/models.md again, from the sample
# clip and the bundled models: docs/MODEL.png, a grid of frames before and after; docs/day2night.gif,
# both side by side. Needs ffmpeg.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cgvideo=${1:-$root/build/release/src/app/cgvideo}
day=$root/samples/day.mp4
night=$(mktemp --suffix=.mkv)
trap 'rm -f "$night"' EXIT
frames='select=not(mod(n\,41)),scale=320:-2:flags=area,tile=3x1'
# The last one's video is what the animation shows.
for model in day2night-lit day2night; do
    "$cgvideo" -hide_banner -v warning -y -m "$model" -i "$day" -c:v ffv1 -an "$night"
    ffmpeg -v error -y -i "$day" -i "$night" -filter_complex \
        "[0:v]${frames}[a];[1:v]${frames}[b];[a][b]vstack,format=rgb24" \
        -frames:v 1 -c:v png -compression_level 9 -pred mixed "$root/docs/$model.png"
done
small='fps=8,scale=300:-2:flags=area'
ffmpeg -v error -y -i "$day" -i "$night" -filter_complex \
    "[0:v]${small}[a];[1:v]${small}[b];[a][b]hstack,split[c][d];[c]palettegen=64[p];[d][p]paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle" \
    "$root/docs/day2night.gif"
ls -l "$root"/docs/day2night*.{png,gif}
