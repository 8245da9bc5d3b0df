#!/usr/bin/python3
"""PyTorch against its own training trace: torch_trace.py ORACLE.py VARIANT DIR

Repeats the trace of DIR, a directory of the reference, in float32 with another convolution library
or another number of threads, and holds it to the limits of test_oracle. VARIANT is some of
`nomkl` (PyTorch's own convolutions instead of oneDNN's), `2t` (two threads), joined by `-`; or
`same`. Exit status 1 where a limit is exceeded."""
import csv, json, sys, types
import numpy as np, torch

source, variant, directory = sys.argv[1:4]
reference = {}
exec(compile(open(source).read().split("\np = argparse")[0], source, "exec"), reference)
torch.backends.mkldnn.enabled = "nomkl" not in variant
torch.set_num_threads(2 if "2t" in variant else 1)


def table(name):
    entries = json.load(open(f"{directory}/{name}.json"))
    raw = np.fromfile(f"{directory}/{name}.bin", "<f4")
    tensors = {}
    for key, entry in entries.items():
        first, count = entry["offset"] // 4, int(np.prod(entry["shape"]))
        tensors[key] = torch.from_numpy(raw[first:first + count].reshape(entry["shape"]).copy())
    return tensors


def relative(got, expected, scale=None):
    got, expected = got.double(), expected.double()
    scale = expected if scale is None else scale
    return float((got - expected).norm() / max(float(scale.norm()), 1e-30))


args = types.SimpleNamespace(dir=directory, **json.load(open(f"{directory}/trace.json")))
shape = (args.steps, args.batch, 3, args.size, args.size)
a, b = (torch.from_numpy(np.fromfile(f"{directory}/inputs_{c}.bin", "<f4").reshape(shape))
        for c in "ab")
losses, gradients, final = reference["run_trace"](args, a, b, torch.float32)
spread = json.load(open(f"{directory}/spread.json"))
failed = False


def hold(what, error, limit):
    global failed
    if not error <= limit:
        failed = True
        print(f"  FAILED {directory}: {what} off by {error:.1e}, limit {limit:.1e}")


for step, row in enumerate(csv.DictReader(open(f"{directory}/trace.csv"))):
    limit = 1e-4 if step == 0 else max(1e-3, 4 * spread["losses"][step])
    for name, value in row.items():
        if name != "step" and float(value):
            hold(f"step {step}: {name}", abs(losses[step][name] / float(value) - 1), limit)
for net in gradients:
    for key, expected in table(f"grad_{net}").items():
        if key.endswith("weight"):
            hold(f"grad_{net} {key}", relative(gradients[net][key], expected),
                 max(1e-3, 4 * spread["gradients"]))
    start, end = table(net), table(f"final_{net}")
    for key in start:
        if key.endswith("weight"):
            hold(f"final_{net} {key}", relative(final[net][key], end[key], end[key] - start[key]),
                 max(5e-2, 4 * spread["movement"][net]))
print(f"{directory}: {'FAILED' if failed else 'passed'}")
sys.exit(failed)
