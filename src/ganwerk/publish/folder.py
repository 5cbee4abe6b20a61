"""Writing a folder of one's own: all of it or nothing, and never over what belongs to others."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ganwerk.errors import MachineError
from ganwerk.run.files import disk_errors, to_json

STAGE = ".ganwerk-new"
MARK = "ganwerk.json"
"""Says of a folder what it is and which files are its own."""


def replace_folder(folder: Path, kind: str, contents: Mapping[str, bytes]) -> None:
    """Make `folder`, or an earlier one of this `kind` anew: names ('a/b.txt') to contents.

    What was there stays until all that is new lies beside it. Raises MachineError if the folder
    holds anything that is not of an earlier one, or if it cannot be written.
    """
    before = check_folder(folder, kind)
    mark = to_json({"kind": kind, "files": sorted(contents)})
    files = {**contents, MARK: mark}
    made = not folder.exists()
    stage = folder / STAGE
    with disk_errors(folder, needed_bytes=sum(map(len, files.values()))):
        try:
            shutil.rmtree(stage, ignore_errors=True)  # of one that was killed
            stage.mkdir(parents=True)
            for name, content in files.items():
                _write(stage / name, content)
        except BaseException:
            shutil.rmtree(folder if made else stage, ignore_errors=True)
            raise
        for name in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(stage / name, folder / name)
        for name in before - files.keys():
            (folder / name).unlink(missing_ok=True)
            with suppress(OSError):  # not empty: it still has files
                (folder / name).parent.rmdir()
        shutil.rmtree(stage)


def check_folder(folder: Path, kind: str) -> set[str]:
    """The files of an earlier folder of this kind, to be replaced; none for one that is new or
    empty. Raises MachineError for any other."""
    with disk_errors(folder, "read"):
        if not folder.exists() and not folder.is_symlink():
            return set()
        if not folder.is_dir():
            raise MachineError(f"{folder} is a file.", "Name a new folder.")
        there = {
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if not path.is_dir() and STAGE not in path.relative_to(folder).parts
        }
        if not there:
            return set()
        own = _own(folder / MARK, kind)
    strange = sorted(there - own)
    if strange:
        more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
        raise MachineError(
            f"{folder} holds other files: {strange[0]}{more}.",
            f"Name a new or empty folder, or that of an earlier {kind}.",
        )
    return there


def _own(mark: Path, kind: str) -> set[str]:
    """Which files a mark names, itself included."""
    try:
        found = json.loads(mark.read_text("utf-8"))
        if found["kind"] == kind:
            return {*map(str, found["files"]), MARK}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return set()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
