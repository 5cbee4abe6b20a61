"""Games over several resolutions: growing networks, and pictures at all scales at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from ganwerk.errors import ConfigError
from ganwerk.game.recipe import Recipe, Remedy, add, claim, remember
from ganwerk.game.state import TrainState
from ganwerk.nn.grown import Leveled, faded, pyramid
from ganwerk.nn.types import Batch, Scales


def all_scales(doublings: int) -> Remedy:
    """D sees reals, too, at every resolution: MSG-GAN."""

    def to_scales(images: Tensor) -> Scales:
        return pyramid(images, doublings + 1)

    return lambda recipe: claim(recipe, by="the network multi-scale", to_scales=to_scales)


@dataclass(frozen=True, slots=True)
class Plan:
    """When a network of `doublings` + 1 stages is at which level.

    The first stage trains for one phase, each later one for two: it fades in, then it trains; the
    last one trains for the rest of the run. A phase takes phase_images, or, where that is 0, the
    part of the run that lets growing end at the share `growing` of it. rates: factors on the
    learning rates, one for each stage, coarse to fine. batches: how many batches of `batch`
    pictures make one update, one for each stage. None given: 1 for all.
    """

    doublings: int
    growing: float
    phase_images: int = 0
    rates: tuple[float, ...] = ()
    batches: tuple[int, ...] = ()
    batch: int = 1

    def level(self, images: int, progress: float) -> float:
        """From 0 to `doublings`; fractions while a stage fades in."""
        phases = (
            images / self.phase_images
            if self.phase_images
            else progress / self.growing * 2 * self.doublings
        )
        whole = max(0, int((phases - 1) // 2))
        return min(float(self.doublings), whole + min(1.0, max(0.0, phases - 1 - 2 * whole)))


class Growth:
    """Sets the level of all networks before each step. It never falls, not even in a run that is
    prolonged, whose progress does."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.level = plan, 0.0

    def schedule(self, state: TrainState) -> None:
        wanted = self.plan.level(state.images, state.progress)
        self.level = max(self.level, wanted)
        if cast(Leveled, state.g_net).level != self.level:
            for net in (state.g_net, state.d_net, state.ema.net):
                cast(Leveled, net).grow(self.level)

    @property
    def stage(self) -> int:
        """The finest one at work."""
        return math.ceil(self.level)

    def rate(self, state: TrainState) -> tuple[float, float]:
        factor = self.plan.rates[self.stage]
        return factor, factor

    def gather(
        self, state: TrainState, next_batch: Callable[[int], Batch], update: int, updates: int
    ) -> Batch:
        """As many batches as this stage wants, those after all that were seen."""
        count = self.plan.batches[self.stage]
        first = state.images // self.plan.batch + update * count
        found = [next_batch(first + i) for i in range(count)]
        labels = [batch.labels for batch in found if batch.labels is not None]
        images = torch.cat([batch.images for batch in found])
        return Batch(images, torch.cat(labels) if labels else None)

    def to_scales(self, images: Tensor) -> Scales:
        """Reals with as much detail as G draws at this level. Karras et al. 2018, figure 2."""
        stage = self.stage
        return (faded(images, self.plan.doublings - stage, self.level - stage + 1),)

    def state_dict(self) -> dict[str, Tensor]:
        return {"level": torch.tensor(self.level, dtype=torch.float64)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.level = float(state["level"])

    def measures(self) -> dict[str, float]:
        return {"level": self.level}


def growing(plan: Plan) -> Remedy:
    """Progressive growing by this plan. Raises ConfigError for rates or batches of other stages."""
    for name, values in (("rates", plan.rates), ("batches", plan.batches)):
        if values and len(values) != plan.doublings + 1:
            raise ConfigError(
                f"There are {plan.doublings + 1} stages, but {len(values)} stage {name}.",
                f"Give one for each stage, coarse to fine, in network.stage_{name}.",
            )

    def remedy(recipe: Recipe) -> Recipe:
        growth = Growth(plan)
        own = {"gather": growth.gather} if plan.batches else {}
        recipe = claim(recipe, by="the network progressive", to_scales=growth.to_scales, **own)
        if plan.rates:
            recipe = add(recipe, rates=growth.rate)
        return add(remember(recipe, "growth", growth), schedules=growth.schedule)

    return remedy
