"""Residual networks without normalisation.

After R3GAN (Huang et al. 2024, The GAN is dead; long live the GAN!), sized for small machines: the
bottleneck with a grouped convolution becomes two plain 3x3 convolutions, which CPUs with matrix
units compute several times faster, and D shrinks by means of squares. Kept from the paper: no
normalisation, LeakyReLU inside the branch, weights scaled by the depth, the last convolution of
each branch starting at zero, G's smooth enlargement (squares would show: the branches begin at
nothing and have to undo them), no tanh.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganwerk.nn.init import GAIN, SLOPE, fan_in, in_turn
from ganwerk.nn.layers import ConditionalLatent, Conv2d, Downsample, Linear, LogitHead
from ganwerk.nn.resample import SmoothUpsample
from ganwerk.nn.sizes import Sizes
from ganwerk.nn.types import Scales


class Block(nn.Module):
    """x + second(phi(first(phi(x)))), phi = LeakyReLU. (B, C, H, W) to the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Conv2d(channels, channels, 3, padding=1)
        self.second = Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        branch: Tensor = self.second(
            F.leaky_relu(self.first(F.leaky_relu(x, SLOPE)), SLOPE, inplace=True)
        )
        return x.to(branch.dtype) + branch


def _blocks(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Block(channels) for _ in range(count)))


def _change(before: int, after: int) -> nn.Module:
    return Conv2d(before, after, 1, bias=False) if before != after else nn.Identity()


class ResnetGenerator(nn.Module):
    """z (B, Z) to pictures, nominally in [-1, 1]; values outside are cut off when drawn."""

    def __init__(self, sizes: Sizes, latent_dim: int, classes: int, *, blocks: int = 1) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.start, widths = sizes.start, sizes.widths
        self.latent = ConditionalLatent(latent_dim, classes)
        self.first = Linear(self.latent.out_features, widths[0] * self.start**2)
        stages: list[nn.Module] = [_blocks(widths[0], blocks)]
        for before, after in pairwise(widths):
            # The 1x1 convolution comes before the doubling: the same map at a quarter of the cost.
            stages.append(
                nn.Sequential(_change(before, after), SmoothUpsample(), *_blocks(after, blocks))
            )
        self.stages = nn.Sequential(*stages)
        self.picture = Conv2d(widths[-1], sizes.shape.channels, 1)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Scales:
        h = self.first(self.latent(z, labels))
        h = h.view(z.shape[0], -1, self.start, self.start).contiguous(
            memory_format=torch.channels_last
        )
        return (self.picture(F.leaky_relu(self.stages(h), SLOPE)).to(z.dtype),)


class ResnetDiscriminator(nn.Module):
    """Pictures to logits (B,)."""

    group_size = 1

    def __init__(self, sizes: Sizes, classes: int, *, blocks: int = 1, features: int = 256) -> None:
        super().__init__()
        widths = sizes.widths[::-1]
        stages: list[nn.Module] = [Conv2d(sizes.shape.channels, widths[0], 3, padding=1)]
        stages.append(_blocks(widths[0], blocks))
        for before, after in pairwise(widths):
            stages.append(
                nn.Sequential(Downsample(), _change(before, after), *_blocks(after, blocks))
            )
        self.stages = nn.Sequential(*stages)
        self.features = Linear(widths[-1] * sizes.start**2, features)
        self.verdict = LogitHead(features, classes)

    def forward(self, scales: Scales, labels: Tensor | None = None) -> Tensor:
        h = self.stages(scales[-1].contiguous(memory_format=torch.channels_last))
        h = self.features(F.leaky_relu(h, SLOPE).flatten(1))
        logits: Tensor = self.verdict(F.leaky_relu(h, SLOPE), labels)
        return logits


def begin(net: nn.Module, random: torch.Generator) -> None:
    """Fixup-like start (R3GAN, section 3.3; Zhang et al. 2019): with L blocks of two layers, the
    first is drawn with He's gain times L^(-1/2), the second is zero; so is every bias."""
    blocks = [m for m in net.modules() if isinstance(m, Block)]
    inside = {id(b.first): len(blocks) ** -0.5 for b in blocks}
    inside |= {id(b.second): 0.0 for b in blocks}

    def std(module: nn.Module) -> float:
        return GAIN * inside.get(id(module), 1.0) / math.sqrt(fan_in(module))

    in_turn(net, random, std)
