from __future__ import annotations

from pathlib import Path

import pytest

from ganwerk.training.prepare import Request

TINY = {
    "network.generator_width": 8,
    "network.discriminator_width": 8,
    "network.max_width": 16,
    "network.discriminator_features": 16,
    "latent.dim": 8,
    "budget.batch": 16,
    "run.precision": "float32",
}

COMMON = {"budget.batch": 16, "run.precision": "float32"}
NARROW = {"network.generator_width": 8, "network.discriminator_width": 8, "network.max_width": 16}
PICTURED = (
    "dcgan",
    "wgan-gp",
    "r3",
    "r3-full",
    "stylegan",
    "stylegan-first",
    "progressive",
    "multi-scale",
)
SMALL = dict.fromkeys(PICTURED, NARROW)


@pytest.fixture
def tiny(tmp_path: Path):
    """A request for a training of seconds; keyword arguments change settings ('game__loss')."""

    def make(name: str = "run", where: str = "digits", images: int = 320, preset=None, **changes):
        wanted = (TINY if preset in (None, "auto") else SMALL.get(preset, {}) | COMMON) | {
            "budget.images": images
        }
        wanted |= {key.replace("__", "."): value for key, value in changes.items()}
        flags = {key: (value, f"{key}={value}") for key, value in wanted.items()}
        return Request(where, preset=preset, flags=flags, out=tmp_path / name)

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sixty small colour pictures in two classes: disks and squares."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    y, x = np.mgrid[:20, :20]
    for i in range(60):
        kind = ("disk", "square")[i % 2]
        cx, cy, r = [*random.uniform(7, 13, 2).tolist(), random.uniform(3, 6)]
        inside = (
            (x - cx) ** 2 + (y - cy) ** 2 < r * r
            if kind == "disk"
            else (abs(x - cx) < r) & (abs(y - cy) < r)
        )
        pixels = np.full((20, 20, 3), 240, np.uint8)
        pixels[inside] = random.integers(0, 200, 3)
        target = tmp_path / "shapes" / kind / f"{i:03d}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(target)
    return tmp_path / "shapes"
