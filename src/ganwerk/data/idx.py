"""IDX files, the format of MNIST: a short header and raw bytes, plain or as .gz.

Header: two zero bytes, the type of the values, the number of axes, then each axis as a big-endian
32-bit number.
"""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ganwerk.data.digests import digest_file
from ganwerk.data.formats import is_hidden
from ganwerk.data.health import HealthLine, listed
from ganwerk.data.sources import Arrays, ArraySource, Labels
from ganwerk.errors import DataError
from ganwerk.values import Progress, ProgressCallback

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
IMAGES = re.compile(r"image(s?)([-._])idx[34]", re.IGNORECASE)
LABELS = re.compile(r"labels?[-._]idx1", re.IGNORECASE)
CHANNELS = (1, 3, 4)
MOST_SHRUNK, FREE_BYTES = 200, 1 << 28
"""What unpacks to more than 200 times its size, and to more than 256 MiB, is no set of pictures."""

T = TypeVar("T")


def looks_like_idx(path: Path) -> bool:
    """By its name, or by the first four bytes of a plain file. Raises OSError."""
    if IMAGES.search(path.name) or LABELS.search(path.name):
        return True
    with path.open("rb") as file:
        start = file.read(4)
    return len(start) == 4 and start[:2] == b"\0\0" and start[2] in TYPES and 0 < start[3] < 5


class IdxSource(ArraySource):
    """Pictures (and labels, where there are any) from IDX files."""

    def __init__(
        self,
        images: Path,
        labels: Path | None,
        *,
        kind: str = "idx",
        where: str = "",
        class_names: tuple[str, ...] = (),
    ) -> None:
        """class_names: names of the labels 0, 1, ...; without them, the numbers are the names."""
        self.kind = kind
        self.where = where or str(images)
        self.images, self.labels = images, labels
        self._class_names = class_names

    @classmethod
    def from_file(cls, path: Path) -> IdxSource:
        """The pictures in `path`, with the labels beside it. Raises DataError for a label file."""
        if LABELS.search(path.name):
            raise DataError(
                f"{path} holds labels, not pictures.", "Name the file of images beside it."
            )
        return cls(path, _labels_beside(path))

    @classmethod
    def in_folder(
        cls,
        folder: Path,
        *,
        kind: str = "idx",
        where: str = "",
        class_names: tuple[str, ...] = (),
    ) -> IdxSource | None:
        """The training set in the folder, or its only set; None where there are no IDX images.

        Raises DataError where there are several and none is called 'train', and OSError.
        """
        found = sorted(
            item for item in folder.iterdir() if IMAGES.search(item.name) and item.is_file()
        )
        by_stem = {item.name.removesuffix(".gz"): item for item in reversed(found)}
        if not by_stem:
            return None
        stems = sorted(stem for stem in by_stem if stem.lower().startswith("train"))
        stems = stems or sorted(by_stem)
        if len(stems) > 1:
            raise DataError(
                f"{folder} holds several IDX sets: {', '.join(stems)}.",
                "Name the file of images that you want.",
            )
        images = by_stem[stems[0]]
        labels = _labels_beside(images)
        source = cls(images, labels, kind=kind, where=where or str(folder), class_names=class_names)
        used = {path.name.removesuffix(".gz") for path in (images, labels) if path is not None}
        names = [item.name for item in folder.iterdir() if not is_hidden(item.name)]
        other = [name for name in names if name.removesuffix(".gz") not in used]
        if other and kind == "idx":
            told = f"The folder is read as the IDX set {images.name}. Not used: {listed(other)}."
            source.remarks = (HealthLine("note", told),)
        return source

    def manifest(self, cache: Path, progress: ProgressCallback) -> dict[str, str]:
        paths = [path for path in (self.images, self.labels) if path is not None]
        files = {}
        for done, path in enumerate(paths, 1):
            files[path.name] = _readable(path, digest_file)
            progress(Progress("reading files", done, len(paths), "files"))
        return files

    def load(self) -> Arrays:
        images = _as_pictures(self.images, read_idx(self.images))
        if self.labels is None:
            return Arrays(images)
        labels = read_idx(self.labels)
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise DataError(f"{self.labels} does not hold labels.", "Replace or remove the file.")
        if len(labels) != len(images):
            raise DataError(
                f"{self.labels.name} has {len(labels):,} labels, but {self.images.name} "
                f"{len(images):,} pictures.",
                "The two files do not belong together: replace one, or remove the labels.",
            )
        return Arrays(images, _number(labels, self._class_names))


