"""Where pictures come from: what a source is."""

from __future__ import annotations

import stat
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ganwerk.data.health import HealthLine
from ganwerk.values import ProgressCallback

MAX_FILE_BYTES = 1 << 29
"""Half a gibibyte: no picture worth training on is larger."""

_SPECIAL = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device",
            stat.S_IFBLK: "a device"}  # fmt: skip


def special_kind(mode: int) -> str:
    """What a file of this mode is, if reading it may never end: 'a named pipe' ..., else ''."""
    return _SPECIAL.get(stat.S_IFMT(mode), "")


@dataclass(frozen=True)
class Labels:
    """Classes of N pictures: values (N,) int64 that index `names`."""

    values: NDArray[np.int64]
    names: tuple[str, ...]


class Source(ABC):
    """kind: 'folder', 'zip', 'idx' or a set's name; where: what the user asked for.

    ignored: kind of file -> how many that are no pictures were passed over. remarks: how the place
    was understood, wherever that is not plain.
    """

    kind: str
    where: str
    ignored: Mapping[str, int] = MappingProxyType({})
    remarks: tuple[HealthLine, ...] = ()

    @abstractmethod
    def manifest(self, cache: Path, progress: ProgressCallback) -> dict[str, str]:
        """File name -> digest of its content. May read every file. Raises DataError."""


class FileSource(Source):
    """Pictures as files to decode. `read` may be called from several threads."""

    names: tuple[str, ...]
    labels: Labels | None

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
