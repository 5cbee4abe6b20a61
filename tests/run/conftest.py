"""Runs to test with, and Python programs of their own that see the same ganwerk."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

import ganwerk.run
from ganwerk.run import Run

Spawn = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A new, empty run."""
    return Run.create(
        tmp_path / "fruits",
        settings_toml="batch = 64\n",
        origins={"batch": "default"},
        about={"data": {"where": "fruits/"}, "choices": {"threads": 2}},
        data={"files": {"apple.png": "ab12"}},
    )


@pytest.fixture
def save(run: Run) -> Callable[..., Path]:
    """Save a checkpoint whose every number is its number of images."""

    def save(images: int, keep: int = 99, **more: object) -> Path:
        meta = {"step": images // 10} | {k: v for k, v in more.items() if k != "protected"}
        protected = more.get("protected", ())
        assert isinstance(protected, tuple)
        weights, state = filled(images), {"moments": torch.full((2, 50), float(images))}
        return run.save(images, weights, state, meta, keep=keep, protected=protected)

    return save


def filled(value: int) -> dict[str, Tensor]:
    """Weights that tell which checkpoint they are from."""
    return {"g.weight": torch.full((4, 30), float(value)), "g.count": torch.tensor(value)}


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start a Python program that can import ganwerk; it is killed when the test ends."""
    started: list[subprocess.Popen[str]] = []

    def spawn(program: str, *arguments: object) -> subprocess.Popen[str]:
        source = str(Path(ganwerk.run.__file__).parents[2])
        process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": source},
        )
        started.append(process)
        return process

    yield spawn
    for process in started:
        process.kill()
        process.communicate()
