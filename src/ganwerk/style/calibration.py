"""Random weights that are worth using: each layer standardised on pictures of dead leaves.

He, Wang and Hopcroft 2016 (arXiv 1606.04801) found that style transfer with random weights fails
only where the layers' scales do not fit each other. Here each channel has mean 0 and variance 1
before its ReLU, over pictures with the statistics of natural ones.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ganwerk.style.backbones import MEAN, STD, Architecture, Weights

CALIBRATION_SEED, CALIBRATION_PICTURES, CALIBRATION_PX = 1, 4, 160
_LEAST_SPREAD = 1e-6


def dead_leaves(seed: int, size_px: int, leaves: int = 600) -> Tensor:
    """A picture (1, 3, size_px, size_px) in [0, 1] of opaque discs and boxes that hide each other.

    With radii distributed as r^-3 its statistics are those of natural pictures (Lee, Mumford and
    Huang 2001, Occlusion models for natural images). The same seed draws the same picture.
    """
    random = torch.Generator().manual_seed(seed)
    picture = torch.rand(3, 1, 1, generator=random).expand(3, size_px, size_px).clone()
    low, high = 2.0, size_px / 3
    numbers = torch.rand(leaves, 8, generator=random)
    rows = torch.arange(size_px).reshape(-1, 1)
    columns = torch.arange(size_px).reshape(1, -1)
    for u, y, x, red, green, blue, shape, shade in numbers.tolist():
        radius = (low**-2 + u * (high**-2 - low**-2)) ** -0.5
        down, right = rows - y * size_px, columns - x * size_px
        disc = down**2 + right**2 <= radius**2
        box = (down.abs() <= radius) & (right.abs() <= radius * (0.2 + shade))
        leaf = disc if shape < 0.5 else box
        colour = torch.tensor([red, green, blue]).reshape(3, 1)
        slope = 1 + 0.3 * (shade - 0.5) * (right + down)[leaf] / radius
        picture[:, leaf] = (colour * slope).clamp(0, 1)
    grain = torch.randn(picture.shape, generator=random) * 0.02
    return (picture + grain).clamp(0, 1)[None]


def random_weights(made: Architecture, seed: int = 0) -> Weights:
    """Gaussian directions, standardised layer by layer. The same seed gives the same weights."""
    random = torch.Generator().manual_seed(seed)
    x = torch.cat(
        [dead_leaves(CALIBRATION_SEED + i, CALIBRATION_PX) for i in range(CALIBRATION_PICTURES)]
    )
    x = (x - torch.tensor(MEAN).reshape(1, 3, 1, 1)) / torch.tensor(STD).reshape(1, 3, 1, 1)
    weights = {}
    for name, (before, after) in made.shapes().items():
        if name.endswith("_1") and name != "1_1":
            x = F.avg_pool2d(x, 2)
        weight = torch.randn(after, before, 3, 3, generator=random) / (3 * before**0.5)
        x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), weight)
        mean = x.mean((0, 2, 3))
        spread = x.std((0, 2, 3)).clamp_min(_LEAST_SPREAD)
        weights[f"{name}.weight"] = weight / spread.reshape(-1, 1, 1, 1)
        weights[f"{name}.bias"] = -mean / spread
        x = ((x - mean.reshape(1, -1, 1, 1)) / spread.reshape(1, -1, 1, 1)).relu_()
    return weights
