"""A folder of pictures, with all its sub-folders."""

from __future__ import annotations

import os
from pathlib import Path

from ganwerk.data.decode import UnreadableError
from ganwerk.data.digests import digest_files
from ganwerk.data.sources import FileSource, list_pictures, no_pictures
from ganwerk.errors import DataError
from ganwerk.values import ProgressCallback

MAX_FILE_BYTES = 1 << 29
"""Half a gibibyte: no picture worth training on is larger."""


class FolderSource(FileSource):
    """Every picture below `folder`, in sorted order; sub-folders that are links are followed.

    Raises DataError where there is none, or a folder may not be read.
    """

    kind = "folder"

    def __init__(self, folder: Path) -> None:
        self.where = str(folder)
        self.folder = folder
        listing = list_pictures(_walk(folder))
        if not listing.names:
            raise no_pictures(f"the folder {folder}", listing.ignored)
        self.names, self.labels, self.ignored = listing.names, listing.labels, listing.ignored

    def manifest(self, cache: Path, progress: ProgressCallback) -> dict[str, str]:
        return digest_files(self.folder, self.names, cache, progress)

    def read(self, index: int) -> bytes:
        path = self.folder / self.names[index]
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UnreadableError(f"is larger than {MAX_FILE_BYTES >> 20} MiB")
        return path.read_bytes()


def _walk(folder: Path) -> list[str]:
    """Paths of all files, relative to `folder`, with '/' between their parts."""

    def refuse(error: OSError) -> None:
        raise DataError(
            f"The folder {error.filename} cannot be read: {error.strerror}.",
            "Change its permissions, or move it out of the folder of pictures.",
        ) from error

    paths = []
    seen = {os.path.realpath(folder)}
    for place, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        inside = Path(place).relative_to(folder).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        paths += [prefix + name for name in files]
        # Hidden folders are not entered at all, and a link that leads back up only once.
        entered = []
        for name in sorted(folders):
            real = os.path.realpath(os.path.join(place, name))
            if not name.startswith(".") and real not in seen:
                seen.add(real)
                entered.append(name)
        folders[:] = entered
    return paths
