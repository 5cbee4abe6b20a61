"""Measure how good the pictures are: of a run, of all its checkpoints, or of any folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ganwerk import checks
from ganwerk.errors import ConfigError, DataError, did_you_mean, typed
from ganwerk.evaluation import copies, pixelwise, published
from ganwerk.evaluation.extractors import (
    DEFAULT,
    INCEPTION,
    ExtractorOptions,
    Pixels,
    Reals,
    check_names,
    digest_of,
    expanded,
    kept_features,
    make,
    versions,
)
from ganwerk.evaluation.judging import RealPictures, Split, drawn, reals_of_run, two_folders
from ganwerk.metrics import scale
from ganwerk.metrics.features import Extractor
from ganwerk.metrics.record import Protocol, Record
from ganwerk.metrics.scale import KINDS, Scored
from ganwerk.run import Run
from ganwerk.runtime.settings import settings_at
from ganwerk.sampling.sample import Sampler
from ganwerk.values import ProgressCallback

SPLITS = ("train", "held-out", "all")
COUNT, FEWEST = 5_000, 10
COUNT_FOR_FID = 10_000
POOL = 4  # times the count: real pictures to draw floors from
WIDE = 512  # features; above it fewer repeats, which cost seconds each
WIDE_REPEATS = 8


@dataclass(frozen=True)
class Wanted:
    """What to measure. count: pictures of each kind; None: 5,000 (10,000 with the FID), or half the
    real ones. features: names of extractors, or extractors; 'auto': what suits the pictures. split:
    which real pictures."""

    features: tuple[str | Extractor, ...] = DEFAULT
    count: int | None = None
    split: Split = "train"
    seed: int = 0
    extrapolate: bool = False
    pixels: bool = True
    copies: bool = True
    wishes: ExtractorOptions = field(default_factory=ExtractorOptions)

    @property
    def progress(self) -> ProgressCallback:
        return self.wishes.progress


@dataclass(frozen=True)
class Evaluation:
    """All that was measured of one set of pictures.

    what: the run or the folder. images: seen by the generator then; None for a folder. records: in
    the order to read them. copies: one per extractor. notes: how to read them; warnings.
    """

    what: str
    reference: str
    images: int | None
    records: tuple[Record, ...]
    copies: tuple[copies.Copies, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def different(self) -> tuple[Record, ...]:
        """The records that tell the drawn pictures from real ones beyond doubt."""
        return tuple(r for r in self.records if r.z is not None and abs(r.z) > scale.FAR)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "what": self.what,
            "reference": self.reference,
            "images": self.images,
            "different": [record.name for record in self.different],
            "records": [record.to_dict() for record in self.records],
            "copies": [found.to_dict() for found in self.copies],
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }


def evaluate_run(
    path: str | Path, wanted: Wanted, at: str | int = "latest", *, data: str | None = None
) -> Evaluation:
    """Measure the averaged generator of a run against its real pictures. data: where these are now,
    if they were moved.

    Raises RunError, CheckpointError, DataError, ConfigError, MachineError, each with a hint.
    """
    path, wanted = Path(checks.local(path)), _checked(wanted)
    run = Run.open(path)
    sampler = Sampler.open(path, at)
    side = reals_of_run(run, sampler.settings, wanted.progress, data)
    count = count_for(side, wanted)
    fake = drawn(sampler, range(count), wanted.progress)
    extractors = found_extractors(side, wanted)
    found = measure(side, fake, wanted, extractors, what=str(path), images=sampler.images)
    base = found.records[0].protocol
    paths = pixelwise.path_records(sampler, extractors, base) if wanted.pixels else []
    told = (*sampler.warnings, *found.warnings)
    return replace(found, records=(*found.records, *paths), warnings=told)


def evaluate_places(
    real: str | Path, other: str | Path, wanted: Wanted, *, resolution: int | None = None,
    root: Path | None = None,
) -> Evaluation:  # fmt: skip
    """Measure the pictures in `other` against those in `real`: folders, zips, IDX, named sets."""
    real, other, wanted = checks.pictures(real), checks.pictures(other), _checked(wanted)
    if resolution is not None:
        resolution = checks.whole(resolution, "--resolution", least=8, most=1024)
    side, images = two_folders(
        real, other, resolution=resolution, root=root, progress=wanted.progress
    )
    count = min(count_for(side, wanted), len(images))
    order = np.random.default_rng([wanted.seed, 4]).permutation(len(images))[:count]
    extractors = found_extractors(side, wanted)
    fake = np.ascontiguousarray(images[order])
    return measure(side, fake, wanted, extractors, what=other, images=None)


def _checked(wanted: Wanted) -> Wanted:
    """With features as a tuple and Python's numbers. Raises ConfigError, DataError."""
    features: Any = wanted.features
    if isinstance(features, str):
        features = checks.names(features, "--features", ",")
    if not features:
        raise ConfigError("No features were named.", "Name some: --features pixelpca64")
    check_names([name for name in features if isinstance(name, str)])
    if wanted.split not in SPLITS:
        split = str(wanted.split)
        raise ConfigError(f"There is no split '{split}'.", did_you_mean(split, SPLITS))
    seed = checks.whole(wanted.seed, "--seed", least=0, most=2**32 - 1)
    count = None if wanted.count is None else checks.drawn(wanted.count)
    if count is not None and count < FEWEST:
        raise DataError(
            f"{count} pictures are too few to measure anything.",
            f"Measure with {FEWEST} or more; 1,000 and more tell something: --count 1000",
        )
    return replace(wanted, features=tuple(features), seed=seed, count=count)


