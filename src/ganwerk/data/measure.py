"""Measures the health of decoded pictures. What the numbers mean is said in `health`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganwerk.data.advise import Advice
from ganwerk.data.health import LONG, NAMED_FILES, HealthReport
from ganwerk.data.likeness import (
    THUMBNAIL_PX,
    exact_groups,
    grey_thumbnails,
    near_groups,
    row_digests,
)
from ganwerk.data.mirror import mirror_verdict
from ganwerk.data.sources import Labels, Source
from ganwerk.data.store import Records
from ganwerk.errors import escaped
from ganwerk.values import Progress, ProgressCallback

CHUNK_BYTES = 1 << 24
MOST_FOR_LIKENESS = 500_000
"""Above so many pictures the search for near copies is left out; it would take half a minute."""


@dataclass(frozen=True)
class _Looked:
    """What one pass over the pixels gathers: grey thumbnails (N, T, T), whether a picture is all
    one colour (N,), and a digest of each."""

    thumbnails: NDArray[np.float32]
    flat: NDArray[np.bool_]
    digests: list[bytes]


def _look(images: NDArray[np.uint8], progress: ProgressCallback) -> _Looked:
    """Read pictures (N, C, R, R) chunk by chunk, so they may be a memory map."""
    count, channels, resolution, _ = images.shape
    thumbnails = np.empty((count, THUMBNAIL_PX, THUMBNAIL_PX), np.float32)
    flat = np.empty(count, bool)
    digests: list[bytes] = []
    step = max(1, CHUNK_BYTES // (channels * resolution**2))
    for start in range(0, count, step):
        part = images[start : start + step]
        thumbnails[start : start + step] = grey_thumbnails(part)
        planes = part.reshape(len(part), channels, -1)
        flat[start : start + step] = (planes.max(2) == planes.min(2)).all(1)
        digests += row_digests(part)
        progress(Progress("checking pictures", min(start + step, count), count, "pictures"))
    return _Looked(thumbnails, flat, digests)


def measure(
    source: Source,
    images: NDArray[np.uint8],
    names: Sequence[str],
    labels: Labels | None,
    empty_classes: tuple[str, ...],
    records: Records,
    advice: Advice,
    fit: str,
    progress: ProgressCallback,
) -> HealthReport:
    """The report on pictures (N, C, R, R)."""
    count, channels, resolution, _ = images.shape
    looked = _look(images, progress)
    same = exact_groups(looked.digests)
    alike: list[list[int]] = []
    skipped: tuple[str, ...] = ()
    if count <= MOST_FOR_LIKENESS:
        alike = near_groups(looked.thumbnails, [index for group in same for index in group[1:]])
    else:
        skipped = (f"near copies, because there are more than {MOST_FOR_LIKENESS:,} pictures.",)
    mirror = mirror_verdict(looked.thumbnails)
    single = np.flatnonzero(looked.flat).tolist()
    counts = np.bincount(labels.values, minlength=len(labels.names)).tolist() if labels else []
    return HealthReport(
        where=source.where,
        kind=source.kind,
        readable=count,
        resolution=resolution,
        channels=channels,
        fit=fit,
        advised_resolution=advice.resolution,
        advised_channels=advice.channels,
        resolution_reason=advice.resolution_reason,
        channels_reason=advice.channels_reason,
        ignored=dict(source.ignored),
        duplicates=_named(same, names),
        duplicate_count=sum(len(group) - 1 for group in same),
        near_duplicates=_named(alike, names),
        near_duplicate_count=sum(len(group) - 1 for group in alike),
        constant=tuple(escaped(names[index]) for index in single[:NAMED_FILES]),
        constant_count=len(single),
        class_names=labels.names if labels else (),
        class_counts=tuple(counts),
        empty_classes=empty_classes,
        mirror_safe=mirror.safe,
        mirror_reason=mirror.reason,
        mirror_accuracy=mirror.accuracy,
        remarks=source.remarks,
        skipped=skipped,
        **_of_files(records, resolution),
    )


def _of_files(records: Records, resolution: int) -> dict[str, Any]:
    """The part of the report that speaks of the files as they were before resizing."""
    sizes = list(zip(records.widths, records.heights, strict=True))
    return {
        "found": records.found,
        "widths_px": _range(records.widths),
        "heights_px": _range(records.heights),
        "modes": dict(records.modes),
        "formats": dict(records.formats),
        "unreadable": tuple(records.unreadable),
        "enlarged": sum(min(size) < resolution for size in sizes),
        "elongated": sum(max(size) > LONG * min(size) for size in sizes),
        "several": records.several,
        "made_here": len(records.made_here),
        "made_here_example": records.made_here[0] if records.made_here else "",
    }


def _range(values: Sequence[int]) -> tuple[int, int, int]:
    return min(values), int(median_low(values)), max(values)


def _named(groups: list[list[int]], names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(escaped(names[index]) for index in group[:NAMED_FILES])
        for group in groups[:NAMED_FILES]
    )
