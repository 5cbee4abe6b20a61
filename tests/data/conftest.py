"""Small pictures on disk, and a cache of their own for every test."""

from __future__ import annotations

from pathlib import Path

import pytest
from picture_files import Painter, noise
from PIL import Image


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
