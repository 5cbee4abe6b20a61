"""Remedies against circling: averages, and steps that look ahead."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ganwerk.errors import ConfigError
from ganwerk.game.optimisers import Optimiser
from ganwerk.game.recipe import Average, Remedy, claim


def ema(half_life_images: float = 10_000.0, ramp: float = 0.05) -> Remedy:
    """What is sampled is the generator's exponential moving average; see nn.ema.Ema. Yazici et al.
    2019, The unusual effectiveness of averaging in GAN training. 0 switches it off."""
    if half_life_images < 0 or ramp <= 0:
        raise ConfigError(
            f"An average with half-life {half_life_images:g} and ramp {ramp:g} is not possible.",
            "The half-life is not negative, the ramp above 0.",
        )
    average = Average(half_life_images, ramp)
    return lambda recipe: claim(recipe, by="ema", average=average)


def optimistic() -> Remedy:
    """Both players count their newest step twice and take back the one before. Daskalakis et al.
    2018, Training GANs with optimism, with the step of whatever optimiser is used in place of the
    gradient (their Optimistic Adam)."""
    return lambda recipe: claim(recipe, by="optimistic", optimiser=Optimistic)


def extra_gradient() -> Remedy:
    """Odd steps only look where both players are going; even ones go back and step with the
    gradients found there. Gidel et al. 2019, A variational inequality perspective on GANs,
    Extra-Adam. A whole move takes two of ganwerk's steps."""
    return lambda recipe: claim(recipe, by="extra-gradient", optimiser=ExtraGradient)


class Around:
    """An optimiser that changes what another one's step does. It shares that one's state."""

    def __init__(self, inner: Optimiser) -> None:
        self.inner = inner

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return self.inner.param_groups

    @property
    def state(self) -> Any:
        return self.inner.state

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.inner.zero_grad(set_to_none=set_to_none)

    def moving(self) -> list[nn.Parameter]:
        """The parameters that have a gradient."""
        return [p for group in self.param_groups for p in group["params"] if p.grad is not None]

    def steps_inside(self, parameters: list[nn.Parameter]) -> tuple[list[Tensor], list[Tensor]]:
        """Let the inner optimiser step. Returns the weights before and what was added to them."""
        before = [p.detach().clone() for p in parameters]
        self.inner.step()
        return before, list(torch._foreach_sub([p.detach() for p in parameters], before))


class Optimistic(Around):
    """w + 2 step - previous step; the first step is the plain one."""

    @torch.no_grad()
    def step(self) -> None:
        parameters = self.moving()
        _, added = self.steps_inside(parameters)
        for parameter, newest in zip(parameters, added, strict=True):
            memory = self.state[parameter]
            parameter.add_(newest - memory.get("previous_step", newest))
            memory["previous_step"] = newest


class ExtraGradient(Around):
    """Look on one step, go on the next."""

    @torch.no_grad()
    def step(self) -> None:
        parameters = self.moving()
        before, added = self.steps_inside(parameters)
        for parameter, start, newest in zip(parameters, before, added, strict=True):
            memory = self.state[parameter]
            if "anchor" in memory:
                parameter.copy_(memory.pop("anchor") + newest)
            else:
                memory["anchor"] = start
