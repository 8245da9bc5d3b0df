#!/usr/bin/env bash
# A live source for a while: what comes out, how late, and what memory it takes.
#     bench/live.sh [-udp] [-gpu DEVICE] [SECONDS [CLIP]]     (default 600 samples/day.mp4)
#     bench/live.sh -heavy [-ngf N] ...                       (default 60 s, ngf 64)
# CLIP, scaled to 1280x720 at 25 frames a second and repeated as often as needed, comes as H.264 in
# MPEG-TS through a pipe, or by UDP on the loopback device, and goes to a file in $TMPDIR (about 1 MiB
# a second); the network's height is chosen (-quality auto). Exit status 1 with less than 24 frames a
# second, a 95th percentile of the delay above 150 ms (behind the first 10 s), or more than 8 MiB of
# memory that came after a tenth of the time.
# -heavy: a resnet_9blocks of random weights, on the whole picture, which no CPU keeps up with: then the
# delay must stay that of a few pictures, and frames be dropped.
# $CGVIDEO: the program (default: the release build).
set -euo pipefail
. "$(dirname "$0")/setup.sh"
source=pipe heavy='' ngf=64 options=()
while [[ ${1-} == -* ]]; do
    case $1 in
    -udp) source=udp && shift ;;
    -heavy) heavy=1 && shift ;;
    -ngf) ngf=${2:?-ngf needs a number} && shift 2 ;;
    -gpu) options+=(-gpu "${2:?-gpu needs a device}") && shift 2 ;;
    *) usage ;;
    esac
done
seconds=${1:-$([ -n "$heavy" ] && echo 60 || echo 600)} clip=${2:-$root/samples/day.mp4}
install_packages python3 ffmpeg
prepare ${heavy:+make_model}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "$heavy" ]; then
    "$make_model" resnet_9blocks "$ngf" "$work/heavy.safetensors"
    options+=(-m "$work/heavy.safetensors")
else
    options+=(-quality auto)
fi
# Encoded once: the sender takes next to nothing from whom is measured.
ffmpeg -v error -nostdin -y -i "$clip" -map 0:v:0 -vf scale=1280:720,setsar=1,fps=25 -c:v libx264 \
    -preset fast -bf 0 -g 50 -pix_fmt yuv420p "$work/clip.mp4"
python3 "$root/bench/live.py" "$work" "$source" "${heavy:+heavy}" "$seconds" "$cgvideo" "${options[@]}"
