"""Coarse to fine: the sizes, how many steps each takes, and how pictures change size."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

FULL_PX = 512
"""Long side from which on the coarser scales have done the work: finer ones take fewer steps."""


def resized(picture: Tensor, height: int, width: int) -> Tensor:
    """(1, C, H, W) to (1, C, height, width), antialiased where it shrinks."""
    if picture.shape[-2:] == (height, width):
        return picture
    return F.interpolate(picture, (height, width), mode="bicubic", antialias=True)


def fitted(height: int, width: int, long_px: int) -> tuple[int, int]:
    """The sides of a picture whose longer one becomes long_px."""
    scale = long_px / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def fitted_area(height: int, width: int, area: float) -> tuple[int, int]:
    """The sides of a picture whose area becomes `area`: strokes of a style keep their share of the
    content, whatever the two formats are."""
    scale = (area / (height * width)) ** 0.5
    return max(1, round(height * scale)), max(1, round(width * scale))


def long_sides(finest_px: int, smallest_px: int) -> list[int]:
    """Long sides in px from coarse to fine, each twice the one before."""
    sides = [finest_px]
    while smallest_px and sides[0] / 2 >= smallest_px:
        sides.insert(0, round(sides[0] / 2))
    return sides


def steps_of(sides: list[int], steps: int) -> list[int]:
    """Closures at each side. Coarse scales are cheap and decide the arrangement, so each takes half
    as many again as the next; beyond FULL_PX the number falls with the side."""
    if len(sides) == 1:
        return [steps]
    counts = []
    for index, side in enumerate(sides):
        coarser = sum(later <= FULL_PX for later in sides[index + 1 :])
        fewer = min(1.0, FULL_PX / side)
        counts.append(max(min(10, steps), round(steps * 1.5**coarser * fewer)))
    return counts
