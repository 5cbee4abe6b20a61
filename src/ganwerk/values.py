"""Small frozen values that every layer may share. No torch, no files, no logic of note."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PictureShape:
    """A square picture: its side in px, and 1 (grey), 3 (RGB) or 4 (RGBA) channels."""

    resolution: int
    channels: int


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What the automatic settings need to know about the pictures."""

    count: int
    shape: PictureShape
    class_names: tuple[str, ...] = ()
    class_counts: tuple[int, ...] = ()
    mirror_safe: bool = False
    mirror_reason: str = ""
    variance: float = 0.0
    """The pictures' squared distance from their mean, in [-1, 1], summed over channels and pixels,
    on average; 0 where it is not known."""


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What the automatic settings need to know about the machine."""

    device: str
    device_name: str
    cores: int
    memory_bytes: int
    free_memory_bytes: int
    python: str = ""
    torch: str = ""
    bf16_units: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting's value came from: 'default', 'preset dcgan', 'auto: 4 classes' ..."""

    source: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}" if self.reason else self.source


@dataclass(frozen=True, slots=True)
class Progress:
    """One report of a long task: `done` of `total` `unit`s (total None: unknown)."""

    task: str
    done: int
    total: int | None
    unit: str = ""


ProgressCallback = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """The callback of someone who does not watch."""


def duration(seconds: float) -> str:
    """A time for people, two units at most.

    >>> duration(95), duration(3900), duration(200_000)
    ('1 min 35 s', '1 h 05 min', '2 d 7 h')
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 3600:
        return f"{round(whole / 60)} min"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"
