"""What an optimiser would do next, as differentiable functions.

All weights of a network lie end to end in one vector, so an update is a handful of operations
however many layers there are. The arithmetic is that of the real optimisers; the derivative of the
root is taken as 0 where the mean square is 0, as it is for weights whose gradient has always been.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ganwerk.errors import ConfigError
from ganwerk.game.optimisers import Adam, Optimiser, Sgd


class VirtualStep(Protocol):
    """The next updates of an optimiser. It works on copies: the real one never notices."""

    def step(self, weights: Tensor, gradient: Tensor) -> Tensor:
        """The weights (N,) after an update with this gradient (N,)."""
        ...


class AdamAhead:
    """Kingma and Ba 2015, algorithm 1, going on from the real moments."""

    def __init__(
        self, parameters: Sequence[nn.Parameter], optimiser: Optimiser, beta1: float, beta2: float,
        eps: float,
    ) -> None:  # fmt: skip
        self.rate = optimiser.param_groups[0]["lr"]
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        self.mean = remembered(parameters, optimiser, "exp_avg")
        self.square = remembered(parameters, optimiser, "exp_avg_sq")
        self.count = steps_taken(parameters, optimiser)

    def step(self, weights: Tensor, gradient: Tensor) -> Tensor:
        self.count += 1
        self.mean = self.mean * self.beta1 + gradient * (1 - self.beta1)
        self.square = self.square * self.beta2 + gradient.square() * (1 - self.beta2)
        rate = self.rate / (1 - self.beta1**self.count)
        scale = root(self.square) / (1 - self.beta2**self.count) ** 0.5 + self.eps
        return weights - rate * self.mean / scale


class SgdAhead:
    """Steepest descent, with momentum or without."""

    def __init__(
        self, parameters: Sequence[nn.Parameter], optimiser: Optimiser, momentum: float
    ) -> None:
        self.rate, self.momentum = optimiser.param_groups[0]["lr"], momentum
        self.velocity = remembered(parameters, optimiser, "momentum_buffer")

    def step(self, weights: Tensor, gradient: Tensor) -> Tensor:
        self.velocity = self.velocity * self.momentum + gradient
        return weights - self.rate * self.velocity


class RmspropAhead:
    """Tieleman and Hinton 2012, with momentum or without."""

    def __init__(
        self, parameters: Sequence[nn.Parameter], optimiser: Optimiser, alpha: float, eps: float,
        momentum: float,
    ) -> None:  # fmt: skip
        self.rate, self.alpha = optimiser.param_groups[0]["lr"], alpha
        self.eps, self.momentum = eps, momentum
        self.square = remembered(parameters, optimiser, "square_avg")
        self.velocity = remembered(parameters, optimiser, "momentum_buffer")

    def step(self, weights: Tensor, gradient: Tensor) -> Tensor:
        self.square = self.square * self.alpha + gradient.square() * (1 - self.alpha)
        scaled = gradient / (root(self.square) + self.eps)
        self.velocity = self.velocity * self.momentum + scaled
        return weights - self.rate * self.velocity


def root(squares: Tensor) -> Tensor:
    """The square root, with derivative 0 at 0."""
    some = squares > 0
    return torch.where(some, torch.where(some, squares, 1.0).sqrt(), 0.0)


def remembered(parameters: Sequence[nn.Parameter], optimiser: Optimiser, key: str) -> Tensor:
    """What the optimiser remembers of each parameter, end to end; 0 where it has not begun."""
    found = []
    for parameter in parameters:
        value = optimiser.state.get(parameter, {}).get(key)
        found.append(torch.zeros_like(parameter) if value is None else value)
    return flat(found)


def steps_taken(parameters: Sequence[nn.Parameter], optimiser: Optimiser) -> int:
    memory = optimiser.state.get(parameters[0], {})
    return int(memory.get("step", 0))


def flat(tensors: Sequence[Tensor]) -> Tensor:
    """All tensors as one vector, cut off from any graph."""
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def _adam(parameters: Sequence[nn.Parameter], optimiser: Any) -> VirtualStep:
    return AdamAhead(parameters, optimiser, optimiser.beta1, optimiser.beta2, optimiser.eps)


def _own_sgd(parameters: Sequence[nn.Parameter], optimiser: Any) -> VirtualStep:
    return SgdAhead(parameters, optimiser, optimiser.momentum)


def _torch_adam(parameters: Sequence[nn.Parameter], optimiser: Any) -> VirtualStep:
    group = _plain(optimiser, "weight_decay", "amsgrad", "maximize")
    beta1, beta2 = group["betas"]
    return AdamAhead(parameters, optimiser, beta1, beta2, group["eps"])


def _sgd(parameters: Sequence[nn.Parameter], optimiser: Any) -> VirtualStep:
    group = _plain(optimiser, "weight_decay", "nesterov", "dampening", "maximize")
    return SgdAhead(parameters, optimiser, group["momentum"])


def _rmsprop(parameters: Sequence[nn.Parameter], optimiser: Any) -> VirtualStep:
    group = _plain(optimiser, "weight_decay", "centered", "maximize")
    return RmspropAhead(parameters, optimiser, group["alpha"], group["eps"], group["momentum"])


def _plain(optimiser: Any, *without: str) -> dict[str, Any]:
    """The only parameter group. Raises ConfigError for options that are not looked ahead."""
    used = [name for name in without if optimiser.param_groups[0].get(name)]
    if used or len(optimiser.param_groups) > 1:
        what = " and ".join(used) or "several parameter groups"
        raise ConfigError(
            f"Unrolling cannot look ahead of {type(optimiser).__name__} with {what}.",
            "Use the optimiser without it.",
        )
    group: dict[str, Any] = optimiser.param_groups[0]
    return group


Make = Callable[[Sequence[nn.Parameter], Any], VirtualStep]
AHEAD: dict[type, Make] = {
    Adam: _adam,
    Sgd: _own_sgd,
    torch.optim.Adam: _torch_adam,
    torch.optim.SGD: _sgd,
    torch.optim.RMSprop: _rmsprop,
}


def look_ahead(optimiser: Optimiser, parameters: Sequence[nn.Parameter]) -> VirtualStep:
    """Raises ConfigError for an optimiser whose next steps are not known as functions."""
    make = AHEAD.get(type(optimiser))
    if make is None:
        known = ", ".join(sorted({kind.__name__ for kind in AHEAD}))
        raise ConfigError(
            f"Unrolling cannot look ahead of the optimiser {type(optimiser).__name__}.",
            f"It knows {known}; leave out the remedy that changes the optimiser.",
        )
    return make(parameters, optimiser)
