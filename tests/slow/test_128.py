"""Each preset for large pictures at 128 px: two hundred steps, pictures, and an exact resume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.training.test_train import assert_same, stop_after

from ganwerk.run import Run
from ganwerk.sampling.sample import Sampler
from ganwerk.training.train import Request, resume, train

STEPS, BATCH = 200, 8

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two hundred disks of all colours on white."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:128, :128]
    folder = tmp_path / "disks"
    folder.mkdir()
    for i in range(200):
        cx, cy, radius = random.uniform(50, 78), random.uniform(50, 78), random.uniform(20, 45)
        pixels = np.full((128, 128, 3), 255, np.uint8)
        pixels[(x - cx) ** 2 + (y - cy) ** 2 < radius**2] = random.integers(0, 256, 3)
        Image.fromarray(pixels).save(folder / f"{i:03d}.png")
    return folder


@pytest.mark.parametrize(
    "preset", ["stylegan", "stylegan-first", "progressive", "multi-scale", "r3"]
)
def test_two_hundred_steps_at_128_px(tmp_path: Path, pictures: Path, preset: str) -> None:
    def request(name: str) -> Request:
        flags = {"data.resolution": (128, "test"), "budget.images": (STEPS * BATCH, "test"),
                 "budget.batch": (BATCH, "test")}  # fmt: skip
        return Request(str(pictures), preset=preset, flags=flags, out=tmp_path / name)

    straight = train(request("straight"))
    part = train(request("part"), stop_after(STEPS // 2))
    assert Run.open(part).load().images < STEPS * BATCH
    resume(part)
    assert_same(straight, part)
    drawn = torch.from_numpy(Sampler.open(straight).draw(range(16))).float()
    assert drawn.shape == (16, 128, 128, 3)
    assert drawn.std(0).mean() > 1  # pictures differ
    rows = Run.open(straight).journal.rows("step")
    assert all(np.isfinite(row["d_loss"]) and np.isfinite(row["g_loss"]) for row in rows)
