"""Small pictures as files, and a transfer of a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganwerk.style.calibration import dead_leaves
from ganwerk.style.recipe import recipe_of
from ganwerk.stylisation.job import Request
from ganwerk.stylisation.pictures import to_pixels

SMALL = {"content_layers": ("relu2_1",), "style_layers": ("relu1_1", "relu2_1"), "size_px": 64,
         "smallest_px": 32, "steps": 6, "patch_weight": 1.0}  # fmt: skip


@pytest.fixture(scope="session")
def pixels():
    """(photo (48, 64, 3), painting (72, 72, 3)) uint8."""
    photo, painting = dead_leaves(1, 64, 60), dead_leaves(2, 72, 200)
    return to_pixels(photo[..., :48, :]), to_pixels(painting)


@pytest.fixture
def files(tmp_path: Path, pixels) -> Path:
    """A folder with photo.png and painting.png."""
    for name, array in zip(("photo", "painting"), pixels, strict=True):
        Image.fromarray(array).save(tmp_path / f"{name}.png")
    return tmp_path


@pytest.fixture
def request_of(files: Path):
    def make(**changes):
        rest = {k: changes.pop(k) for k in ("masks", "style_masks") if k in changes}
        styles = changes.pop("styles", [(files / "painting.png", 1.0)])
        content = changes.pop("content", files / "photo.png")
        preset = changes.pop("preset", "default")
        return Request(content, styles, recipe_of(preset, **(SMALL | changes)), **rest)

    return make


@pytest.fixture
def white(files: Path):
    """A mask of a size and brightness (a number, or an array)."""

    def make(name: str, width: int, height: int, value=255) -> Path:
        path = files / name
        array = np.full((height, width), value, np.uint8) if np.isscalar(value) else value
        Image.fromarray(array).save(path)
        return path

    return make
