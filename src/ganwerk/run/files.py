"""Writing files so that a power cut, a kill -9 or a full disk leaves the old or the new content.

Every operating system error that a user can cause leaves this module as a MachineError with the
path in it. No torch.
"""

from __future__ import annotations

import errno
import json
import math
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from ganwerk.errors import MachineError

T = TypeVar("T")

_ABANDONED_SECONDS = 60
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_FILE_FOR_FOLDER = {errno.EEXIST, errno.ENOTDIR}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_PASSING = {
    getattr(errno, name, errno.EIO) for name in ("EIO", "ESTALE", "ETIMEDOUT", "EAGAIN", "EBUSY")
}
_PAUSES_SECONDS = (0.05, 0.2)


class NotFiniteError(ValueError):
    """A number in a record is NaN or infinite. `key` says which, `value` what it is."""

    def __init__(self, key: str, value: float) -> None:
        super().__init__(f"{key} is {value}")
        self.key = key
        self.value = value


def human_bytes(count: int) -> str:
    """A size for people, in decimal units.

    >>> human_bytes(96_100_000)
    '96.1 MB'
    """
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def free_bytes(path: Path) -> int:
    """Free bytes on the disk that holds `path`, or would hold it: it need not exist yet."""
    for folder in (path, *path.absolute().parents):
        if folder.exists():
            return shutil.disk_usage(folder).free
    return 0


def _explain(error: OSError, path: Path, action: str, needed_bytes: int) -> MachineError:
    if error.errno in _FULL:
        full = "The disk is full" if error.errno == errno.ENOSPC else "Your disk quota is used up"
        return MachineError(
            f"{full}: {path} needs {human_bytes(needed_bytes)}, "
            f"{human_bytes(free_bytes(path))} are free.",
            "Free some space or choose another disk with --out. What was saved before is intact.",
        )
    if error.errno in _FORBIDDEN:
        cause = (
            "its file system is read-only" if error.errno == errno.EROFS else "permission denied"
        )
        return MachineError(
            f"Cannot {action} {path}: {cause}.",
            "Choose a folder of your own with --out, or change the permissions of this one.",
        )
    if error.errno in _FILE_FOR_FOLDER:
        return MachineError(
            f"Cannot {action} {path}: a part of this path is a file, not a folder.",
            "Check the path for a slip, or choose another one with --out.",
        )
    return MachineError(
        f"Cannot {action} {path}: {error.strerror or error}.",
        "Check the path, and that its disk is connected and healthy.",
    )


@contextmanager
def disk_errors(path: Path, action: str = "write", needed_bytes: int = 0) -> Iterator[None]:
    """Turn an OSError of the block into a MachineError about `path`.

    `action` is the verb of the message, `needed_bytes` what the block had to write in all.
    """
    try:
        yield
    except OSError as error:
        raise _explain(error, path, action, needed_bytes) from error


def patiently(read: Callable[[], T]) -> T:
    """What `read` returns; tried again a moment later where a disk or network drive stumbles.

    Raises OSError as the system gives it.
    """
    for pause in _PAUSES_SECONDS:
        try:
            return read()
        except OSError as error:
            if error.errno not in _PASSING:
                raise
        time.sleep(pause)
    return read()


def unused_name(path: Path, kind: str) -> Path:
    """A hidden sibling of `path` that does not exist: `.{name}.{kind}-{random}`."""
    return path.with_name(f".{path.name}.{kind}-{secrets.token_hex(4)}")


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut. Windows cannot and need not."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replace `path` by `content` in one step: readers see the old file or the new one.

    durable: also wait until it would survive a power cut. Say no for what can be made again.
    Raises MachineError.
    """
    with disk_errors(path, needed_bytes=len(content)):
        replace_bytes(path, content, durable=durable)


def replace_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    """`write_bytes` for a part of something larger: raises OSError as the system gives it."""
    temporary = unused_name(path, "new")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def sweep_files(folder: Path) -> None:
    """Remove the temporary files of `write_bytes` that killed processes left in `folder`.

    Only those that nobody touched for a minute: others may be writing here at this moment. What
    cannot be removed is in nobody's way and stays.
    """
    for leftover in folder.glob(".*.new-*"):
        with suppress(OSError):
            if time.time() - leftover.lstat().st_mtime > _ABANDONED_SECONDS:
                leftover.unlink()


def remove_tree(path: Path) -> None:
    """Remove a folder with all in it; of a link the link alone. What cannot be removed stays."""
    if path.is_symlink() or path.is_file():
        with suppress(OSError):
            path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def plain(value: Any, key: str = "", digits: int | None = None) -> Any:
    """`value` as JSON knows it: numpy arrays, tensors, paths, dataclasses, tuples are unpacked.

    digits: round floats to so many significant digits; None leaves them exact.
    Raises NotFiniteError for NaN and infinity, TypeError for what JSON cannot hold; both name the
    key, dotted from `key` down.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotFiniteError(key, value)
        return float(value) if digits is None else float(f"{value:.{digits}g}")
    if isinstance(value, Mapping):
        dot = f"{key}." if key else ""
        return {str(name): plain(part, f"{dot}{name}", digits) for name, part in value.items()}
    if isinstance(value, Sequence):
        return [plain(part, f"{key}[{index}]", digits) for index, part in enumerate(value)]
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value), key, digits)
    if hasattr(value, "tolist"):
        return plain(value.tolist(), key, digits)
    raise TypeError(f"{key} is a {type(value).__name__}, which JSON cannot hold")


def to_json(value: Any) -> bytes:
    """`value` as indented JSON for people to read. Raises NotFiniteError and TypeError."""
    content = plain(value)
    try:
        return f"{json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)}\n".encode()
    except UnicodeEncodeError:  # a file name that is no text: JSON has escapes for it
        return f"{json.dumps(content, indent=2, allow_nan=False)}\n".encode()


def from_json(text: str | bytes, *, finite: bool = True) -> Any:
    """The values of a JSON text that anybody may have written.

    finite: NaN and Infinity, which Python writes and JSON does not know, are refused. Raises
    ValueError for what is no JSON, and for nesting and numbers without measure.
    """
    try:
        return json.loads(text, parse_constant=_no_number if finite else None)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")
