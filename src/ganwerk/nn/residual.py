"""The residual discriminator of the revised StyleGAN. Karras et al. 2020, section 4.1, figure 7c.

Each stage: LeakyReLU(3x3), halving, LeakyReLU(3x3), beside a halved 1x1; their sum over root 2.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganwerk.nn.equalised import ROOT2, EqualConv2d, EqualLinear
from ganwerk.nn.groups import group_deviation
from ganwerk.nn.init import SLOPE
from ganwerk.nn.layers import LogitHead
from ganwerk.nn.recompute import recomputed
from ganwerk.nn.resample import halve
from ganwerk.nn.sizes import Sizes
from ganwerk.nn.types import Scales


class ResidualStage(nn.Module):
    """(B, C, H, W) to (B, C', H/2, W/2). The gain of LeakyReLU and the root of the sum's two terms
    are factors of the weights."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first = EqualConv2d(before, before, 3, padding=1, gain=ROOT2)
        self.second = EqualConv2d(before, after, 3, padding=1, gain=1.0)
        self.beside = EqualConv2d(before, after, 1, bias=False, gain=1 / ROOT2)

    def forward(self, x: Tensor) -> Tensor:
        h = F.leaky_relu(self.first(x), SLOPE, inplace=True)
        h = F.leaky_relu(self.second(halve(h)), SLOPE, inplace=True)
        beside: Tensor = self.beside(halve(x))
        return beside.to(h.dtype) + h


class DeviationMap(nn.Module):
    """How much the samples of a group differ, as one more feature map: (B, C, H, W) to
    (B, C + 1, H, W). Karras et al. 2018, Progressive growing of GANs, section 3."""

    def __init__(self, group: int) -> None:
        super().__init__()
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)
        found = group_deviation(flat if flat.dtype == torch.float64 else flat.float(), self.group)
        one = found[:, :, None, None].expand(-1, 1, *x.shape[2:])
        return torch.cat([x, one.to(x.dtype)], dim=1)


class ResidualDiscriminator(nn.Module):
    """Pictures to logits (B,). group: samples whose differences it sees; 1 for none, 0 for the
    whole batch."""

    def __init__(self, sizes: Sizes, classes: int, *, group: int = 4) -> None:
        super().__init__()
        self.group_size = group
        widths = sizes.widths[::-1]
        self.enter = EqualConv2d(sizes.shape.channels, widths[0], 1, gain=ROOT2)
        self.stages = nn.ModuleList(ResidualStage(a, b) for a, b in pairwise(widths))
        self.recompute = sizes.recomputed[:0:-1]  # the coarsest has no stage of its own
        self.differ = nn.Identity() if group == 1 else DeviationMap(group)
        last = widths[-1]
        self.last = EqualConv2d(last + (group != 1), last, 3, padding=1, gain=ROOT2)
        self.features = EqualLinear(last * sizes.start**2, last, gain=ROOT2)
        self.verdict = LogitHead(last, classes, EqualLinear)

    def forward(self, scales: Scales, labels: Tensor | None = None) -> Tensor:
        h = self.enter(scales[-1].contiguous(memory_format=torch.channels_last))
        h = F.leaky_relu(h, SLOPE, inplace=True)
        for stage, again in zip(self.stages, self.recompute, strict=True):
            h = recomputed(stage, h) if again else stage(h)
        h = F.leaky_relu(self.last(self.differ(h)), SLOPE, inplace=True)
        h = F.leaky_relu(self.features(h.flatten(1)), SLOPE, inplace=True)
        logits: Tensor = self.verdict(h, labels)
        return logits
