"""A zip file of pictures, read in place: nothing is ever extracted to disk."""

from __future__ import annotations

import posixpath
import stat
import threading
import zipfile
import zlib
from collections import Counter
from pathlib import Path

from ganwerk.data.decode import UnreadableError
from ganwerk.data.digests import digest_file
from ganwerk.data.health import HealthLine
from ganwerk.data.listing import Tree, list_pictures
from ganwerk.data.sources import MAX_FILE_BYTES, FileSource, special_kind
from ganwerk.data.unpack import unpack_hint
from ganwerk.errors import DataError, escaped
from ganwerk.values import Progress, ProgressCallback

ENCRYPTED = 0x1
PIECE_BYTES = 1 << 14
MOST_SHRUNK, FREE_BYTES = 200, 1 << 24
"""What unpacks to more than 200 times its size, and to more than 16 MiB, is no picture."""


class ZipSource(FileSource):
    """The pictures inside a zip file, by the rules of a folder.

    Raises DataError where the file is damaged, encrypted or holds no picture.
    """

    kind = "zip"

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                infos = archive.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise DataError(
                f"{path} is damaged: {error}.", "Copy or download it again, or unpack it."
            ) from error
        self._local = threading.local()
        self._by_name = {_path_inside(info.filename): info for info in infos if not info.is_dir()}
        listing = list_pictures(self.where, self._tree(infos), self._read, unpacked=False)
        self.names, self.labels = listing.names, listing.labels
        self.ignored, self.remarks = listing.ignored, (*listing.remarks, *_told_twice(infos))
        if any(self._by_name[name].flag_bits & ENCRYPTED for name in self.names):
            raise DataError(
                f"{path} is protected by a password.",
                unpack_hint(path, ".zip"),
            )

    def _tree(self, infos: list[zipfile.ZipInfo]) -> Tree:
        tree = Tree(folders=[_path_inside(info.filename) for info in infos if info.is_dir()])
        for name, info in self._by_name.items():
            mode = info.external_attr >> 16
            kind = "a link" if stat.S_ISLNK(mode) else special_kind(mode)
            if kind:
                tree.special[name] = kind
            else:
                tree.files.append(name)
        return tree

    def manifest(self, cache: Path, progress: ProgressCallback) -> dict[str, str]:
        progress(Progress("reading files", 0, 1, "files"))
        files = {self.path.name: digest_file(self.path)}
        progress(Progress("reading files", 1, 1, "files"))
        return files

    def read(self, index: int) -> bytes:
        return self._read(self.names[index])

    def _read(self, name: str) -> bytes:
        info = self._by_name[name]
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # zipfile unpacks the others whole, whatever size was declared.
            raise UnreadableError("is neither stored nor deflated in the zip file: unpack it")
        if info.file_size > MAX_FILE_BYTES:
            raise UnreadableError(f"is larger than {MAX_FILE_BYTES >> 20} MiB when unpacked")
        if info.file_size > max(FREE_BYTES, MOST_SHRUNK * info.compress_size):
            raise UnreadableError(
                f"would unpack from {info.compress_size:,} to {info.file_size:,} bytes, as no "
                "picture does"
            )
        try:
            # Piece by piece: asked for all at once, zipfile unpacks whatever there is, and only
            # then cuts it to the size that was declared.
            with self._archive().open(info) as file:
                return b"".join(iter(lambda: file.read(PIECE_BYTES), b""))
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
            raise UnreadableError(f"is damaged inside the zip file ({error})") from error
        except (NotImplementedError, RuntimeError) as error:
            raise UnreadableError(f"is packed in a way that is not supported ({error})") from error

    def _archive(self) -> zipfile.ZipFile:
        """One open file per thread: threads that share one wait for each other."""
        archive: zipfile.ZipFile | None = getattr(self._local, "archive", None)
        if archive is None:
            archive = self._local.archive = zipfile.ZipFile(self.path)
        return archive


def _path_inside(name: str) -> str:
    """An entry's name as a plain relative path: './a/b.png', '/a/b.png', '../a/b.png' and Windows'
    'a\\b.png' are all 'a/b.png'. Only for names and classes: nothing is written there."""
    return posixpath.normpath("/" + name.replace("\\", "/")).lstrip("/")


def _told_twice(infos: list[zipfile.ZipInfo]) -> list[HealthLine]:
    """A zip file may hold one name several times; the last one counts, as when it is unpacked."""
    counts = Counter(_path_inside(info.filename) for info in infos if not info.is_dir())
    twice = sorted(name for name, count in counts.items() if count > 1)
    if not twice:
        return []
    lost = sum(counts[name] - 1 for name in twice)
    return [
        HealthLine(
            "warning",
            f"{len(twice):,} names stand in the zip file more than once, for example "
            f"{escaped(twice[0])}; the last file of each is used, {lost:,} are not.",
        )
    ]
