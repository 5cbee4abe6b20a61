"""A command line whose verbs are stubs."""

from __future__ import annotations

import inspect
import os
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ganwerk.cli import entry
from ganwerk.runtime.events import Plan

Cli = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs `ganwerk ...` in an empty folder, in this process."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        if name in os.environ:
            monkeypatch.delenv(name)
    return lambda *args, **rest: CliRunner().invoke(entry, list(args), **rest)


class Stub:
    """A verb that remembers how it was called, and refuses what the real one would.

    answer: a value, an error, or a function."""

    def __init__(self, real: Callable[..., Any], answer: Any) -> None:
        self.signature = inspect.signature(real)
        self.answer = answer
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __call__(self, *args: Any, **rest: Any) -> Any:
        self.signature.bind(*args, **rest)
        self.calls.append((args, rest))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer(*args, **rest) if callable(self.answer) else self.answer


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Any], Stub]:
    """Replaces the verb of this dotted name."""

    def replace(name: str, answer: Any) -> Stub:
        verb = Stub(pkgutil.resolve_name(name), answer)
        monkeypatch.setattr(name, verb)
        return verb

    return replace


@pytest.fixture
def a_plan() -> Plan:
    return Plan(
        data="digits",
        pictures=1797,
        held_out=180,
        resolution=16,
        channels=1,
        classes=tuple("0123456789"),
        conditional=True,
        mirror=False,
        preset="auto",
        network="resnet",
        generator_parameters=662_625,
        discriminator_parameters=1_250_000,
        loss="relativistic",
        remedies=("r1 (weight 0.08)",),
        batch=64,
        device="some cpu",
        precision="float32",
        images_per_second=1000.0,
        total_images=90_000,
        expected_seconds=90.0,
        memory_bytes=103_600_000,
        disk_bytes=151_800_000,
        out="runs/digits",
        notes=("10 classes, balanced.",),
    )
