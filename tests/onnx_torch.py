"""Networks exported by PyTorch, in several operator sets, of fixed and of any size: what cgvideo
makes of the files against what PyTorch itself gives. The metadata that PyTorch cannot write is not
needed: every network ends in a tanh."""
import os
import subprocess
import sys
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

warnings.filterwarnings("ignore")
RUN_MODEL = os.environ["CGV_RUN_MODEL"]
TOLERANCE = 1e-4


class Block(nn.Module):
    def __init__(self, c, norm):
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(c, c, 3), norm(c), nn.ReLU(), nn.Dropout(0.5),
            nn.ReflectionPad2d(1), nn.Conv2d(c, c, 3), norm(c),
        )

    def forward(self, x):
        return x + self.layers(x)


def resnet(norm):
    c = 8
    layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, c, 7), norm(c), nn.ReLU()]
    for i in range(2):
        layers += [nn.Conv2d(c, 2 * c, 3, 2, 1), norm(2 * c), nn.ReLU()]
        c *= 2
    layers += [Block(c, norm), Block(c, norm)]
    for i in range(2):
        layers += [nn.ConvTranspose2d(c, c // 2, 3, 2, 1, 1), norm(c // 2), nn.ReLU()]
        c //= 2
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(c, 3, 7), nn.Tanh())


class UNet(nn.Module):
    """One level within another."""

    def __init__(self, outer, inner, within=None, outermost=False):
        super().__init__()
        self.outermost = outermost
        twice = 1 if within is None else 2
        self.down = nn.Sequential(*([] if outermost else [nn.LeakyReLU(0.2)]),
                                  nn.Conv2d(3 if outermost else outer, inner, 4, 2, 1),
                                  *([] if outermost or within is None else [nn.BatchNorm2d(inner)]))
        self.within = within
        self.up = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(twice * inner, outer, 4, 2, 1),
                                nn.Tanh() if outermost else nn.BatchNorm2d(outer))

    def forward(self, x):
        y = self.down(x)
        y = self.up(self.within(y) if self.within else y)
        return y if self.outermost else torch.cat([x, y], 1)


def unet():
    net = None
    for outer, inner in ((16, 16), (16, 16), (8, 16)):
        net = UNet(outer, inner, net)
    return UNet(3, 8, net, outermost=True)


class Skips(nn.Module):
    """Down by pooling, up to the size of what is there."""

    def __init__(self, align):
        super().__init__()
        self.align = align
        self.a, self.b = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.c = nn.Conv2d(16, 3, 3, padding=1)

    def forward(self, x):
        a = F.elu(self.a(x))
        b = F.hardswish(self.b(F.max_pool2d(a, 2)))
        b = F.interpolate(b, size=a.shape[2:], mode="bilinear", align_corners=self.align)
        return torch.tanh(self.c(torch.cat([a, b], 1)))


class Shuffle(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(12, 16, 3, padding=1)
        self.act = nn.PReLU(16)
        self.b = nn.Conv2d(16, 12, 3, padding=1)

    def forward(self, x):
        n, c, h, w = x.shape
        x = x.view(n, c, h // 2, 2, w // 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(n, -1, h // 2, w // 2)
        return torch.tanh(F.pixel_shuffle(self.b(self.act(self.a(x))), 2))


class Gate(nn.Module):
    """Squeeze and excitation, layer norm of the whole picture, group norm of single channels."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 8, 5, padding=2)
        self.down, self.up = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        self.norm = nn.GroupNorm(8, 8)
        self.b = nn.Conv2d(8, 3, (3, 1), padding=(1, 0))

    def forward(self, x):
        x = F.softplus(self.norm(self.a(x)))
        s = F.adaptive_avg_pool2d(x, 1)
        x = x * torch.sigmoid(self.up(F.relu(self.down(s)))).expand_as(x)
        mean = x.mean((2, 3), keepdim=True)
        x = (x - mean) / torch.sqrt(((x - mean) ** 2).mean((2, 3), keepdim=True) + 1e-5)
        return torch.tanh(self.b(F.relu6(x)))


class Odd(nn.Module):
    """What generators seldom have: dilations, crops, grouped and uneven convolutions."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3, padding=2, dilation=2)
        self.b = nn.Conv2d(8, 8, (1, 5), padding=(0, 2), groups=4)
        self.c = nn.ConvTranspose2d(8, 6, 4, 4)
        self.d = nn.Conv2d(12, 3, 3, stride=(2, 2), padding=1)

    def forward(self, x):
        x = F.silu(self.b(F.pad(F.leaky_relu(self.a(x), 0.1), (2, 2, 0, 1), "replicate")))
        x = self.c(F.avg_pool2d(x[:, :, :-1, 2:-2], 2))
        first, second = x.chunk(2, 1)
        x = torch.cat([second, first, torch.abs(first), torch.exp(-first * first)], 1)
        return torch.tanh(self.d(x))


NETWORKS = {
    "resnet_instance": lambda: resnet(nn.InstanceNorm2d),
    "resnet_affine": lambda: resnet(lambda c: nn.InstanceNorm2d(c, affine=True)),
    "resnet_batch": lambda: resnet(nn.BatchNorm2d),
    "unet": unet,
    "skips": lambda: Skips(False),
    "skips_aligned": lambda: Skips(True),
    "shuffle": Shuffle,
    "gate": Gate,
    "odd": Odd,
}


def prepare(net):
    for module in net.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.InstanceNorm2d, nn.GroupNorm)) and module.affine:
            nn.init.normal_(module.weight, 1, 0.3)
            nn.init.normal_(module.bias, 0, 0.3)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return net.eval()


def export(net, path, opset, dynamic):
    axes = {0: "n", 2: "h", 3: "w"}
    torch.onnx.export(
        net, torch.zeros(1, 3, 64, 96), path, opset_version=opset, input_names=["x"],
        output_names=["y"], dynamic_axes={"x": axes, "y": axes} if dynamic else None,
    )


def main():
    torch.manual_seed(8)
    failures, count, left_out = 0, 0, 0
    for name, make in NETWORKS.items():
        net = prepare(make())
        for opset, dynamic in ((9, True), (11, True), (13, True), (16, True), (14, False)):
            if name.startswith("skips") and opset < 11:
                continue  # linear Upsample means something else than PyTorch does by it
            path = f"{name}_{opset}_{'any' if dynamic else 'fixed'}.onnx"
            try:
                export(net, path, opset, dynamic)
            except Exception as error:  # this operator set lacks something
                print(f"left out: {path}: {str(error).strip().splitlines()[0][:100]}")
                left_out += 1
                continue
            size = (128, 64) if dynamic else (64, 96)
            x = torch.rand(1, 3, *size) * 2 - 1
            with torch.no_grad():
                expected = net.double()(x.double()).numpy()
                net.float()
            x.numpy().astype("<f4").tofile("in.f32")
            if os.path.exists("out.f32"):
                os.remove("out.f32")
            subprocess.run([RUN_MODEL, path, str(size[0]), str(size[1]), "in.f32", "out.f32"])
            got = np.fromfile("out.f32", "<f4") if os.path.exists("out.f32") else np.zeros(0)
            error = float("inf")
            if got.size == expected.size:
                error = float(np.abs(got - expected.reshape(-1)).max())
            count += 1
            failures += not error <= TOLERANCE
            print(f"{'' if error <= TOLERANCE else 'FAILED: '}{path}: {error:.1e}")
    print(f"{failures} of {count} FAILED" if failures else f"{count} exports of PyTorch: all right")
    sys.exit(failures > 0 or left_out > count)


main()
