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

from ganwerk.nn.init import fan_in, weight_of
from ganwerk.nn.layers import Conv2d, LabelledLatent, Linear, Verdict
from ganwerk.nn.recompute import large, recomputed
from ganwerk.nn.resample import SmoothDownsample, SmoothUpsample
from ganwerk.nn.sizes import doublings, widths_of
from ganwerk.nn.types import Scales
from ganwerk.values import PictureShape

SLOPE = 0.2
GAIN = math.sqrt(2 / (1 + SLOPE**2))  # keeps the variance through LeakyReLU; He et al. 2015
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

    def __init__(
        self,
        shape: PictureShape,
        latent_dim: int,
        classes: int,
        *,
        width: int,
        max_width: int,
        blocks: int = 2,
        recompute_px: int = 0,
    ) -> None:
        """recompute_px: as of nn.style.StyleGenerator."""
        super().__init__()
        self.latent_dim = latent_dim
        self.start, count = doublings(shape.resolution)
        widths = widths_of(shape.resolution, width, max_width)
        self.latent = LabelledLatent(latent_dim, classes)
        self.shares = Linear(self.latent.out_features, widths[0], bias=False)
        self.basis = nn.Parameter(torch.zeros(widths[0], self.start, self.start))
        self.stages = Stages([nn.Sequential(*_blocks(widths[0], blocks))])
        for before, after in pairwise(widths):
            # The 1x1 convolution comes before the doubling: the same map at a quarter of the cost.
            self.stages.append(
                nn.Sequential(*_change(before, after), SmoothUpsample(), *_blocks(after, blocks))
            )
        sides = [self.start * 2**i for i in range(count + 1)]
        self.stages.recompute = large(sides, recompute_px)
        self.picture = Conv2d(widths[-1], shape.channels, 1)

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

    def __init__(
        self,
        shape: PictureShape,
        classes: int,
        *,
        width: int,
        max_width: int,
        blocks: int = 2,
        recompute_px: int = 0,
    ) -> None:
        super().__init__()
        start, count = doublings(shape.resolution)
        widths = widths_of(shape.resolution, width, max_width)[::-1]
        self.enter = Conv2d(shape.channels, widths[0], 1, bias=False)
        self.stages = Stages([nn.Sequential(*_blocks(widths[0], blocks))])
        for before, after in pairwise(widths):
            self.stages.append(
                nn.Sequential(SmoothDownsample(), *_change(before, after), *_blocks(after, blocks))
            )
        sides = [start * 2**i for i in reversed(range(count + 1))]
        self.stages.recompute = large(sides, recompute_px)
        last = widths[-1]
        self.gather = Conv2d(last, last, start, groups=last, bias=False)
        self.verdict = Verdict(last, classes)

    def forward(self, scales: Scales, labels: Tensor | None = None) -> Tensor:
        h = self.enter(scales[-1].contiguous(memory_format=torch.channels_last))
        logits: Tensor = self.verdict(self.gather(self.stages(h)).flatten(1), labels)
        return logits


@torch.no_grad()
def begin(net: nn.Module, random: torch.Generator) -> None:
    """Fixup-like start (section 3.3; Zhang et al. 2019): with L blocks of three layers, the first
    two are drawn with He's gain times L^(-1/4), the third is zero; so is every bias. Layers outside
    the blocks keep the variance."""
    blocks = [m for m in net.modules() if isinstance(m, Bottleneck)]
    gains = {id(b.narrow): 0.0 for b in blocks}
    gains |= {id(m): GAIN * len(blocks) ** -0.25 for b in blocks for m in (b.wide, b.grouped)}
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            gain = gains.get(id(module), 1.0)
            weight_of(module).normal_(0, gain / math.sqrt(fan_in(module)), generator=random)
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, nn.Embedding):
            module.weight.normal_(0, 1, generator=random)
        elif isinstance(module, R3Generator):
            module.begin(random)
