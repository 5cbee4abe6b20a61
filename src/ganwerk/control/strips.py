"""`ganwerk directions`: a strip of pictures and a walk of places along each, and all as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch

from ganwerk import checks
from ganwerk.checks import Stop
from ganwerk.control.directions import METHODS, Directions, find
from ganwerk.control.layers import chosen
from ganwerk.control.places import Places, save_places
from ganwerk.control.steered import Steered
from ganwerk.errors import ConfigError, did_you_mean
from ganwerk.run import grid, refuse_existing, write_picture
from ganwerk.run.files import to_json, write_bytes
from ganwerk.values import Progress, ProgressCallback, ignore_progress

COLUMNS = 7
LARGEST_STRENGTH = 20.0
MOST_DIRECTIONS = 10_000  # more than any space has


@dataclass(frozen=True)
class Found:
    """The directions, a strip and the places of each, and the files with their numbers."""

    directions: Directions
    strips: tuple[Path, ...]
    places: tuple[Path, ...]
    numbers: Path
    about: Path
    warnings: tuple[str, ...] = ()


def directions(
    run: Path,
    *,
    count: int = 8,
    method: str = "factorise",
    layers: str = "all",
    strength: float = 3.0,
    stops: Sequence[Stop] = (0, 1, 2),
    out: Path,
    classes: Sequence[str] = (),
    truncation: float = 1.0,
    at: str | int = "latest",
    force: bool = False,
    device: str | None = None,
    progress: ProgressCallback = ignore_progress,
) -> Found:
    """Find directions and show what each does, from -strength to +strength standard deviations.

    method: 'factorise' or 'pca', see control.directions. layers: which are moved, of a run
    with styles. stops: numbers of pictures, or files with places. out: a folder; it gets a strip
    for each direction with a row for each stop, the places in its first row (stops of
    `interpolate` and `mix`), the directions' numbers (directions.safetensors) and what is known of
    them (directions.json).
    Raises ConfigError, DataError, RunError, MachineError; nothing is overwritten unless `force`.
    """
    if method not in METHODS:
        raise ConfigError(f"There is no method '{method}'.", did_you_mean(method, METHODS))
    strength = checks.amount(strength, "--strength", most=LARGEST_STRENGTH, above=True)
    count = checks.whole(count, "--count", most=MOST_DIRECTIONS)
    stops = checks.stops(stops, "--seeds")
    strips = [out / f"direction-{number:02d}.png" for number in range(1, count + 1)]
    paths = [strip.with_suffix(".safetensors") for strip in strips]
    numbers, about = out / "directions.safetensors", out / "directions.json"
    if not force:
        refuse_existing([*strips, *paths, numbers, about])
    steered = Steered.open(run, at, device)
    start = steered.stops(stops, classes, truncation)
    found = find(steered, method, chosen(steered.space, layers), count, progress)
    for done, path in enumerate(strips):
        moved = _moved(steered, found, start, done, strength)
        write_picture(path, grid(steered.draw(moved), COLUMNS))
        first = {"run": str(run), "direction": done + 1, "strength": strength}
        save_places(paths[done], moved[:COLUMNS], first)
        progress(Progress("drawing", done + 1, count, "strips"))
    write_bytes(numbers, safetensors.torch.save(
        {"vectors": found.vectors, "spreads": found.spreads}
    ))  # fmt: skip
    write_bytes(about, to_json(_about(run, found, strength, stops)))
    return Found(found, tuple(strips), tuple(paths), numbers, about, steered.warnings)


def _moved(
    steered: Steered, found: Directions, start: Places, number: int, strength: float
) -> Places:
    """Each place at COLUMNS points from -strength to +strength, place after place."""
    amounts = np.linspace(-strength, strength, COLUMNS).tolist()
    return steered.joined([
        found.moved(steered, start[row], number, amount)
        for row in range(len(start)) for amount in amounts
    ])  # fmt: skip


def _about(run: Path, found: Directions, strength: float, stops: Sequence[Stop]) -> dict[str, Any]:
    return {
        "run": run,
        "method": found.method,
        "layers": [layer + 1 for layer in found.layers],
        "strength": strength,
        "seeds": [stop if isinstance(stop, int) else str(stop) for stop in stops],
        "directions": [
            {"number": i + 1, "importance": share, "spread": spread}
            for i, (share, spread) in enumerate(
                zip(found.importance.tolist(), found.spreads.tolist(), strict=True)
            )
        ],
    }
