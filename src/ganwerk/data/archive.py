"""A zip file of pictures, read in place: nothing is ever extracted to disk."""

from __future__ import annotations

import posixpath
import threading
import zipfile
import zlib
from pathlib import Path

from ganwerk.data.decode import UnreadableError
from ganwerk.data.digests import digest_file
from ganwerk.data.folder import MAX_FILE_BYTES
from ganwerk.data.sources import FileSource, list_pictures, no_pictures
from ganwerk.errors import DataError
from ganwerk.values import Progress, ProgressCallback

ENCRYPTED = 0x1


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
                infos = [info for info in archive.infolist() if not info.is_dir()]
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise DataError(
                f"{path} is damaged: {error}.", "Copy or download it again, or unpack it."
            ) from error
        entries = {_path_inside(info.filename): info for info in infos}
        listing = list_pictures(list(entries))
        if not listing.names:
            raise no_pictures(f"the zip file {path}", listing.ignored)
        if any(entries[name].flag_bits & ENCRYPTED for name in listing.names):
            raise DataError(
                f"{path} is protected by a password.",
                "Unpack it and name the folder of pictures instead.",
            )
        self.names, self.labels, self.ignored = listing.names, listing.labels, listing.ignored
        self._entries = [entries[name] for name in self.names]
        self._local = threading.local()

    def manifest(self, cache: Path, progress: ProgressCallback) -> dict[str, str]:
        progress(Progress("reading files", 0, 1, "files"))
        files = {self.path.name: digest_file(self.path)}
        progress(Progress("reading files", 1, 1, "files"))
        return files

    def read(self, index: int) -> bytes:
        info = self._entries[index]
        if info.file_size > MAX_FILE_BYTES:
            raise UnreadableError(f"is larger than {MAX_FILE_BYTES >> 20} MiB when unpacked")
        try:
            # zipfile never gives more than the declared size, so a false one is no danger.
            return self._archive().read(info)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
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
