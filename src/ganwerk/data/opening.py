"""Which source a path or a name means."""

from __future__ import annotations

import os
import zipfile
from itertools import islice
from pathlib import Path

from ganwerk.data.archive import ZipSource
from ganwerk.data.folder import FolderSource
from ganwerk.data.formats import is_hidden, is_picture_name
from ganwerk.data.idx import IdxSource, looks_like_idx
from ganwerk.data.named import NAMED_SETS, named_source
from ganwerk.data.sources import Source, special_kind
from ganwerk.data.unpack import packed_content, packed_error, packed_suffix
from ganwerk.errors import DataError, did_you_mean
from ganwerk.values import ProgressCallback

MOST_LOOKED_AT = 10_000


def open_source(
    where: str | Path, *, root: Path | None, cache: Path, download: bool, progress: ProgressCallback
) -> Source:
    """The source that a path or a set's name means; a path that exists comes before a name.

    Raises DataError with a hint where there is nothing to train on.
    """
    if isinstance(where, str) and not where.strip():
        raise DataError(
            "No path to pictures was given.", "Name a folder, a zip file or a built-in set: digits."
        )
    path = Path(os.path.expanduser(where))  # leaves ~nobody as it is
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
            did_you_mean(name, [*NAMED_SETS, *_beside(path)]),
        )
    raise DataError(f"{path} does not exist.", _nearest(path))


def _open_path(path: Path) -> Source:
    try:
        if path.is_dir():
            return IdxSource.in_folder(path) or FolderSource(path)
        if kind := special_kind(path.stat().st_mode):
            raise DataError(
                f"{path} is {kind}, not a file of pictures.",
                "Name a folder of pictures, a zip file or IDX files.",
            )
        if looks_like_idx(path):
            return IdxSource.from_file(path)
        packed = packed_suffix(path.name)
        if packed in ("", ".zip"):
            if zipfile.is_zipfile(path):
                return ZipSource(path)
            packed = packed_content(path)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {_cause(error)}.", "Check the permissions of this path."
        ) from error
    if packed:
        raise packed_error(path, packed)
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
    siblings = _beside(missing)
    hint = did_you_mean(missing.name, siblings) if siblings else ""
    if hint.startswith("Did you mean"):
        return f"{hint} (in {missing.parent})"
    return f"There is no '{missing.name}' in {missing.parent.absolute()}; check the spelling."


def _beside(path: Path) -> list[str]:
    """The names where a missing path would lie; hidden ones only beside hidden ones."""
    try:
        names = [item.name for item in islice(path.parent.iterdir(), MOST_LOOKED_AT)]
    except OSError:
        return []
    return [name for name in names if not is_hidden(name) or path.name.startswith(".")]


def _cause(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
