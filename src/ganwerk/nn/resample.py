"""Anti-aliased doubling and halving of pictures.

The filter is the binomial one of Karras et al. 2020 (StyleGAN2, appendix B), 1 3 3 1 in each
direction, with the border repeated. As an enlargement by two that is bilinear interpolation, which
torch computes well on every machine; halving is its adjoint over four, so each one's gradient is
the other: correct under double backward, and a constant picture stays constant.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Double(torch.autograd.Function):
    """(B, C, h, w) to (B, C, 2h, 2w)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return Fold.apply(gradients[0])


class Fold(torch.autograd.Function):
    """The adjoint: (B, C, 2h, 2w) to (B, C, h, w)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        size = [*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2]
        return torch.ops.aten.upsample_bilinear2d_backward(
            x, list(x.shape[2:]), size, False, 2.0, 2.0
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return Double.apply(gradients[0])


def halve(x: Tensor) -> Tensor:
    """(B, C, H, W), H and W even, to (B, C, H/2, W/2)."""
    return Fold.apply(x) * 0.25


def double(x: Tensor) -> Tensor:
    """(B, C, H, W) to (B, C, 2H, 2W)."""
    return Double.apply(x)


class SmoothUpsample(nn.Module):
    """`double` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return double(x)


class SmoothDownsample(nn.Module):
    """`halve` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return halve(x)
