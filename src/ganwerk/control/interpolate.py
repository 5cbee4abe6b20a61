"""A walk through the space of a generator, as a film or as a strip of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganwerk import checks
from ganwerk.checks import Stop
from ganwerk.control.film import LARGEST_GIF_RATE, enlarged, playable, shown_px, write_film
from ganwerk.control.places import Places
from ganwerk.control.steered import Steered
from ganwerk.errors import ConfigError
from ganwerk.run import grid, refuse_existing, write_picture
from ganwerk.runtime.memory import require
from ganwerk.values import Progress, ProgressCallback, ignore_progress

STRIP_COLUMNS = 9
MOST_FRAMES = 20_000
LONGEST_SECONDS, LARGEST_RATE, LARGEST_PX = 1e6, 120.0, 4096


@dataclass(frozen=True)
class Walked:
    """The file, what is in it, and what should be known about it."""

    path: Path
    frames: int
    seconds: float
    warnings: tuple[str, ...] = ()


def interpolate(
    run: Path,
    stops: Sequence[Stop],
    *,
    out: Path,
    seconds: float = 6.0,
    rate: float = 25.0,
    loop: bool = True,
    side_px: int | None = None,
    classes: Sequence[str] = (),
    truncation: float = 1.0,
    at: str | int = "latest",
    force: bool = False,
    device: str | None = None,
    progress: ProgressCallback = ignore_progress,
) -> Walked:
    """Walk from stop to stop and write what is drawn on the way to `out`.

    stops: numbers of pictures, or files with places, as `project` and `directions` write them; two
    places or more. out: .mp4, .webp, .gif or, for a strip with a row for each leg, .png. loop: walk
    back to the first stop. rate: frames per second. side_px: of a frame; None enlarges small
    pictures. classes: of the numbers, in turn.
    Between latents the way is an arc, between styles a straight line (see sampling.space).
    Raises ConfigError, RunError, DataError, MachineError; nothing is overwritten unless `force`.
    """
    strip = out.suffix.lower() == ".png"
    seconds, rate, side_px = _checked(seconds, rate, side_px, out)
    target, warnings = (out, ()) if strip else playable(out)
    if not force:
        refuse_existing([target])
    steered = Steered.open(run, at, device)
    warnings = (*steered.warnings, *warnings)
    places = steered.stops(stops, classes, truncation)
    if len(places) < 2:
        raise ConfigError("A walk needs two places or more.", "Name some pictures: --seeds 1,5,9,1")
    side = side_px or shown_px(steered.sampler.settings.data.resolution)
    if strip:
        return _strip(steered, places, target, loop, side_px, warnings, progress)
    count = max(len(places), round(seconds * rate))
    if target.suffix.lower() != ".mp4":
        _require_memory(count, side)
    walk = steered.walk(places, count, loop=loop)
    write_film(target, _frames(steered, walk, progress), rate, side)
    return Walked(target, count, count / rate, warnings)


def _frames(
    steered: Steered, walk: Places, progress: ProgressCallback
) -> Iterator[NDArray[np.uint8]]:
    done = 0
    for pictures in steered.batches(walk):
        for picture in pictures:
            yield picture
            done += 1
        progress(Progress("drawing", done, len(walk), "frames"))


def _strip(
    steered: Steered, stops: Places, path: Path, loop: bool, side_px: int | None,
    warnings: tuple[str, ...], progress: ProgressCallback,
) -> Walked:  # fmt: skip
    """A row for each leg, its two stops at the ends."""
    side = side_px or steered.sampler.settings.data.resolution
    _require_memory((len(stops) + loop) * STRIP_COLUMNS, side)
    rows = steered.legs(stops, STRIP_COLUMNS, loop=loop)
    frames = np.stack(list(_frames(steered, rows, progress)))
    if side_px:
        frames = np.stack([np.asarray(enlarged(frame, side_px)) for frame in frames])
    write_picture(path, grid(frames, STRIP_COLUMNS))
    return Walked(path, len(frames), 0.0, warnings)


def _require_memory(frames: int, side_px: int) -> None:
    """All pictures, once as they are and once on their sheet or in their file."""
    require(
        2 * frames * 3 * side_px**2,
        f"{frames:,} pictures of {side_px} px",
        "Ask for fewer or smaller ones: --seconds 6 --size 256, or write a .mp4",
    )


def _checked(
    seconds: float, rate: float, side_px: int | None, out: Path
) -> tuple[float, float, int | None]:
    seconds = checks.amount(seconds, "--seconds", most=LONGEST_SECONDS, above=True)
    rate = checks.amount(rate, "--rate", most=LARGEST_RATE, above=True)
    if seconds * rate > MOST_FRAMES:
        raise ConfigError(
            f"{seconds:g} seconds of {rate:g} pictures are {seconds * rate:,.0f} frames, more than "
            f"{MOST_FRAMES:,}.",
            "Ask for fewer: --seconds 6 --rate 25",
        )
    if side_px is not None:
        side_px = checks.whole(side_px, "--size", least=16, most=LARGEST_PX)
    if out.suffix.lower() == ".gif" and rate > LARGEST_GIF_RATE:
        raise ConfigError(
            f"A GIF cannot show {rate:g} pictures a second.", f"Add --rate {LARGEST_GIF_RATE}."
        )
    return seconds, rate, side_px
