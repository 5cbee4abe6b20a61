"""Convolutional generator and discriminator. Radford et al. 2016, and its smooth variant.

Ways to change size, per player:
  generator      transposed: 4x4 transposed convolutions of stride 2, the published DCGAN
                 folded: nearest neighbour, then a 3x3 convolution (no checkerboard), in one product
                 upsample: the same in two steps, and one more convolution at full resolution
  discriminator  strided: 4x4 convolutions of stride 2, the published DCGAN
                 pool: a 3x3 convolution, then the mean of 2x2 squares
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ganwerk.nn.layers import (
    ConditionalLatent,
    Conv2d,
    ConvTranspose2d,
    Downsample,
    Linear,
    LogitHead,
    Upsample,
    UpsampledConv2d,
)
from ganwerk.nn.sizes import doublings
from ganwerk.nn.types import Scales
from ganwerk.values import PictureShape

Norm = Literal["batch", "spectral", "none"]
Up = Literal["transposed", "folded", "upsample"]
SLOPE = 0.2
# Activations are in place: the layers before them need their input for the backward pass, not their
# output, so a step takes 120 MiB less at 64 px.


def channels_at(size: int, resolution: int, width: int, max_width: int) -> int:
    """Channels of the features at `size` px: `width` at half the resolution, doubled at each
    halving up to `max_width`, and half of `width` at full resolution."""
    return max(width // 2, min(max_width, width * resolution // (2 * size)))


def _normed(layer: nn.Module, channels: int, norm: Norm) -> list[nn.Module]:
    if norm == "batch":
        return [layer, nn.BatchNorm2d(channels)]
    if norm == "none":
        return [layer]
    # torch takes each transposed convolution to hold its outputs second
    return [spectral_norm(layer, dim=0 if isinstance(layer, UpsampledConv2d) else None)]


def _conv3(before: int, after: int) -> nn.Module:
    return Conv2d(before, after, 3, padding=1)


def _transposed(before: int, after: int) -> nn.Module:
    return ConvTranspose2d(before, after, 4, 2, 1)


DOUBLING: dict[str, Callable[[int, int], nn.Module]] = {
    "transposed": _transposed,
    "folded": UpsampledConv2d,
}
"""Layers that double the size themselves."""


class DcganGenerator(nn.Module):
    """z (B, Z) to pictures in (-1, 1).

    A linear map gives features of 4 to 7 px; each stage doubles them; tanh ends it.
    """

    def __init__(
        self,
        shape: PictureShape,
        latent_dim: int,
        classes: int,
        *,
        width: int = 64,
        max_width: int = 512,
        norm: Norm = "batch",
        up: Up = "upsample",
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.start, count = doublings(shape.resolution)
        sizes = [self.start * 2**i for i in range(count + 1)]
        widths = [channels_at(s, shape.resolution, width, max_width) for s in sizes]
        self.latent = ConditionalLatent(latent_dim, classes)
        self.first = Linear(self.latent.out_features, widths[0] * self.start**2)
        self.enter = nn.Sequential(
            *([nn.BatchNorm2d(widths[0])] if norm == "batch" else []), nn.ReLU(inplace=True)
        )
        grown = widths if up == "upsample" else widths[:-1]
        self.stages = nn.Sequential(
            *(
                nn.Sequential(*self._stage(a, b, norm, up), nn.ReLU(inplace=True))
                for a, b in pairwise(grown)
            )
        )
        self.picture = DOUBLING.get(up, _conv3)(grown[-1], shape.channels)

    @staticmethod
    def _stage(before: int, after: int, norm: Norm, up: Up) -> list[nn.Module]:
        layer = _normed(DOUBLING.get(up, _conv3)(before, after), after, norm)
        return [Upsample(), *layer] if up == "upsample" else layer

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Scales:
        h = self.first(self.latent(z, labels))
        h = h.view(z.shape[0], -1, self.start, self.start).contiguous(
            memory_format=torch.channels_last
        )
        return (self.picture(self.stages(self.enter(h))).to(z.dtype).tanh(),)


class DcganDiscriminator(nn.Module):
    """Pictures to logits (B,): the generator's stages backwards, with LeakyReLU 0.2."""

    def __init__(
        self,
        shape: PictureShape,
        classes: int,
        *,
        width: int = 64,
        max_width: int = 512,
        norm: Norm = "none",
        down: Literal["strided", "pool"] = "pool",
        features: int = 0,
    ) -> None:
        """features: width of a hidden layer before the verdict; 0 for none, as published."""
        super().__init__()
        self.group_size = 0 if norm == "batch" else 1
        start, count = doublings(shape.resolution)
        sizes = [start * 2**i for i in reversed(range(count + 1))]
        widths = [channels_at(s, shape.resolution, width, max_width) for s in sizes]
        make = _strided if down == "strided" else _pooled
        self.stages = nn.Sequential(*make(shape.channels, widths, norm))
        flat = widths[-1] * start**2
        self.hidden = nn.Sequential(
            *([Linear(flat, features), nn.LeakyReLU(SLOPE, inplace=True)] if features else [])
        )
        self.verdict = LogitHead(features or flat, classes)
        if norm == "spectral":
            spectral_norm(self.verdict.psi)

    def forward(self, scales: Scales, labels: Tensor | None = None) -> Tensor:
        h = scales[-1].contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.verdict(self.hidden(self.stages(h).flatten(1)), labels)
        return logits


def _strided(channels: int, widths: list[int], norm: Norm) -> list[nn.Module]:
    """The first stage has no batch norm (Radford et al. 2016, section 3)."""
    chain = [channels, *widths[1:]]
    norms: list[Norm] = ["none" if norm == "batch" else norm, *[norm] * (len(chain) - 2)]
    return [
        nn.Sequential(*_normed(Conv2d(a, b, 4, 2, 1), b, n), nn.LeakyReLU(SLOPE, inplace=True))
        for (a, b), n in zip(pairwise(chain), norms, strict=True)
    ]


def _pooled(channels: int, widths: list[int], norm: Norm) -> list[nn.Module]:
    entry: Callable[[int, int], nn.Module] = _conv3
    first: Norm = "none" if norm == "batch" else norm
    stages: list[nn.Module] = [
        nn.Sequential(
            *_normed(entry(channels, widths[0]), widths[0], first),
            nn.LeakyReLU(SLOPE, inplace=True),
        )
    ]
    for a, b in pairwise(widths):
        stages.append(
            nn.Sequential(
                *_normed(_conv3(a, b), b, norm), nn.LeakyReLU(SLOPE, inplace=True), Downsample()
            )
        )
    return stages
