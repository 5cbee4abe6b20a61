"""Bytes from a folder, over http(s), or from an object store through fsspec."""

from __future__ import annotations

import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from ganwerk.errors import DataError, MachineError, typed

TRIES = 5
FIRST_PAUSE_SECONDS = 0.5  # before the second try; then twice as long each time
SILENCE_SECONDS = 30.0
PIECE_BYTES = 1 << 20
WORTH_TRYING = {408, 425, 429, 500, 502, 503, 504}
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)


class Incomplete(Exception):
    """The content broke off, or is another than was announced: worth another try."""


def is_address(where: str) -> bool:
    """Whether it is 'scheme://...' and no file of that name."""
    return _SCHEME.match(where) is not None and not os.path.exists(where)


class Place:
    """The folder around an index. where: as given, the index itself."""

    def __init__(self, where: str) -> None:
        """Raises DataError for an address with a password, MachineError without fsspec."""
        self.where = where
        self.remote = is_address(where)
        self.folder = where.rpartition("/")[0] if self.remote else os.path.dirname(where) or "."
        self._files: Any = None
        scheme = _SCHEME.match(where)
        if not self.remote or scheme is None:
            return
        try:
            parts = urlsplit(where)
        except ValueError as error:
            raise DataError(
                f"{where} is no address: {error}.", "Write it as https://host/shards/index.json"
            ) from error
        if parts.password or parts.query or parts.fragment:
            raise DataError(
                f"The address {_bare(where)} holds a password, a query or a fragment, which would "
                "be kept in the run.",
                "Give the plain address; object stores read credentials from the environment.",
            )
        if scheme[1].lower() not in ("http", "https"):
            self._files = _fsspec(where, scheme[1])

    def path_of(self, name: str) -> Path | None:
        """The file itself where it lies on this machine."""
        return None if self.remote else Path(self.folder) / name

    def read(self, name: str, most: int) -> bytes:
        """A small file whole. Raises DataError if it cannot be read or has more than `most`."""
        parts: list[bytes] = []

        def keep(pieces: Iterator[bytes]) -> None:
            parts.clear()
            parts.extend(pieces)

        self.fetch(name, most, keep)
        return b"".join(parts)

    def fetch(
        self, name: str, most: int, take: Callable[[Iterator[bytes]], None],
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        """Hand the content to `take` in pieces, again from the start after a failure that may pass.

        `take` may raise Incomplete. stopped: nobody wants it any more. Raises DataError.
        """
        reason = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
            if stopped():
                return
            try:
                with self._open(name) as file:
                    take(_pieces(file, most))
                return
            except urllib.error.HTTPError as error:
                error.close()
                reason = f"the server answers {error.code} ({error.reason})"
                if error.code not in WORTH_TRYING:
                    raise self._failed(name, reason) from error
            except Incomplete as error:
                reason = str(error)
            except (FileNotFoundError, PermissionError) as error:
                raise self._failed(name, error.strerror or str(error)) from error
            except (OSError, http.client.HTTPException, ValueError) as error:
                reason = _reason(error)
                if not self.remote:
                    break
        raise self._failed(name, reason)

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        target = f"{self.folder}/{name}"
        if not self.remote:
            with open(target, "rb") as file:
                yield file
        elif self._files is not None:
            with self._files.open(target, "rb") as file:
                yield file
        else:
            request = urllib.request.Request(target, headers={"User-Agent": "ganwerk"})
            with urllib.request.urlopen(request, timeout=SILENCE_SECONDS) as answer:
                yield answer

    def _failed(self, name: str, reason: str) -> DataError:
        target = f"{self.folder}/{name}"
        verb = "fetched" if self.remote else "read"
        hint = (
            f"Try it: curl -fI {typed(target)}" if target.startswith("http")
            else "Check the place and its permissions."
        )  # fmt: skip
        return DataError(f"{target} cannot be {verb}: {reason}.", hint)


def _pieces(file: IO[bytes], most: int) -> Iterator[bytes]:
    """Raises Incomplete for more than `most`, and for whatever reading raises: what else goes wrong
    is the fault of whoever takes the pieces."""
    total = 0
    while True:
        try:
            piece = file.read(PIECE_BYTES)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Incomplete(_reason(error)) from error
        if not piece:
            return
        total += len(piece)
        if total > most:
            raise Incomplete(f"it has more than the {most:,} bytes that it should have")
        yield piece


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", None) or error
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def _fsspec(where: str, scheme: str) -> Any:
    try:
        import fsspec
    except ImportError as error:
        raise MachineError(
            f"{where} needs fsspec to be read, which is not installed.",
            "Install it: pip install 'ganwerk[shards]'",
        ) from error
    try:
        return fsspec.filesystem(scheme.lower())
    except ImportError as error:
        raise MachineError(
            f"{where} cannot be read: {error}.", "Install what fsspec asks for, then try again."
        ) from error
    except ValueError as error:
        raise DataError(
            f"{where} is no address that can be read: there is no protocol '{scheme}'.",
            "Use a path, https://, s3:// or another protocol of fsspec.",
        ) from error


def _bare(where: str) -> str:
    """Without what must not be shown."""
    parts = urlsplit(where)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
