"""report.py FOLDER ROUNDS PEER...: what bench/peers.sh measured of one network, as lines. FOLDER has
PEER.ROUND.json of each run, with PEER.ROUND.err beside it if that failed, and PEER, the output's
float32 numbers, or PEER.ppm, a picture of them. Exit status 1 if a run failed or outputs differ."""
import json
import os
import statistics
import sys

import numpy

CODE = 1 / 127.5  # of 8 bits, in -1..1

folder, rounds, peers = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
failed = False
remarks = []


def remark(text):
    global failed
    failed = True
    remarks.append("    " + text)


def measured(peer, number):
    """Milliseconds of a round, nan where it failed."""
    path = f"{folder}/{peer}.{number}"
    with open(path + ".json") as f:
        text = f.read().strip()
    try:
        if os.path.exists(path + ".err"):
            with open(path + ".err", errors="replace") as f:
                lines = [line for line in f.read().splitlines() if line.strip()]
            raise ValueError(lines[-1].strip() if lines else text)
        said = json.loads(text)
        if "ms_per_frame" not in said:
            return statistics.median(said["ms"])
        layers = [(layer["ms"], layer["step"]) for layer in said["layers"]]
        slicing = sum(ms for ms, step in layers if step.startswith("bilateral slice"))
        return said["ms_per_frame"] * (1 - slicing / sum(ms for ms, _ in layers))
    except (ValueError, KeyError) as error:
        remark(f"{peer} failed in round {number}: {error}")
        return float("nan")


def output(peer):
    path = f"{folder}/{peer}"
    if os.path.exists(path + ".ppm"):
        with open(path + ".ppm", "rb") as f:
            data = f.read()
        width, height = (int(word) for word in data.split(maxsplit=3)[1:3])
        picture = numpy.frombuffer(data[-3 * width * height:], numpy.uint8)
        return picture.reshape(height, width, 3).transpose(2, 0, 1).ravel() / 127.5 - 1
    return numpy.fromfile(path, "<f4") if os.path.exists(path) else None


cells, first = [], None
for peer in peers:
    times = [ms for i in range(rounds) if (ms := measured(peer, i + 1)) == ms]
    median = statistics.median(times) if times else None
    if peer == peers[0]:
        first = median
    ratio = f" ({median / first:.2f}x)" if median and first and peer != peers[0] else ""
    cells.append(f"{peer} " + (f"{median:.1f} ms{ratio}" if median else "-"))

# cgvideo's are pictures, so the others' are the better measure.
outputs = {peer: y for peer in peers[1:] + peers[:1] if (y := output(peer)) is not None}
if len(outputs) > 1:
    (reference, expected), *others = outputs.items()
    limit = CODE * max(1, float(numpy.abs(expected).max()))
    most = 0
    for peer, y in others:
        off = float(numpy.abs(y - expected).max()) if y.size == expected.size else float("nan")
        if not off <= limit:
            remark(f"{peer}'s output differs from {reference}'s by {off:.2g} (limit {limit:.2g}); "
                   f"mean magnitudes {numpy.abs(y).mean():.4g}, {numpy.abs(expected).mean():.4g}")
        most = max(most, off)
    if not failed:
        cells.append(f"outputs of {len(outputs)} alike within {most:.1g}")
print(f"{os.path.basename(folder).removesuffix('.runs'):20}", ", ".join(cells))
print("\n".join(remarks), end="\n" if remarks else "", flush=True)
sys.exit(failed)
