#!/usr/bin/env python3
"""Times a ResNet generator in PyTorch on a GPU: eager, channels last, as its users run it.

torch_speed.py [--half] [--compile] WIDTHxHEIGHT[xBATCH]...
One line each: size, batch, milliseconds a picture (median of 20, events on the device).
"""
import sys

import torch
from torch import nn


def block(c):
    return [nn.ReflectionPad2d(1), nn.Conv2d(c, c, 3), nn.InstanceNorm2d(c), nn.ReLU(True),
            nn.ReflectionPad2d(1), nn.Conv2d(c, c, 3), nn.InstanceNorm2d(c)]


class Residual(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.body = nn.Sequential(*block(c))

    def forward(self, x):
        return x + self.body(x)


def resnet(ngf=64, blocks=9):
    layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, ngf, 7), nn.InstanceNorm2d(ngf), nn.ReLU(True)]
    for c in (ngf, 2 * ngf):
        layers += [nn.Conv2d(c, 2 * c, 3, 2, 1), nn.InstanceNorm2d(2 * c), nn.ReLU(True)]
    layers += [Residual(4 * ngf) for _ in range(blocks)]
    for c in (4 * ngf, 2 * ngf):
        layers += [nn.ConvTranspose2d(c, c // 2, 3, 2, 1, 1), nn.InstanceNorm2d(c // 2),
                   nn.ReLU(True)]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(ngf, 3, 7), nn.Tanh())


def main():
    options = [a for a in sys.argv[1:] if a.startswith("--")]
    half = "--half" in options
    torch.backends.cudnn.benchmark = True
    net = resnet().cuda().eval().to(memory_format=torch.channels_last)
    if half:
        net = net.half()
    if "--compile" in options:
        net = torch.compile(net)
    print(torch.cuda.get_device_name(), torch.__version__, "half" if half else "single", *options)
    for size in [a for a in sys.argv[1:] if not a.startswith("--")]:
        w, h, n = (list(map(int, size.split("x"))) + [1])[:3]
        x = torch.randn(n, 3, h, w, device="cuda").to(memory_format=torch.channels_last)
        x = x.half() if half else x
        times = []
        with torch.inference_mode():
            for run in range(25):
                begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                begin.record()
                net(x)
                end.record()
                torch.cuda.synchronize()
                if run >= 5:
                    times.append(begin.elapsed_time(end))
        print(f"{w}x{h} batch {n}: {sorted(times)[len(times) // 2] / n:.3f} ms a picture", flush=True)


main()
