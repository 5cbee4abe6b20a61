"""Networks with a picture at every resolution: grown one after the other, or all at once.

Progressive growing: Karras et al. 2018, Progressive growing of GANs for improved quality, stability
and variation. Multi-scale gradients: Karnewar and Wang 2020, MSG-GAN: multi-scale gradients for
generative adversarial networks. Both share their layers: equalised learning rates, pixel norm in G,
the deviation map in D. All stages exist from the start, so that weights, moments and averages keep
their shape; a network that grows computes only those up to its level. One of the two convolutions
of each stage works at its smaller side, a quarter of the published cost, and features are enlarged
by a smooth filter, as StyleGAN has it, instead of nearest neighbours.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganwerk.nn.equalised import ROOT2, EqualConv2d, EqualLinear, NormalisedLatent, PixelNorm
from ganwerk.nn.init import SLOPE
from ganwerk.nn.layers import Downsample, LogitHead
from ganwerk.nn.resample import SmoothUpsample
from ganwerk.nn.residual import DeviationMap
from ganwerk.nn.sizes import Sizes
from ganwerk.nn.types import Scales


def _conv3(before: int, after: int) -> nn.Module:
    return EqualConv2d(before, after, 3, padding=1, gain=ROOT2)


def _active() -> nn.Module:
    return nn.LeakyReLU(SLOPE, inplace=True)


class Enlarge(nn.Module):
    """Nearest neighbour by 2**times."""

    def forward(self, x: Tensor, times: int) -> Tensor:
        return F.interpolate(x, scale_factor=2.0**times, mode="nearest") if times else x


class Leveled(nn.Module):
    """A network that has grown up to `level`: 0 is the coarsest stage alone, 1.25 the first two,
    the third at a quarter. It is saved with the weights."""

    level: float

    def grow(self, level: float) -> None:
        self.level = level

    @property
    def stage(self) -> int:
        """The finest stage at work."""
        return math.ceil(self.level)

    @property
    def share(self) -> float:
        """How much of the finest stage counts, above 0 to 1."""
        return self.level - self.stage + 1

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.level, dtype=torch.float64)

    def set_extra_state(self, state: Tensor) -> None:
        self.level = float(state)


class ScalesGenerator(nn.Module):
    """z (B, Z) to the features of each stage, and these to pictures, nominally in [-1, 1]."""

    def __init__(self, sizes: Sizes, latent_dim: int, classes: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.start, widths = sizes.start, sizes.widths
        self.doublings = len(widths) - 1
        self.latent = NormalisedLatent(latent_dim, classes)
        self.first = EqualLinear(self.latent.out_features, widths[0] * self.start**2, gain=ROOT2)
        first = nn.Sequential(_active(), PixelNorm(), *self._convs(widths[0], widths[0], 1))
        later = (
            nn.Sequential(
                *self._convs(before, after, 1),
                SmoothUpsample(),
                *self._convs(after, after, 1),
            )
            for before, after in pairwise(widths)
        )
        self.stages = nn.ModuleList([first, *later])
        self.pictures = nn.ModuleList(EqualConv2d(w, sizes.shape.channels, 1) for w in widths)

    @staticmethod
    def _convs(before: int, after: int, count: int) -> list[nn.Module]:
        chain = [before, *[after] * count]
        return [m for a, b in pairwise(chain) for m in (_conv3(a, b), _active(), PixelNorm())]

    def features(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """What the first stage starts from, (B, C, start, start)."""
        h = self.first(self.latent(z, labels))
        h = h.view(z.shape[0], -1, self.start, self.start)
        return h.contiguous(memory_format=torch.channels_last)

    def picture(self, stage: int, h: Tensor) -> Tensor:
        return cast(Tensor, self.pictures[stage](h)).to(self.first.weight.dtype)


class MultiScaleGenerator(ScalesGenerator):
    """Draws a picture at every resolution, coarse to fine."""

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Scales:
        h, drawn = self.features(z, labels), []
        for i, stage in enumerate(self.stages):
            h = stage(h)
            drawn.append(self.picture(i, h))
        return tuple(drawn)


class GrowingGenerator(ScalesGenerator, Leveled):
    """Draws at full size what the stages up to its level know: coarse pictures are enlarged."""

    def __init__(self, sizes: Sizes, latent_dim: int, classes: int) -> None:
        super().__init__(sizes, latent_dim, classes)
        self.level, self.enlarge = float(self.doublings), Enlarge()

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Scales:
        h, stage = self.features(z, labels), self.stage
        for layers in self.stages[:stage]:
            h = layers(h)
        picture = self.picture(stage, self.stages[stage](h))
        if self.share < 1:
            coarse = self.enlarge(self.picture(stage - 1, h), 1)
            picture = torch.lerp(coarse, picture, self.share)
        return (self.enlarge(picture, self.doublings - stage),)


class ScalesDiscriminator(nn.Module):
    """The generator's stages backwards. group: samples whose differences it sees; 1 for none, 0 for
    the whole batch."""

    def __init__(self, sizes: Sizes, classes: int, *, group: int = 4) -> None:
        super().__init__()
        self.group_size = group
        widths = sizes.widths
        self.doublings = len(widths) - 1
        self.entries = nn.ModuleList(
            nn.Sequential(EqualConv2d(sizes.shape.channels, w, 1, gain=ROOT2), _active())
            for w in widths
        )
        coarsest = widths[0]
        last: list[nn.Module] = [] if group == 1 else [DeviationMap(group)]
        last += [_conv3(coarsest + (group != 1), coarsest), _active(), nn.Flatten()]
        last += [EqualLinear(coarsest * sizes.start**2, coarsest, gain=ROOT2), _active()]
        self.stages = nn.ModuleList([nn.Sequential(*last)])
        for coarse, fine in pairwise(widths):
            self.stages.append(
                nn.Sequential(
                    _conv3(fine, fine), _active(), Downsample(), _conv3(fine, coarse), _active()
                )
            )
        self.verdict = LogitHead(coarsest, classes, EqualLinear)

    def low_layers(self) -> list[nn.Module]:
        """Its parts from the picture up, the finest resolution first, for game.transfer."""
        pairs = zip(reversed(self.entries), reversed(self.stages), strict=True)
        return [nn.ModuleList(pair) for pair in pairs]

    def enter(self, stage: int, picture: Tensor) -> Tensor:
        return cast(
            Tensor, self.entries[stage](picture.contiguous(memory_format=torch.channels_last))
        )


class MultiScaleDiscriminator(ScalesDiscriminator):
    """Judges pictures of all resolutions at once: each joins the features of the next finer one, by
    a sum of learned 1x1 maps (in the paper's terms, a joint of the kind phi_cat_lin)."""

    def forward(self, scales: Scales, labels: Tensor | None = None) -> Tensor:
        h = self.enter(self.doublings, scales[-1])
        for stage in range(self.doublings, 0, -1):
            h = self.stages[stage](h)
            h = (h + self.enter(stage - 1, scales[stage - 1]).to(h.dtype)) / ROOT2
        logits: Tensor = self.verdict(self.stages[0](h), labels)
        return logits


class GrowingDiscriminator(ScalesDiscriminator, Leveled):
    """Judges pictures of full size at the resolution of its level."""

    def __init__(self, sizes: Sizes, classes: int, *, group: int = 4) -> None:
        super().__init__(sizes, classes, group=group)
        self.level = float(self.doublings)

    def forward(self, scales: Scales, labels: Tensor | None = None) -> Tensor:
        stage = self.stage
        picture = shrink(scales[-1], self.doublings - stage)
        h = self.enter(stage, picture)
        if stage:
            h = self.stages[stage](h)
            if self.share < 1:
                coarse = self.enter(stage - 1, shrink(picture, 1))
                h = torch.lerp(coarse.to(h.dtype), h, self.share)
        for layers in self.stages[max(stage - 1, 0) :: -1]:
            h = layers(h)
        logits: Tensor = self.verdict(h, labels)
        return logits


def shrink(x: Tensor, times: int) -> Tensor:
    """The mean of squares of 2**times pixels' side."""
    return F.avg_pool2d(x, 2**times) if times else x


def pyramid(x: Tensor, levels: int) -> Scales:
    """x (B, C, H, W) at `levels` resolutions, coarse to fine, each the mean of 2 x 2 squares of the
    next."""
    scales = [x]
    for _ in range(levels - 1):
        scales.append(shrink(scales[-1], 1))
    return tuple(reversed(scales))


def faded(x: Tensor, times: int, share: float) -> Tensor:
    """Pictures (B, C, H, W) as a network of a lower level draws them, at full size: shrunk 2**times
    times, and of the finest detail left only a share."""
    small = shrink(x, times)
    if share < 1:
        small = torch.lerp(F.interpolate(shrink(small, 1), scale_factor=2.0), small, share)
    return F.interpolate(small, scale_factor=2.0**times) if times else small
