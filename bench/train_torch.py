"""A training step of the light network in plain PyTorch, for bench/train.ts: one line in, some steps, the seconds of one out.

Arguments: batch, side of the crops, threads, steps. The same layers and arithmetic as src/models/light.ts with its defaults,
with the transform of the cells as plain convolutions.
"""

import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

batch, crop, threads, steps = (int(argument) for argument in sys.argv[1:5])
torch.set_num_threads(threads)
WIDTH, DEEP, BANDS = 32, 80, 24


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.second(F.leaky_relu(self.first(x), 0.1))


class Light(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("analysis", torch.randn(BANDS, 3, 4, 4) / 7)
        self.register_buffer("synthesis", torch.randn(BANDS, BANDS, 1, 1) / 5)
        self.register_buffer("colour", torch.randn(3, 3, 1, 1))
        self.input = nn.Conv2d(3 * BANDS, WIDTH, 3, padding=1)
        self.down = nn.Conv2d(WIDTH + 3 * BANDS, DEEP, 2, stride=2)
        self.deep = nn.Sequential(*[Block(DEEP) for _ in range(3)])
        self.up = nn.Conv2d(DEEP, 4 * WIDTH, 1)
        self.decoder = nn.Sequential(*[Block(WIDTH) for _ in range(2)])
        self.output = nn.Conv2d(WIDTH, BANDS, 3, padding=1)

    def forward(self, frames):
        bands = torch.cat([F.conv2d(frame, self.analysis, stride=4) for frame in frames], 1)
        skip = F.leaky_relu(self.input(bands), 0.1)
        deep = F.leaky_relu(self.down(torch.cat([skip, bands], 1)), 0.1)
        x = self.decoder(skip + F.pixel_shuffle(self.up(self.deep(deep)), 2))
        samples = F.conv2d(self.output(x) * 0.25, self.synthesis)
        luma = F.pixel_shuffle(samples[:, :16], 4)
        chroma = F.interpolate(F.pixel_shuffle(samples[:, 16:], 2), scale_factor=2, mode="bilinear")
        return frames[1] + F.conv2d(torch.cat([luma, chroma], 1), self.colour)


network = Light().to(memory_format=torch.channels_last)
optimiser = torch.optim.Adam(network.parameters(), 1e-4)
frames = [torch.rand(batch, 3, crop, crop).contiguous(memory_format=torch.channels_last) for _ in range(3)]
target = torch.rand(batch, 3, crop, crop).contiguous(memory_format=torch.channels_last)
print(torch.__version__, flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    for _ in range(steps):
        loss = torch.sqrt((network(frames) - target).square() + 1e-6).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        loss.item()
    print((time.perf_counter() - start) / steps, flush=True)
