"""The losses besides style: content, total variation, and how published codes scale theirs.

`relative` losses are free of size, backbone and start: 0 is perfect, 1 is what a picture without
any structure gets (for Gram matrices, the most that it can get). The others reproduce published
recipes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from ganwerk.errors import ConfigError

LEAST = 1e-12


def _spread(parts: Sequence[Tensor]) -> float:
    """What the mean of the features in every place would lose."""
    count = sum(part[0, 0].numel() for part in parts)
    mean = torch.stack([part.double().sum((-2, -1)) for part in parts]).sum(0) / count
    return float(
        torch.stack(
            [(part.double() - mean[..., None, None]).square().sum() for part in parts]
        ).sum()
    )


def _numel(parts: Sequence[Tensor]) -> int:
    return sum(part.numel() for part in parts)


CONTENT_SCALES: dict[str, Callable[[Sequence[Tensor]], float]] = {
    "relative": lambda parts: 1 / max(_spread(parts), LEAST * _numel(parts)),
    "mean": lambda parts: 1 / _numel(parts),
    "half-sum": lambda parts: 0.5,
}
"""Name to the factor of the summed squared differences to the photo's features, given as parts
(1, C, h, w). mean: Johnson's neural-style. half-sum: Gatys et al. 2016, equation 1."""

STYLE_SCALES: dict[str, Callable[[float, int, int], float]] = {
    "relative": lambda scale, channels, layers: 1 / (max(scale, LEAST) * layers),
    "mean": lambda scale, channels, layers: 1 / (channels**2 * layers),
    "gatys": lambda scale, channels, layers: 1 / (4 * channels**2 * layers),
    "johnson": lambda scale, channels, layers: 1 / channels**4,
}
"""Name to the factor of a layer's distance, of (scale of the target, channels, layers).
With G = F F' / N: mean averages (G - A)^2 and the layers; gatys is equations 4 and 5 of Gatys et
al. 2016; johnson divides G by C and averages (G - A)^2, adding up the layers."""


def differences(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Between vertical and between horizontal neighbours of (..., H, W)."""
    down = picture[..., 1:, :] - picture[..., :-1, :]
    right = picture[..., :, 1:] - picture[..., :, :-1]
    return down, right


def variation_mean(picture: Tensor) -> Tensor:
    """The squared differences per value: free of the size."""
    down, right = differences(picture)
    return (down.square().sum() + right.square().sum()) / picture.numel()


def variation_half_sum(picture: Tensor) -> Tensor:
    """Half the sum of squared differences: what Johnson's neural-style descends."""
    down, right = differences(picture)
    return 0.5 * (down.square().sum() + right.square().sum())


def variation_absolute(picture: Tensor) -> Tensor:
    """The sum of absolute differences: the TensorFlow lesson, neural-style-pt."""
    down, right = differences(picture)
    return down.abs().sum() + right.abs().sum()


VARIATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": variation_mean,
    "half-sum": variation_half_sum,
    "absolute": variation_absolute,
}


def weights_of_strength(strength: float) -> tuple[float, float]:
    """(content weight, style weight) of the relative losses for a strength from 0 to 1.

    They sum to 1; their ratio runs from 0 to infinity, evenly in its logarithm around the middle.
    Raises ConfigError outside 0 to 1.
    """
    if not 0 <= strength <= 1:
        raise ConfigError(
            f"A strength of {strength:g} is outside 0 to 1.",
            "0 keeps the photo, 1 keeps nothing but the style; the default is 0.5.",
        )
    style = BALANCE * strength**STEEPNESS
    content = (1 - strength) ** STEEPNESS
    return content / (content + style), style / (content + style)


BALANCE, STEEPNESS = 2.0, 2.0
"""The ratio of style to content at strength 0.5, and how fast it moves with the strength. Chosen by
eye on two photos and three paintings."""


class _SquaredDistance(torch.autograd.Function):
    """factor x sum (features - wanted)^2 as float32 or wider, with a gradient in one pass."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, wanted: Tensor, factor: float) -> Tensor:
        difference = features - wanted
        ctx.save_for_backward(difference)
        ctx.factor = factor
        wide = torch.promote_types(features.dtype, torch.float32)
        return factor * torch.linalg.vector_norm(difference, dtype=wide).square()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (difference,) = ctx.saved_tensors
        return difference * float(2 * ctx.factor * gradients[0]), None, None


def squared_distance(features: Tensor, wanted: Tensor, factor: float) -> Tensor:
    """factor x the summed squared differences of two tensors of one shape; a scalar."""
    return cast(Tensor, _SquaredDistance.apply(features, wanted, factor))


def all_finite(*tensors: Tensor) -> bool:
    """Neither NaN, which the extremes take over, nor infinity is among the numbers."""
    for tensor in tensors:
        if tensor.numel():
            low, high = torch.aminmax(tensor)
            if not -math.inf < float(low) <= float(high) < math.inf:
                return False
    return True
