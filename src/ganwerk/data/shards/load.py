"""From the place of an index to pictures to train on."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganwerk.data.cache import cache_home
from ganwerk.data.digests import digest_files, digest_of
from ganwerk.data.health import FEWEST_PICTURES, HealthReport, checked_health
from ganwerk.data.pictures import SHARDS, Pictures
from ganwerk.data.shards.index import FORMAT, INDEX, MOST_INDEX_BYTES, Index, parse
from ganwerk.data.shards.store import Shards
from ganwerk.data.shards.transport import Place, is_address
from ganwerk.errors import ConfigError, DataError, MachineError
from ganwerk.values import Progress, ProgressCallback

NEAR_PICTURES = 8_000
"""So many at least can be looked at at any time: to measure against, and to hold out."""
TASK = "fetching shards"
HEAD_BYTES = 1000


def load_shards(
    where: str,
    *,
    resolution: int | None,
    channels: int | None,
    memory_budget_bytes: int,
    cache_bytes: int,
    window: int | None,
    cache_dir: Path | None,
    progress: ProgressCallback,
) -> Pictures:
    """The pictures of the index at `where`: a path or an address.

    window: shards that are shuffled together, 0 for all; None: all where they lie in a folder or
    fit into the cache, else what half of the cache holds.
    Raises DataError, ConfigError for another size than that of the shards, MachineError.
    """
    place = Place(where)
    index = _index_at(place)
    _check(index, where, resolution, channels)
    health = _health(index, where)
    labels = _labels(index, place)
    shards = Shards(index, place, cache_home(cache_dir), cache_bytes)
    size = _window(index, place, cache_bytes) if window is None else min(window, len(index.shards))
    if size == len(index.shards):
        size = 0
    near = _near(shards, size, cache_bytes)
    if not place.remote:
        _check_files(index, place, cache_home(cache_dir), progress)
    total = index.pictures * index.record_bytes
    images: NDArray[np.uint8] | Shards = shards
    if not size and total <= memory_budget_bytes:
        images = _in_memory(shards, progress)
    elif size:
        _fetch_near(shards, progress)
    return Pictures(
        images=images,
        labels=labels,
        class_names=index.class_names,
        names=tuple(map(str, range(index.pictures))),
        files=index.files,
        fingerprint=index.fingerprint,
        health=health,
        fit=index.fit,
        windows=index.windows(size) if size else None,
        near=near,
    )


def index_of(where: str | Path) -> str | None:
    """The index that this place means: itself, or the one in a folder of shards; None for what is
    none."""
    text = str(where)
    if is_address(text):
        return text
    path = Path(os.path.expanduser(text))
    with suppress(OSError, ValueError):
        if path.is_dir():
            path = path / INDEX
        if path.suffix == ".json" and path.is_file():
            with path.open("rb") as file:
                if f'"{FORMAT}"'.encode() in file.read(HEAD_BYTES):
                    return str(path)
    return None


def _index_at(place: Place) -> Index:
    name = place.where.rpartition("/")[2] if place.remote else Path(place.where).name
    return parse(place.read(name, MOST_INDEX_BYTES), place.where)


def _check(index: Index, where: str, resolution: int | None, channels: int | None) -> None:
    if resolution not in (None, index.resolution):
        raise ConfigError(
            f"The shards of {where} hold pictures of {index.resolution} px, and {resolution} px "
            "were asked for.",
            f"Leave --resolution out, or write others: ganwerk data shard PICTURES SHARDS "
            f"--resolution {resolution}",
        )
    if channels not in (None, index.channels):
        raise ConfigError(
            f"The shards of {where} hold pictures of {index.channels} channels, and {channels} "
            "were asked for.",
            f"Leave data.channels out, or say {index.channels}.",
        )
    if index.pictures < FEWEST_PICTURES:
        raise DataError(
            f"{where} has {index.pictures} pictures; training needs at least {FEWEST_PICTURES}.",
            "Add more pictures: some hundreds are a beginning, some thousands are good.",
        )


def _labels(index: Index, place: Place) -> NDArray[np.int64] | None:
    if index.labels is None:
        return None
    content = place.read(index.labels.file, 2 * index.pictures)
    labels = np.frombuffer(content[: len(content) & ~1], "<u2").astype(np.int64)
    sound = len(content) == 2 * index.pictures and digest_of(content) == index.labels.digest
    if not sound or set(labels.tolist()) != set(range(len(index.class_names))):
        raise DataError(
            f"The classes in {place.folder}/{index.labels.file} are not those of the index.",
            "Copy the file again from where it was written, or write the shards again.",
        )
    return labels


def _window(index: Index, place: Place, cache_bytes: int) -> int:
    """All shards where they are at hand anyway, else as many as leave room for the next ones."""
    sizes = [index.size_of(number) for number in range(len(index.shards))]
    if not place.remote or sum(sizes) <= cache_bytes:
        return 0
    room = cache_bytes - sum(sizes[: _near_shards(index)])
    return max(1, int(room // (2 * max(sizes))))


def _near_shards(index: Index) -> int:
    """How many shards, the first ones, hold what must be at hand: all are samples of the whole."""
    return min(len(index.shards), int(np.searchsorted(index.ends, NEAR_PICTURES)) + 1)


def _near(shards: Shards, window: int, cache_bytes: int) -> NDArray[np.int64] | None:
    """The pictures that are kept at hand, sorted; None for all. Raises MachineError."""
    index = shards.index
    if not window:
        need = sum(map(index.size_of, range(len(index.shards))))
    else:
        shards.kept = tuple(range(_near_shards(index)))
        largest = max(map(index.size_of, range(len(index.shards))))
        need = sum(map(index.size_of, shards.kept)) + 2 * window * largest
    if shards.place.remote and need > cache_bytes:
        what = f"two windows of {window} and {len(shards.kept)} shards" if window else "all shards"
        raise MachineError(
            f"{need / 2**20:,.0f} MiB of disk are needed for {what}, and the cache may take "
            f"{cache_bytes / 2**20:,.0f} MiB.",
            f"Allow more: --set data.cache_mb={-(-need // 2**20)}, or shuffle fewer together: "
            "--set data.window=1",
        )
    if not window:
        return None
    records = np.arange(int(index.ends[shards.kept[-1]]))
    if index.record_of is None:
        return records
    return np.flatnonzero(index.record_of < len(records))


def _check_files(index: Index, place: Place, cache: Path, progress: ProgressCallback) -> None:
    """Raises DataError if a shard of a folder is missing or another one."""
    folder = Path(place.folder)
    found = digest_files(folder, list(index.files), cache, progress)
    wrong = [name for name, digest in index.files.items() if found[name] != digest]
    if wrong:
        what = "cannot be read" if found[wrong[0]] == "unreadable" else "is damaged"
        more = f", and {len(wrong) - 1:,} more" if len(wrong) > 1 else ""
        raise DataError(
            f"The shard {folder / wrong[0]} {what}{more}.",
            "Copy it again from where it was written, or write the shards again.",
        )


def _in_memory(shards: Shards, progress: ProgressCallback) -> NDArray[np.uint8]:
    """All pictures, (N, C, H, W), in the order of their numbers."""
    index = shards.index
    images = np.empty(index.shape, np.uint8)
    records = np.arange(index.pictures) if index.record_of is None else index.record_of
    in_order = np.argsort(records)
    shards.want(range(len(index.shards)))
    start = 0
    for number, end in enumerate(index.ends.tolist()):
        images[in_order[start:end]] = shards[in_order[start:end]]
        start = end
        progress(Progress(TASK, number + 1, len(index.ends), "shards"))
    return images


def _fetch_near(shards: Shards, progress: ProgressCallback) -> None:
    shards.want(list(shards.kept))
    for done, shard in enumerate(shards.kept, 1):
        shards.bring(shard)
        progress(Progress(TASK, done, len(shards.kept), "shards"))
    shards.waits, shards.waited_seconds = 0, 0.0


def _health(index: Index, where: str) -> HealthReport:
    """The report of the pictures as they were written, of this place."""
    try:
        health = checked_health(index.health)
    except (TypeError, LookupError, ValueError, AttributeError, ArithmeticError) as error:
        raise DataError(
            f"The index {where} is damaged: its health report cannot be read.",
            f"Copy {INDEX} again from where it was written, or write the shards again.",
        ) from error
    same = (health.readable, health.class_names) == (index.pictures, index.class_names)
    if not same or min(health.class_counts, default=1) < 1:
        raise DataError(
            f"The index {where} is damaged: its health report is of other pictures.",
            f"Copy {INDEX} again from where it was written, or write the shards again.",
        )
    return replace(health, where=where, kind=SHARDS)
