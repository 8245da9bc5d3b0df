#!/usr/bin/python3
"""The same CycleGAN training step in PyTorch on the CPU.

Prints one JSON object: milliseconds of each run. Needs python3-torch. --threads: default all cores.
"""
import argparse
import itertools
import json
import os
import time

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        half = lambda: [nn.ReflectionPad2d(1), nn.Conv2d(c, c, 3), nn.InstanceNorm2d(c)]
        self.body = nn.Sequential(*half(), nn.ReLU(True), *half())

    def forward(self, x):
        return x + self.body(x)


def resnet(ngf, blocks):
    up_down = lambda conv, c: [conv, nn.InstanceNorm2d(c), nn.ReLU(True)]
    layers = [nn.ReflectionPad2d(3)] + up_down(nn.Conv2d(3, ngf, 7), ngf)
    for c in (ngf, 2 * ngf):
        layers += up_down(nn.Conv2d(c, 2 * c, 3, 2, 1), 2 * c)
    layers += [Block(4 * ngf) for _ in range(blocks)]
    for c in (4 * ngf, 2 * ngf):
        layers += up_down(nn.ConvTranspose2d(c, c // 2, 3, 2, 1, 1), c // 2)
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(ngf, 3, 7), nn.Tanh())


def patchgan(ndf, count):
    layers, c = [nn.Conv2d(3, ndf, 4, 2, 1), nn.LeakyReLU(0.2, True)], ndf
    for n in range(1, count + 1):
        out = ndf * min(2**n, 8)
        layers += [nn.Conv2d(c, out, 4, 2 if n < count else 1, 1), nn.InstanceNorm2d(out),
                   nn.LeakyReLU(0.2, True)]
        c = out
    return nn.Sequential(*layers, nn.Conv2d(c, 1, 4, 1, 1))


class Trainer:
    def __init__(self, args):
        self.ga, self.gb = resnet(args.ngf, args.blocks), resnet(args.ngf, args.blocks)
        self.da, self.db = patchgan(args.ndf, args.layers), patchgan(args.ndf, args.layers)
        adam = lambda *nets: torch.optim.Adam(
            itertools.chain(*(n.parameters() for n in nets)), 2e-4, (0.5, 0.999))
        self.g_optimizer, self.d_optimizer = adam(self.ga, self.gb), adam(self.da, self.db)

    def step(self, a, b):
        real = lambda p: F.mse_loss(p, torch.ones_like(p))
        fake = lambda p: F.mse_loss(p, torch.zeros_like(p))
        discriminators = list(self.da.parameters()) + list(self.db.parameters())
        for p in discriminators:
            p.requires_grad_(False)
        fb, fa = self.ga(a), self.gb(b)
        loss = real(self.da(fb)) + real(self.db(fa))
        loss = loss + 10 * (F.l1_loss(self.gb(fb), a) + F.l1_loss(self.ga(fa), b))
        loss = loss + 5 * (F.l1_loss(self.ga(b), b) + F.l1_loss(self.gb(a), a))
        self.g_optimizer.zero_grad()
        loss.backward()
        self.g_optimizer.step()
        for p in discriminators:
            p.requires_grad_(True)
        self.d_optimizer.zero_grad()
        for d, x, y in ((self.da, b, fb), (self.db, a, fa)):
            (0.5 * (real(d(x)) + fake(d(y.detach())))).backward()
        self.d_optimizer.step()


parser = argparse.ArgumentParser()
for name, value in dict(ngf=64, blocks=9, ndf=64, layers=3, size=256, batch=1, runs=3,
                        threads=os.cpu_count()).items():
    parser.add_argument("--" + name, type=int, default=value)
args = parser.parse_args()
torch.set_num_threads(args.threads)
a, b = (torch.rand(args.batch, 3, args.size, args.size) * 2 - 1 for _ in range(2))
trainer = Trainer(args)
trainer.step(a, b)
times = []
for _ in range(args.runs):
    start = time.perf_counter()
    trainer.step(a, b)
    times.append(1e3 * (time.perf_counter() - start))
print(json.dumps({"ms": times}))
