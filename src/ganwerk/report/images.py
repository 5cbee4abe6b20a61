"""Grids as small pictures inside the page: cut, laid out anew, downscaled, encoded."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PIL import Image, UnidentifiedImageError, features

T = TypeVar("T")

_QUALITIES = (90, 78, 60)
_HOPELESS = 2.5
"""So many times too large at one quality is too large at all of them."""
_COLUMNS = 8
_PADDING_PX = 2


@dataclass(frozen=True, slots=True)
class Embedded:
    """A picture as a data URI, with its size as shown before any enlargement."""

    uri: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How the pictures of a grid lie: square cells with a gap around them."""

    cell_px: int
    columns: int
    rows: int

    @classmethod
    def of(cls, picture: Image.Image, resolution: int) -> Layout | None:
        """The layout of a grid of pictures of `resolution` px (0: unknown, eight in a row)."""
        width, height = picture.width - _PADDING_PX, picture.height - _PADDING_PX
        step = resolution + _PADDING_PX if resolution else width // _COLUMNS
        if step <= _PADDING_PX or width < step or width % step or height % step:
            return None
        return cls(step - _PADDING_PX, width // step, height // step)

    def cell(self, picture: Image.Image, row: int, column: int) -> Image.Image:
        step = self.cell_px + _PADDING_PX
        left, top = _PADDING_PX + column * step, _PADDING_PX + row * step
        return picture.crop((left, top, left + self.cell_px, top + self.cell_px))


def open_grid(path: Path) -> Image.Image | None:
    """The grid as RGB or RGBA; None if there is none that can be read."""
    try:
        with Image.open(path) as picture:
            transparent = picture.mode in ("RGBA", "LA") or "transparency" in picture.info
            return picture.convert("RGBA" if transparent else "RGB")
    except (OSError, ValueError, UnidentifiedImageError, Image.DecompressionBombError):
        return None


def on_nothing(picture: Image.Image, layout: Layout | None) -> Image.Image:
    """The grid with gaps of nothing instead of white, so that it suits a dark page as well."""
    if layout is None:
        return picture
    step = layout.cell_px + _PADDING_PX
    size = (layout.columns * step - _PADDING_PX, layout.rows * step - _PADDING_PX)
    sheet = Image.new("RGBA", size)
    for row in range(layout.rows):
        for column in range(layout.columns):
            cell = layout.cell(picture, row, column)
            sheet.paste(cell, (column * step, row * step))
    return sheet


def column_of(picture: Image.Image, layout: Layout, count: int, most_px: int) -> Image.Image:
    """`count` pictures of the grid below each other, each at most `most_px` wide.

    They are taken along the diagonal: wherever rows or columns stand for classes, several are seen.
    """
    side = min(layout.cell_px, most_px)
    step = side + _PADDING_PX
    sheet = Image.new("RGBA", (side, count * step - _PADDING_PX))
    for place in range(count):
        cell = layout.cell(picture, place % layout.rows, place % layout.columns)
        sheet.paste(_fitted(cell, side), (0, place * step))
    return sheet


def embed(picture: Image.Image, most_px: int, most_bytes: int) -> Embedded:
    """`picture` no larger than `most_px` on a side and about `most_bytes` when encoded."""
    fitted = _fitted(picture, most_px)
    if fitted.mode == "RGBA" and fitted.getchannel("A").getextrema() == (255, 255):
        fitted = fitted.convert("RGB")
    kind, content = _encoded(fitted, most_bytes)
    coded = base64.b64encode(content).decode("ascii")
    return Embedded(f"data:image/{kind};base64,{coded}", fitted.width, fitted.height)


def _fitted(picture: Image.Image, most_px: int) -> Image.Image:
    longest = max(picture.size)
    if longest <= most_px:
        return picture
    width, height = (max(1, round(side * most_px / longest)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _encoded(picture: Image.Image, most_bytes: int) -> tuple[str, bytes]:
    """Exact if that is small enough, else as good as fits, else half as large."""
    if not features.check("webp"):
        return "png", _saved(picture, "PNG", optimize=True)
    if (
        picture.width * picture.height <= most_bytes
    ):  # larger ones rarely fit, and trying takes long
        exact = _saved(picture, "WEBP", lossless=True, method=0)
        if len(exact) <= most_bytes:
            return "webp", exact
    for quality in _QUALITIES:
        content = _saved(picture, "WEBP", quality=quality, method=0)
        if len(content) <= most_bytes:
            return "webp", content
        if len(content) > _HOPELESS * most_bytes:
            break
    return _encoded(_fitted(picture, max(picture.size) // 2), most_bytes)


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def spread(moments: Sequence[tuple[int, T]], most: int) -> list[tuple[int, T]]:
    """At most `most` of the moments, evenly in the images seen, the first and the last among them.

    >>> spread([(0, "a"), (1, "b"), (5, "c"), (9, "d"), (10, "e")], 3)
    [(0, 'a'), (5, 'c'), (10, 'e')]
    """
    if len(moments) <= most:
        return list(moments)
    first, last = moments[0][0], moments[-1][0]
    wanted = [first + (last - first) * i / (most - 1) for i in range(most)]
    chosen = {
        min(range(len(moments)), key=lambda i: abs(moments[i][0] - target)) for target in wanted
    }
    return [moments[i] for i in sorted(chosen)]
