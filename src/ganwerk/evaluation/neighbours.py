"""Drawn pictures beside the training pictures nearest to them, the nearest pairs first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganwerk import checks
from ganwerk.errors import ConfigError
from ganwerk.evaluation.copies import Copies, find
from ganwerk.evaluation.extractors import ExtractorOptions, Pixels, Reals, check_names, make
from ganwerk.evaluation.judging import drawn, reals_of_run
from ganwerk.metrics.features import extract
from ganwerk.run import Run, grid, make_folder, refuse_existing, write_picture
from ganwerk.sampling.sample import Sampler

PAIRS_PER_ROW = 4


@dataclass(frozen=True)
class Pair:
    """Picture number `seed` of the run and the training picture nearest to it. closeness: their
    distance over that to the 50 nearest; the smaller, the more suspicious."""

    seed: int
    nearest: str
    distance: float
    closeness: float


@dataclass(frozen=True)
class Neighbours:
    """The pairs shown, nearest first, what the tests say of all, and the picture."""

    pairs: tuple[Pair, ...]
    copies: Copies
    path: Path
    warnings: tuple[str, ...] = ()


def neighbours(
    path: str | Path,
    *,
    count: int = 1000,
    pairs: int = 24,
    features: str = "pixelpca64",
    at: str | int = "latest",
    data: str | None = None,
    out: Path | None = None,
    force: bool = False,
    wishes: ExtractorOptions | None = None,
) -> Neighbours:
    """Draw `count` pictures, find the training picture nearest to each, write the `pairs` nearest
    ones side by side: drawn on the left, real on the right. data: where the training pictures are
    now, if they were moved.

    Raises ConfigError, RunError, DataError, MachineError; nothing is overwritten unless `force`.
    """
    path, count = Path(checks.local(path)), checks.drawn(count)
    pairs = checks.whole(pairs, "--pairs")
    if pairs > count:
        raise ConfigError(
            f"{pairs} pairs of {count} pictures cannot be shown.", "Choose fewer pairs: --pairs 24"
        )
    check_names([features])
    target = out or path / "neighbours.png"
    if not force:
        refuse_existing([target])
    wishes = wishes or ExtractorOptions()
    run = Run.open(path)
    sampler = Sampler.open(path, at)
    side = reals_of_run(run, sampler.settings, wishes.progress, data, "neighbours")
    fake = drawn(sampler, range(count), wishes.progress)
    train = np.ascontiguousarray(side.images[side.train])
    extractor = make(features, Reals(train, side.mirror), wishes)
    found = find(extractor, side, extract(extractor, fake, progress=wishes.progress), wishes)
    order = found.found.closeness.argsort(stable=True)[:pairs].tolist()
    shown = tuple(
        Pair(
            seed=place,
            nearest=side.names[found.nearest[place]],
            distance=float(found.found.distances[place]),
            closeness=float(found.found.closeness[place]),
        )
        for place in order
    )
    make_folder(target.parent)
    write_picture(target, sheet(fake, side.images, [(p, found.nearest[p]) for p in order]))
    return Neighbours(shown, found, target, (*sampler.warnings, *side.warnings))


def sheet(fake: Pixels, real: Pixels, pairs: Sequence[tuple[int, int]]) -> Pixels:
    """Pairs (place among the drawn, place among the real) side by side, four to a row."""
    doubles = np.stack([np.concatenate([fake[i], real[j]], axis=2) for i, j in pairs])
    return grid(doubles.transpose(0, 2, 3, 1), PAIRS_PER_ROW, padding_px=4)
