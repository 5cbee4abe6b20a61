"""Where pictures come from: what a source is, and which one a path or a name means."""

from __future__ import annotations

import zipfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganwerk.data.formats import is_hidden, is_picture_name, suffix_of
from ganwerk.errors import DataError, did_you_mean
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


def open_source(
    where: str | Path, *, root: Path | None, cache: Path, download: bool, progress: ProgressCallback
) -> Source:
    """The source that a path or a set's name means; a path that exists comes before a name.

    Raises DataError with a hint where there is nothing to train on.
    """
    from ganwerk.data.named import NAMED_SETS, named_source

    if isinstance(where, str) and not where.strip():
        raise DataError(
            "No path to pictures was given.", "Name a folder, a zip file or a built-in set: digits."
        )
    path = Path(where).expanduser()
    try:
        exists = path.exists()
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be opened: {_cause(error)}.", "Check the path and its permissions."
        ) from error
    if exists:
        return _open_path(path)
    name = str(where)
    if name in NAMED_SETS:
        return named_source(name, root=root, cache=cache, download=download, progress=progress)
    if len(path.parts) == 1 and not path.suffix:
        raise DataError(
            f"There is no folder or file '{name}', and no built-in set of that name.",
            did_you_mean(name, NAMED_SETS),
        )
    raise DataError(f"{path} does not exist.", _nearest(path))


def _open_path(path: Path) -> Source:
    from ganwerk.data.archive import ZipSource
    from ganwerk.data.folder import FolderSource
    from ganwerk.data.idx import IdxSource, looks_like_idx

    try:
        if path.is_dir():
            return IdxSource.in_folder(path) or FolderSource(path)
        if looks_like_idx(path):
            return IdxSource.from_file(path)
        if zipfile.is_zipfile(path):
            return ZipSource(path)
        with path.open("rb"):  # a missing permission has its own message
            pass
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {_cause(error)}.", "Check the permissions of this path."
        ) from error
    if path.suffix.lower() == ".zip":
        raise DataError(f"{path} is damaged: no zip file, or not complete.", "Copy it again.")
    if is_picture_name(path.name):
        raise DataError(
            f"{path} is a single picture; training needs many.",
            f"Name the folder that holds the pictures, for example {path.parent}.",
        )
    raise DataError(
        f"{path} is neither a folder, a zip file nor an IDX file.",
        "Name a folder of pictures, a zip file with pictures or MNIST-style IDX files.",
    )


def _nearest(path: Path) -> str:
    """Where the path stops existing, and what it may have meant."""
    missing = path
    while not missing.parent.exists():
        missing = missing.parent
    try:
        siblings = [item.name for item in missing.parent.iterdir()][:10_000]
    except OSError:
        siblings = []
    hint = did_you_mean(missing.name, siblings) if siblings else ""
    if hint.startswith("Did you mean"):
        return f"{hint} (in {missing.parent})"
    return f"There is no '{missing.name}' in {missing.parent.absolute()}; check the spelling."


def _cause(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
