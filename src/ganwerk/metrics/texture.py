"""What pictures look like from near: fine detail, pixels at their limits, regular patterns."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ganwerk.metrics.features.base import as_grey
from ganwerk.metrics.inputs import Array, pictures_of

LIMITS = (2, 253)


@dataclass(frozen=True, eq=False)
class Texture:
    """One row per picture (N, ...). detail: mean difference of a pixel from the mean around it.
    limits: share of values that are nearly black or nearly white. peaks, around: power at the three
    frequencies of a chessboard and of stripes of one pixel, and beside them, (N, 3)."""

    detail: Tensor
    limits: Tensor
    peaks: Tensor
    around: Tensor

    def rows(self, chosen: Tensor) -> Texture:
        """Those of some pictures, by index."""
        return Texture(
            self.detail[chosen], self.limits[chosen], self.peaks[chosen], self.around[chosen]
        )


def texture(pictures: Array) -> Texture:
    """Of pictures (N, C, H, W) uint8 of 8 px or more. Raises DataError as `inputs.pictures_of`."""
    x = pictures_of(pictures)
    low, high = LIMITS
    limits = ((x <= low) | (x >= high)).float().flatten(1).mean(1)
    grey = as_grey(x.float())
    smooth = F.avg_pool2d(F.pad(grey, (1, 1, 1, 1), mode="replicate"), 3, 1)
    detail = (grey - smooth).abs().flatten(1).mean(1)
    power = torch.fft.fft2(grey[:, 0] - grey.mean((1, 2, 3), keepdim=True)[:, 0]).abs().square()
    down, across = power.shape[1] // 2, power.shape[2] // 2
    places = [(down, across), (down, 0), (0, across)]
    peaks = torch.stack([power[:, i, j] for i, j in places], 1)
    around = torch.stack([_beside(power, i, j) for i, j in places], 1)
    return Texture(detail, limits, peaks, around)


def _beside(power: Tensor, i: int, j: int) -> Tensor:
    """Mean power two frequencies away from (i, j) in each direction, (N,)."""
    height, width = power.shape[1:]
    steps = [(2, 0), (-2, 0), (0, 2), (0, -2)]
    return torch.stack([power[:, (i + a) % height, (j + b) % width] for a, b in steps]).mean(0)


def peak_decibels(found: Texture) -> float:
    """How far the strongest of the three peaks stands out of what lies beside it, in decibels."""
    ratio = (found.peaks.mean(0) + 1) / (found.around.mean(0) + 1)
    return 10 * math.log10(float(ratio.max()))
