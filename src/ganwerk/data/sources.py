"""Where pictures come from: what a source is, and which of its files are pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganwerk.data.formats import is_hidden, is_picture_name, suffix_of
from ganwerk.errors import DataError
from ganwerk.values import ProgressCallback


@dataclass(frozen=True)
class Labels:
    """Classes of N pictures: values (N,) int64 that index `names`."""

    values: NDArray[np.int64]
    names: tuple[str, ...]


class Source(ABC):
    """kind: 'folder', 'zip', 'idx' or a set's name; where: what the user asked for."""

    kind: str
    where: str

    @abstractmethod
    def manifest(self, cache: Path, progress: ProgressCallback) -> dict[str, str]:
        """File name -> digest of its content. May read every file. Raises DataError."""


class FileSource(Source):
    """Pictures as files to decode. `read` may be called from several threads."""

    names: tuple[str, ...]
    labels: Labels | None
    ignored: dict[str, int]

    @abstractmethod
    def read(self, index: int) -> bytes:
        """The content of file `index`. Raises OSError or decode.UnreadableError."""


@dataclass(frozen=True)
class Arrays:
    """Pictures that need no decoding: images (N, C, H, W) uint8 of any H and W, C 1, 3 or 4."""

    images: NDArray[np.uint8]
    labels: Labels | None = None


class ArraySource(Source):
    """Pictures as one array, read only when the cache does not hold them."""

    @abstractmethod
    def load(self) -> Arrays:
        """Raises DataError."""


@dataclass(frozen=True)
class Listing:
    """Which of many file names are pictures, and their classes."""

    names: tuple[str, ...]
    labels: Labels | None
    ignored: dict[str, int] = field(default_factory=dict)


def list_pictures(paths: Sequence[str]) -> Listing:
    """Sorts out relative paths with '/': pictures in sorted order, hidden files dropped, the rest
    counted by suffix. The first folder of each path is its class if every picture lies in one and
    there are at least two."""
    visible = sorted(path for path in paths if not is_hidden(path))
    names = tuple(path for path in visible if is_picture_name(path))
    other = Counter(suffix_of(path) or "no suffix" for path in visible if not is_picture_name(path))
    return Listing(names, labels_of(names), dict(other))


def labels_of(names: Sequence[str]) -> Labels | None:
    """Classes from the first folder of each path, or None; see `list_pictures`."""
    folders = [name.split("/", 1)[0] if "/" in name else None for name in names]
    if None in folders:
        return None
    classes = sorted({folder for folder in folders if folder is not None})
    if len(classes) < 2:
        return None
    number = {name: index for index, name in enumerate(classes)}
    values = np.array([number[folder] for folder in folders if folder is not None], np.int64)
    return Labels(values, tuple(classes))


def no_pictures(what: str, ignored: dict[str, int]) -> DataError:
    """The error of a folder or zip file without one picture."""
    if ignored:
        found = ", ".join(f"{suffix} ({count:,})" for suffix, count in sorted(ignored.items())[:8])
        hint = f"Found other files only: {found}. Convert them to JPEG, PNG, WebP or TIFF."
    else:
        hint = "It is empty. Put JPEG, PNG, WebP, TIFF, BMP or GIF files into it."
    return DataError(f"There are no pictures in {what}.", hint)
