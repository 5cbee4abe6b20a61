"""Style transfer from Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganwerk import checks
from ganwerk.style.recipe import recipe_of
from ganwerk.stylisation.events import Point, Watcher, nobody
from ganwerk.stylisation.job import Options, Request
from ganwerk.stylisation.pictures import Source
from ganwerk.stylisation.verb import stylise_file


@dataclass(frozen=True)
class Stylised:
    """picture: (H, W, 3) uint8, or (H, W, 4) for a photo with transparency. trace: one Point per
    closure. path: where it was written, if anywhere."""

    picture: NDArray[np.uint8]
    trace: tuple[Point, ...]
    seconds: float
    path: Path | None


def stylise(
    content: Source,
    styles: Source | Sequence[Source | tuple[Source, float]],
    *,
    size: int | None = None,
    out: str | Path | None = None,
    preset: str = "default",
    masks: Sequence[Source] = (),
    style_masks: Sequence[Source] = (),
    weights: str | Path | None = None,
    device: str | None = None,
    precision: str = "auto",
    tile: int | None = None,
    force: bool = False,
    resume: bool = False,
    callback: Watcher = nobody,
    **settings: Any,
) -> Stylised:
    """Redraw a photo in the style of one or several paintings, as `ganwerk style`.

    content, styles: files, PIL pictures or uint8 arrays; a style may be (picture, weight).
    size: long side of the result in px; None keeps the photo's, at most 512.
    settings: any field of `ganwerk.style.recipe.Recipe`: strength, colours, backbone, statistic ...
    callback: is told events (`ganwerk.stylisation.events`) while it runs.
    Raises GanwerkError subclasses.
    """
    paired = isinstance(styles, tuple) and len(styles) == 2 and _is_number(styles[1])
    several = [styles] if paired else _sources(styles)
    weighted = [style if isinstance(style, tuple) else (style, 1.0) for style in several]
    if size is not None:
        settings["size_px"] = size
    request = Request(
        _source(content), [(_source(style), _weight(share)) for style, share in weighted],
        recipe_of(preset, **settings), _sources(masks), _sources(style_masks),
        None if weights is None else Path(checks.local(weights)),
    )  # fmt: skip
    tile_px = None if tile is None else checks.whole(tile, "--tile", least=0)
    options = Options(device, precision, tile_px, resume, force)
    target = None if out is None else Path(checks.local(out))
    done = stylise_file(request, target, options, callback)
    return Stylised(done.picture, done.trace, done.seconds, done.path)


def _is_number(value: Any) -> bool:
    return checks.number(value) is not None


def _weight(value: Any) -> float:
    return checks.amount(value, "The weight of a style", above=True)


def _sources(given: Any) -> list[Any]:
    """Several pictures; one alone is a list of one."""
    one = isinstance(given, str | Path | np.ndarray) or hasattr(given, "convert")
    return [given] if one else list(given)


def _source(given: Source) -> Source:
    """Raises ConfigError for an address."""
    return checks.local(given) if isinstance(given, str) else given
