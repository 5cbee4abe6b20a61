"""Style mixing: some layers drawn in the style of one picture, the others in that of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganwerk import checks
from ganwerk.checks import Stop
from ganwerk.control.layers import chosen
from ganwerk.control.places import Places
from ganwerk.control.steered import Steered
from ganwerk.errors import ConfigError
from ganwerk.run import grid, refuse_existing, write_picture
from ganwerk.values import Progress, ProgressCallback, ignore_progress

MOST_CELLS = 10_000


@dataclass(frozen=True)
class Mixed:
    """The sheet, and the layers (counted from 1) that the columns gave."""

    path: Path
    layers: tuple[int, ...]
    warnings: tuple[str, ...] = ()


def crossed(rows: Places, columns: Places, layers: Sequence[int]) -> Places:
    """Every row with every column, row by row: all of the row, but for `layers` (places, from 0)
    the styles of the column."""
    mixed = rows.map(lambda tensor: tensor.repeat_interleave(len(columns), 0))
    theirs = columns.styles.repeat(len(rows), 1, 1)
    mixed.styles[:, list(layers)] = theirs[:, list(layers)]
    return mixed


def require_styles(steered: Steered, what: str) -> None:
    """Raises ConfigError for a generator without styles."""
    if steered.space.layers == 1:
        kind = steered.sampler.settings.network.kind
        raise ConfigError(
            f"{what} needs a generator with styles, and this run's network is '{kind}', which has "
            "none.",
            "Train one that has: ganwerk train PICTURES --preset stylegan",
        )


def mix(
    run: Path,
    rows: Sequence[Stop],
    columns: Sequence[Stop],
    *,
    layers: str = "coarse",
    out: Path,
    classes: Sequence[str] = (),
    truncation: float = 1.0,
    at: str | int = "latest",
    force: bool = False,
    device: str | None = None,
    progress: ProgressCallback = ignore_progress,
) -> Mixed:
    """Draw every row's picture with the given layers in the style of every column's.

    rows, columns: numbers of pictures or files that `project` wrote; they stand on the left and at
    the top of the sheet `out` (.png, .webp). layers: see `layers.chosen`. classes: of the rows and
    of the columns, in turn. Karras et al. 2019, section 3.1 and figure 3.
    Raises ConfigError, RunError, DataError, MachineError; nothing is overwritten unless `force`.
    """
    rows, columns = checks.stops(rows, "--rows"), checks.stops(columns, "--columns")
    if len(rows) * len(columns) > MOST_CELLS:
        raise ConfigError(
            f"{len(rows)} rows of {len(columns)} columns are more than {MOST_CELLS:,} pictures.",
            "Name fewer: --rows 1-4 --columns 5-10",
        )
    if not force:
        refuse_existing([out])
    steered = Steered.open(run, at, device)
    require_styles(steered, "Style mixing")
    numbers = chosen(steered.space, layers)
    left = steered.stops(rows, classes, truncation)
    top = steered.stops(columns, classes, truncation)
    drawn, done = [], 0
    steered.sampler.require_memory((len(left) + 1) * (len(top) + 1))
    places = steered.joined([left, top, crossed(left, top, numbers)])
    for pictures in steered.batches(places):
        drawn.append(pictures)
        done += len(pictures)
        progress(Progress("drawing", done, len(places), "pictures"))
    write_picture(out, sheet(np.concatenate(drawn), len(left), len(top)))
    return Mixed(out, tuple(number + 1 for number in numbers), steered.warnings)


def sheet(pictures: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """Pictures (rows + columns + rows * columns, H, W, C) as a table with both heads."""
    left, top, cells = np.split(pictures, [rows, rows + columns])
    corner = np.full_like(pictures[:1], 255)
    if corner.shape[-1] == 4:
        corner[..., 3] = 0
    lines = [np.concatenate([corner, top])]
    for row in range(rows):
        lines.append(np.concatenate([left[row : row + 1], cells[row * columns :][:columns]]))
    return grid(np.concatenate(lines), columns + 1)
