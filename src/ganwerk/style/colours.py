"""Keeping the photo's colours. Pictures (1, 3, H, W) in [0, 1], sRGB as stored."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601, the Y of JPEG."""

_TO_YCC = torch.tensor(
    [LUMA, (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312)], dtype=torch.float64
)


def _apply(matrix: Tensor, picture: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", matrix.to(picture), picture)


def keep_luma(result: Tensor, content: Tensor) -> Tensor:
    """The result's brightness with the photo's chroma. Gatys et al. 2017, section 5.2.

    content: of any size; its chroma is resized.
    """
    if content.shape != result.shape:
        content = F.interpolate(content, result.shape[-2:], mode="bilinear", antialias=True)
    ycc = torch.cat([_apply(_TO_YCC, result)[:, :1], _apply(_TO_YCC, content)[:, 1:]], 1)
    return _apply(torch.linalg.inv(_TO_YCC), ycc).clamp(0, 1)


def _mean_and_covariance(picture: Tensor) -> tuple[Tensor, Tensor]:
    flat = picture[0].reshape(3, -1).double()
    mean = flat.mean(1, keepdim=True)
    centred = flat - mean
    return mean, centred @ centred.T / flat.shape[1] + 1e-6 * torch.eye(3, dtype=torch.float64)


def _power(matrix: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(1e-12) ** exponent) @ vectors.T


def match_moments(style: Tensor, content: Tensor) -> Tensor:
    """The style in the photo's colours: same mean and covariance, by the map that moves colours
    least (Gatys et al. 2017, section 5.1; Olkin and Pukelsheim 1982)."""
    mean, covariance = _mean_and_covariance(style)
    wanted_mean, wanted = _mean_and_covariance(content)
    root, inverse = _power(covariance, 0.5), _power(covariance, -0.5)
    move = inverse @ _power(root @ wanted @ root, 0.5) @ inverse
    flat = move @ (style[0].reshape(3, -1).double() - mean) + wanted_mean
    return flat.reshape(style.shape).to(style.dtype).clamp(0, 1)


def match_histograms(style: Tensor, content: Tensor) -> Tensor:
    """The style in the photo's colours: the histogram of each channel, after `match_moments` has
    turned the channels' dependence."""
    turned = match_moments(style, content)[0].reshape(3, -1)
    wanted = content[0].reshape(3, -1).sort(1).values
    ranks = turned.argsort(1).argsort(1).double()
    places = ranks / max(turned.shape[1] - 1, 1) * (wanted.shape[1] - 1)
    below = places.floor().long()
    above = (below + 1).clamp_max(wanted.shape[1] - 1)
    part = (places - below).to(wanted.dtype)
    matched = wanted.gather(1, below).lerp(wanted.gather(1, above), part)
    return matched.reshape(style.shape)


Recolour = Callable[[Tensor, Tensor], Tensor]

COLOURS: dict[str, tuple[Recolour | None, Recolour | None]] = {
    "style": (None, None),
    "keep": (match_moments, keep_luma),
    "luma": (None, keep_luma),
    "moments": (match_moments, None),
    "histogram": (match_histograms, None),
}
"""Name to (what happens to the style before, to the result after), both with the photo.
style: the style's colours. luma: only brightness is painted. moments, histogram: the style is
painted over in the photo's colours first. keep: both, the photo's colours in the style's light."""
