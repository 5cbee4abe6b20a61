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

MOST_WARMUP = 0.1  # of the run
DECAYS: dict[str, Decay] = {
    "constant": lambda t: 1.0,
    "linear": lambda t: 1 - t,
    "cosine": lambda t: 0.5 * (1 + math.cos(math.pi * t)),
}


@dataclass(frozen=True, slots=True)
class Rate:
    """The factor on both learning rates in each step.

    warmup_images: the first images, in which the rates rise in a straight line; at most a tenth of
    the run. Adam's first steps move every weight by the whole rate whatever the gradient says
    (Kingma and Ba 2015, section 2), and a discriminator without normalisation answers with losses
    of ten and more.
    """

    decay: Decay
    hold: float
    floor: float
    warmup_images: int = 0

    def factor(self, progress: float) -> float:
        if progress <= self.hold:
            return 1.0
        return self.floor + (1 - self.floor) * self.decay((progress - self.hold) / (1 - self.hold))

    def __call__(self, state: TrainState) -> tuple[float, float]:
        factor = self.factor(state.progress) * self.rise(state.age_images, state.horizon_images)
        return factor, factor

    def rise(self, images: int, horizon_images: float) -> float:
        """From near 0 to 1 while the first images are seen."""
        last = min(float(self.warmup_images), MOST_WARMUP * horizon_images)
        return min(1.0, (images + 1) / last) if last else 1.0


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
