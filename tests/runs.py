from __future__ import annotations

import shutil
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from ganwerk.training.prepare import Request

Trained = Callable[..., Path]

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


def small(out: Path, where: str = "digits", preset: str | None = None, **changes: Any) -> Request:
    """A request for a training of seconds; keyword arguments change settings ('game__loss')."""
    from ganwerk.training.prepare import Request  # not where workers are only told what to do

    wanted = TINY if preset in (None, "auto") else SMALL.get(preset, {}) | COMMON
    wanted = wanted | {key.replace("__", "."): value for key, value in changes.items()}
    flags = {key: (value, f"{key}={value}") for key, value in wanted.items()}
    return Request(where, preset=preset, flags=flags, out=out)


@pytest.fixture
def tiny(tmp_path: Path):
    """A `small` request in the test's own folder."""

    def make(name: str = "run", images: int = 320, **changes):
        return small(tmp_path / name, budget__images=images, **changes)

    return make


@pytest.fixture(scope="session")
def trained(shared_folder: Path) -> Trained:
    """Finished runs of one's own, trained once in a run of the suite, whichever worker is first:
    `trained(folder, preset="dcgan", budget__images=64)` makes the folder a copy of such a run."""
    from ganwerk.training.train import train

    def copy(folder: Path, **asked: Any) -> Path:
        name = blake2b(repr(sorted(asked.items())).encode(), digest_size=8).hexdigest()
        made = shared_folder / f"trained-{name}"
        with FileLock(f"{made}.lock"):
            if not made.exists():
                unfinished = shared_folder / f"training-{name}"
                train(small(unfinished, **asked)).rename(made)
        return Path(shutil.copytree(made, folder))

    return copy


@pytest.fixture(scope="session")
def digits_run(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One finished run on digits for tests that write nothing into it."""
    return trained(tmp_path_factory.mktemp("shared") / "digits", budget__images=160)


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
