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

from ganwerk.nn.init import fan_in, weight_of
from ganwerk.nn.layers import Conv2d, Downsample, LabelledLatent, Linear, Verdict
from ganwerk.nn.resample import SmoothUpsample
from ganwerk.nn.sizes import doublings, widths_of
from ganwerk.nn.types import Scales
from ganwerk.values import PictureShape

SLOPE = 0.2
GAIN = math.sqrt(2 / (1 + SLOPE**2))  # keeps the variance through LeakyReLU; He et al. 2015


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

    def __init__(
        self,
        shape: PictureShape,
        latent_dim: int,
        classes: int,
        *,
        width: int,
        max_width: int,
        blocks: int = 1,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.start, _ = doublings(shape.resolution)
        widths = widths_of(shape.resolution, width, max_width)
        self.latent = LabelledLatent(latent_dim, classes)
        self.first = Linear(self.latent.out_features, widths[0] * self.start**2)
        stages: list[nn.Module] = [_blocks(widths[0], blocks)]
        for before, after in pairwise(widths):
            # The 1x1 convolution comes before the doubling: the same map at a quarter of the cost.
            stages.append(
                nn.Sequential(_change(before, after), SmoothUpsample(), *_blocks(after, blocks))
            )
        self.stages = nn.Sequential(*stages)
        self.picture = Conv2d(widths[-1], shape.channels, 1)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Scales:
        h = self.first(self.latent(z, labels))
        h = h.view(z.shape[0], -1, self.start, self.start).contiguous(
            memory_format=torch.channels_last
        )
        return (self.picture(F.leaky_relu(self.stages(h), SLOPE)).to(z.dtype),)


class ResnetDiscriminator(nn.Module):
    """Pictures to logits (B,)."""

    group_size = 1

    def __init__(
        self,
        shape: PictureShape,
        classes: int,
        *,
        width: int,
        max_width: int,
        blocks: int = 1,
        features: int = 256,
    ) -> None:
        super().__init__()
        start, _ = doublings(shape.resolution)
        widths = widths_of(shape.resolution, width, max_width)[::-1]
        stages: list[nn.Module] = [Conv2d(shape.channels, widths[0], 3, padding=1)]
        stages.append(_blocks(widths[0], blocks))
        for before, after in pairwise(widths):
            stages.append(
                nn.Sequential(Downsample(), _change(before, after), *_blocks(after, blocks))
            )
        self.stages = nn.Sequential(*stages)
        self.features = Linear(widths[-1] * start**2, features)
        self.verdict = Verdict(features, classes)

    def forward(self, scales: Scales, labels: Tensor | None = None) -> Tensor:
        h = self.stages(scales[-1].contiguous(memory_format=torch.channels_last))
        h = self.features(F.leaky_relu(h, SLOPE).flatten(1))
        logits: Tensor = self.verdict(F.leaky_relu(h, SLOPE), labels)
        return logits


@torch.no_grad()
def begin(net: nn.Module, random: torch.Generator) -> None:
    """Fixup-like start (R3GAN, section 3.3; Zhang et al. 2019): with L blocks of two layers, the
    first is drawn with He's gain times L^(-1/2), the second is zero; so is every bias."""
    blocks = [m for m in net.modules() if isinstance(m, Block)]
    inside = {id(b.first): len(blocks) ** -0.5 for b in blocks} | {
        id(b.second): 0.0 for b in blocks
    }
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            gain = GAIN * inside.get(id(module), 1.0)
            weight_of(module).normal_(0, gain / math.sqrt(fan_in(module)), generator=random)
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, nn.Embedding):
            module.weight.normal_(0, 1, generator=random)
