"""Which pictures are wanted, and where they go: whatever draws them. No torch."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganwerk.errors import ConfigError, did_you_mean
from ganwerk.game.counters import classes_for_seeds
from ganwerk.run.files import write_bytes
from ganwerk.run.pictures import grid as sheet_of
from ganwerk.run.pictures import make_folder, refuse_existing, write_picture
from ganwerk.values import Progress, ProgressCallback


@dataclass(frozen=True, slots=True)
class Sampled:
    """What `sample` wrote."""

    paths: tuple[Path, ...]
    count: int
    images_per_second: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """Where pictures go: the folder `out`, as 'png' or 'webp', one file each or in a `grid`, or
    together as 'npz'. What exists is refused unless `force`."""

    out: Path
    image_format: str = "png"
    grid: bool = False
    force: bool = False

    @property
    def together(self) -> bool:
        return self.grid or self.image_format == "npz"

    def paths(self, seeds: Sequence[int]) -> list[Path]:
        """The files to be written. Raises ConfigError, MachineError if one exists."""
        if self.image_format not in ("png", "webp", "npz"):
            raise ConfigError(
                f"Pictures cannot be written as '{self.image_format}'.",
                did_you_mean(self.image_format, ["png", "webp", "npz"]),
            )
        if self.image_format == "npz":
            found = [self.out / "samples.npz"]
        elif self.grid:
            found = [self.out / f"grid.{self.image_format}"]
        else:
            found = [self.out / f"seed-{seed:06d}.{self.image_format}" for seed in seeds]
        if not self.force:
            refuse_existing(found)
        return found


def write_samples(
    target: Target,
    seeds: Sequence[int],
    labels: NDArray[np.int64] | None,
    class_names: Sequence[str],
    batches: Iterable[NDArray[np.uint8]],
    progress: ProgressCallback,
) -> Sampled:
    """Write the pictures of `seeds`, which come in `batches` (n, H, W, C).

    Raises ConfigError, MachineError, and what drawing raises."""
    paths = target.paths(seeds)
    drawn: list[NDArray[np.uint8]] = []
    start, done = time.perf_counter(), 0
    for pictures in batches:
        if target.together:
            drawn.append(pictures)
        else:
            for picture, path in zip(pictures, paths[done:], strict=False):
                write_picture(path, picture)
        done += len(pictures)
        progress(Progress("drawing", done, len(seeds), "pictures"))
    rate = done / (time.perf_counter() - start)
    if target.image_format == "npz":
        make_folder(target.out)
        arrays: dict[str, Any] = {
            "pictures": np.concatenate(drawn), "seeds": np.asarray(seeds, np.int64)
        }  # fmt: skip
        if labels is not None:
            arrays |= {"labels": labels, "class_names": np.asarray(class_names)}
        write_bytes(paths[0], _npz(arrays), durable=False)
    elif target.grid:
        write_picture(paths[0], sheet_of(np.concatenate(drawn)))
    return Sampled(tuple(paths), done, rate)


def _npz(arrays: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def labels_of(
    seeds: Sequence[int],
    classes: Sequence[str],
    class_names: Sequence[str],
    counts: Sequence[float],
) -> NDArray[np.int64] | None:
    """The class of each picture: by its number the given ones in turn, else as frequent as in the
    data, which `counts` tells. None for a generator without classes.

    Raises ConfigError for an unknown class, or for a class of a run that learned none.
    """
    if not class_names:
        if classes:
            raise ConfigError(
                f"The class '{classes[0]}' was asked for, but this run learned no classes.",
                "Train with --conditional on pictures in one sub-folder per class.",
            )
        return None
    if not classes:
        return classes_for_seeds(seeds, counts)
    for name in classes:
        if name not in class_names:
            raise ConfigError(f"There is no class '{name}'.", did_you_mean(name, class_names))
    numbers = [list(class_names).index(name) for name in classes]
    return np.asarray([numbers[seed % len(numbers)] for seed in seeds], np.int64)
