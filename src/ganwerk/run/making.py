"""A new run directory: complete, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ganwerk.errors import RunError, typed
from ganwerk.run.files import replace_bytes, sync_folder, unused_name

ABOUT = "about.json"
FOLDERS = ("checkpoints", "pictures")


def fill(path: Path, contents: Mapping[str, bytes]) -> None:
    """Make the run at `path`. contents: its files; about.json is the last.

    Raises RunError if something is there, OSError as the system gives it."""
    _clear_torso(path, contents)
    refuse_occupied(path)
    if path.is_dir():
        # Not replaced by a rename: it may be a mounted disk or somebody's current folder
        _fill(path, contents)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fill_beside(path, contents)


def _clear_torso(path: Path, contents: Mapping[str, bytes]) -> None:
    """Empty the folder again if all in it is what a kill in `_fill` leaves: some of the files of a
    new run, empty folders, and no about.json, so that it never was a run."""
    if not path.is_dir() or (path / ABOUT).exists():
        return
    own = {*contents, *FOLDERS}
    entries = list(path.iterdir())
    if not all(entry.name in own or _half_written(entry, own) for entry in entries):
        return
    if any(entry.is_dir() and any(entry.iterdir()) for entry in entries):
        return
    for entry in entries:
        with suppress(OSError):
            if entry.is_dir() and not entry.is_symlink():
                entry.rmdir()
            else:
                entry.unlink()


def _half_written(entry: Path, own: set[str]) -> bool:
    name, _, rest = entry.name[1:].partition(".new-")
    return entry.name.startswith(".") and name in own and bool(rest)


def refuse_occupied(path: Path) -> None:
    if not (path.exists() or path.is_symlink()) or (path.is_dir() and not any(path.iterdir())):
        return
    if (path / ABOUT).is_file():
        raise RunError(
            f"There already is a run at {path}.",
            f"Go on with it: ganwerk resume {typed(path)}\n"
            "Or begin another one elsewhere: --out DIR",
        )
    kind = "a folder with other things in it" if path.is_dir() else "a file"
    raise RunError(
        f"{path} is {kind}, so no run can be made there.", "Choose another place: --out DIR"
    )


def _fill(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write the files of a new run into an empty folder; on failure it is empty again."""
    made: list[Path] = []
    try:
        for name in FOLDERS:
            made.append(folder / name)
            made[-1].mkdir()
        for name, content in contents.items():
            made.append(folder / name)
            replace_bytes(made[-1], content)
    except BaseException:
        for path in made:
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)
        raise


def _fill_beside(path: Path, contents: Mapping[str, bytes]) -> None:
    """Make a new run under a hidden name next to `path`, then give it its own."""
    temporary = unused_name(path, "new")
    try:
        temporary.mkdir()
        _fill(temporary, contents)
        try:
            os.rename(temporary, path)
        except OSError:
            refuse_occupied(path)  # by another process, a moment ago
            raise
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(path.parent)
