#!/usr/bin/python3
"""Paired training (pix2pix) in PyTorch, for comparison: torch_pairs.py DIR

Trains a small U-Net and a conditional PatchGAN for some steps, in float64 and, to know what float32
loses, in float32. Writes for each kind of adversarial loss KIND: KIND.trace ("steps batch size lr
lambda"), KIND_a.bin and KIND_b.bin (pictures, float32), KIND_G.pth and KIND_D.pth (initial weights),
KIND_G_grad.pth, KIND_D_grad.pth (of the first step), KIND_G_end.pth, KIND_D_end.pth; and in
KIND.losses a line for each step: GAN, L1 and discriminator's loss, and how far float32 was off; and
then how far off its gradients and its movement of weights were. Needs python3-torch."""
import copy
import sys

import torch
from torch import nn
from torch.nn import functional as F
from torch_nets import Unet

STEPS, BATCH, SIZE, LR, LAMBDA = 6, 2, 32, 2e-3, 100


class Patch(nn.Module):
    def __init__(self, ndf, layers):
        super().__init__()
        parts, c = [nn.Conv2d(6, ndf, 4, 2, 1), nn.LeakyReLU(0.2, True)], ndf
        for n in range(1, layers + 1):
            out = ndf * min(2**n, 8)
            parts += [nn.Conv2d(c, out, 4, 2 if n < layers else 1, 1), nn.InstanceNorm2d(out),
                      nn.LeakyReLU(0.2, True)]
            c = out
        self.model = nn.Sequential(*parts, nn.Conv2d(c, 1, 4, 1, 1))

    def forward(self, a, b):
        return self.model(torch.cat([a, b], 1))


def cost(kind, judgement, real, generator):
    if kind == "lsgan":
        return ((judgement - float(real))**2).mean()
    if kind == "vanilla":
        return F.binary_cross_entropy_with_logits(judgement, torch.full_like(judgement, real))
    return -judgement.mean() if generator else F.relu(1 - (1 if real else -1) * judgement).mean()


def train(kind, generator, judge, a, b, dtype):
    g, d = copy.deepcopy(generator).to(dtype), copy.deepcopy(judge).to(dtype)
    g_adam, d_adam = (torch.optim.Adam(n.parameters(), LR, (0.5, 0.999)) for n in (g, d))
    losses, gradients = [], None
    for real_a, real_b in zip(a.to(dtype), b.to(dtype)):
        fake = g(real_a)
        d_loss = (cost(kind, d(real_a, real_b), True, False) +
                  cost(kind, d(real_a, fake.detach()), False, False)) / 2
        d_adam.zero_grad()
        d_loss.backward()
        d_gradients = {k: p.grad.clone() for k, p in d.named_parameters()}
        d_adam.step()
        gan, l1 = cost(kind, d(real_a, fake), True, True), LAMBDA * F.l1_loss(fake, real_b)
        g_adam.zero_grad()
        (gan + l1).backward()
        if gradients is None:
            gradients = [{k: p.grad.clone() for k, p in g.named_parameters()}, d_gradients]
        g_adam.step()
        losses.append([float(v) for v in (gan, l1, d_loss)])
    return losses, gradients, [g.state_dict(), d.state_dict()]


def distance(got, expected, start=None):
    """Of all weights together; biases before a norm have no gradient but rounding."""
    error = norm = 0
    for k in expected:
        if k.endswith("weight"):
            origin = start[k].double() if start else 0
            error += float(((got[k].double() - expected[k].double())**2).sum())
            norm += float(((expected[k].double() - origin)**2).sum())
    return (error / norm)**0.5


def main(folder):
    torch.manual_seed(20170330)
    torch.set_num_threads(1)
    for kind in ("vanilla", "lsgan", "hinge"):
        generator, judge = Unet(4, 6).eval(), Patch(6, 2) # eval: without dropout
        for net in (generator, judge):
            for p in net.parameters():
                nn.init.normal_(p, 0, 0.1 if p.dim() > 1 else 0.02)
        a, b = (torch.rand(STEPS, BATCH, 3, SIZE, SIZE) * 2 - 1 for _ in range(2))
        losses, gradients, end = train(kind, generator, judge, a, b, torch.float64)
        single = train(kind, generator, judge, a, b, torch.float32)
        path = f"{folder}/{kind}"
        a.numpy().tofile(path + "_a.bin")
        b.numpy().tofile(path + "_b.bin")
        print(STEPS, BATCH, SIZE, LR, LAMBDA, file=open(path + ".trace", "w"))
        with open(path + ".losses", "w") as out:
            for row, other in zip(losses, single[0]):
                print(*row, max(abs(x / y - 1) for x, y in zip(other, row)), file=out)
            for i, net in enumerate((generator, judge)):
                print(distance(single[1][i], gradients[i]),
                      distance(single[2][i], end[i], net.state_dict()), file=out)
        for i, net in enumerate((generator, judge)):
            name = f"{path}_{'GD'[i]}"
            torch.save(net.state_dict(), name + ".pth")
            torch.save(gradients[i], name + "_grad.pth")
            torch.save(end[i], name + "_end.pth")


if __name__ == "__main__":
    main(sys.argv[1])
