"""live.py FOLDER pipe|udp heavy|"" SECONDS CGVIDEO [OPTION...]: what bench/live.sh measures. FOLDER
has clip.mp4."""
import os
import signal
import socket
import statistics
import subprocess
import sys
import time

folder, source, heavy, seconds, cgvideo, *options = sys.argv[1:]
seconds = float(seconds)
clip, progress, out = (f"{folder}/{name}" for name in ("clip.mp4", "progress.txt", "out.ts"))
PATIENCE = 180  # seconds that the first frame may take
START = 10  # seconds in which few frames were seen yet, of which those of the start are many


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


address = f"udp://127.0.0.1:{free_port()}" if source == "udp" else "pipe:1"
send = ["ffmpeg", "-v", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", clip, "-c", "copy",
        "-f", "mpegts", address + ("?pkt_size=1316" if source == "udp" else "")]
receive = [cgvideo, "-v", "warning", "-hide_banner", "-y", "-live", "-i",
           address if source == "udp" else "-", *options, "-preset", "ultrafast", "-progress",
           progress, "-f", "mpegts", out]


def resident(pid):
    """MiB, of a process that runs."""
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024


class Reports:
    """The reports of -progress, as they come."""

    def __init__(self, path):
        self.path, self.offset, self.rest, self.lines = path, 0, "", []

    def new(self):
        if not os.path.exists(self.path):
            return
        with open(self.path) as f:
            f.seek(self.offset)
            self.rest += f.read()
            self.offset = f.tell()
        *whole, self.rest = self.rest.split("\n")
        self.lines += whole
        while any(line.startswith("progress=") for line in self.lines):
            end = next(i for i, line in enumerate(self.lines) if line.startswith("progress="))
            yield dict(line.split("=", 1) for line in self.lines[:end])
            self.lines = self.lines[end + 1:]


def measure():
    """Runs both, and returns (seconds since the first frame, MiB, report) of each report with
    frames, and the last report."""
    sender = subprocess.Popen(send, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE if source == "pipe" else None)
    receiver = subprocess.Popen(receive, stdin=sender.stdout or subprocess.DEVNULL)
    reports, samples, begin, first = Reports(progress), [], time.monotonic(), None
    try:
        while first is None or time.monotonic() - first < seconds:
            time.sleep(0.05)
            if receiver.poll() is not None or sender.poll() is not None:
                sys.exit("the program or its sender ended early")
            if first is None and time.monotonic() - begin > PATIENCE:
                sys.exit(f"no frame within {PATIENCE} s")
            for report in reports.new():
                if int(report["frame"]) > 0:
                    first = first or time.monotonic()
                    samples.append((time.monotonic() - first, resident(receiver.pid), report))
        receiver.send_signal(signal.SIGINT)
        if receiver.wait(PATIENCE) != 255:
            sys.exit(f"exit status {receiver.returncode} behind a signal, not 255")
        *_, last = reports.new()
    finally:
        for child in (receiver, sender):
            if child.poll() is None:
                child.kill()
            child.wait()
    return samples, last


def number(sample, key):
    return float(sample[2][key])


def rate(a, b):
    return (number(b, "frame") - number(a, "frame")) / max(b[0] - a[0], 1e-3)


samples, last = measure()
begin, end = samples[0], samples[-1]
half = next(s for s in samples if s[0] >= end[0] / 2)
tenth = next(s for s in samples if s[0] >= end[0] / 10)
windows = [rate(s, e) for s in samples if (e := next((e for e in samples if e[0] >= s[0] + 10), None))]
heights = [int(number(s, "net_height")) for s in samples]
grown = end[1] - tenth[1]
print(f"{end[0]:.0f} s of 1280x720 by {source}: {' '.join(options)}")
print(f"frames a second: {rate(begin, end):.2f}, in the last half {rate(half, end):.2f}"
      + (f", in the worst 10 s {min(windows):.2f}" if windows else ""))
print(f"frames: {last['frame']} out, {last['drop_frames']} dropped")
most = {}
for key in ("p50", "p95"):
    delays = [number(s, f"latency_{key}_ms") for s in samples]
    settled = [number(s, f"latency_{key}_ms") for s in samples if s[0] >= START] or delays
    most[key] = max(settled)
    print(f"delay, {key} of the latest 512 frames: median {statistics.median(delays):.0f} ms, most "
          f"{max(delays):.0f} ms, behind the first {START} s {most[key]:.0f} ms")
print(f"height of the network's picture: {heights[0]} at first, {heights[-1]} at last, "
      f"from {min(heights)} to {max(heights)}")
print(f"resident memory: {tenth[1]:.1f} MiB after a tenth of the time, {end[1]:.1f} MiB at last "
      f"({grown:+.1f})")

failures = []


def require(good, what):
    if not good:
        failures.append(what)


written = subprocess.run(["ffprobe", "-v", "error", "-count_packets", "-select_streams", "v:0",
                          "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", out],
                         capture_output=True, text=True, check=True).stdout.split(",")[0].split()[0]
require(written == last["frame"], f"the output has {written} frames, not {last['frame']}")
require(grown <= 8, f"memory grew by {grown:.1f} MiB, more than 8")
if heavy:
    translate = number(end, "translate_ms")
    firsts, lasts = (statistics.median(number(s, "latency_p95_ms") for s in part) for part in (
        [s for s in samples if s[0] <= min(60, end[0] / 2)],
        [s for s in samples if s[0] >= end[0] - min(60, end[0] / 2)]))
    start = number(begin, "latency_p95_ms")
    print(f"a picture takes {translate:.0f} ms, the first one, with what is measured and compiled, "
          f"{start:.0f} ms; delay, p50 at last {number(end, 'latency_p50_ms') / translate:.1f} pictures; "
          f"p95 at first {firsts:.0f} ms, at last {lasts:.0f} ms")
    # The first one is among the slowest twentieth until there are more than twenty.
    require(number(end, "latency_p50_ms") <= 6 * translate and most["p95"] <= max(6 * translate, start),
            "the delay is more than that of six pictures")
    require(lasts <= firsts + 2 * translate, "the delay grew by more than two pictures")
    require(int(last["drop_frames"]) > 0 or rate(begin, end) >= 24, "it is slow, and nothing was dropped")
else:
    require(rate(begin, end) >= 24, f"{rate(begin, end):.2f} frames a second, less than 24")
    require(most["p95"] <= 150, f"p95 of the delay {most['p95']:.0f} ms, more than 150")
for failure in failures:
    print("FAILED:", failure)
sys.exit(bool(failures))
