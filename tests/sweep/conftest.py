from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganwerk.sweep.directory import Definition, Folder
from ganwerk.sweep.sweep import make
from tests.runs import TINY


@pytest.fixture
def begun(tmp_path: Path) -> Callable[..., Folder]:
    """A sweep of tiny trainings, made or joined."""

    def make_it(name: str = "sweep", images: int = 64, **changes: Any) -> Folder:
        definition = Definition(
            **{
                "data": "digits",
                "flags": {key: (value, f"{key}={value}") for key, value in TINY.items()}
                | {"budget.images": (images, f"--images {images}")},
                "vary": ("remedy.r1.weight=log:0.01..10",),
                "trials": 3,
                **changes,
            }
        )
        return make(tmp_path / name, definition)

    return make_it
