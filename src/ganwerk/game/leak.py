"""Does the generator draw what only the augmentation does? Measured, per transform.

Reals and as many changed reals are laid side by side; for a picture the share of its nearest
neighbours that are changed ones is its score. Held-out reals score low, changed held-out reals
high, and where between the two the generator's pictures lie is the share of them that look
changed. Nothing is trained, and where the two ends lie too close together nothing is said.

Shape legend: N, M, B counts, C channels, H = W px, pictures in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ganwerk.game.augment import augment

THUMBNAIL_PX = 16
NEIGHBOURS = 10
CLEAR = 6.0
"""The two ends must lie so many standard errors apart."""


@dataclass(frozen=True, slots=True)
class Leak:
    """share: of the generator's pictures that look changed, from 0 to 1; error: its standard
    error."""

    share: float
    error: float

    @property
    def clear(self) -> bool:
        """More than a fifth of the pictures, beyond doubt."""
        return self.share - 3 * self.error > 0.2


def leak(
    reals: Tensor, held_out: Tensor, fakes: Tensor, transform: str, random: torch.Generator
) -> Leak | None:
    """How many of the fakes (B, C, H, W) look as if `transform` had changed them.

    reals: (N, C, H, W) to compare with; held_out: (M, C, H, W) other reals. None if reals and
    changed reals cannot be told apart, if there are too few, or if most of the fakes resemble
    neither, as early in a training.
    """
    if min(len(reals), len(held_out), len(fakes)) < 2 * NEIGHBOURS:
        return None

    def changed(pictures: Tensor) -> Tensor:
        return augment((pictures,), (transform,), 1.0, random, "reflection")[0]

    library = torch.cat([_thumbnails(changed(reals)), _thumbnails(reals)])

    def scores(pictures: Tensor) -> tuple[Tensor, Tensor]:
        """(B,) twice: the share of each picture's neighbours that are changed ones, and how far the
        nearest of all is."""
        distances = torch.cdist(_thumbnails(pictures), library)
        nearest = distances.topk(NEIGHBOURS, largest=False)
        return (nearest.indices < len(reals)).float().mean(1), nearest.values[:, 0]

    (low, low_distance), (high, high_distance) = scores(held_out), scores(changed(held_out))
    found, distance = scores(fakes)
    known = distance <= torch.cat([low_distance, high_distance]).quantile(0.95)
    found = found[known]
    if len(found) < len(fakes) / 2:
        return None
    reach = float(high.mean() - low.mean())
    if reach < CLEAR * (_error(low) ** 2 + _error(high) ** 2) ** 0.5:
        return None
    share = float(found.mean() - low.mean()) / reach
    error = (_error(found) ** 2 + _error(low) ** 2) ** 0.5 / reach
    return Leak(min(max(share, 0.0), 1.0), error)


def _thumbnails(pictures: Tensor) -> Tensor:
    side = min(THUMBNAIL_PX, pictures.shape[3])
    return F.adaptive_avg_pool2d(pictures.float(), side).flatten(1)


def _error(values: Tensor) -> float:
    """The standard error of the mean."""
    return float(values.std()) / len(values) ** 0.5
