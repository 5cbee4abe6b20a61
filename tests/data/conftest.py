"""Small pictures on disk, and a cache of their own for every test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Painter = Callable[..., list[Path]]


def noise(seed: int, height: int = 32, width: int = 32, channels: int = 3) -> NDArray[np.uint8]:
    """A random picture of coarse blocks, (H, W, C) uint8: no two seeds look alike."""
    blocks = np.random.default_rng(seed).integers(0, 256, (4, 4, channels), np.uint8)
    large = np.kron(blocks, np.ones((-(-height // 4), -(-width // 4), 1), np.uint8))
    return np.ascontiguousarray(large[:height, :width])


@pytest.fixture(autouse=True)
def cache_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is ever written outside the test's own folder."""
    monkeypatch.setenv("GANWERK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def paint() -> Painter:
    """paint(folder, count): writes `count` different pictures."""

    def _paint(
        folder: Path,
        count: int = 20,
        *,
        first: int = 0,
        suffix: str = ".png",
        height: int = 32,
        width: int = 32,
    ) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for number in range(first, first + count):
            path = folder / f"{number:04d}{suffix}"
            Image.fromarray(noise(number, height, width)).save(path)
            paths.append(path)
        return paths

    return _paint
