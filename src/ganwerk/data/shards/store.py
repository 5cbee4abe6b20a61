"""Shards as one array of pictures of which a part is at hand: fetched ahead, checked, and cleared
away again."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganwerk.data.cache import replacing
from ganwerk.data.digests import digest_file
from ganwerk.data.sampler import Sampler
from ganwerk.data.shards.index import Index
from ganwerk.data.shards.transport import Incomplete, Place
from ganwerk.errors import DataError, GanwerkError, MachineError

FETCHERS = 2
OPEN_FILES = 32


class Shards:
    """(N, C, H, W) uint8 that `shards[numbers]` reads from files: an array for whoever takes rows.

    Shards that lie elsewhere are kept in a folder of the cache, the least used ones removed where
    all sets together would take more than `cache_bytes`; never those that are wanted. Several
    processes may share the folder. waited_seconds, waits: how long and how often reading had to
    wait for a shard that was on its way.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, index: Index, place: Place, cache: Path, cache_bytes: int) -> None:
        self.index, self.place, self.cache_bytes = index, place, cache_bytes
        self.kept_in = cache / "shards"
        self.folder = self.kept_in / index.fingerprint
        self.kept: tuple[int, ...] = ()
        self.waited_seconds, self.waits = 0.0, 0
        self._wanted: list[int] = []
        self._busy: set[int] = set()
        self._coming: set[int] = set()
        self._ready: set[int] = set()
        self._failed: dict[int, GanwerkError] = {}
        self._changed, self._reading = threading.Condition(), threading.RLock()
        self._fetchers: list[threading.Thread] = []
        self._files: dict[int, FileIO] = {}

    def __len__(self) -> int:
        return self.index.pictures

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return self.index.shape

    @property
    def nbytes(self) -> int:
        """Of memory: none; the pictures of a batch are read when they are asked for."""
        return 0

    def __getitem__(self, numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The pictures (n, C, H, W) with these numbers, read from their shards.

        Waits for those that are on their way. Raises DataError where one cannot be had or is
        damaged, MachineError where the disk is full.
        """
        numbers = np.asarray(numbers, np.int64)
        records = numbers if self.index.record_of is None else self.index.record_of[numbers]
        shards = np.searchsorted(self.index.ends, records, side="right")
        rows = np.empty((len(numbers), *self.shape[1:]), np.uint8)
        size = self.index.record_bytes
        with self._reading:
            for place in np.lexsort((records, shards)):  # forwards on the disk
                shard = int(shards[place])
                first = int(self.index.ends[shard]) - self.index.shards[shard].pictures
                file = self._file(shard)
                file.seek((int(records[place]) - first) * size)
                if file.readinto(rows[place].data.cast("B")) != size:
                    raise self._damaged(shard, "is shorter than its index says")
        return rows

    def want(self, shards: Sequence[int]) -> None:
        """These shards come next, in this order: fetch what is missing, keep what is there."""
        if self._wanted == shards:
            return
        with self._reading, self._changed:
            self._wanted = list(shards)
            for shard in self._files.keys() - {*shards, *self.kept}:
                self._files.pop(shard).close()  # an open file takes its place on the disk
            if not self._fetchers:
                # Daemons: a server that stops answering must not keep the program from ending.
                self._fetchers = [
                    threading.Thread(target=self._fetch, daemon=True, name=f"shards {number}")
                    for number in range(FETCHERS)
                ]
                for thread in self._fetchers:
                    thread.start()
            self._changed.notify_all()

    def ahead(self, sampler: Sampler, number: int) -> None:
        """Batch `number` is read next: fetch its window and the one after it."""
        if sampler.windows is not None:
            self.want(sampler.ahead(number))

    def bring(self, shard: int) -> None:
        """Wait until the shard is here and checked. Raises as reading from it does."""
        with self._reading:
            self._at_hand(shard)

    def _file(self, shard: int) -> FileIO:
        """A checked shard, open. It outlives the file's name, so that other processes may clear
        that away."""
        while shard not in self._files:
            path = self._at_hand(shard)
            while len(self._files) >= OPEN_FILES:
                self._files.pop(next(iter(self._files))).close()
            try:
                self._files[shard] = FileIO(path)
            except FileNotFoundError:
                with self._changed:
                    self._ready.discard(shard)
        return self._files[shard]

    def _at_hand(self, shard: int) -> Path:
        """Where the shard lies, as soon as it does."""
        with self._changed:
            if shard in self._ready:
                return self._path(shard)
            self._failed.pop(shard, None)
            others = [other for other in self._wanted if other != shard]
            self._changed.notify_all()
        self.want([shard, *others])
        begun = time.perf_counter()
        with self._changed:
            while shard not in self._ready and shard not in self._failed:
                self._changed.wait()
            self.waits += 1
            self.waited_seconds += time.perf_counter() - begun
            if shard in self._failed:
                raise self._failed[shard]
        return self._path(shard)

    def _path(self, shard: int) -> Path:
        name = self.index.shards[shard].file
        return self.place.path_of(name) or self.folder / name

    # In the fetchers ------------------------------------------------------------------------

    def _fetch(self) -> None:
        while True:
            with self._changed:
                while (shard := self._next()) is None:
                    self._changed.wait()
                self._busy.add(shard)
            failure: GanwerkError | None = None
            try:
                self._bring(shard)
            except GanwerkError as error:
                failure = error
            except OSError as error:
                failure = self._not_stored(error)
            with self._changed:
                self._busy.discard(shard)
                self._coming.discard(shard)
                if failure is not None:
                    self._failed[shard] = failure
                elif self._path(shard).exists():
                    self._ready.add(shard)
                self._changed.notify_all()

    def _next(self) -> int | None:
        done = self._ready | self._busy | self._failed.keys()
        return next((shard for shard in self._wanted if shard not in done), None)

    def _bring(self, shard: int) -> None:
        """Make sure that the shard lies here, whole. Raises DataError, OSError."""
        path, known = self._path(shard), self.index.shards[shard]
        try:
            same = path.stat().st_size == self.index.size_of(shard)
            if same and digest_file(path) == known.digest:
                if self.place.remote:
                    os.utime(path)
                return
        except FileNotFoundError:
            pass
        if not self.place.remote:
            raise self._damaged(shard, "is not there" if not path.exists() else _DIFFERENT)
        size = self.index.size_of(shard)
        with self._changed:
            self._make_room(size)
            self._coming.add(shard)

        def store(pieces: Iterator[bytes]) -> None:
            digest, total = hashlib.blake2b(digest_size=16), 0
            try:
                with replacing(path) as file:
                    for piece in pieces:
                        file.write(piece)
                        digest.update(piece)
                        total += len(piece)
                    if total != size:
                        raise Incomplete(f"{total:,} of {size:,} bytes came")
                    if digest.hexdigest() != known.digest:
                        raise Incomplete(_DIFFERENT)
            except OSError as error:
                raise self._not_stored(error) from error

        self.place.fetch(known.file, size, store, stopped=lambda: shard not in self._wanted)

    def _make_room(self, size: int) -> None:
        """Remove the least used shards, of this set and others, until so many bytes fit besides
        what is coming."""
        mine = {self._path(shard) for shard in {*self._wanted, *self.kept}}
        found = []
        for path in self.kept_in.glob("*/*"):
            if not path.name.endswith(f".{os.getpid()}.tmp"):
                with suppress(OSError):
                    about = path.stat()
                    found.append((path in mine, about.st_mtime, path, about.st_size))
        total = sum(bytes_ for *_, bytes_ in found) + sum(map(self.index.size_of, self._coming))
        for wanted, _, path, bytes_ in sorted(found, key=lambda entry: entry[:2]):
            if wanted or total + size <= self.cache_bytes:
                break
            with suppress(OSError):
                path.unlink()
                total -= bytes_
            self._ready -= {shard for shard in self._ready if self._path(shard) == path}

    def _damaged(self, shard: int, what: str) -> DataError:
        return DataError(
            f"The shard {self._path(shard)} {what}.",
            "Copy it again from where it was written, or write the shards again.",
        )

    def _not_stored(self, error: OSError) -> MachineError:
        return MachineError(
            f"A shard cannot be stored in {self.folder}: {error.strerror or error}.",
            "Free some space, or set GANWERK_CACHE to a folder on a larger disk.",
        )


_DIFFERENT = "has another content than its index says"
