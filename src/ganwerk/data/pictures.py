"""The decoded pictures of a training, and what became of their files since."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ganwerk.data.health import HealthReport
from ganwerk.values import DataFacts, PictureShape

Fit = Literal["crop", "pad"]


@dataclass(frozen=True)
class Pictures:
    """Decoded pictures, ready to be drawn from.

    images: (N, C, H, W) uint8, 0 to 255, H = W px; a read-only memory map where they are larger
        than the memory budget, else an ordinary array.
    labels: (N,) int64 in 0 .. classes-1, or None where the pictures have no classes.
    class_names: one name per class, () without classes.
    names: one name per picture: the path inside folder or zip, or a running number.
    files: the manifest, file name -> digest of its content. A folder has one entry per picture,
        a zip file or an IDX set one per file.
    fingerprint: digest of the manifest and of the kind of source.
    fit: how pictures that are no squares were made square.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    files: dict[str, str]
    fingerprint: str
    health: HealthReport
    fit: Fit

    def __len__(self) -> int:
        return len(self.images)

    def facts(self) -> DataFacts:
        """What the automatic settings need to know."""
        return DataFacts(
            count=len(self.images),
            shape=PictureShape(int(self.images.shape[2]), int(self.images.shape[1])),
            class_names=self.class_names,
            class_counts=self.health.class_counts,
            mirror_safe=self.health.mirror_safe,
            mirror_reason=self.health.mirror_reason,
        )


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
