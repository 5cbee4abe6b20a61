"""What a training tells whoever watches it: command line, web page, notebook or nobody.

The trainer calls one function with these values and prints nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ganwerk.values import Progress

SCORE = "FD[pixelpca64-v1]"
"""The measure while training by which the best checkpoint is chosen, by its name in the journal."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be trained, with what, how fast, how long, and what it takes. reasons: (setting,
    value, why) of each that was decided from the pictures and the machine."""

    data: str
    pictures: int
    held_out: int
    resolution: int
    channels: int
    classes: tuple[str, ...]
    conditional: bool
    mirror: bool
    preset: str
    network: str
    generator_parameters: int
    discriminator_parameters: int
    loss: str
    remedies: tuple[str, ...]
    batch: int
    device: str
    precision: str
    images_per_second: float
    total_images: int
    expected_seconds: float
    memory_bytes: int
    disk_bytes: int
    out: str
    notes: tuple[str, ...] = ()
    micro_batch: int = 0
    reasons: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan, told before the first step."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Preparing:
    """Decoding, scanning, downloading, probing: what happens before the first step."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class Stepped:
    """Some steps are done. `measured` holds the means since the last Stepped: d_loss, g_loss,
    value, real_logit, fake_logit, d_accuracy ..., by their names in the journal."""

    step: int
    images: int
    total_images: int
    seconds: float
    seconds_left: float
    images_per_second: float
    measured: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pictured:
    """A grid of the fixed seeds was written."""

    images: int
    path: Path


@dataclass(frozen=True, slots=True)
class Judged:
    """The averaged generator was measured. values: by name, the first being the one that the best
    checkpoint is chosen by; floors: what real pictures score against each other; best: whether it
    is the best so far."""

    images: int
    values: Mapping[str, float]
    floors: Mapping[str, float]
    best: bool


@dataclass(frozen=True, slots=True)
class Treated:
    """A treatment began, was kept or undone: `outcome` is 'on trial', 'kept' or 'undone'. code: of
    the finding. words: what it does. before, after: of the signal, None where not measured."""

    number: int
    code: str
    words: str
    outcome: str
    images: int
    signal: str
    before: float | None
    after: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint is safely on the disk."""

    images: int
    path: Path


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the user should know; training goes on."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The doctor found something, or it is over. weight: 'act', 'watch' or 'note'."""

    code: str
    name: str
    weight: str
    text: str
    images: int
    over: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """Training is over: 'finished' (budget used up) or 'stopped' (Ctrl-C, SIGTERM)."""

    reason: str
    images: int
    seconds: float
    run: Path


Event = Planned | Preparing | Stepped | Pictured | Judged | Treated | Saved | Warned | Found | Ended
Watcher = Callable[[Event], None]


def nobody(_: Event) -> None:
    """The watcher of someone who does not watch."""
