"""All pictures of a source as one uint8 array, decoded once and in parallel."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganwerk.data.decode import (
    MODE_OF_CHANNELS,
    Decoded,
    UnreadableError,
    decode,
    quiet_pillow,
    standardise,
)
from ganwerk.data.health import Unreadable
from ganwerk.data.pictures import Fit
from ganwerk.data.sources import Arrays, FileSource
from ganwerk.data.workers import GROUP, worker_count
from ganwerk.errors import escaped
from ganwerk.values import Progress, ProgressCallback

TASK = "decoding pictures"


@dataclass
class Records:
    """What is learnt about the files while they are decoded; complete when the chunks are used up.

    kept: indices of the readable pictures, in order; widths, heights: theirs, px.
    """

    found: int
    kept: list[int] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    heights: list[int] = field(default_factory=list)
    modes: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    unreadable: list[Unreadable] = field(default_factory=list)
    several: int = 0
    made_here: list[str] = field(default_factory=list)

    def add(self, index: int, name: str, outcome: Decoded | str) -> None:
        """One more picture, or the reason why it is none."""
        if isinstance(outcome, str):
            self.unreadable.append(Unreadable(name, outcome))
            return
        self.kept.append(index)
        self.widths.append(outcome.width)
        self.heights.append(outcome.height)
        self.modes[outcome.mode] += 1
        self.formats[outcome.format] += 1
        self.several += outcome.several
        if outcome.made_here:
            self.made_here.append(name)


def decoded_chunks(
    source: FileSource,
    resolution: int,
    channels: int,
    fit: Fit,
    records: Records,
    progress: ProgressCallback,
) -> Iterator[NDArray[np.uint8]]:
    """Chunks (n, C, R, R) uint8 of readable pictures in the source's order; fills `records`."""
    total = len(source.names)

    def decode_group(start: int) -> list[Decoded | str]:
        return [
            _outcome(source, index, resolution, channels, fit)
            for index in range(start, min(start + GROUP, total))
        ]

    workers = worker_count()
    waiting: deque[tuple[int, Future[list[Decoded | str]]]] = deque()
    starts = iter(range(0, total, GROUP))
    with quiet_pillow(), ThreadPoolExecutor(workers) as pool:
        try:
            # A window of groups in flight: results must not pile up before a slow disk.
            for start in starts:
                waiting.append((start, pool.submit(decode_group, start)))
                if len(waiting) >= 4 * workers:
                    yield from _collected(*waiting.popleft(), source, records, progress)
            while waiting:
                yield from _collected(*waiting.popleft(), source, records, progress)
        finally:
            pool.shutdown(cancel_futures=True)


def resized_chunks(
    arrays: Arrays, resolution: int, channels: int, fit: Fit, progress: ProgressCallback
) -> Iterator[NDArray[np.uint8]]:
    """Pictures that come as an array: as they are where they fit, else through the same filter."""
    images = arrays.images
    if images.shape[1:] == (channels, resolution, resolution):
        progress(Progress(TASK, len(images), len(images), "pictures"))
        yield np.ascontiguousarray(images)
        return

    def group(start: int) -> NDArray[np.uint8]:
        return np.stack(
            [
                standardise(_as_image(picture), resolution, channels, fit)
                for picture in images[start : start + GROUP]
            ]
        )

    with ThreadPoolExecutor(worker_count()) as pool:
        done = 0
        for chunk in pool.map(group, range(0, len(images), GROUP)):
            done += len(chunk)
            progress(Progress(TASK, done, len(images), "pictures"))
            yield chunk


def array_records(arrays: Arrays) -> Records:
    """The records of pictures that came as an array: all readable, all alike."""
    count, channels, height, width = arrays.images.shape
    return Records(
        found=count,
        kept=list(range(count)),
        widths=[width] * count,
        heights=[height] * count,
        modes=Counter({MODE_OF_CHANNELS[channels]: count}),
        formats=Counter({"array": count}),
    )


def _outcome(
    source: FileSource, index: int, resolution: int, channels: int, fit: Fit
) -> Decoded | str:
    try:
        return decode(source.read(index), resolution, channels, fit)
    except UnreadableError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"


def _collected(
    start: int,
    future: Future[list[Decoded | str]],
    source: FileSource,
    records: Records,
    progress: ProgressCallback,
) -> Iterator[NDArray[np.uint8]]:
    outcomes = future.result()
    for offset, outcome in enumerate(outcomes):
        records.add(start + offset, escaped(source.names[start + offset]), outcome)
    total = len(source.names)
    progress(Progress(TASK, start + len(outcomes), total, "pictures"))
    pixels = [outcome.pixels for outcome in outcomes if not isinstance(outcome, str)]
    if pixels:
        yield np.stack(pixels)


def _as_image(picture: NDArray[np.uint8]) -> Image.Image:
    """(C, H, W) as a Pillow image."""
    if len(picture) == 1:
        return Image.fromarray(picture[0])
    return Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0)))
