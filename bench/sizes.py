"""Lines of `cgvideo bench -json` on standard input, one a size, to a table and a plot (SVG).

sizes.py TITLE FILE.svg
"""
import json
import sys


def line_of(xs, ys):
    """The line of least squares of relative deviations: (fixed part, slope)."""
    weights = [1 / (y * y) for y in ys]
    total = sum(weights)
    mx = sum(w * x for w, x in zip(weights, xs)) / total
    my = sum(w * y for w, y in zip(weights, ys)) / total
    slope = sum(w * (x - mx) * (y - my) for w, x, y in zip(weights, xs, ys)) / sum(
        w * (x - mx) ** 2 for w, x in zip(weights, xs))
    return my - slope * mx, slope


def panel(left, name, unit, xs, ys, line):
    """One diagram, 360 wide, at `left`."""
    width, height, bottom = 280, 220, 270
    most_x, most_y = 1.05 * max(xs), 1.05 * max(ys)
    place = lambda x, y: (left + 60 + width * x / most_x, bottom - height * y / most_y)
    parts = [f'<text x="{left + 60}" y="36" class="name">{name}</text>']
    for k in range(5):
        x, y = place(most_x * k / 4, most_y * k / 4)
        parts.append(f'<line x1="{left + 60}" y1="{y:.1f}" x2="{left + 60 + width}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="{left + 54}" y="{y + 4:.1f}" text-anchor="end">{most_y * k / 4:.3g}</text>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{most_x * k / 4:.2g}</text>')
    x0, y0 = place(0, max(line[0], 0))
    x1, y1 = place(most_x, line[0] + line[1] * most_x)
    parts.append(f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" class="fit"/>')
    for x, y in zip(xs, ys):
        px, py = place(x, y)
        parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4"/>')
    parts.append(f'<text x="{left + 60 + width / 2}" y="{bottom + 38}" text-anchor="middle">megapixels</text>')
    parts.append(f'<text x="{left + 60 + width}" y="36" text-anchor="end">{line[0]:.3g} + {line[1]:.3g} a megapixel, {unit}</text>')
    return parts


def main():
    runs = [json.loads(text) for text in sys.stdin.read().replace("}\n{", "}\0{").split("\0")]
    pixels = [run["width"] * run["height"] / 1e6 for run in runs]
    times = [run.get("ms_per_frame_min", run["ms_per_frame"]) for run in runs]
    memory = [run["memory_bytes"] / 2**20 for run in runs]
    time_line, memory_line = line_of(pixels, times), line_of(pixels, memory)
    print(f"{'size':>10} {'ms':>9} {'off':>6} {'MiB':>8} {'off':>6}")
    for run, x, ms, mib in zip(runs, pixels, times, memory):
        off = [value / (line[0] + line[1] * x) - 1 for value, line in ((ms, time_line), (mib, memory_line))]
        print(f"{run['width']:>5}x{run['height']:<4} {ms:9.2f} {off[0]:+6.1%} {mib:8.1f} {off[1]:+6.1%}")
    print(f"time: {time_line[0]:.3g} ms + {time_line[1]:.4g} ms a megapixel; "
          f"memory: {memory_line[0]:.3g} MiB + {memory_line[1]:.4g} MiB a megapixel")
    svg = ['<svg xmlns="http://www.w3.org/2000/svg" width="740" height="330" font-family="sans-serif" font-size="11">',
           '<style>.grid{stroke:#ddd}.fit{stroke:#c60;stroke-width:1.5}circle{fill:#147}.name{font-weight:bold}</style>',
           '<rect width="740" height="330" fill="white"/>',
           f'<text x="10" y="16">{sys.argv[1]}, on {runs[0]["device"]}</text>']
    svg += panel(0, "time", "ms", pixels, times, time_line)
    svg += panel(370, "memory", "MiB", pixels, memory, memory_line) + ["</svg>"]
    with open(sys.argv[2], "w") as file:
        file.write("\n".join(svg) + "\n")


main()
