"""How alike the generated pictures are among each other: multi-scale structural similarity."""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganwerk.errors import DataError
from ganwerk.metrics.inputs import Array, Estimate, pictures_of

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
WINDOW, SIGMA = 11, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
PAIRS = 1000
CHUNK = 100


def scales_for(side: int) -> int:
    """How many scales a picture of `side` px has room for: each halving must leave 11 px."""
    return max(1, min(len(WEIGHTS), 1 + int(math.log2(side / WINDOW)))) if side >= WINDOW else 0


def ms_ssim_of_pairs(first: Array, second: Array) -> Tensor:
    """MS-SSIM (N,) in float64 of the pairs first[i], second[i], pictures (N, C, H, W) uint8.

    Wang, Simoncelli and Bovik 2003, Multi-scale structural similarity, equation 7, with an 11 x 11
    Gaussian window of 1.5 px, halving by means of 2 x 2, and the mean over channels. Pictures below
    176 px have no room for five scales: the first ones are used with their weights brought to a sum
    of 1, so values compare only at one size. Negative contrast terms count as 0.
    Raises DataError for pictures below 11 px or sets that differ in shape.
    """
    x, y = pictures_of(first).double(), pictures_of(second).double()
    if x.shape != y.shape:
        raise DataError(
            f"Pairs need two sets alike; these are {tuple(x.shape)} and {tuple(y.shape)}.",
            "Give as many pictures of the same size in both.",
        )
    scales = scales_for(min(x.shape[2:]))
    if not scales:
        raise DataError(
            f"Pictures of {x.shape[3]} x {x.shape[2]} px are too small for MS-SSIM.",
            f"{WINDOW} px or more are needed.",
        )
    weights = torch.tensor(WEIGHTS[:scales], dtype=torch.float64)
    weights = weights / weights.sum()
    result = torch.ones(x.shape[:2], dtype=torch.float64)
    for scale, weight in enumerate(weights):
        luminance, contrast = _ssim_parts(x, y)
        last = scale == scales - 1
        part = (luminance * contrast).mean((2, 3)) if last else contrast.mean((2, 3))
        result *= part.clamp_min(0) ** weight
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return result.mean(1)


def _ssim_parts(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance and contrast-structure maps of SSIM, at the places where the window fits."""
    down, across = (_window(size) for size in x.shape[2:])

    def mean(z: Tensor) -> Tensor:
        return down @ z @ across.T

    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    return (2 * mx * my + C1) / (mx * mx + my * my + C1), (2 * cov + C2) / (vx + vy + C2)


@functools.cache
def _window(size: int) -> Tensor:
    """The matrix (size - 10, size) of the Gaussian means of a row where the window fits."""
    place = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    taps = torch.exp(-0.5 * (place / SIGMA) ** 2)
    taps = taps / taps.sum()
    rows = size - WINDOW + 1
    matrix = torch.zeros(rows, size, dtype=torch.float64)
    for row in range(rows):
        matrix[row, row : row + WINDOW] = taps
    return matrix


def ms_ssim(pictures: Array, *, pairs: int = PAIRS, seed: int = 0) -> Estimate:
    """The mean MS-SSIM of random pairs of different pictures, and its standard error.

    Odena, Olah and Shlens 2017 (AC-GAN, section 4.2) compare it with the value of real pictures: a
    higher one means less variety. It sees total collapse, not missing kinds.
    Raises DataError as `ms_ssim_of_pairs`, and for fewer than two pictures.
    """
    x = pictures_of(pictures, least=2)
    random = np.random.default_rng(seed)
    first = random.integers(len(x), size=pairs)
    second = (first + 1 + random.integers(len(x) - 1, size=pairs)) % len(x)
    rows = [torch.from_numpy(index).split(CHUNK) for index in (first, second)]
    values = torch.cat([ms_ssim_of_pairs(x[i], x[j]) for i, j in zip(*rows, strict=True)])
    return Estimate(float(values.mean()), float(values.std() / math.sqrt(pairs)))
