"""Tiles: a picture in pieces whose features are exactly those of the whole.

A tile computes on its box: what it owns and a halo as wide as a change can reach. Boxes begin at
multiples of the last layer's stride and end at the picture's edge or at such a multiple, so every
pooling sees the same squares as in the whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from ganwerk.style.backbones import stride_of

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Tile:
    """rows, columns: the box in px, [first, last). own_*: the part whose positions count here."""

    rows: Span
    columns: Span
    own_rows: Span
    own_columns: Span
    height: int
    width: int

    def cut(self, picture: Tensor) -> Tensor:
        """The box out of (..., H, W)."""
        return picture[..., slice(*self.rows), slice(*self.columns)]

    def own(self, layer: str, features: Tensor) -> Tensor:
        """The owned positions out of the box's features (..., h, w)."""
        stride = stride_of(layer)
        return features[
            ...,
            _within(self.own_rows, self.rows, self.height, stride),
            _within(self.own_columns, self.columns, self.width, stride),
        ]

    def own_of_whole(self, layer: str, guide: Tensor) -> Tensor:
        """The owned positions out of something at the layer's size for the whole picture."""
        stride = stride_of(layer)
        return guide[
            ...,
            _within(self.own_rows, (0, self.height), self.height, stride),
            _within(self.own_columns, (0, self.width), self.width, stride),
        ]


def _within(own: Span, box: Span, end: int, stride: int) -> slice:
    """A stretch of the picture as indices into the box's features."""
    first = (own[0] - box[0]) // stride
    return slice(first, None if own[1] == end else (own[1] - box[0]) // stride)


def tiles_of(height: int, width: int, side_px: int | None, halo_px: int, stride: int) -> list[Tile]:
    """The picture as tiles that own at most about side_px x side_px px; one if side_px is None."""
    if side_px is None or max(height, width) <= side_px:
        whole = (0, height), (0, width)
        return [Tile(*whole, *whole, height, width)]
    return [
        Tile(_box(rows, height, halo_px), _box(columns, width, halo_px), rows, columns,
             height, width)
        for rows in _spans(height, side_px, stride)
        for columns in _spans(width, side_px, stride)
    ]  # fmt: skip


def _spans(length: int, side_px: int, stride: int) -> list[Span]:
    """About equal stretches of at most side_px, beginning at multiples of the stride."""
    count = math.ceil(length / max(side_px, stride))
    step = math.ceil(length / count / stride) * stride
    starts = list(range(0, length, step))
    if len(starts) > 1 and length - starts[-1] < stride:
        starts.pop()  # what is left would hold no position of the last layer
    return list(zip(starts, [*starts[1:], length], strict=True))


def _box(own: Span, length: int, halo_px: int) -> Span:
    return max(0, own[0] - halo_px), min(length, own[1] + halo_px)
