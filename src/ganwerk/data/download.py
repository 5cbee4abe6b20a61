"""Downloads of the named sets: torchvision fetches and checks, this tells how far it is."""

from __future__ import annotations

import io
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import TextIO

from ganwerk.errors import DataError
from ganwerk.values import Progress, ProgressCallback

POLL_SECONDS = 0.2
STALL_SECONDS = 90.0
ARCHIVES = (".gz",)

_EXPECTED = (OSError, RuntimeError, HTTPException, EOFError, RecursionError)
"""What a network, a server, a disk or torchvision's check of the digests may raise."""


def fetch(
    torchvision_class: str,
    name: str,
    target: Path,
    total_bytes: int,
    by_hand: str,
    progress: ProgressCallback,
) -> None:
    """Downloads a set into the folder `target` with torchvision's own code, which checks digests.

    The folder appears when all of it is there; what an interrupted download has left is used by
    the next one.
    total_bytes: what the files have together, for the progress.
    by_hand: the hint's main clause, how to do without the download.
    Raises DataError: no network, a damaged file, no progress for STALL_SECONDS, a full disk.
    """
    from torchvision import datasets

    store = target.with_name(f"{target.name}.unfinished")
    try:
        store.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_stored(name, store, error) from error
    failures: list[Exception] = []

    def download() -> None:
        try:
            getattr(datasets, torchvision_class)(store, train=True, download=True)
        except Exception as error:
            failures.append(error)  # raised again below, in the thread that asked

    # A daemon: a server that stops answering must not keep the program from ending.
    worker = threading.Thread(target=download, daemon=True, name=f"download {name}")
    with _without_its_progress_bar():
        worker.start()
        stalled = _watch(worker, store, total_bytes, f"downloading {name}", progress)
    if stalled:
        raise DataError(
            f"The download of the set '{name}' has stopped: nothing came for "
            f"{STALL_SECONDS:.0f} seconds.",
            f"Try again later. {by_hand}.",
        )
    if failures and not isinstance(failures[0], _EXPECTED):
        raise failures[0]
    if failures:
        text = str(failures[0]).strip().splitlines()
        raise DataError(
            f"The set '{name}' could not be downloaded: "
            f"{text[-1] if text else type(failures[0]).__name__}.",
            f"Check the network connection. {by_hand}.",
        ) from failures[0]
    try:
        if target.exists():  # an earlier download that somebody took files from
            shutil.rmtree(target)
        store.rename(target)
    except OSError as error:
        raise _not_stored(name, target, error) from error


def _not_stored(name: str, place: Path, error: OSError) -> DataError:
    return DataError(
        f"The set '{name}' cannot be stored in {place}: {error.strerror or error}.",
        "Set GANWERK_CACHE to a folder that can be written.",
    )


def _watch(
    worker: threading.Thread, store: Path, total: int, task: str, progress: ProgressCallback
) -> bool:
    """Reports the growth of the archives until the worker ends. True where it got stuck."""
    before = _archive_bytes(store)
    last, since = -1, time.monotonic()
    while True:
        worker.join(POLL_SECONDS)
        ended = not worker.is_alive()  # asked before looking, so that the last look sees it all
        done = min(total, max(0, _archive_bytes(store) - before))
        if done != last:
            last, since = done, time.monotonic()
            progress(Progress(task, done, total, "bytes"))
        if ended:
            return False
        # Unpacking and checking take no network, but never this long.
        if time.monotonic() - since > STALL_SECONDS:
            return True


def _archive_bytes(store: Path) -> int:
    total = 0
    for path in store.rglob("*"):
        if path.suffix in ARCHIVES:
            try:
                total += path.stat().st_size
            except OSError:  # renamed in between
                continue
    return total


class _Muted(io.TextIOBase):
    """Passes on what threads write that were there before, drops what new threads write."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._heard = {thread.ident for thread in threading.enumerate()}

    def write(self, text: str) -> int:
        return self._stream.write(text) if threading.get_ident() in self._heard else len(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()


@contextmanager
def _without_its_progress_bar() -> Iterator[None]:
    """torchvision draws a bar on the terminal and has no switch against it."""
    original = sys.stderr
    sys.stderr = _Muted(original)
    try:
        yield
    finally:
        sys.stderr = original
