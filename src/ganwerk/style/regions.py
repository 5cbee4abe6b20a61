"""Which style applies where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class StylePicture:
    """picture (1, 3, h, w) in [0, 1]; mask (h, w) in [0, 1], where its style is taken from;
    weight: its share among the styles of the same region."""

    picture: Tensor
    weight: float = 1.0
    mask: Tensor | None = None


@dataclass(frozen=True)
class Region:
    """Styles that apply where mask (H, W), of the content's size, is 1; None is everywhere."""

    styles: Sequence[StylePicture]
    mask: Tensor | None = None
