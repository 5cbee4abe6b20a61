"""What a style transfer tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganwerk.runtime.events import Preparing, Warned


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done: sides in px and closures of each scale, coarse to fine."""

    content: str
    styles: tuple[str, ...]
    height: int
    width: int
    backbone: str
    preset: str
    precision: str
    scales: tuple[int, ...]
    steps: tuple[int, ...]
    tile_px: int | None
    memory_bytes: int
    out: str | None


@dataclass(frozen=True, slots=True)
class Planned:
    """Told before the first step."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Point:
    """One closure of the trace: its losses, before weighting, and their weighted total."""

    step: int
    scale_px: int
    total: float
    content: float
    style: float
    strokes: float
    variation: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Stepped:
    """A closure is done. picture: gives the result so far, (H, W, 3) uint8."""

    point: Point
    steps: int
    share: float
    seconds_left: float
    picture: Callable[[], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Previewed:
    """The picture so far was written."""

    path: Path
    seconds: float


@dataclass(frozen=True, slots=True)
class Stopped:
    """Interrupted after so many of the closures. path: where the result would be; its state is
    saved beside it."""

    closures: int
    steps: int
    path: Path | None


@dataclass(frozen=True, slots=True)
class Finished:
    """The result was written (or is handed over, where path is None); without closures, if an
    earlier call had written it."""

    path: Path | None
    seconds: float
    closures: int
    restarts: int


Event = Planned | Preparing | Stepped | Previewed | Warned | Stopped | Finished
Watcher = Callable[[Event], None]


def nobody(_: Event) -> None:
    """The watcher of someone who does not watch."""
