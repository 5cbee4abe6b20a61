"""stdout and stderr that outlast whoever reads them: closed, full or gone, they end no work."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any

_READERS_GONE = (errno.EPIPE, errno.EIO, errno.EBADF, errno.EAGAIN)


class Outlet(io.RawIOBase):
    """The raw end of a stream; what cannot be written is dropped. lost: why the first was, None for
    a reader that went away (`| head`), who wanted no more."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream  # kept: when it goes, its raw end is closed
        self._raw = getattr(stream.buffer, "raw", stream.buffer)
        self.lost: OSError | None = None

    def write(self, content: Any) -> int:
        try:
            taken: int | None = self._raw.write(content)
        except OSError as error:
            if error.errno not in _READERS_GONE:
                self.lost = self.lost or error
            taken = None
        # Of a part that was taken, whoever buffers writes the rest in the next call.
        return taken or len(content)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return bool(self._raw.isatty())

    def fileno(self) -> int:
        return int(self._raw.fileno())


def lasting() -> Outlet | None:
    """Put outlets behind sys.stdout and sys.stderr; letters that a console lacks show their codes.

    A stream that was closed at the start becomes the null device, so that no file which is opened
    later gets its number, and with it what is said. Returns that of stdout."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, _null(number, "r" if name == "stdin" else "w"))
    outlets = [_behind(name) for name in ("stdout", "stderr")]
    return outlets[0]


def _null(number: int, mode: str) -> Any:
    """The null device under a file descriptor that is free."""
    found = os.open(os.devnull, os.O_RDWR)
    try:
        os.fstat(number)
    except OSError:
        os.dup2(found, number)
        os.close(found)
        found = number
    return os.fdopen(found, mode, encoding="utf-8", closefd=False)


def _behind(name: str) -> Outlet | None:
    stream = getattr(sys, name)
    if not hasattr(stream, "buffer"):  # a program that runs ganwerk gave it a stream of its own
        return None
    stream.flush()
    outlet = Outlet(stream)
    text = io.TextIOWrapper(
        io.BufferedWriter(outlet), encoding=stream.encoding, errors="backslashreplace",
        line_buffering=stream.line_buffering, write_through=stream.write_through,
    )  # fmt: skip
    setattr(sys, name, text)
    return outlet
