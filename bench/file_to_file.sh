#!/usr/bin/env bash
# How near translating a file comes to its slowest stage alone:
#     bench/file_to_file.sh INPUT [OPTIONS OF CGVIDEO...]
# Decoding (ffmpeg), translating (raw pictures in, none out), encoding (ffmpeg, libx264 of -preset
# ultrafast), then all of it by cgvideo; frames a second of each, three rounds in turns, medians.
# Where the device is the CPU, the stages share its cores: then the processor time of all stages
# over the cores is a bound, too. $CGVIDEO: the program (default: the release build).
set -euo pipefail
. "$(dirname "$0")/setup.sh"
[ $# -gt 0 ] || usage
input=$1
shift
install_packages python3 ffmpeg
prepare
export CGVIDEO=$cgvideo
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quiet=(ffmpeg -v error -nostdin -y)
"${quiet[@]}" -i "$input" -map 0:v:0 -c:v rawvideo "$work/raw.nut"
"$CGVIDEO" -v error -y -i "$input" -t 0.2 "$@" "$work/warm.mp4" # kernels compiled, caches warm
python3 - "$input" "$work" "$@" <<'PY'
import os, resource, statistics, subprocess, sys, time

source, work, options = sys.argv[1], sys.argv[2], sys.argv[3:]
raw, out = work + "/raw.nut", work + "/out.mp4"
quiet = ["ffmpeg", "-v", "error", "-nostdin", "-y"]
encoder = ["-c:v", "libx264", "-preset", "ultrafast"]
cgvideo = [os.environ["CGVIDEO"], "-v", "error", "-y"]
stages = {
    "decode": quiet + ["-i", source, "-map", "0:v:0", "-f", "null", "-"],
    "translate": cgvideo + ["-i", raw, *options, "-c:v", "wrapped_avframe", "-f", "null", "-"],
    "encode": quiet + ["-i", raw, *encoder, out],
    "file to file": cgvideo + ["-i", source, *options, "-an", *encoder, out],
}
frames = int(subprocess.run(["ffprobe", "-v", "error", "-count_packets", "-select_streams", "v:0",
                             "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", raw],
                            capture_output=True, text=True, check=True).stdout.strip().strip(","))


def run(command):
    """Seconds passed, and of the processor."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True)
    passed, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return passed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


taken = {name: [] for name in stages}
for _ in range(3):
    for name, command in stages.items():
        taken[name].append(run(command))
passed = {name: statistics.median(t for t, _ in times) for name, times in taken.items()}
busy = {name: statistics.median(t for _, t in times) for name, times in taken.items()}
for name in stages:
    print(f"{name:13} {frames / passed[name]:8.1f} frames a second, "
          f"{1e3 * busy[name] / frames:7.1f} ms of the processor each")
alone = [name for name in stages if name != "file to file"]
slowest = max(alone, key=passed.get)
bound = max(passed[slowest], sum(busy[name] for name in alone) / os.cpu_count())
whole = passed["file to file"]
print(f"file to file: {passed[slowest] / whole:.2f} of {slowest} alone, {bound / whole:.2f} of what "
      f"{os.cpu_count()} cores allow")
PY