def read_idx(path: Path) -> NDArray[np.generic]:
    """The array in an IDX file, in its own shape and type.

    Raises DataError where the file is no IDX file, is shorter or longer than its header says, or
    cannot be read.
    """
    data = _readable(path, _content)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in TYPES or not 0 < data[3] < 5:
        raise DataError(
            f"{path} is no IDX file: it starts with {data[:4].hex(' ') or 'nothing'}.",
            "An IDX file of pictures starts with 00 00 08 03. Copy or download it again.",
        )
    kind, axes = np.dtype(TYPES[data[2]]), data[3]
    start = 4 + 4 * axes
    shape = struct.unpack(f">{axes}I", data[4:start]) if len(data) >= start else ()
    expected = _expected_bytes(data[:start])
    if not shape or len(data) != expected:
        raise DataError(
            f"{path} is shorter than its header says: {len(data):,} bytes, not {expected:,}."
            if len(data) < expected or not shape
            else f"{path} is longer than its header says, which is {expected:,} bytes.",
            "Copy or download it again.",
        )
    values = np.frombuffer(data, kind, offset=start).reshape(shape)
    return values.astype(kind.newbyteorder("=")) if kind.itemsize > 1 else values


def _content(path: Path) -> bytes:
    """All bytes, of a gzip file unpacked, but at most one more than the header speaks of: a
    megabyte cannot fill the memory."""
    size = path.stat().st_size
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if zipped else path.open("rb") as file:
        start = file.read(4)
        start += file.read(4 * start[3]) if len(start) == 4 else b""
        expected = _expected_bytes(start)
        if zipped and expected > max(FREE_BYTES, MOST_SHRUNK * size):
            raise DataError(
                f"{path} would unpack from {size:,} to {expected:,} bytes, as no pictures do.",
                "Copy or download it again.",
            )
        rest = expected + 1 - len(start)
        return start + file.read(rest if zipped else min(rest, size))


def _expected_bytes(header: bytes) -> int:
    """How long a file with this header should be; that of the header where it is none."""
    if len(header) < 4 or header[2] not in TYPES or len(header) < 4 + 4 * header[3]:
        return len(header)
    shape = struct.unpack(f">{header[3]}I", header[4:])
    return len(header) + math.prod(shape) * np.dtype(TYPES[header[2]]).itemsize


def _readable(path: Path, read: Callable[[Path], T]) -> T:
    """read(path), its failures in the user's words."""
    try:
        return read(path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path} is damaged or not complete: {error}.", "Copy or download it again."
        ) from error
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}.", "Check its permissions."
        ) from error


def _as_pictures(path: Path, values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """(N, H, W), (N, H, W, C) or (N, C, H, W) as (N, C, H, W)."""
    if values.dtype != np.uint8:
        raise DataError(
            f"{path} holds {values.dtype} values; pictures must be uint8, 0 to 255.",
            "Convert it to bytes first.",
        )
    if len(values) and not values.size:
        raise DataError(
            f"{path} holds pictures without pixels: {values.shape[1]} x {values.shape[2]} px."
            if values.ndim > 2
            else f"{path} holds no pictures.",
            "Export it again.",
        )
    images: NDArray[np.uint8] = values.view(np.uint8)
    if images.ndim == 3:
        return images[:, None]
    if images.ndim == 4 and images.shape[-1] in CHANNELS:
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    if images.ndim == 4 and images.shape[1] in CHANNELS:
        return images
    raise DataError(
        f"{path} holds an array of shape {images.shape}, which are no pictures.",
        "Pictures are (count, height, width), or with 1, 3 or 4 channels at the end.",
    )


def _number(labels: NDArray[np.generic], names: tuple[str, ...]) -> Labels | None:
    """Labels of any integers as 0, 1, ... in the order of their values; one class is none."""
    present, values = np.unique(labels.astype(np.int64), return_inverse=True)
    if len(present) < 2:
        return None
    called = tuple(
        names[number] if 0 <= number < len(names) else str(number) for number in present.tolist()
    )
    return Labels(values.astype(np.int64), called)


def _labels_beside(images: Path) -> Path | None:
    """The label file that belongs to a file of images, plain or .gz."""
    plain = images.name.removesuffix(".gz")
    name = IMAGES.sub(r"label\1\2idx1", plain)
    for candidate in (name, f"{name}.gz"):
        path = images.with_name(candidate)
        if name != plain and path.is_file():
            return path
    return None
