"""From a path or a set's name to decoded pictures, through the cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganwerk.data.advise import Advice, advice_from, advise
from ganwerk.data.cache import cache_home, read_json, read_rows, remember, write_json, write_rows
from ganwerk.data.decode import DECODER_VERSION, quiet_pillow
from ganwerk.data.health import FEWEST_PICTURES, HealthReport, Unreadable, checked_health
from ganwerk.data.measure import measure
from ganwerk.data.opening import open_source
from ganwerk.data.pictures import Fit, Pictures, fingerprint_of
from ganwerk.data.renaming import renamed
from ganwerk.data.shards.load import index_of, load_shards
from ganwerk.data.sources import Arrays, ArraySource, FileSource, Labels, Source
from ganwerk.data.store import Records, array_records, decoded_chunks, resized_chunks
from ganwerk.errors import ConfigError, DataError, MachineError, escaped
from ganwerk.values import ProgressCallback, ignore_progress

RESOLUTION_RANGE = (8, 1024)
CACHE_VERSION = 2
DEFAULT_BUDGET_BYTES = 1 << 30
DEFAULT_SHARD_BYTES = 10 << 30


def load_pictures(
    where: str | Path,
    *,
    root: Path | None = None,
    resolution: int | None = None,
    channels: int | None = None,
    fit: Fit = "crop",
    memory_budget_bytes: int,
    shard_cache_bytes: int = DEFAULT_SHARD_BYTES,
    window: int | None = None,
    rename: Sequence[str] = (),
    cache_dir: Path | None = None,
    download: bool = True,
    progress: ProgressCallback = ignore_progress,
) -> Pictures:
    """The pictures of a folder, zip file, IDX file, index of shards or named set, decoded and
    checked.

    root: where the files of a named set may lie already.
    resolution: px of a side, 8 to 1,024; channels: 1 grey, 3 colour, 4 colour and alpha.
        None: what suits the pictures; the health report says why.
    fit: 'crop' takes the middle square, 'pad' adds bars in the colour of the border.
    memory_budget_bytes: a larger set stays on disk, as a memory map in the cache.
    shard_cache_bytes: what shards that are fetched may take of the disk, all sets together.
    window: shards that are shuffled together, 0 for all; None: what place and cache suggest.
    rename: 'old=new', other names for the classes that are found (data.renaming).
    cache_dir: None: $GANWERK_CACHE, else ~/.cache/ganwerk.
    download: whether a named set that is on no disk may be downloaded.

    Raises DataError (nothing to train on), ConfigError (a value out of range), MachineError
    (neither memory nor disk can hold the pictures).
    """
    _check(resolution, channels, fit)
    index = index_of(where)
    if index is not None:
        from_shards = load_shards(
            index, resolution=resolution, channels=channels, window=window, cache_dir=cache_dir,
            memory_budget_bytes=memory_budget_bytes, cache_bytes=shard_cache_bytes,
            progress=progress,
        )  # fmt: skip
        return renamed(from_shards, rename)
    cache = cache_home(cache_dir)
    source = open_source(where, root=root, cache=cache, download=download, progress=progress)
    decoded = _decoded(source, cache, resolution, channels, fit, memory_budget_bytes, progress)
    return renamed(decoded, rename)


def _decoded(
    source: Source, cache: Path, resolution: int | None, channels: int | None, fit: Fit,
    memory_budget_bytes: int, progress: ProgressCallback,
) -> Pictures:  # fmt: skip
    files = source.manifest(cache, progress)
    fingerprint = fingerprint_of(source.kind, files)
    loader = _Loader(source, cache, fingerprint, fit, memory_budget_bytes, progress)
    if resolution is None or channels is None:
        advice = loader.advice()
        resolution = advice.resolution if resolution is None else resolution
        channels = advice.channels if channels is None else channels
    made = loader.cached(resolution, channels) or loader.fresh(resolution, channels)
    return Pictures(
        images=made.images,
        labels=made.labels.values if made.labels else None,
        class_names=made.labels.names if made.labels else (),
        names=made.names,
        files=files,
        fingerprint=fingerprint,
        health=made.health,
        fit=fit,
    )


def scan(
    where: str | Path,
    *,
    root: Path | None = None,
    resolution: int | None = None,
    channels: int | None = None,
    fit: Fit = "crop",
    memory_budget_bytes: int = DEFAULT_BUDGET_BYTES,
    cache_dir: Path | None = None,
    download: bool = True,
    progress: ProgressCallback = ignore_progress,
) -> HealthReport:
    """The health report alone; decodes into the cache, so that a training starts at once after it.

    Arguments and errors as in `load_pictures`.
    """
    return load_pictures(
        where,
        root=root,
        resolution=resolution,
        channels=channels,
        fit=fit,
        memory_budget_bytes=memory_budget_bytes,
        cache_dir=cache_dir,
        download=download,
        progress=progress,
    ).health


def _check(resolution: int | None, channels: int | None, fit: str) -> None:
    low, high = RESOLUTION_RANGE
    if resolution is not None and not low <= resolution <= high:
        raise ConfigError(
            f"A resolution of {resolution} px is not possible.", f"Choose {low} to {high} px."
        )
    if channels not in (None, 1, 3, 4):
        raise ConfigError(
            f"Pictures cannot have {channels} channels.",
            "Choose 1 (grey), 3 (colour) or 4 (colour with transparency).",
        )
    if fit not in ("crop", "pad"):
        raise ConfigError(f"'{fit}' is no way to make pictures square.", "Choose 'crop' or 'pad'.")


@dataclass(frozen=True)
class _Made:
    images: NDArray[np.uint8]
    labels: Labels | None
    names: tuple[str, ...]
    health: HealthReport


class _Loader:
    """One source on its way into memory, with its place in the cache."""

    def __init__(
        self,
        source: Source,
        cache: Path,
        fingerprint: str,
        fit: Fit,
        budget_bytes: int,
        progress: ProgressCallback,
    ) -> None:
        self.source, self.cache, self.fingerprint = source, cache, fingerprint
        self.fit, self.budget_bytes, self.progress = fit, budget_bytes, progress
        self._arrays: Arrays | None = None

    def advice(self) -> Advice:
        """From the cache, else from a look at the pictures."""
        place = self._place(f"advice-v{DECODER_VERSION}.json")
        advice = advice_from(read_json(place))
        if advice is None:
            with quiet_pillow():
                advice = advise(self.source, self._sample())
            values = advice.to_dict()
            remember(lambda: write_json(place, values))
        return advice

    def arrays(self) -> Arrays:
        """The content of an array source, read once. Raises DataError."""
        assert isinstance(self.source, ArraySource)
        if self._arrays is None:
            self._arrays = self.source.load()
            # Before anything looks at a set without one picture.
            _refuse_few(array_records(self._arrays), self.source.where)
        return self._arrays

    def cached(self, resolution: int, channels: int) -> _Made | None:
        """What an earlier start has left, or None where there is nothing or it is damaged."""
        meta = read_json(self._entry(resolution, channels, "json"))
        try:
            if meta["version"] != CACHE_VERSION:
                return None
            names = tuple(map(str, meta["names"]))
            shape = (len(names), channels, resolution, resolution)
            health = checked_health(meta["health"])
            labels = _labels_from(meta)
            if labels is not None and len(labels.values) != len(names):
                return None
            crc = int(meta["crc"])
        except (TypeError, LookupError, ValueError, AttributeError, ArithmeticError):
            return None
        images = read_rows(
            self._entry(resolution, channels, "npy"), shape, crc, mapped=self._too_large(shape)
        )
        if images is None:
            return None
        # The same content may lie elsewhere now, beside other files that are no pictures.
        source = self.source
        health = replace(
            health, where=source.where, ignored=dict(source.ignored), remarks=source.remarks
        )
        return _Made(images, labels, names, health)

    def fresh(self, resolution: int, channels: int) -> _Made:
        """Decoded, checked, and put into the cache where the disk allows it."""
        advice = self.advice()
        if isinstance(self.source, FileSource):
            names, all_labels = self.source.names, self.source.labels
            records = Records(found=len(names))
            chunks = decoded_chunks(
                self.source, resolution, channels, self.fit, records, self.progress
            )
        else:
            arrays = self.arrays()
            records, all_labels = array_records(arrays), arrays.labels
            width = len(str(records.found - 1))
            names = tuple(f"{index:0{width}d}" for index in range(records.found))
            chunks = resized_chunks(arrays, resolution, channels, self.fit, self.progress)
        shape = (records.found, channels, resolution, resolution)
        images, crc = self._gathered(_refusing_few(chunks, records, self.source.where), shape)
        self._arrays = None  # no longer needed; large
        labels, empty = _kept_labels(all_labels, records.kept)
        kept_names = tuple(escaped(names[index]) for index in records.kept)
        health = measure(
            self.source, images, kept_names, labels, empty, records, advice, self.fit, self.progress
        )
        meta = {
            "version": CACHE_VERSION,
            "crc": crc,
            "names": kept_names,
            "labels": labels.values.tolist() if labels else None,
            "class_names": labels.names if labels else None,
            "health": health.to_dict(),
        }
        if crc is not None:
            # Written last: it says that the pictures beside it are complete.
            remember(lambda: write_json(self._entry(resolution, channels, "json"), meta))
        return _Made(images, labels, kept_names, health)

    def _gathered(
        self, chunks: Iterator[NDArray[np.uint8]], shape: tuple[int, int, int, int]
    ) -> tuple[NDArray[np.uint8], int | None]:
        """The pictures in memory or as a memory map, and their CRC; None: not in the cache.

        shape: of all pictures that were found; the unreadable ones among them are missing.
        """
        place = self._entry(shape[2], shape[1], "npy")
        if self._too_large(shape):
            return self._on_disk(place, chunks, shape)
        images = np.empty(shape, np.uint8)
        done = 0
        for chunk in chunks:
            images[done : done + len(chunk)] = chunk
            done += len(chunk)
        images = images[:done]
        try:
            return images, write_rows(place, iter([images]), shape[1:])[1]
        except OSError:
            return images, None  # a start without a cache only takes longer

    def _on_disk(
        self, place: Path, chunks: Iterator[NDArray[np.uint8]], shape: tuple[int, int, int, int]
    ) -> tuple[NDArray[np.uint8], int]:
        need, budget = _size(np.prod(shape, dtype=object)), _size(self.budget_bytes)
        try:
            rows, crc = write_rows(place, chunks, shape[1:])
        except OSError as error:
            raise MachineError(
                f"The decoded pictures take {need}, more than the memory budget of {budget}, and "
                f"cannot be written to {self.cache}: {error.strerror or error}.",
                "Set GANWERK_CACHE to a folder on a larger disk, choose a smaller resolution or "
                "raise the memory budget.",
            ) from error
        images = read_rows(place, (rows, *shape[1:]), crc, mapped=True)
        if images is None:
            raise MachineError(
                f"The decoded pictures in {place} cannot be read back.",
                "Check the disk, or set GANWERK_CACHE to a folder on another one.",
            )
        return images, crc

    def _sample(self) -> NDArray[np.uint8] | None:
        return self.arrays().images if isinstance(self.source, ArraySource) else None

    def _too_large(self, shape: tuple[int, ...]) -> bool:
        return int(np.prod(shape, dtype=object)) > self.budget_bytes

    def _entry(self, resolution: int, channels: int, suffix: str) -> Path:
        size = f"{resolution}x{resolution}x{channels}"
        return self._place(f"{size}-{self.fit}-v{DECODER_VERSION}.{suffix}")

    def _place(self, name: str) -> Path:
        return self.cache / "pictures" / f"{self.fingerprint}-{name}"


def _refusing_few(
    chunks: Iterator[NDArray[np.uint8]], records: Records, where: str
) -> Iterator[NDArray[np.uint8]]:
    """The chunks, and at their end the refusal of a set that cannot be trained on: early enough
    that nothing of it gets into the cache."""
    yield from chunks
    _refuse_few(records, where)


def _refuse_few(records: Records, where: str) -> None:
    found, readable = records.found, len(records.kept)
    if records.unreadable and readable * 2 < found:
        reasons = "; ".join(_told(bad) for bad in records.unreadable[:5])
        more = len(records.unreadable) - 5
        amount = "None" if not readable else f"Only {readable:,}"
        raise DataError(
            f"{amount} of {found:,} pictures in {where} can be read: {reasons}"
            f"{f'; and {more:,} more' if more > 0 else ''}.",
            "Copy or convert these files again, or remove them.",
        )
    if readable < FEWEST_PICTURES:
        raise DataError(
            f"{where} has {readable} pictures that can be read; training needs at least "
            f"{FEWEST_PICTURES}.",
            "Add more pictures: some hundreds are a beginning, some thousands are good.",
        )


def _told(bad: Unreadable) -> str:
    return f"{bad.name} {bad.reason}"


def _kept_labels(labels: Labels | None, kept: list[int]) -> tuple[Labels | None, tuple[str, ...]]:
    """Labels of the readable pictures, and the classes that have none left."""
    if labels is None:
        return None, ()
    present, values = np.unique(labels.values[kept], return_inverse=True)
    names = tuple(escaped(labels.names[number]) for number in present.tolist())
    empty = tuple(
        escaped(name) for number, name in enumerate(labels.names) if number not in set(present)
    )
    if len(names) < 2:
        return None, empty
    return Labels(values.astype(np.int64), names), empty


def _labels_from(meta: dict[str, Any]) -> Labels | None:
    if meta["labels"] is None:
        return None
    names = tuple(map(str, meta["class_names"]))
    values = np.array(meta["labels"], np.int64)
    if values.ndim != 1 or not len(values) or values.min() < 0 or values.max() >= len(names):
        raise ValueError("labels outside their classes")
    return Labels(values, names)


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
