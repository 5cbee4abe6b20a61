"""Learning rates over the run, in images.

A schedule is a factor of the progress t in [0, 1]: 1 until `hold`, then down to `floor` at t = 1.
When a run is prolonged, t is counted anew over the longer budget: the rate rises back to what the
longer plan has at this point.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganwerk.game.state import TrainState

Decay = Callable[[float], float]
"""From 1 at 0 to 0 at 1."""

DECAYS: dict[str, Decay] = {
    "constant": lambda t: 1.0,
    "linear": lambda t: 1 - t,
    "cosine": lambda t: 0.5 * (1 + math.cos(math.pi * t)),
}


@dataclass(frozen=True, slots=True)
class Rate:
    """The factor on both learning rates in each step."""

    decay: Decay
    hold: float
    floor: float

    def factor(self, progress: float) -> float:
        if progress <= self.hold:
            return 1.0
        return self.floor + (1 - self.floor) * self.decay((progress - self.hold) / (1 - self.hold))

    def __call__(self, state: TrainState) -> tuple[float, float]:
        factor = self.factor(state.progress)
        return factor, factor


@dataclass(frozen=True, slots=True)
class Clip:
    """Keeps every weight of D in [-bound, bound]. Arjovsky et al. 2017, Wasserstein GAN, alg. 1."""

    bound: float

    @torch.no_grad()
    def __call__(self, net: torch.nn.Module) -> None:
        torch._foreach_clamp_min_(list(net.parameters()), -self.bound)
        torch._foreach_clamp_max_(list(net.parameters()), self.bound)

    def ahead(self, weights: Tensor) -> Tensor:
        """The same for weights that are only looked at."""
        return weights.clamp(-self.bound, self.bound)
