"""Replay of old fakes, so that D does not forget what earlier generators drew.

Shrivastava et al. 2017, Learning from simulated and unsupervised images through adversarial
training, section 2.3, with a longer memory that prefers the newer.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganwerk.errors import ConfigError
from ganwerk.game.recipe import Recipe, Remedy, claim, remember
from ganwerk.game.rounds import per_sample
from ganwerk.nn.types import Fakes, Scales


def replay(
    size: int = 512,
    share: float = 0.25,
    span_images: float = 50_000.0,
    half_life_images: float = 20_000.0,
) -> Remedy:
    """D sees `share` of its fakes from a pool of `size` pictures drawn by earlier generators.

    The pool reaches back over `span_images` images, evenly. A picture that is half_life_images
    older than another is half as likely to be shown; 0 makes all equally likely. In a game with
    classes an old picture stands in only for a new one of its class, so labels stay true.
    Raises ConfigError for a pool without pictures or a share outside 0 to 1.
    """
    if size < 1 or not 0 <= share <= 1 or span_images <= 0 or half_life_images < 0:
        raise ConfigError(
            f"A pool of {size} pictures over {span_images:g} images, half-life "
            f"{half_life_images:g}, a share of {share:g}: not possible.",
            "Choose a size of at least 1, a share from 0 to 1, and lengths that are not negative.",
        )

    def remedy(recipe: Recipe) -> Recipe:
        pool = Pool(size, share, span_images, half_life_images)
        return remember(claim(recipe, by="replay", memory=pool), "replay", pool)

    return remedy


class Pool:
    """A ring of pictures with their labels and birthdays, counted in images of its own past."""

    def __init__(
        self, size: int, share: float, span_images: float, half_life_images: float
    ) -> None:
        self.size, self.share = size, share
        self.span_images, self.half_life_images = span_images, half_life_images
        self.scales: Scales = ()
        self.labels: Tensor | None = None
        self.born = torch.zeros(size, dtype=torch.float64)
        self.seen, self.stored = 0, 0

    @property
    def filled(self) -> int:
        """How many places of the ring are taken."""
        return min(self.stored, self.size)

    def __call__(self, fakes: Fakes, random: torch.Generator) -> Fakes:
        """The fakes with a share of them replaced by old ones. Some of the new are kept for later;
        what is shown now is decided before."""
        self._move(fakes.scales[-1].device)
        shown = self._mixed(fakes, random) if self.filled else fakes
        self._keep(fakes)
        return shown

    def _move(self, device: torch.device) -> None:
        """A pool that was just loaded goes where the game is played."""
        if self.scales and self.scales[-1].device != device:
            self.scales = tuple(scale.to(device) for scale in self.scales)
            self.labels = None if self.labels is None else self.labels.to(device)

    def _mixed(self, fakes: Fakes, random: torch.Generator) -> Fakes:
        count, device = len(fakes.scales[-1]), random.device
        replaced = torch.rand(count, generator=random, device=device) < self.share
        likely = self.likelihood().to(device)
        if fakes.labels is None or self.labels is None:
            chosen = torch.multinomial(likely, count, replacement=True, generator=random)
        else:
            of_class = likely * (self.labels[: self.filled] == fakes.labels[:, None])
            some = of_class.sum(1) > 0  # a class may not be in the pool yet
            replaced &= some
            possible = torch.where(some[:, None], of_class, likely)
            chosen = torch.multinomial(possible, 1, generator=random)[:, 0]
        scales = tuple(
            torch.where(per_sample(replaced, new), old[chosen].to(new.dtype), new)
            for old, new in zip(self.scales, fakes.scales, strict=True)
        )
        return Fakes(scales, fakes.labels)

    def likelihood(self) -> Tensor:
        """(filled,) float32: how likely each picture is to be shown, the newest 1."""
        age = self.seen - self.born[: self.filled]
        if not self.half_life_images:
            return torch.ones(self.filled)
        return torch.exp2(-(age - age.min()) / self.half_life_images).float()

    def _keep(self, fakes: Fakes) -> None:
        """Store so many of the fakes that the ring comes round once in span_images."""
        count = len(fakes.scales[-1])
        self.seen += count
        wanted = int(self.seen * self.size / self.span_images) + 1 - self.stored
        new = min(wanted, count, self.size)
        if new <= 0:
            return
        if not self.scales:
            self.scales = tuple(s.new_zeros((self.size, *s.shape[1:])) for s in fakes.scales)
            self.labels = None if fakes.labels is None else fakes.labels.new_zeros(self.size)
        places = (self.stored + torch.arange(new)) % self.size
        self.born[places] = float(self.seen)
        on_device = places.to(fakes.scales[-1].device)
        for ring, scale in zip(self.scales, fakes.scales, strict=True):
            ring[on_device] = scale[:new].detach().to(ring.dtype)
        if self.labels is not None and fakes.labels is not None:
            self.labels[on_device] = fakes.labels[:new]
        self.stored += new

    def state_dict(self) -> dict[str, Tensor]:
        counts = torch.tensor([self.seen, self.stored], dtype=torch.int64)
        state = {"counts": counts, "born": self.born}
        state |= {f"scale.{i}": scale for i, scale in enumerate(self.scales)}
        return state if self.labels is None else state | {"labels": self.labels}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.seen, self.stored = (int(n) for n in state["counts"])
        self.born = state["born"].clone().cpu()
        scales = [state[f"scale.{i}"] for i in range(len(state)) if f"scale.{i}" in state]
        self.scales = tuple(scale.clone() for scale in scales)
        self.labels = state["labels"].clone() if "labels" in state else None

    def measures(self) -> dict[str, float]:
        return {"replay_pictures": float(self.filled)}
