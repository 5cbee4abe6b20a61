"""The cache directory: decoded pictures, health reports and digests, all of them expendable.

Everything is written under a temporary name, flushed to disk and renamed. Whatever turns out to be
damaged counts as absent. Nothing executable is read: JSON, and arrays without objects.
"""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

HEADER_BYTES = 128
CHUNK_BYTES = 1 << 24


def cache_home(chosen: Path | None) -> Path:
    """The chosen directory, else $GANWERK_CACHE, else ~/.cache/ganwerk; for somebody who has no
    home, or none to write into, a directory of theirs among the temporary ones."""
    named = chosen or os.environ.get("GANWERK_CACHE")
    if named:
        return Path(os.path.expanduser(named))
    home = Path(os.path.expanduser("~/.cache/ganwerk"))
    return home if home.is_absolute() and _writable(home) else _homeless()


def _writable(folder: Path) -> bool:
    """Whether it could be written, made first if need be."""
    for there in (folder, *folder.parents):
        if os.path.lexists(there):
            return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    return False


@cache
def _homeless() -> Path:
    """Nobody else's: what another user has put under this name is not believed."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"ganwerk-{user}"
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.lstat().st_uid == user and not folder.is_symlink():
            return folder
    return Path(tempfile.mkdtemp(prefix="ganwerk-"))


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write; it takes the place of `path` when all of it is safely on disk.

    Raises OSError (no permission, disk full) and leaves nothing behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def write_json(path: Path, values: Any) -> None:
    """Raises OSError."""
    with replacing(path) as file:
        # Strict ASCII escapes also carry file names that are not valid text.
        file.write(json.dumps(values).encode("ascii"))


def read_json(path: Path) -> Any:
    """The values, or None where the file is absent or damaged."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def write_rows(
    path: Path, chunks: Iterator[NDArray[np.uint8]], shape: tuple[int, int, int]
) -> tuple[int, int]:
    """Writes chunks of pictures, each (n,) + shape uint8, as one .npy file.

    The number of rows is only known at the end, so room for the header is left and filled last.
    Returns the number of rows and the CRC-32 of their bytes. Raises OSError.
    """
    rows = crc = 0
    with replacing(path) as file:
        file.write(bytes(HEADER_BYTES))
        for chunk in chunks:
            view = np.ascontiguousarray(chunk).data.cast("B")
            for start in range(0, len(view), CHUNK_BYTES):
                crc = zlib.crc32(view[start : start + CHUNK_BYTES], crc)
            file.write(view)
            rows += len(chunk)
        file.seek(0)
        file.write(_npy_header((rows, *shape)))
    return rows, crc


def read_rows(
    path: Path, shape: tuple[int, ...], crc: int, *, mapped: bool
) -> NDArray[np.uint8] | None:
    """The pictures of `write_rows`, or None where the file is absent or damaged.

    mapped: as a read-only memory map, of which only shape and size are checked; reading all of a
    file larger than the memory at each start would cost more than it is worth.
    """
    try:
        rows: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError, RecursionError, MemoryError):
        return None
    if not isinstance(rows, np.ndarray) or rows.shape != shape or rows.dtype != np.uint8:
        return None
    if mapped:
        return rows
    # Straight into ordinary memory: faster than through the pages of a map.
    try:
        rows = np.fromfile(path, np.uint8, offset=HEADER_BYTES).reshape(shape)
    except (OSError, ValueError):
        return None
    return rows if zlib.crc32(rows.data.cast("B")) == crc else None


def remember(write: Callable[[], None]) -> bool:
    """Runs a write that training can do without. False where the disk does not take it."""
    try:
        write()
    except OSError:
        return False
    return True


def _npy_header(shape: tuple[int, ...]) -> bytes:
    """A version 1.0 header of HEADER_BYTES bytes for C-ordered uint8."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    body = text.encode("ascii").ljust(HEADER_BYTES - 11) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body
