"""What a row of the throughput table trains: pictures, settings, precision of each layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench.common import data_folder
from ganwerk.config import auto, load
from ganwerk.config.remedies import PenaltySettings
from ganwerk.config.schema import Settings
from ganwerk.data import Pictures, load_pictures
from ganwerk.data.health import HealthReport
from ganwerk.runtime import machine
from ganwerk.training import probe
from ganwerk.values import Origin

NOISE_PICTURES = 4096
NOISE_CLASSES = ("a", "b", "c", "d")
MNIST_MEMORY_BYTES = 1 << 30


@dataclass(frozen=True)
class Task:
    """One network on one set of pictures; every contender trains exactly this.

    choices: the precision that ganwerk's measurement chose for each layer.
    """

    name: str
    settings: Settings
    pictures: Pictures
    choices: dict[str, str]

    @property
    def device(self) -> torch.device:
        return torch.device(self.settings.run.device)

    @property
    def class_count(self) -> int:
        """Classes that the networks know; 0 if the game is unconditional."""
        return len(self.pictures.class_names) if self.settings.data.conditional else 0

    @property
    def period(self) -> int:
        """After how many steps the work repeats: the longest interval of a penalty."""
        penalties = [r for r in self.settings.remedy if isinstance(r, PenaltySettings)]
        return max((penalty.every for penalty in penalties), default=1)

    @property
    def half_precision_layers(self) -> int:
        """Convolutions, and all matrix products as one."""
        return sum(choice.startswith("bfloat16") for choice in self.choices.values())


def noise(resolution: int) -> Pictures:
    """Random colour pictures of four classes; speed does not depend on what they show."""
    random = np.random.default_rng(0)
    shape = (NOISE_PICTURES, 3, resolution, resolution)
    images: NDArray[np.uint8] = random.integers(0, 256, shape, np.uint8)
    labels = np.arange(NOISE_PICTURES, dtype=np.int64) % len(NOISE_CLASSES)
    sides = (resolution, resolution, resolution)
    health = HealthReport(
        where="noise",
        kind="noise",
        found=NOISE_PICTURES,
        readable=NOISE_PICTURES,
        resolution=resolution,
        channels=3,
        fit="crop",
        widths_px=sides,
        heights_px=sides,
        advised_resolution=resolution,
        advised_channels=3,
        resolution_reason="asked for",
        channels_reason="asked for",
        class_names=NOISE_CLASSES,
        class_counts=tuple(np.bincount(labels).tolist()),
        mirror_safe=True,
    )
    names = tuple(str(i) for i in range(NOISE_PICTURES))
    return Pictures(images, labels, NOISE_CLASSES, names, {}, "", health, "crop")


def mnist(data: Path) -> Pictures:
    """The 60,000 training pictures of MNIST at 28 px."""
    root = data_folder(data, "mnist")
    return load_pictures("mnist", root=root, memory_budget_bytes=MNIST_MEMORY_BYTES, download=False)


def prepare(
    name: str, preset: str, pictures: Pictures, device: str | None, sets: tuple[str, ...]
) -> Task:
    """Settle the settings and measure the layers, as `ganwerk train` does before its first step."""
    machine.keep_freed_memory()
    flags = {"run.device": (device, f"--device {device}")} if device else {}
    draft = load.collect(preset=preset, flags=flags, sets=sets)
    facts = machine.facts(device)
    draft.give("data.where", name, Origin("benchmark"))
    auto.decide(draft, pictures.facts(), facts)
    settings = load.settle(draft)
    classes = len(pictures.class_names)
    measured = probe.probe(settings, classes, facts, anew=True)
    return Task(name, settings, pictures, measured.choices)


Prepare = Callable[[Path, str | None, tuple[str, ...]], Task]


def _listing(data: Path, device: str | None, sets: tuple[str, ...]) -> Task:
    return prepare("listing", "listing", mnist(data), device, sets)


def _auto32(data: Path, device: str | None, sets: tuple[str, ...]) -> Task:
    return prepare("auto-32", "auto", noise(32), device, sets)


def _auto64(data: Path, device: str | None, sets: tuple[str, ...]) -> Task:
    return prepare("auto-64", "auto", noise(64), device, sets)


def _dcgan(data: Path, device: str | None, sets: tuple[str, ...]) -> Task:
    return prepare("dcgan-32", "dcgan", noise(32), device, sets)


TASKS: dict[str, Prepare] = {
    "listing": _listing,
    "auto-32": _auto32,
    "auto-64": _auto64,
    "dcgan-32": _dcgan,
}
