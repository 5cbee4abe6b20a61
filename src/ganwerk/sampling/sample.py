"""Drawing pictures from a trained generator.

Picture number s is a function of (weights, s) alone: its latent and class come from a counter, and
pictures are always computed in batches of one fixed size, so that a picture does not depend on what
is drawn beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy, deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ganwerk import checks
from ganwerk.config import build
from ganwerk.config.schema import Settings
from ganwerk.errors import CheckpointError
from ganwerk.game.latents import LATENTS, for_seeds
from ganwerk.run import Run, to_uint8
from ganwerk.runtime import machine
from ganwerk.runtime.memory import require, require_for_weights
from ganwerk.runtime.settings import settings_at
from ganwerk.sampling.space import Space, space_of
from ganwerk.sampling.wanted import Sampled, Target, labels_of, write_samples
from ganwerk.values import ProgressCallback, ignore_progress


class Sampler:
    """A generator that is ready to draw."""

    def __init__(
        self,
        net: nn.Module,
        settings: Settings,
        class_names: Sequence[str],
        class_counts: Sequence[int],
        device: torch.device,
        images: int = 0,
        warnings: Sequence[str] = (),
    ) -> None:
        """images: seen by the generator when it was saved. warnings: what whoever looks at the
        pictures should know."""
        self.net, self.settings, self.device = net, settings, device
        self.images, self.warnings = images, tuple(warnings)
        self.class_names = tuple(class_names) if settings.data.conditional else ()
        self.class_counts = tuple(class_counts) or (1,) * len(class_names)
        self.batch = fixed_batch(settings.data.resolution, device)
        self.space: Space = space_of(net, settings, len(self.class_names))

    @classmethod
    def open(cls, path: Path, at: str | int = "latest", device: str | None = None) -> Sampler:
        """The averaged generator of a run. Raises RunError, CheckpointError, ConfigError."""
        at = checks.at(at)
        machine.keep_freed_memory()
        run = Run.open(path)
        found = run.load_weights(at)
        settings, told = settings_at(run, found.meta)
        learned = run.learned
        facts, classes = machine.facts(device), len(learned.class_names)
        where = torch.device(facts.device)
        require_for_weights(settings, classes, facts.free_memory_bytes, copies=1)
        generator, _ = build.players(settings, classes, where)
        try:
            generator.load_state_dict(found.weights)
        except RuntimeError as error:
            raise CheckpointError(
                f"The weights in {found.path} do not fit the settings and classes of the run: "
                f"{str(error).splitlines()[-1].strip()}",
                "run.toml or about.json was changed by hand; take them from a copy of the run.",
            ) from error
        warnings = [
            f"The checkpoint {path} cannot be used: {reason}. Drawing from {found.path}."
            for path, reason in found.skipped
        ]
        generator.eval().requires_grad_(False)
        return cls(
            generator, settings, learned.class_names, learned.class_counts, where, found.images,
            [*warnings, *told],
        )  # fmt: skip

    def copied(self) -> Sampler:
        """The same with a network of its own, whose weights may be changed."""
        twin = copy(self)
        twin.net = deepcopy(self.net)
        twin.space = space_of(twin.net, self.settings, len(self.class_names))
        return twin

    def labels(self, seeds: Sequence[int], classes: Sequence[str] = ()) -> torch.Tensor | None:
        """The class of each picture: by its number the given ones in turn, else as frequent as in
        the data.

        Raises ConfigError for an unknown class, or for a class of a run that learned none.
        """
        classes = checks.names(classes, "--class")
        labels = labels_of(seeds, classes, self.class_names, self.class_counts)
        return None if labels is None else torch.from_numpy(labels)

    def draw(
        self,
        seeds: Sequence[int],
        classes: Sequence[str] = (),
        labels: torch.Tensor | None = None,
        truncation: float = 1.0,
    ) -> NDArray[np.uint8]:
        """The pictures with these numbers, (N, H, W, C) uint8. truncation: 1 draws them as they
        are, less draws more ordinary ones, 0 the most ordinary of all (see sampling.space).

        Raises ConfigError where the generator knows no middle."""
        seeds = checks.seeds(seeds)
        labels = self.labels(seeds, classes) if labels is None else labels
        self.require_memory(len(seeds))
        return np.concatenate(list(self.batches(seeds, labels, checks.truncation(truncation))))

    def require_memory(self, count: int) -> None:
        """Raises MachineError if so many pictures cannot be held at once, and once more."""
        data = self.settings.data
        require(
            2 * count * data.channels * data.resolution**2,
            f"{count:,} pictures of {data.resolution} px",
            "Draw fewer at once, or each into a file of its own: no --grid, no --format npz.",
        )

    @torch.inference_mode()
    def batches(
        self, seeds: Sequence[int], labels: torch.Tensor | None, truncation: float = 1.0
    ) -> Iterator[NDArray[np.uint8]]:
        latents, dim = LATENTS[self.settings.latent.kind], self.settings.latent.dim
        for start in range(0, len(seeds), self.batch):
            some = list(seeds[start : start + self.batch])
            padded = some + [0] * (self.batch - len(some))
            z = for_seeds(latents, padded, dim).to(self.device)
            y = None
            if labels is not None:
                y = torch.zeros(self.batch, dtype=torch.int64)
                y[: len(some)] = labels[start : start + self.batch]
                y = y.to(self.device)
            styles = self.space.enter(z, y)
            if truncation != 1:
                styles = self.space.truncated(styles, y, truncation)
            yield to_uint8(self.space.pictures(styles, y))[: len(some)]


def fixed_batch(resolution: int, device: torch.device) -> int:
    """Pictures per forward pass: on a processor as many as its caches like (64 up to 45 px, 32 at
    64 px), on a card enough to fill it."""
    pixels = 2 * 256 * 256 if device.type == "cpu" else 1024 * 1024
    return max(4, min(256 if device.type != "cpu" else 64, pixels // resolution**2))


def sample(
    run: Path,
    seeds: Sequence[int],
    *,
    out: Path,
    image_format: str = "png",
    grid: bool = False,
    classes: Sequence[str] = (),
    truncation: float = 1.0,
    at: str | int = "latest",
    force: bool = False,
    device: str | None = None,
    progress: ProgressCallback = ignore_progress,
) -> Sampled:
    """Draw the pictures with the numbers `seeds` into the folder `out`.

    image_format: 'png' or 'webp', one file per picture; 'npz', one file with all. grid: also, or
    for pictures instead, one sheet with all of them. Raises GanwerkError subclasses; nothing is
    overwritten unless `force`.
    """
    seeds, truncation = checks.seeds(seeds), checks.truncation(truncation)
    target = Target(out, image_format, grid, force)
    sampler = Sampler.open(run, at, device)
    labels = sampler.labels(seeds, classes)
    if target.together:
        sampler.require_memory(len(seeds))
    drawn = write_samples(
        target,
        seeds,
        None if labels is None else labels.numpy(),
        sampler.class_names,
        sampler.batches(seeds, labels, truncation),
        progress,
    )
    return replace(drawn, warnings=sampler.warnings)
