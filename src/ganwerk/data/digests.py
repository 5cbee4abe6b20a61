"""Digests of files, remembered by size and time of change: a second start reads none."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ganwerk.data.cache import read_json, remember, write_json
from ganwerk.data.sources import MAX_FILE_BYTES, special_kind
from ganwerk.data.workers import GROUP, worker_count
from ganwerk.values import Progress, ProgressCallback

FRESH_NANOSECONDS = 3_000_000_000
"""A file changed less than this ago may change again within the clock's grain: not remembered."""


def digest_of(data: bytes) -> str:
    """32 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value) is not None


def digest_file(path: Path) -> str:
    """The digest of the file's content. Raises OSError."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


def digest_files(
    folder: Path, names: Sequence[str], cache: Path, progress: ProgressCallback
) -> dict[str, str]:
    """Name -> digest for files inside `folder`, read in parallel.

    A file that cannot be opened gets the digest 'unreadable', so that a later repair shows as a
    change; one that is too large to be used is not read either.
    """
    place = cache / "digests" / f"{digest_of(str(folder.resolve()).encode(errors='replace'))}.json"
    old = read_json(place)
    known: dict[str, list[object]] = old if isinstance(old, dict) else {}
    now = time.time_ns()
    kept: dict[str, list[object]] = {}

    def one(name: str) -> str:
        path = folder / name
        try:
            stat = path.stat()
            if special_kind(stat.st_mode):
                return "unreadable"
            if stat.st_size > MAX_FILE_BYTES:
                return f"too large: {stat.st_size}"
            stamp: list[object] = [stat.st_size, stat.st_mtime_ns]
            entry = known.get(name)
            if isinstance(entry, list) and entry[:2] == stamp and _is_digest(entry[-1]):
                digest = str(entry[-1])
            else:
                digest = digest_file(path)
        except OSError:
            return "unreadable"
        if now - stat.st_mtime_ns > FRESH_NANOSECONDS:
            kept[name] = [*stamp, digest]
        return digest

    digests: dict[str, str] = {}
    with ThreadPoolExecutor(worker_count()) as pool:
        for done, (name, digest) in enumerate(zip(names, pool.map(one, names), strict=True), 1):
            digests[name] = digest
            if done % GROUP == 0 or done == len(names):
                progress(Progress("reading files", done, len(names), "files"))
    if kept != known:
        remember(lambda: write_json(place, kept))
    return digests