def count_for(side: RealPictures, wanted: Wanted) -> int:
    """How many pictures of each kind. Raises DataError if there are too few real ones."""
    default_extractors = COUNT_FOR_FID if INCEPTION in wanted.features else COUNT
    there = len(side.of(wanted.split))
    if there < 2 * FEWEST:
        raise DataError(
            f"{side.where} has {there} real pictures to compare with; {2 * FEWEST} are needed.",
            "Add more pictures, or take another split: --split train",
        )
    return min(wanted.count or default_extractors, there // 2)


def found_extractors(side: RealPictures, wanted: Wanted) -> list[Extractor]:
    """The extractors that were asked for, fitted on all real pictures that were trained on."""
    reals = Reals(_rows(side.images, side.train), side.mirror)
    return [
        make(name, reals, wanted.wishes) if isinstance(name, str) else name
        for name in expanded(wanted.features, reals)
    ]


def measure(
    side: RealPictures, fake: Pixels, wanted: Wanted, extractors: Sequence[Extractor], *, what: str,
    images: int | None,
) -> Evaluation:  # fmt: skip
    """Everything about the pictures `fake` (N, C, H, W) uint8 against a real side."""
    n = len(fake)
    chosen = side.of(wanted.split)
    order = np.random.default_rng([wanted.seed, 3]).permutation(len(chosen))
    pool = _rows(side.images, chosen[order[: max(POOL * n, 2 * n)]])
    base = Protocol(
        metric="", extractor="", weights="", reference=digest_of(pool[:n]), split=wanted.split,
        n_real=n, n_fake=n, channels=fake.shape[1], resolution=fake.shape[2], resize="none",
        seed=wanted.seed, versions=versions(),
    )  # fmt: skip
    records: list[Record] = []
    found: list[copies.Copies] = []
    notes: list[str] = []
    for extractor in extractors:
        pool_features = kept_features(extractor, pool, wanted.wishes)
        fake_features = kept_features(extractor, fake, wanted.wishes)
        records += _scored(extractor, base, pool_features, fake_features, wanted)
        if isinstance(extractor, published.Inception):
            records += published.records(
                extractor, base, pool_features[:n], fake_features, fake, wanted.wishes
            )
        if wanted.copies and len(side.held_out) > 1:
            found.append(copies.find(extractor, side, fake_features, wanted.wishes))
        notes += [f"{extractor.name}: {note}" for note in extractor.notes]
    if wanted.pixels:
        records += pixelwise.records(base, pool, fake, wanted.seed)
    if n < 1000:
        notes.append(f"With {n:,} pictures of each kind the numbers are rough: see their errors.")
    return Evaluation(
        what=what, reference=f"{side.where} ({wanted.split})", images=images,
        records=tuple(records), copies=tuple(found), notes=tuple(notes), warnings=side.warnings,
    )  # fmt: skip


def _rows(images: Pixels, index: Any) -> Pixels:
    return np.ascontiguousarray(images[np.asarray(index)])


def _scored(
    extractor: Extractor, base: Protocol, pool: Tensor, fake: Tensor, wanted: Wanted
) -> list[Record]:
    """Distances and neighbours in the features of one extractor."""
    n = len(fake)
    repeats = scale.REPEATS if pool.shape[1] <= WIDE else WIDE_REPEATS
    scores = scale.score(
        pool[:n], fake, pool, repeats=repeats, seed=wanted.seed, extrapolate=wanted.extrapolate
    )
    return [record_of(key, extractor, base, found) for key, found in scores.items()]


def record_of(key: str, extractor: Extractor, base: Protocol, found: Scored) -> Record:
    kind = KINDS[key]
    protocol = replace(
        base, metric=kind.name, extractor=extractor.name, weights=extractor.weights,
        resize=extractor.resize, options=dict(kind.options),
    )  # fmt: skip
    return Record(
        name=f"{kind.name}[{extractor.name}]", value=found.value, error=found.error,
        better=kind.better, protocol=protocol, floor=found.floor, z=found.z,
    )  # fmt: skip


# All checkpoints ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class CheckpointScores:
    """The evaluations of all checkpoints, oldest first. best: the images of the best one, by `by`,
    the Fréchet distance in the first features."""

    evaluations: tuple[Evaluation, ...]
    by: str
    best: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "by": self.by,
            "best": self.best,
            "checkpoints": [found.to_dict() for found in self.evaluations],
        }


def evaluate_checkpoints(
    path: str | Path, wanted: Wanted, *, mark: bool = True, data: str | None = None
) -> CheckpointScores:
    """Measure every checkpoint that draws with the same numbers; mark the best one, so that it is
    kept. data: where the real pictures are now, if they were moved.

    Raises RunError if there is none, or if the run is being trained and the best cannot be marked.
    """
    path, wanted = Path(checks.local(path)), _checked(wanted)
    run = Run.open(path)
    sound = [info for info in run.checkpoints() if info.drawable and info.images]
    if not sound:
        raise DataError(
            f"The run {path} has no sound checkpoint of a trained generator.",
            f"Train it first, or on: ganwerk resume {typed(path)}",
        )
    settings, _ = settings_at(run, sound[-1].meta or {})
    side = reals_of_run(run, settings, wanted.progress, data)
    count = count_for(side, wanted)
    quick = replace(wanted, pixels=False, copies=False)
    extractors = found_extractors(side, wanted)
    found = []
    for info in sorted(sound, key=lambda info: info.images):
        fake = drawn(Sampler.open(path, info.images), range(count), wanted.progress)
        found.append(measure(side, fake, quick, extractors, what=str(path), images=info.images))
    by = found[0].records[0].name
    best = min(found, key=lambda evaluation: evaluation.records[0].value)
    assert best.images is not None
    if mark:
        with run.lock():
            run.mark_best(best.images, {by: best.records[0].value})
    return CheckpointScores(tuple(found), by, best.images)
