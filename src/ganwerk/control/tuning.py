"""Bending a generator towards a given picture, which a place of it all but draws.

Pivotal tuning, Roich et al. 2021 (Pivotal tuning for latent-based editing of real images, section
3): the place that a search has found stays where it is and the weights move, by little, since the
picture drawn there is near already. What is drawn elsewhere is kept by a second term (section 3.3),
so that one can go on moving in the space around the picture; here those are the pictures half way
to random ones.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ganwerk.control.places import Places
from ganwerk.control.search import PIXEL_WEIGHT, Search, pixel_distance
from ganwerk.control.steered import Steered
from ganwerk.errors import DivergedError, RunError
from ganwerk.run import Run
from ganwerk.sampling.sample import Sampler
from ganwerk.style.optimisers import Adam

RATE, SMALLEST = 2e-3, 0.05
"""Of Adam, as a share of each tensor's root mean square, which counts as SMALLEST at least: so that
networks with equalised learning rates, whose weights are about 1, and others move alike."""
ELSEWHERE_WEIGHT = 0.1
"""Of the pictures elsewhere, beside the one that is wanted."""


class Tuning:
    """The goal of a search, a place (N = 1) and the generator that is bent: `steered`."""

    def __init__(self, search: Search, place: Places) -> None:
        self.search, self.place, self.old = search, place, search.steered
        self.steered = Steered(search.steered.sampler.copied())
        self._weights = dict(self.steered.sampler.net.named_parameters())
        self._adams = {
            name: Adam(RATE * max(SMALLEST, float(weight.square().mean().sqrt())), 0.9, 0.999, 1e-8)
            for name, weight in self._weights.items()
        }

    def bend(self, steps: int, tell: Callable[[int], None]) -> None:
        """tell: is given each step done. Raises DivergedError if the losses are not finite."""
        for step in range(steps):
            away = self._halfway(step)
            with torch.no_grad():
                kept = self.old.drawn(away)
            for weight in self._weights.values():
                weight.requires_grad_(True)
            loss = self.search.losses(self.steered.drawn(self.place)).sum()
            loss = loss + ELSEWHERE_WEIGHT * self._difference(self.steered.drawn(away), kept)
            if not bool(loss.isfinite()):
                raise DivergedError(
                    f"The tuning's loss is not finite after {step} steps.",
                    f"Tune for fewer steps: --tune {max(1, step // 2)}",
                )
            self._move(loss)
            tell(step + 1)

    def _halfway(self, number: int) -> Places:
        """Between the place and that of a picture."""
        stops = self.old.joined([self.place, self.old.places([number])])
        return self.old.walk(stops, 3, loop=False)[1]

    def _difference(self, drawn: Tensor, kept: Tensor) -> Tensor:
        perception = self.search.perception
        with torch.no_grad():
            features = perception.features(kept)
        found = perception.distance(drawn, features) + PIXEL_WEIGHT * pixel_distance(drawn, kept)
        return found.sum()

    def _move(self, loss: Tensor) -> None:
        gradients = torch.autograd.grad(loss, list(self._weights.values()), allow_unused=True)
        for (name, weight), gradient in zip(self._weights.items(), gradients, strict=True):
            weight.requires_grad_(False)
            if gradient is not None:  # that of the mapping network: styles are given
                self._adams[name].move(weight, gradient)


def refuse_trained(path: Path) -> None:
    """Raises RunError if something is there that is no tuned run."""
    if path.exists() and "tuned" not in Run.open(path).about:
        raise RunError(
            f"There already is a run at {path}, and it was trained.",
            "Choose another place: --out DIR",
        )


def save_tuned(parent: Run, sampler: Sampler, path: Path, origin: dict[str, Path]) -> None:
    """A run that draws with this generator: settings and data of `parent`, no state to train from.

    One that an earlier projection wrote there is replaced. Raises RunError, MachineError."""
    refuse_trained(path)
    if path.exists():
        shutil.rmtree(path)
    run = Run.create(
        path, settings_toml=parent.settings_toml, origins=parent.origins, data=parent.data,
        about=parent.about | {"tuned": {key: str(value) for key, value in origin.items()}},
    )  # fmt: skip
    weights = {key: value.cpu() for key, value in sampler.net.state_dict().items()}
    try:
        run.save(sampler.images, weights, {}, {})
    except BaseException:
        shutil.rmtree(path)  # a run without a checkpoint is nobody's use
        raise
