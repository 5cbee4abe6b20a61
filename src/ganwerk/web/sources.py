"""Where pictures may come from: sets that were uploaded, folders that are allowed, named sets.

Requests name ids alone. An id of a folder is known once its parent was listed; those of uploaded
and named sets are always known.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ganwerk.data.formats import is_picture_name
from ganwerk.data.named import NAMED_SETS
from ganwerk.errors import ConfigError, DataError, escaped
from ganwerk.web.commands import display_path
from ganwerk.web.run_table import id_of

MOST_COUNTED = 100_000
MOST_LISTED = 2_000
MOST_NAME = 100
ARCHIVES = (".zip",)

_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """place: what `ganwerk train` is given."""

    id: str
    name: str
    place: str
    path: Path | None


class Sources:
    """roots: folders below which pictures may be chosen. sets: where uploads go, a folder each."""

    def __init__(self, roots: Sequence[Path], sets: Path) -> None:
        self.roots = tuple(root.absolute() for root in roots)
        self.sets = sets.absolute()
        self._known: dict[str, Path] = {}

    def find(self, source: str) -> Source:
        """Raises DataError for an id that is not known."""
        if source in NAMED_SETS:
            return Source(source, source, source, None)
        path = self._known.get(source)
        if path is None:
            self.uploaded()
            path = self._known.get(source)
        if path is None or not path.exists() or not self._allowed(path):
            raise DataError("These pictures are not known (any more).", "Choose them again.")
        return Source(source, path.name, display_path(path), path)

    def top(self) -> list[dict[str, Any]]:
        """The allowed folders."""
        return [self._entry(root, root.name or str(root)) for root in self.roots if root.is_dir()]

    def inside(self, source: str) -> list[dict[str, Any]]:
        """Folders and archives in a folder, in order. Raises DataError."""
        path = self.find(source).path
        if path is None or not path.is_dir():
            raise DataError("This is no folder.", "Choose another one.")
        found = [entry for entry in _entries(path) if self._choosable(entry)]
        return [self._entry(entry, entry.name) for entry in sorted(found)[:MOST_LISTED]]

    def uploaded(self) -> list[dict[str, Any]]:
        """The sets that were uploaded, the newest first."""
        if not self.sets.is_dir():
            return []
        found = [path for path in _entries(self.sets) if path.is_dir()]
        newest = sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
        return [self._entry(path, path.name) for path in newest[:MOST_LISTED]]

    def make(self, name: str) -> Path:
        """The folder of a set to upload into, which may be there already. Raises ConfigError."""
        safe = safe_name(name)
        if not safe:
            raise ConfigError(
                f"A set cannot be named '{escaped(name)}'.", "Use letters and digits."
            )
        path = self.sets / safe
        self._known[id_of(path)] = path
        return path

    def set_of(self, source: str) -> Path:
        """The folder of an uploaded set. Raises DataError: others are never written to."""
        path = self._known.get(source)
        if path is None:
            self.uploaded()
            path = self._known.get(source)
        if path is None or path.parent != self.sets:
            raise DataError("There is no such set to upload into.", "Begin the upload anew.")
        return path

    def _choosable(self, path: Path) -> bool:
        wanted = path.is_dir() or path.suffix.lower() in ARCHIVES
        return wanted and not path.name.startswith(".") and self._allowed(path)

    def _allowed(self, path: Path) -> bool:
        """Whether it lies below a root where it really is: links may lead anywhere."""
        real = path.resolve()
        return any(real.is_relative_to(root.resolve()) for root in (*self.roots, self.sets))

    def _entry(self, path: Path, name: str) -> dict[str, Any]:
        source = id_of(path)
        self._known[source] = path
        if not path.is_dir():
            return {"id": source, "name": name, "kind": "archive"}
        inside = list(islice(_entries(path), MOST_COUNTED))
        pictures = sum(is_picture_name(entry.name) for entry in inside)
        folders = sum(self._choosable(entry) for entry in inside)
        return {"id": source, "name": name, "kind": "folder", "pictures": pictures,
                "folders": folders, "place": display_path(path)}  # fmt: skip


def _entries(folder: Path) -> Iterator[Path]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            yield Path(entry.path)


def safe_name(name: str) -> str:
    """A name of a file or folder that means the same on every system; '' if nothing is left."""
    text = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode())
    text = _NOT_IN_NAMES.sub("_", text).strip(" .")
    stem, dot, ending = text.rpartition(".")
    if len(text) > MOST_NAME:
        text = f"{stem[: MOST_NAME - len(ending) - 1]}.{ending}" if dot else text[:MOST_NAME]
        text = text[:MOST_NAME]
    return f"_{text}" if _DEVICES.match(text) else text


def safe_path(name: str) -> Path | None:
    """A relative path of safe parts, or None. Whatever a browser says, it stays where it is put."""
    parts = [safe_name(part) for part in re.split(r"[/\\]", name) if part not in ("", ".")]
    if not parts or len(parts) > 8 or "" in parts or ".." in parts:
        return None
    return Path(*parts)
