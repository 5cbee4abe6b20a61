"""What is compared: pictures of a run or of two places, real and drawn, ready to be measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ganwerk.config.schema import Settings
from ganwerk.data import Pictures, load_pictures
from ganwerk.errors import DataError, DivergedError
from ganwerk.run import Run
from ganwerk.runtime import machine
from ganwerk.runtime.events import Preparing
from ganwerk.runtime.pictures import pictures_of, remember
from ganwerk.sampling.sample import Sampler
from ganwerk.values import Progress, ProgressCallback

Pixels = NDArray[np.uint8]
Split = Literal["train", "held-out", "all"]
MEMORY_BYTES = 1 << 30


@dataclass(frozen=True)
class RealPictures:
    """Real pictures (N, C, H, W) uint8: `train` and `held_out` index them. Without a training all
    are `train`. fingerprint: digest of the source. where: as the user named it."""

    where: str
    images: Pixels
    train: NDArray[np.int64]
    held_out: NDArray[np.int64]
    fingerprint: str
    mirror: bool
    names: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    def of(self, part: Split) -> NDArray[np.int64]:
        """The indices of a split. Raises DataError if nothing is held out."""
        if part == "all":
            return np.arange(len(self.images), dtype=np.int64)
        chosen = self.train if part == "train" else self.held_out
        if not len(chosen):
            raise DataError(
                f"No pictures of {self.where} are held out.", "Compare with all: --split train"
            )
        return chosen


def reals_of_run(
    run: Run, settings: Settings, progress: ProgressCallback, asked: str | None = None,
    verb: str = "evaluate",
) -> RealPictures:  # fmt: skip
    """The pictures a run learned from, decoded and split as in its training with `settings`.

    asked: where they are now, if they were moved; the run notes it if they are the same ones.
    Raises RunError, DataError. Changed pictures are a warning: the split is that of the old ones.
    """
    facts = machine.facts("cpu")
    watch = lambda event: progress(event.progress) if isinstance(event, Preparing) else None  # noqa: E731
    located = pictures_of(run, settings, facts, watch, asked=asked, verb=verb)
    pictures, place = located.pictures, located.place
    train, held_out = pictures.split(settings.run.seed)
    images, chosen = pictures.as_array(MEMORY_BYTES)
    warnings: tuple[str, ...] = ()
    then = run.learned.fingerprint, run.learned.class_names
    if (pictures.fingerprint, pictures.class_names) != then:
        warnings = (
            f"The pictures in {place} are not those of the training any more: what is called held "
            "out may have been trained on.",
        )
    elif asked is not None:
        warnings = remember(run, place)
    elif located.elsewhere:
        warnings = (
            f"The pictures are no longer in {settings.data.where}; the same ones were found in "
            f"{place}.",
        )
    return RealPictures(
        where=place,
        images=images,
        train=np.flatnonzero(np.isin(chosen, train)),
        held_out=np.flatnonzero(np.isin(chosen, held_out)),
        fingerprint=pictures.fingerprint,
        mirror=settings.data.mirror,
        names=tuple(pictures.names[number] for number in chosen.tolist()),
        warnings=warnings,
    )


def two_folders(
    first: str, second: str, *, resolution: int | None, root: Path | None,
    progress: ProgressCallback,
) -> tuple[RealPictures, Pixels]:  # fmt: skip
    """The real pictures in `first` and the pictures to judge in `second`, both decoded alike: grey
    ones beside colours as colours, of which the warnings tell.

    Raises DataError if they suggest different sizes and no resolution was asked for, or if only one
    of them is transparent.
    """

    def read(where: str, side: int | None, channels: int | None = None) -> Pictures:
        return load_pictures(
            where, root=root, resolution=side, channels=channels,
            memory_budget_bytes=MEMORY_BYTES, progress=progress,
        )  # fmt: skip

    a, b = read(first, resolution), read(second, resolution)
    warnings = []
    channels = a.images.shape[1], b.images.shape[1]
    if sorted(channels) == [1, 3]:
        grey = first if channels[0] == 1 else second
        warnings = [f"All pictures in {grey} are grey; they were compared as colours."]
        a, b = read(first, resolution, 3), read(second, resolution, 3)
    if a.images.shape[1:] != b.images.shape[1:]:
        words = [f"{x.images.shape[1]} channels of {x.images.shape[2]} px" for x in (a, b)]
        if a.images.shape[1] == b.images.shape[1]:
            smaller = min(a.images.shape[2], b.images.shape[2])
            hint = f"Choose one size for both: --resolution {smaller}"
        else:
            hint = "Save both with transparency, or both without."
        raise DataError(
            f"The pictures are not alike: {first} has {words[0]}, {second} has {words[1]}.", hint
        )
    (reals, chosen), (others, _) = a.as_array(MEMORY_BYTES), b.as_array(MEMORY_BYTES)
    everything = np.arange(len(reals), dtype=np.int64)
    nothing = np.empty(0, np.int64)
    side = RealPictures(
        first, reals, everything, nothing, a.fingerprint, a.facts().mirror_safe,
        tuple(a.names[number] for number in chosen.tolist()), tuple(warnings),
    )  # fmt: skip
    return side, others


def drawn(sampler: Sampler, seeds: Sequence[int], progress: ProgressCallback) -> Pixels:
    """Pictures number `seeds` of a generator, (N, C, H, W) uint8. Raises DivergedError."""
    sampler.require_memory(len(seeds))
    parts, done = [], 0
    for pictures in sampler.batches(seeds, sampler.labels(seeds)):
        parts.append(pictures.transpose(0, 3, 1, 2))
        done += len(pictures)
        progress(Progress("drawing", done, len(seeds), "pictures"))
    if not parts:
        raise DivergedError("No picture was drawn.", "Ask for one or more.")
    return np.ascontiguousarray(np.concatenate(parts))
