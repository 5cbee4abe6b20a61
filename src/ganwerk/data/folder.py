"""A folder of pictures, with all its sub-folders."""

from __future__ import annotations

import os
from pathlib import Path

from ganwerk.data.decode import UnreadableError
from ganwerk.data.digests import digest_files
from ganwerk.data.formats import is_hidden
from ganwerk.data.listing import Tree, list_pictures
from ganwerk.data.sources import MAX_FILE_BYTES, FileSource, special_kind
from ganwerk.errors import DataError
from ganwerk.values import ProgressCallback

SYSTEM = ("/proc", "/sys")
"""What looks like files there are windows into the running system; some never end."""


class FolderSource(FileSource):
    """Every picture below `folder`, in sorted order; links that lead out of it are followed.

    Raises DataError where there is none, or a folder may not be read.
    """

    kind = "folder"

    def __init__(self, folder: Path) -> None:
        self.where = str(folder)
        self.folder = folder
        listing = list_pictures(self.where, _Walk(folder).tree, self._read, unpacked=True)
        self.names, self.labels = listing.names, listing.labels
        self.ignored, self.remarks = listing.ignored, listing.remarks
        self._label_file = listing.label_file

    def manifest(self, cache: Path, progress: ProgressCallback) -> dict[str, str]:
        labels = () if self._label_file is None else (self._label_file,)
        return digest_files(self.folder, (*self.names, *labels), cache, progress)

    def read(self, index: int) -> bytes:
        return self._read(self.names[index])

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        about = path.stat()
        if kind := special_kind(about.st_mode):
            raise UnreadableError(f"is {kind}")
        if about.st_size > MAX_FILE_BYTES:
            raise UnreadableError(f"is larger than {MAX_FILE_BYTES >> 20} MiB")
        return path.read_bytes()


class _Walk:
    """Everything below a folder. Hidden folders are not entered, nor are links to where the walk
    comes by anyway, around the folder, or into the system."""

    def __init__(self, folder: Path) -> None:
        self.tree = Tree()
        self._root = os.path.realpath(folder)
        self._followed: set[str] = set()
        waiting = [""]
        while waiting:
            inside = waiting.pop()
            for entry in _entries(folder / inside):
                if self._is_entered(entry, f"{inside}{entry.name}"):
                    waiting.append(f"{inside}{entry.name}/")

    def _is_entered(self, entry: os.DirEntry[str], path: str) -> bool:
        """Notes the entry; whether it is a folder to look into."""
        target = os.path.realpath(entry.path) if entry.is_symlink() else ""
        what = _what_is(entry)
        if what == "folder":
            self.tree.folders.append(path)
            if is_hidden(entry.name):
                return False
            reason = self._reason_against(target) if target else ""
            if reason:
                self.tree.special[path] = f"a link {reason}"
                self.tree.folders.pop()
                return False
            self._followed.add(target)
        elif target and _is_within(target, *SYSTEM):
            self.tree.special[path] = "a link into the system"
        elif what == "file":
            self.tree.files.append(path)
        else:
            self.tree.special[path] = what
        if target and path not in self.tree.special and not _is_within(target, self._root):
            self.tree.outside.append(path)
        return what == "folder"

    def _reason_against(self, target: str) -> str:
        """Why a link to the folder `target` is not followed; '' if it is."""
        if _is_within(self._root, target):
            return "to what is around it"
        if _is_within(target, *SYSTEM):
            return "into the system"
        if target in self._followed:
            return "to where another one leads"
        if _is_within(target, self._root) and not is_hidden(os.path.relpath(target, self._root)):
            return "to what is here anyway"
        return ""


def _entries(place: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(place) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            f"The folder {place} cannot be read: {error.strerror}.",
            "Change its permissions, or move it out of the folder of pictures.",
        ) from error


def _what_is(entry: os.DirEntry[str]) -> str:
    """'folder', 'file' (links that lead nowhere too: reading will say so), or what it is else."""
    try:
        if entry.is_file():
            return "file"
        return "folder" if entry.is_dir() else special_kind(entry.stat().st_mode) or "file"
    except OSError:
        return "file"


def _is_within(path: str, *folders: str) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)
