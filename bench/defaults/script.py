"""The script of sixty lines that the defaults must beat: plain PyTorch, strided convolutions."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from bench.defaults.rows import Pixels, Row
from ganwerk.game.augment import augment

POLICY = "colour", "translation", "cutout"
"""Of Zhao et al. 2020, Differentiable augmentation for data-efficient GAN training."""
BATCH, LATENT, RATE, R1, EVERY, HALF_LIFE = 64, 64, 1e-3, 1.0, 8, 20_000


def networks(px: int, channels: int, classes: int) -> tuple[nn.Module, nn.Module]:
    """At the next power of two: G 4 px up by transposed, D down by strided 4 x 4 convolutions."""
    side = 16 if px <= 16 else 32 if px <= 32 else 64
    downs = {16: [64, 128], 32: [64, 128, 256], 64: [64, 128, 256, 256]}[side]
    ups = {16: [128, 64], 32: [128, 128, 64], 64: [256, 128, 128, 64]}[side]
    g: list[nn.Module] = [nn.Linear(LATENT + classes, ups[0] * 16), nn.Unflatten(1, (ups[0], 4, 4)),
                          nn.BatchNorm2d(ups[0]), nn.ReLU()]  # fmt: skip
    for a, b in pairwise(ups):
        g += [nn.ConvTranspose2d(a, b, 4, 2, 1), nn.BatchNorm2d(b), nn.ReLU()]
    g += [nn.ConvTranspose2d(ups[-1], channels, 4, 2, 1), nn.Tanh()]
    d: list[nn.Module] = []
    for a, b in zip([channels, *downs], downs, strict=False):
        d += [nn.Conv2d(a, b, 4, 2, 1), nn.LeakyReLU(0.2)]
    d += [nn.Flatten(), nn.Linear(downs[-1] * 16, max(1, classes))]
    return nn.Sequential(*g), nn.Sequential(*d)


class Script:
    """What such a script does in a step; the rest is what bench.defaults asks of a game."""

    def __init__(self, contender: Any, row: Row, seed: int, seconds: float) -> None:
        torch.manual_seed(seed)
        self.random = torch.Generator().manual_seed(seed) if contender.augmented else None
        x = torch.from_numpy(np.ascontiguousarray(row.train.images)).float() / 127.5 - 1
        self.px = x.shape[2]
        self.side = 16 if self.px <= 16 else 32 if self.px <= 32 else 64
        self.classes = row.classes
        self.x, self.y = x, torch.zeros(len(x), dtype=torch.long)
        if row.train.labels is not None and self.classes:
            self.y = torch.from_numpy(np.asarray(row.train.labels))
        self.g, self.d = networks(self.px, x.shape[1], self.classes)
        self.average = copy.deepcopy(self.g).requires_grad_(False)
        self.g_adam = torch.optim.Adam(self.g.parameters(), RATE, betas=(0.0, 0.99))
        self.d_adam = torch.optim.Adam(self.d.parameters(), RATE, betas=(0.0, 0.99))
        self.images, self.steps = 0, 0

    def latent(self, y: torch.Tensor) -> torch.Tensor:
        z = torch.randn(len(y), LATENT)
        return torch.cat([z, F.one_hot(y, self.classes).float()], 1) if self.classes else z

    def judge(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if self.random is not None:
            (x,) = augment((x,), POLICY, 1.0, self.random, "zeros")
        return self.d(x).gather(1, y[:, None])[:, 0]

    def step(self, used: float) -> tuple[float, float]:
        index = torch.randint(len(self.x), (BATCH,))
        pad = (self.side - self.px) // 2
        real, y = F.pad(self.x[index], [pad] * 4, value=-1), self.y[index]
        lazy = self.steps % EVERY == 0
        real.requires_grad_(lazy)
        fake = self.g(self.latent(y))
        on_real = self.judge(real, y)
        d_loss = F.softplus(-on_real).mean() + F.softplus(self.judge(fake.detach(), y)).mean()
        total = d_loss
        if lazy:
            (slope,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
            total = d_loss + EVERY * R1 / 2 * slope.square().sum((1, 2, 3)).mean()
        self.d_adam.zero_grad()
        total.backward()
        self.d_adam.step()
        g_loss = F.softplus(-self.judge(fake, y)).mean()
        self.g_adam.zero_grad()
        g_loss.backward()
        self.g_adam.step()
        self.images, self.steps = self.images + BATCH, self.steps + 1
        share = 0.5 ** (BATCH / min(HALF_LIFE, 0.05 * self.images))
        with torch.no_grad():
            for mine, theirs in zip(self.average.parameters(), self.g.parameters(), strict=True):
                mine.lerp_(theirs, 1 - share)
            for kept, now in zip(self.average.buffers(), self.g.buffers(), strict=True):
                kept.copy_(now)
        return float(d_loss.detach()), float(g_loss.detach())

    @torch.no_grad()
    def draw(self, count: int) -> tuple[Pixels, NDArray[np.int64] | None]:
        random = torch.get_rng_state()
        torch.manual_seed(1)
        y = self.y[torch.randint(len(self.y), (count,))]
        pad = (self.side - self.px) // 2
        self.average.eval()
        images = torch.cat([self.average(self.latent(part)) for part in y.split(250)])
        torch.set_rng_state(random)
        images = images[..., pad : pad + self.px, pad : pad + self.px]
        pixels = images.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8).numpy()
        return np.ascontiguousarray(pixels), y.numpy() if self.classes else None
