"""Where a style applies: masks as weights of positions. Gatys et al. 2017, section 4."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ganwerk.style.backbones import stride_of

LEAST_SHARE = 1e-4
"""A guide that covers less of a layer is lost between its positions."""


def layer_size(layer: str, height: int, width: int) -> tuple[int, int]:
    """Sides of the layer's features: every pooling drops an odd last row or column."""
    stride = stride_of(layer)
    return height // stride, width // stride


def guide(layer: str, height: int, width: int, mask: Tensor | None, like: Tensor) -> Tensor:
    """Weights of the layer's positions (h, w) that sum to 1, of the type and device of `like`.

    mask: (H, W) in [0, 1], the share of the style at each px; None is everywhere, one number shown
    in all places.
    """
    h, w = layer_size(layer, height, width)
    if mask is None:
        return like.new_tensor(1 / (h * w)).expand(h, w)
    stride = stride_of(layer)
    even = mask[None, None, : h * stride, : w * stride]
    weights = F.avg_pool2d(even, stride)[0, 0] if stride > 1 else even[0, 0]
    if not weights.any():  # it lies in the row or column that was dropped
        weights = F.adaptive_avg_pool2d(mask[None, None], (h, w))[0, 0]
    return (weights / weights.sum().clamp_min(LEAST_SHARE)).to(like)
