"""R3GAN at the size it was published with. Huang et al. 2024, The GAN is dead; long live the GAN!
A modern GAN baseline, section 3.3 and appendix; nn/resnet.py is its small sister.

Inverted bottlenecks with grouped convolutions, no normalisation, the last convolution of each
branch starting at zero; a learned basis at the start, a depthwise convolution at the end.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganwerk.nn.init import GAIN, SLOPE, fan_in, in_turn
from ganwerk.nn.layers import ConditionalLatent, Conv2d, Linear, LogitHead
from ganwerk.nn.recompute import recomputed
from ganwerk.nn.resample import SmoothDownsample, SmoothUpsample
from ganwerk.nn.sizes import Sizes
from ganwerk.nn.types import Scales

EXPANSION, GROUP_CHANNELS = 2, 16


class Bottleneck(nn.Module):
    """x + narrow(phi(grouped(phi(wide(x))))), phi = LeakyReLU. (B, C, H, W) to the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels * EXPANSION
        groups = inner // math.gcd(inner, GROUP_CHANNELS)
        self.wide = Conv2d(channels, inner, 1)
        self.grouped = Conv2d(inner, inner, 3, padding=1, groups=groups)
        self.narrow = Conv2d(inner, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h = F.leaky_relu(self.wide(x), SLOPE, inplace=True)
        h = F.leaky_relu(self.grouped(h), SLOPE, inplace=True)
        branch: Tensor = self.narrow(h)
        return x.to(branch.dtype) + branch


def _blocks(channels: int, count: int) -> list[nn.Module]:
    return [Bottleneck(channels) for _ in range(count)]


def _change(before: int, after: int) -> list[nn.Module]:
    return [Conv2d(before, after, 1, bias=False)] if before != after else []


class Stages(nn.ModuleList):
    """Stages one after the other; those marked in `recompute` keep no activations."""

    recompute: list[bool]

    def forward(self, h: Tensor) -> Tensor:
        for stage, again in zip(self, self.recompute, strict=True):
            h = recomputed(stage, h) if again else stage(h)
        return h


class R3Generator(nn.Module):
    """z (B, Z) to pictures, nominally in [-1, 1]; values outside are cut off when drawn."""

    def __init__(self, sizes: Sizes, latent_dim: int, classes: int, *, blocks: int = 2) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        widths, start = sizes.widths, sizes.start
        self.latent = ConditionalLatent(latent_dim, classes)
        self.shares = Linear(self.latent.out_features, widths[0], bias=False)
        self.basis = nn.Parameter(torch.zeros(widths[0], start, start))
        self.stages = Stages([nn.Sequential(*_blocks(widths[0], blocks))])
        for before, after in pairwise(widths):
            # The 1x1 convolution comes before the doubling: the same map at a quarter of the cost.
            self.stages.append(
                nn.Sequential(*_change(before, after), SmoothUpsample(), *_blocks(after, blocks))
            )
        self.stages.recompute = sizes.recomputed
        self.picture = Conv2d(widths[-1], sizes.shape.channels, 1)

    @torch.no_grad()
    def begin(self, random: torch.Generator) -> None:
        self.basis.normal_(0, 1, generator=random)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Scales:
        shares = self.shares(self.latent(z, labels))
        h = self.basis * shares[:, :, None, None]
        h = self.stages(h.contiguous(memory_format=torch.channels_last))
        return (self.picture(h).to(self.basis.dtype),)


class R3Discriminator(nn.Module):
    """Pictures to logits (B,)."""

    group_size = 1

    def __init__(self, sizes: Sizes, classes: int, *, blocks: int = 2) -> None:
        super().__init__()
        widths = sizes.widths[::-1]
        self.enter = Conv2d(sizes.shape.channels, widths[0], 1, bias=False)
        self.stages = Stages([nn.Sequential(*_blocks(widths[0], blocks))])
        for before, after in pairwise(widths):
            self.stages.append(
                nn.Sequential(SmoothDownsample(), *_change(before, after), *_blocks(after, blocks))
            )
        self.stages.recompute = sizes.recomputed[::-1]
        last = widths[-1]
        self.gather = Conv2d(last, last, sizes.start, groups=last, bias=False)
        self.verdict = LogitHead(last, classes)

    def forward(self, scales: Scales, labels: Tensor | None = None) -> Tensor:
        h = self.enter(scales[-1].contiguous(memory_format=torch.channels_last))
        logits: Tensor = self.verdict(self.gather(self.stages(h)).flatten(1), labels)
        return logits


def begin(net: nn.Module, random: torch.Generator) -> None:
    """Fixup-like start (section 3.3; Zhang et al. 2019): with L blocks of three layers, the first
    two are drawn with He's gain times L^(-1/4), the third is zero; so is every bias. Layers outside
    the blocks keep the variance."""
    blocks = [m for m in net.modules() if isinstance(m, Bottleneck)]
    gains = {id(b.narrow): 0.0 for b in blocks}
    gains |= {id(m): GAIN * len(blocks) ** -0.25 for b in blocks for m in (b.wide, b.grouped)}
    in_turn(net, random, lambda module: gains.get(id(module), 1.0) / math.sqrt(fan_in(module)))
