"""NAFNet in plain PyTorch, for bench/nafnet.ts: one line in, one timed run, its seconds out.

Arguments: width, picture size, threads. Weights are random; speed does not depend on them.
"""

import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class ChannelNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x):
        centred = x - x.mean(1, keepdim=True)
        variance = centred.pow(2).mean(1, keepdim=True)
        return centred * torch.rsqrt(variance + 1e-6) * self.weight + self.bias


def gate(x):
    first, second = x.chunk(2, dim=1)
    return first * second


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm1, self.norm2 = ChannelNorm(c), ChannelNorm(c)
        self.conv1 = nn.Conv2d(c, 2 * c, 1)
        self.conv2 = nn.Conv2d(2 * c, 2 * c, 3, padding=1, groups=2 * c)
        self.attention = nn.Conv2d(c, c, 1)
        self.conv3, self.conv5 = nn.Conv2d(c, c, 1), nn.Conv2d(c, c, 1)
        self.conv4 = nn.Conv2d(c, 2 * c, 1)
        self.beta = nn.Parameter(torch.ones(1, c, 1, 1))
        self.gamma = nn.Parameter(torch.ones(1, c, 1, 1))

    def forward(self, x):
        y = gate(self.conv2(self.conv1(self.norm1(x))))
        y = y * self.attention(F.adaptive_avg_pool2d(y, 1))
        x = x + self.conv3(y) * self.beta
        return x + self.conv5(gate(self.conv4(self.norm2(x)))) * self.gamma


def blocks(c, count):
    return nn.Sequential(*[Block(c) for _ in range(count)])


class NAFNet(nn.Module):
    def __init__(self, width, encoder=(1, 1, 1, 28), middle=1, decoder=(1, 1, 1, 1)):
        super().__init__()
        widths = [width * 2**level for level in range(len(encoder) + 1)]
        self.intro = nn.Conv2d(3, width, 3, padding=1)
        self.ending = nn.Conv2d(width, 3, 3, padding=1)
        self.encoders = nn.ModuleList(blocks(c, n) for c, n in zip(widths, encoder))
        self.downs = nn.ModuleList(nn.Conv2d(c, 2 * c, 2, stride=2) for c in widths[:-1])
        self.middle = blocks(widths[-1], middle)
        self.ups = nn.ModuleList(nn.Conv2d(c, 2 * c, 1, bias=False) for c in reversed(widths[1:]))
        self.decoders = nn.ModuleList(blocks(c, n) for c, n in zip(reversed(widths[:-1]), decoder))

    def forward(self, image):
        x = self.intro(image)
        skips = []
        for encoder, down in zip(self.encoders, self.downs):
            x = encoder(x)
            skips.append(x)
            x = down(x)
        x = self.middle(x)
        for decoder, up, skip in zip(self.decoders, self.ups, reversed(skips)):
            x = decoder(F.pixel_shuffle(up(x), 2) + skip)
        return self.ending(x) + image


width, size, threads = (int(argument) for argument in sys.argv[1:4])
torch.set_num_threads(threads)
network = NAFNet(width).eval()
picture = torch.rand(1, 3, size, size)
print(torch.__version__, flush=True)
with torch.inference_mode():
    for _ in sys.stdin:
        start = time.perf_counter()
        network(picture)
        print(time.perf_counter() - start, flush=True)
