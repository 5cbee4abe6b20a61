"""Runs by id. No request ever names a path: it names an id, which is looked up here."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ganwerk.errors import RunError
from ganwerk.run.making import ABOUT

AGAIN_SECONDS = 0.5
"""How old the list of runs may be."""


def id_of(path: Path) -> str:
    """The same for the same place, after a restart too."""
    return hashlib.blake2b(os.fsencode(path.absolute()), digest_size=8).hexdigest()


class RunTable:
    """The runs in some folders: each of these is a run, or holds runs, or folders of runs."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(folder.absolute() for folder in folders)
        self._lock = threading.Lock()
        self._known: dict[str, Path] = {}
        self._looked = -float("inf")

    @property
    def home(self) -> Path:
        """Where new runs go."""
        return self.folders[0]

    def all(self) -> dict[str, Path]:
        """Id to place of every run."""
        with self._lock:
            if time.monotonic() - self._looked > AGAIN_SECONDS:
                self._known = {id_of(path): path for path in _runs(self.folders)}
                self._looked = time.monotonic()
            return self._known

    def look_again(self) -> None:
        """What was known is out of date."""
        self._looked = -float("inf")

    def path(self, run: str) -> Path:
        """Raises RunError, kind 404, for an id that is none (any more)."""
        found = self.all().get(run)
        if found is None:
            self.look_again()
            found = self.all().get(run)
        if found is None:
            raise NoSuchRunError("There is no such run here (any more).", "See the list of runs.")
        return found


class NoSuchRunError(RunError):
    """An id that leads to no run."""


def _runs(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        if (folder / ABOUT).is_file():
            yield folder
            continue
        for inner in _folders(folder):
            if (inner / ABOUT).is_file():
                yield inner
            else:
                yield from (deep for deep in _folders(inner) if (deep / ABOUT).is_file())


def _folders(folder: Path) -> list[Path]:
    """Folders inside, hidden ones and links out of the tree aside."""
    found: list[Path] = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if not entry.name.startswith(".") and entry.is_dir():
                    found.append(Path(entry.path))
    return sorted(found)
