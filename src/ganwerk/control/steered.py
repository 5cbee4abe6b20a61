"""Moving in the space of a trained generator: places, the pictures there, and the ways between.

A place is a style for each layer and, where the generator was taught classes, the share of each
class. Without styles the one "style" is the latent itself, so all here works for every run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ganwerk import checks
from ganwerk.checks import Stop
from ganwerk.control.places import Places, between, joined, load_places
from ganwerk.errors import ConfigError
from ganwerk.game.latents import LATENTS, for_seeds
from ganwerk.run import to_uint8
from ganwerk.sampling.sample import Sampler
from ganwerk.sampling.space import Space

SPREAD_DRAWN = 1000
Pixels = NDArray[np.uint8]


class Steered:
    """A trained generator whose space one can move in."""

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler
        self.space: Space = sampler.space
        self.warnings = sampler.warnings

    @classmethod
    def open(cls, path: Path, at: str | int = "latest", device: str | None = None) -> Steered:
        """The averaged generator of a run. Raises RunError, CheckpointError, ConfigError."""
        return cls(Sampler.open(path, at, device))

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes it was taught; () for none."""
        return self.sampler.class_names

    @torch.no_grad()
    def places(
        self,
        seeds: Sequence[int],
        classes: Sequence[str] = (),
        truncation: float = 1.0,
    ) -> Places:
        """The places of the pictures with these numbers.

        classes: the first seed gets the first of them and so on, in turn; () as `sample` would.
        truncation: see `Sampler.draw`. Raises ConfigError.
        """
        seeds, truncation = checks.seeds(seeds), checks.truncation(truncation)
        order = range(len(seeds)) if classes else seeds
        labels = self.sampler.labels(order, classes)
        shares = None if labels is None else F.one_hot(labels, len(self.classes)).float()
        return self._at(seeds, labels, shares, truncation)

    @torch.no_grad()
    def shared(self, seeds: Sequence[int], shares: Tensor, truncation: float = 1.0) -> Places:
        """The places of the pictures with these numbers, of shares (K,) of the classes, which sum
        to 1. Raises ConfigError."""
        every = shares.expand(len(seeds), -1).contiguous()
        return self._at(checks.seeds(seeds), every, every, checks.truncation(truncation))

    def _at(
        self, seeds: Sequence[int], labels: Tensor | None, shares: Tensor | None, truncation: float
    ) -> Places:
        settings, device = self.sampler.settings, self.sampler.device
        z = for_seeds(LATENTS[settings.latent.kind], seeds, settings.latent.dim).to(device)
        labels = None if labels is None else labels.to(device)
        styles = self._entered(z, labels)
        if truncation != 1:
            styles = self.space.truncated(styles, labels, truncation)
        return Places(styles.cpu().contiguous(), shares)

    def _entered(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """Styles of latents, in batches of one size, so that none depends on its company."""
        found = []
        for start in range(0, len(z), self.sampler.batch):
            some = slice(start, start + self.sampler.batch)
            part, y = z[some], None if labels is None else labels[some]
            missing = self.sampler.batch - len(part)
            part = F.pad(part, (0, 0, 0, missing), value=1.0)
            y = None if y is None else F.pad(y, (0, 0) * (y.ndim - 1) + (0, missing))
            found.append(self.space.enter(part, y)[: self.sampler.batch - missing])
        return torch.cat(found)

    def stops(
        self, stops: Sequence[Stop], classes: Sequence[str] = (), truncation: float = 1.0
    ) -> Places:
        """The places of numbers and of files. classes, truncation: of the numbers.

        Raises ConfigError, DataError for a file that holds no place of this run.
        """
        stops = checks.stops(stops, "--seeds")
        numbers = [stop for stop in stops if isinstance(stop, int)]
        known = iter(range(len(numbers)))
        drawn = self.places(numbers, classes, truncation) if numbers else None
        parts = []
        for stop in stops:
            if isinstance(stop, int):
                assert drawn is not None
                parts.append(drawn[next(known)])
            else:
                parts.append(self._load(stop))
        if not parts:
            raise ConfigError("No place was named.", "Name some pictures: --seeds 1,5,9")
        return self.joined(parts)

    def _load(self, path: Path) -> Places:
        space, classes = self.space, len(self.classes)
        return load_places(path, space.layers, space.size, classes, space.noise_sides)

    def joined(self, parts: Sequence[Places]) -> Places:
        """All places, in order. Where some have their own noise, the others get the fixed one."""
        if any(part.noise is not None for part in parts):
            fixed = [noise.cpu() for noise in self.space.fixed_noise]
            parts = [
                part if part.noise is not None else replace(
                    part, noise=tuple(n.expand(len(part), -1, -1, -1) for n in fixed)
                )
                for part in parts
            ]  # fmt: skip
        return joined(parts)

    @cached_property
    def spread(self) -> float:
        """The standard deviation of the styles of pictures, over all their numbers."""
        return float(self.places(range(SPREAD_DRAWN)).styles[:, 0].std(0).mean())

    def drawn(self, places: Places) -> Tensor:
        """The pictures there, (N, C, H, W) in [-1, 1], all at once; differentiable."""
        here = places.map(lambda tensor: tensor.to(self.sampler.device))
        return self.space.pictures(here.styles, here.shares, here.noise)

    def draw(self, places: Places) -> Pixels:
        """The pictures there, (N, H, W, C) uint8."""
        return np.concatenate(list(self.batches(places)))

    @torch.inference_mode()
    def batches(self, places: Places) -> Iterator[Pixels]:
        """The pictures there, some at a time: a picture does not depend on those beside it."""
        size = self.sampler.batch
        for start in range(0, len(places), size):
            part = places[start : start + size]
            missing = size - len(part)
            # Repeated, not zeros: a place of nothing but zeros has no direction
            full = [*range(len(part)), *[0] * missing]
            yield to_uint8(self.drawn(part[full]))[: len(part)]

    def walk(self, stops: Places, frames: int, *, loop: bool = True) -> Places:
        """`frames` places on the way through all stops, at even speed from stop to stop.

        loop: from the last stop back to the first (if they differ), so that after the last frame
        comes the first; else the last frame is the last stop.
        """
        stops = closed(stops) if loop else stops
        legs = len(stops) - 1
        times = torch.arange(frames, dtype=torch.float64) / max(frames - (not loop), 1) * legs
        found = []
        for leg in range(legs):
            within = (times >= leg) & ((times < leg + 1) | (leg == legs - 1))
            if bool(within.any()):
                found.append(self.leg(stops[leg], stops[leg + 1], (times[within] - leg).float()))
        return self.joined(found)

    def legs(self, stops: Places, frames: int, *, loop: bool = True) -> Places:
        """`frames` places from each stop to the next, both with them, leg after leg."""
        stops = closed(stops) if loop else stops
        times = torch.linspace(0, 1, frames)
        pairs = range(len(stops) - 1)
        return self.joined([self.leg(stops[i], stops[i + 1], times) for i in pairs])

    def leg(self, a: Places, b: Places, times: Tensor) -> Places:
        """The places on the way from a to b (N = 1 each) at `times` (T,), 0 to 1."""
        return between(a, b, self.space.between(a.styles[0], b.styles[0], times), times)


def closed(stops: Places) -> Places:
    """With the first stop at the end, if it is not there already."""
    first, last = stops[0], stops[len(stops) - 1]
    same = torch.equal(first.styles, last.styles) and (
        first.shares is None or last.shares is None or torch.equal(first.shares, last.shares)
    )
    return stops if same and len(stops) > 1 else joined([stops, first])
