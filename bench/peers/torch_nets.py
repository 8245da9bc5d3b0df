#!/usr/bin/python3
"""Generators in PyTorch, for comparison: torch_nets.py DIR

For each case writes NAME.pth as training code would leave it, NAME.in and NAME.out (float32, [1, 3,
h, w]) of one picture, and NAME.shape ("h w architecture"). Random weights; names of layers as in
the public PyTorch code of CycleGAN, pix2pix and CUT. Needs python3-torch."""
import sys

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, spectral_norm

instance = nn.InstanceNorm2d
batch = nn.BatchNorm2d


# ---- the filters of CUT ----

def binomial(taps):
    line = torch.tensor(taps, dtype=torch.float32)
    square = line[:, None] * line[None, :]
    return square / square.sum()


class Down(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.register_buffer("filt", binomial([1, 2, 1]).repeat(channels, 1, 1, 1))

    def forward(self, x):
        return F.conv2d(F.pad(x, [1] * 4, "reflect"), self.filt, stride=2, groups=x.shape[1])


class Up(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.register_buffer("filt", 4 * binomial([1, 3, 3, 1]).repeat(channels, 1, 1, 1))

    def forward(self, x):
        y = F.conv_transpose2d(F.pad(x, [1] * 4, "replicate"), self.filt, stride=2, padding=2,
                               groups=x.shape[1])
        return y[:, :, 1:-1, 1:-1]


# ---- generators ----

class Block(nn.Module):
    def __init__(self, c, norm, dropout):
        super().__init__()
        bias = norm is instance
        layers = [nn.ReflectionPad2d(1), nn.Conv2d(c, c, 3, bias=bias), norm(c), nn.ReLU(True)]
        layers += [nn.Dropout(0.5)] * dropout
        layers += [nn.ReflectionPad2d(1), nn.Conv2d(c, c, 3, bias=bias), norm(c)]
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv_block(x)


class Resnet(nn.Module):
    def __init__(self, ngf, blocks, norm=instance, down="stride", up="transpose", dropout=False):
        super().__init__()
        bias = norm is instance
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, ngf, 7, bias=bias), norm(ngf), nn.ReLU(True)]
        for c in (ngf, 2 * ngf):
            layers += [nn.Conv2d(c, 2 * c, 3, 2 if down == "stride" else 1, 1, bias=bias),
                       norm(2 * c), nn.ReLU(True)]
            layers += [Down(2 * c)] * (down == "filter")
        layers += [Block(4 * ngf, norm, dropout) for _ in range(blocks)]
        for c in (4 * ngf, 2 * ngf):
            if up == "filter":
                layers += [Up(c), nn.Conv2d(c, c // 2, 3, 1, 1, bias=bias)]
            else:
                layers += [nn.ConvTranspose2d(c, c // 2, 3, 2, 1, 1, bias=bias)]
            layers += [norm(c // 2), nn.ReLU(True)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(ngf, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x)


class UnetBlock(nn.Module):
    def __init__(self, outer, inner, source, within, norm, position, dropout):
        super().__init__()
        self.outermost = position == "outermost"
        bias = norm is instance
        down = nn.Conv2d(source, inner, 4, 2, 1, bias=bias)
        relu, leaky = nn.ReLU(True), nn.LeakyReLU(0.2, True)
        back = inner if position == "innermost" else 2 * inner
        if self.outermost:
            layers = [down, within, relu, nn.ConvTranspose2d(back, outer, 4, 2, 1), nn.Tanh()]
        else:
            up = [relu, nn.ConvTranspose2d(back, outer, 4, 2, 1, bias=bias), norm(outer)]
            middle = [] if position == "innermost" else [norm(inner), within]
            layers = [leaky, down] + middle + up + [nn.Dropout(0.5)] * dropout
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


class Unet(nn.Module):
    def __init__(self, downs, ngf, norm=instance):
        super().__init__()
        channels = [ngf * min(2**i, 8) for i in range(downs)]
        block = None
        for i in reversed(range(downs)):
            position = "innermost" if block is None else "outermost" if i == 0 else ""
            outer = channels[i - 1] if i else 3
            dropout = not position and channels[i] == outer
            block = UnetBlock(outer, channels[i], outer, block, norm, position, dropout)
        self.model = block

    def forward(self, x):
        return self.model(x)


# ---- what training does to them ----

def wear(net, size):
    """Weights of a size that nothing fades, and batch norms as after some training."""
    for m in net.modules():
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
            fan = m.weight[:, 0].numel() if isinstance(m, nn.ConvTranspose2d) else m.weight[0].numel()
            nn.init.normal_(m.weight, 0, (2 / fan) ** 0.5)
            if m.bias is not None:
                nn.init.normal_(m.bias, 0, 0.1)
        if isinstance(m, batch):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.normal_(m.bias, 0, 0.3)
    net.train()
    with torch.no_grad():
        for _ in range(8): # running statistics that fit
            net(torch.rand(2, 3, *size) * 2 - 1)
    return net.eval()


def spectral(net, how):
    for m in list(net.modules()):
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
            how(m)
    return net


def old_instance(channels):
    return nn.InstanceNorm2d(channels, track_running_stats=True)


def checkpoint(net):
    """Everything that a training goes on from, the generator's moving average among it."""
    other, judge = Unet(5, 2), nn.Sequential(nn.Conv2d(3, 4, 4), nn.Conv2d(4, 1, 4))
    optimizer = torch.optim.Adam(judge.parameters())
    judge(torch.rand(1, 3, 16, 16)).sum().backward()
    optimizer.step()
    return {"epoch": 12, "netD": judge.state_dict(), "params": other.state_dict(),
            "params_ema": net.state_dict(), "optimizer": optimizer.state_dict(), "lr": 2e-4}


def lightning(net):
    judge = nn.Conv2d(3, 4, 4)
    state = {"netD." + k: v for k, v in judge.state_dict().items()}
    state.update(("netG.module." + k, v) for k, v in net.state_dict().items())
    return {"epoch": 3, "state_dict": state, "loss": [0.5, None, True]}


def main(folder):
    plain = lambda net: net.state_dict()
    torch.manual_seed(20170330)
    torch.set_num_threads(1)
    # Name, architecture, network, what is saved of it, the picture's size, torch.save's options.
    cases = [
        ("resnet", "resnet_2blocks", Resnet(8, 2), plain, (40, 56), {}),
        ("resnet_dropout", "resnet_2blocks", Resnet(8, 2, dropout=True), plain, (40, 56), {}),
        ("resnet_batch", "resnet_3blocks_batch", Resnet(8, 3, batch), plain, (40, 56), {}),
        ("resnet_old", "resnet_2blocks", Resnet(8, 2), plain, (40, 56),
         {"_use_new_zipfile_serialization": False}),
        ("antialias", "resnet_2blocks_antialias", Resnet(8, 2, down="filter", up="filter"), plain,
         (40, 56), {}),
        ("blurdown", "resnet_2blocks_blurdown", Resnet(8, 2, down="filter"), plain, (40, 56), {}),
        ("unet_32", "unet_32", Unet(5, 8), plain, (64, 96), {}),
        ("unet_128", "unet_128", Unet(7, 8), plain, (128, 256), {}),
        ("unet_256", "unet_256", Unet(8, 8), plain, (256, 256), {}),
        ("unet_batch", "unet_64_batch", Unet(6, 8, batch), plain, (64, 128), {}),
        ("spectral", "resnet_2blocks", spectral(Resnet(8, 2), spectral_norm), plain, (40, 56), {}),
        ("spectral_unet", "unet_32_batch", spectral(Unet(5, 8, batch), parametrizations.spectral_norm),
         plain, (64, 96), {}),
        ("checkpoint", "unet_32", Unet(5, 8), checkpoint, (64, 96), {}),
        ("checkpoint_old", "unet_32_batch", Unet(5, 8, batch), checkpoint, (64, 96),
         {"_use_new_zipfile_serialization": False}),
        ("lightning", "resnet_1blocks_antialias", Resnet(4, 1, down="filter", up="filter"), lightning,
         (40, 56), {}),
    ]
    for name, architecture, net, save, size, options in cases:
        wear(net, size)
        x = torch.rand(1, 3, *size) * 2 - 1
        with torch.no_grad():
            y = net(x)
        saved = save(net)
        if name == "resnet_old": # instance norms of PyTorch up to 0.4 left statistics in the file
            saved = {**Resnet(8, 2, old_instance).state_dict(), **saved}
        path = f"{folder}/{name}"
        torch.save(saved, path + ".pth", **options)
        x.numpy().tofile(path + ".in")
        y.numpy().tofile(path + ".out")
        print(*size, architecture, file=open(path + ".shape", "w"))


if __name__ == "__main__":
    main(sys.argv[1])
