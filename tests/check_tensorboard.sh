#!/bin/bash
# check_tensorboard.sh TEST_RUN FOLDER: the real TensorBoard package reads the event files of a run
# that crashed and was resumed. The package goes into a virtual environment in FOLDER.
set -euo pipefail
test_run=$1
venv=$2/tensorboard
skip() {
    echo "SKIPPED: $*"
    exit 77
}

[ -x /usr/bin/python3 ] || skip "no /usr/bin/python3"
if [ ! -e "$venv/ready" ]; then
    rm -rf "$venv"
    /usr/bin/python3 -m venv "$venv" >/dev/null 2>&1 || skip "no virtual environments (python3-venv)"
    "$venv/bin/pip" -q --disable-pip-version-check install tensorboard >/dev/null 2>&1 ||
        skip "the tensorboard package cannot be installed here"
    touch "$venv/ready"
fi
run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
"$test_run" write-run "$run"
"$venv/bin/python" - "$run" <<'END'
import glob, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = sys.argv[1]
assert len(glob.glob(run + "/events.out.tfevents.*")) == 2
events = EventAccumulator(run, size_guidance={"scalars": 0, "images": 0})
events.Reload()
tags = events.Tags()
assert sorted(tags["scalars"]) == ["loss/G_A", "part", "zero"], tags
assert tags["images"] == ["samples"], tags
rows = [line.split(",") for line in open(run + "/losses.csv")][1:]
losses = events.Scalars("loss/G_A")
assert [e.step for e in losses] == [int(row[0]) for row in rows] == list(range(10, 4001, 10))
assert all(abs(e.value - float(row[6])) < 1e-6 for e, row in zip(losses, rows))
assert all(e.value == (e.step > 2000) for e in events.Scalars("part")), "rows of the crashed part"
assert len(events.Scalars("zero")) == 400 and not any(e.value for e in events.Scalars("zero"))
pictures = events.Images("samples")
assert [e.step for e in pictures] == list(range(500, 4001, 500))
for e in pictures:
    assert e.encoded_image_string == open(f"{run}/samples/step_{e.step:08d}.png", "rb").read()
    assert (e.width, e.height) == (6 * 128 + 16, 3 * 128 + 4)
print("TensorBoard reads", len(losses), "scalars and", len(pictures), "pictures")
END
