"""One training at a time: an exclusive lock that the kernel gives back when the process dies."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ganwerk.errors import RunError
from ganwerk.run.files import disk_errors, from_json

if sys.platform == "win32":
    import msvcrt

    # Windows keeps others from reading a locked byte, so the lock sits far behind the text.
    _LOCKED_BYTE = 1 << 30

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _holder(path: Path) -> dict[str, Any]:
    """What the holder of the lock wrote about itself; empty if it has not come to that yet."""
    try:
        said = from_json(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) and type(said.get("pid")) is int else {}


def _busy(run: Path, holder: dict[str, Any]) -> RunError:
    who, stop = "", "stop it with Ctrl-C"
    if "pid" in holder:
        here = holder.get("host") == platform.node()
        where = "" if here else f" on {holder.get('host')}"
        who = f" (pid {holder['pid']}{where}, since {holder.get('started')})"
        stop = f"stop it: kill {holder['pid']}" if here else stop
    return RunError(
        f"Another process{who} is training this run: {run}.",
        f"Wait until it is done or {stop}. `ganwerk sample` and `ganwerk report` work meanwhile.",
    )


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file `path` for the length of the block.

    The file stays behind afterwards, unlocked; what counts is the kernel's lock on it, which ends
    with the process however the process ends.
    Raises RunError if another process (or another place in this one) holds it, MachineError if
    the file cannot be written or its file system knows no locks.
    """
    with disk_errors(path, "lock"):
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags, 0o666)
    try:
        with disk_errors(path, "lock"):
            locked = _try_lock(descriptor)
        if not locked:
            raise _busy(path.parent, _holder(path))
        started = datetime.now(UTC).isoformat(timespec="seconds")
        about = {"pid": os.getpid(), "host": platform.node(), "started": started}
        with disk_errors(path, "lock"):
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, json.dumps(about).encode())
        yield
    finally:
        os.close(descriptor)
