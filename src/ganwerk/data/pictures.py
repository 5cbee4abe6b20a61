"""The decoded pictures of a training, and what became of their files since."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ganwerk.data.health import HealthReport
from ganwerk.data.sampler import STREAM_SPLIT, Sampler, Windows, permutation, split
from ganwerk.values import DataFacts, PictureShape

Fit = Literal["crop", "pad"]
SHARDS = "shards"
"""The kind of source that `health.kind` names."""
NEAR_HELD_OUT = 0.2
"""Share of the pictures at hand that is held out, where not all are at hand."""


class Rows(Protocol):
    """Pictures (N, C, H, W) uint8 that are read when rows are asked for."""

    def __len__(self) -> int: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def nbytes(self) -> int:
        """What they take of the memory."""

    def __getitem__(self, numbers: Any, /) -> NDArray[np.uint8]:
        """The rows with these numbers (n,) int64."""

    def ahead(self, sampler: Sampler, number: int) -> None:
        """Batch `number` is read next: have at hand what follows it."""


SAMPLED = 1_000
"""Pictures that are enough to know how much they vary."""
AT_ONCE = 50


@dataclass(frozen=True, eq=False)
class Part:
    """Some of the pictures, `chosen` (n,), of which only the rows asked for are read."""

    images: NDArray[np.uint8] | Rows
    chosen: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> NDArray[np.uint8]:
        return self.images[self.chosen[rows]]


@dataclass(frozen=True)
class Pictures:
    """Decoded pictures, ready to be drawn from.

    images: (N, C, H, W) uint8, 0 to 255, H = W px; a read-only memory map where they are larger
        than the memory budget, shards that are read row by row, else an ordinary array.
    labels: (N,) int64 in 0 .. classes-1, or None where the pictures have no classes.
    class_names: one name per class, () without classes.
    names: one name per picture: the path inside folder or zip, or a running number.
    files: the manifest, file name -> digest of its content. A folder has one entry per picture,
        a zip file or an IDX set one per file.
    fingerprint: digest of the manifest and of the kind of source.
    fit: how pictures that are no squares were made square.
    windows: of shards that are not all at hand; None: all pictures are shuffled together.
    near: the pictures (n,) that can be looked at at any time, sorted; None: all.
    """

    images: NDArray[np.uint8] | Rows
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    files: dict[str, str]
    fingerprint: str
    health: HealthReport
    fit: Fit
    windows: Windows | None = None
    near: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.images)

    def split(self, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The pictures to train on and those held out, which are at hand. Raises DataError."""
        if self.near is None:
            return split(len(self), self.labels, seed)
        labels = None if self.labels is None else self.labels[self.near]
        held_out = self.near[split(len(self.near), labels, seed, NEAR_HELD_OUT)[1]]
        return np.delete(np.arange(len(self)), held_out), held_out

    def at_hand(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of `indices` that can be looked at at any time."""
        return indices if self.near is None else indices[np.isin(indices, self.near)]

    def as_array(self, most_bytes: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Pictures (n, C, H, W) as an array, and their numbers (n,), sorted. All of them, but of
        shards only those at hand, and at most so many bytes of them."""
        chosen = np.arange(len(self)) if self.near is None else self.near
        if isinstance(self.images, np.ndarray):
            return self.images, chosen
        most = max(1, most_bytes // int(np.prod(self.images.shape[1:])))
        if len(chosen) > most:
            chosen = np.sort(chosen[permutation(0, STREAM_SPLIT, 0, len(chosen))[:most]])
        return self.images[chosen], chosen

    def facts(self) -> DataFacts:
        """What the automatic settings need to know."""
        return DataFacts(
            count=len(self.images),
            shape=PictureShape(int(self.images.shape[2]), int(self.images.shape[1])),
            class_names=self.class_names,
            class_counts=self.health.class_counts,
            mirror_safe=self.health.mirror_safe,
            mirror_reason=self.health.mirror_reason,
            variance=variance_of(self.images, self.near),
        )


def variance_of(images: NDArray[np.uint8] | Rows, near: NDArray[np.int64] | None = None) -> float:
    """The squared distance of pictures (N, C, H, W) from their mean, as values in [-1, 1], summed
    over channels and pixels, on average over at most SAMPLED of them, evenly spread. near: numbers
    of those that may be looked at; None: all."""
    usable = np.arange(len(images)) if near is None else near
    chosen = usable[np.linspace(0, len(usable) - 1, min(len(usable), SAMPLED)).astype(int)]
    total, squares = np.zeros(images.shape[1:]), 0.0
    for part in np.array_split(chosen, -(-len(chosen) // AT_ONCE)):
        values = images[part] / 127.5 - 1.0
        total += values.sum(0)
        squares += float(np.square(values).sum())
    mean = total / len(chosen)
    return max(0.0, squares / len(chosen) - float(np.square(mean).sum()))


@dataclass(frozen=True)
class Changes:
    """Files that differ between two manifests; each tuple is sorted."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.altered)


def changed_files(old: Mapping[str, str], new: Mapping[str, str]) -> Changes:
    """Which files were added, removed or altered from manifest `old` to manifest `new`."""
    return Changes(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        altered=tuple(sorted(name for name in old.keys() & new.keys() if old[name] != new[name])),
    )


def fingerprint_of(kind: str, files: Mapping[str, str]) -> str:
    """32 hexadecimal digits that change with the kind of source and any file's name or content."""
    digest = hashlib.blake2b(kind.encode(), digest_size=16)
    for name in sorted(files):
        # surrogateescape: file names on Linux are bytes and need not be valid text.
        digest.update(b"\0" + name.encode(errors="surrogateescape") + b"\0" + files[name].encode())
    return digest.hexdigest()
