"""A feed-forward network that has learned one style. Johnson, Alahi and Fei-Fei 2016 (Perceptual
losses for real-time style transfer), with instance normalisation (Ulyanov et al. 2016, arXiv
1607.08022) and enlargement before convolution in place of transposed convolutions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 4
"""Sides are padded to a multiple of it."""

LEAST_SIDE_PX = 5
"""Two positions after the padding and the strides: fewer cannot be mirrored at the edge."""


def _block(before: int, after: int, side: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, side, stride, side // 2, padding_mode="reflect"),
        nn.InstanceNorm2d(after, affine=True),
        nn.ReLU(),
    )


class Residual(nn.Module):
    """x + two convolutions of x, (B, C, H, W)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _block(width, width, 3)
        self.second = nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect")
        self.norm = nn.InstanceNorm2d(width, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.norm(self.second(self.first(x)))


class StyleNet(nn.Module):
    """Photos (B, 3, H, W) in [0, 1] to pictures in the style, of the same size and range."""

    def __init__(self, width: int = 16, blocks: int = 4) -> None:
        super().__init__()
        self.width, self.blocks = width, blocks
        wide = 4 * width
        self.down = nn.Sequential(
            _block(3, width, 7), _block(width, 2 * width, 3, 2), _block(2 * width, wide, 3, 2)
        )
        self.middle = nn.Sequential(*(Residual(wide) for _ in range(blocks)))
        self.up = nn.Sequential(
            nn.Upsample(scale_factor=2), _block(wide, 2 * width, 3),
            nn.Upsample(scale_factor=2), _block(2 * width, width, 3),
            nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect"),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        padding = (0, -width % STRIDE, 0, -height % STRIDE)
        y = self.up(self.middle(self.down(F.pad(x * 2 - 1, padding, mode="replicate"))))
        return torch.sigmoid(y)[..., :height, :width]
