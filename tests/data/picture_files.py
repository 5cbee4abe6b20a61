"""Helpers that write small pictures and sets of pictures."""

from __future__ import annotations

import gzip
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CODES = {"uint8": 8, "int16": 11, "int32": 12, "float32": 13}
Painter = Callable[..., list[Path]]


def noise(seed: int, height: int = 32, width: int = 32, channels: int = 3) -> NDArray[np.uint8]:
    """A random picture of coarse blocks, (H, W, C) uint8: no two seeds look alike."""
    blocks = np.random.default_rng(seed).integers(0, 256, (4, 4, channels), np.uint8)
    large = np.kron(blocks, np.ones((-(-height // 4), -(-width // 4), 1), np.uint8))
    return np.ascontiguousarray(large[:height, :width])


def write_idx(path: Path, values: NDArray[np.generic], magic: bytes | None = None) -> Path:
    start = magic if magic is not None else bytes([0, 0, CODES[str(values.dtype)], values.ndim])
    data = start + struct.pack(f">{values.ndim}I", *values.shape)
    data += values.astype(values.dtype.newbyteorder(">")).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def zipped(path: Path, pictures: Path, packing: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as target:
        for item in sorted(pictures.rglob("*")):
            target.write(item, item.relative_to(pictures).as_posix())
    return path
