"""What moves the picture: plain gradient descent, Adam, L-BFGS.

An optimiser is told the picture and its gradient and changes the picture in place. Its memory is a
dictionary of tensors, so it can be saved, and enlarged with the picture to the next scale.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

Memory = dict[str, Tensor]
Resize = Callable[[Tensor], Tensor]


class PictureOptimiser(ABC):
    """rate: the step's length. `memory`: everything it knows from earlier steps."""

    rate: float
    memory: Memory

    @abstractmethod
    def move(self, picture: Tensor, gradient: Tensor) -> None:
        """Change the picture in place."""

    def rescale(self, resize: Resize) -> None:
        """Carry the memory on to a picture of another size."""
        self.forget()

    def forget(self) -> None:
        self.memory = {}


@dataclass
class GradientDescent(PictureOptimiser):
    """x - rate n g. With n, the number of values, the rate means the same at every size."""

    rate: float
    memory: Memory = field(default_factory=dict)

    def move(self, picture: Tensor, gradient: Tensor) -> None:
        picture.sub_(gradient, alpha=self.rate * gradient.numel())


@dataclass
class Adam(PictureOptimiser):
    """Kingma and Ba 2015, algorithm 1.

    keras: eps is added before the correction of the second moment, as Keras does ("epsilon hat",
    at the end of their section 2); with its eps of 0.1 that is another optimiser.
    """

    rate: float
    beta1: float
    beta2: float
    eps: float
    keras: bool = False
    memory: Memory = field(default_factory=dict)

    def move(self, picture: Tensor, gradient: Tensor) -> None:
        if not self.memory:
            self.memory = {"step": torch.zeros((), dtype=torch.float64),
                           "mean": torch.zeros_like(picture),
                           "square": torch.zeros_like(picture)}  # fmt: skip
        memory = self.memory
        memory["step"] += 1
        step = float(memory["step"])
        memory["mean"].lerp_(gradient, 1 - self.beta1)
        memory["square"].mul_(self.beta2).addcmul_(gradient, gradient, value=1 - self.beta2)
        root = (1 - self.beta2**step) ** 0.5
        rate = self.rate / (1 - self.beta1**step)
        if self.keras:
            divisor = memory["square"].sqrt().add_(self.eps)
            rate *= root
        else:
            divisor = memory["square"].sqrt().div_(root).add_(self.eps)
        picture.addcdiv_(memory["mean"], divisor, value=-rate)

    def rescale(self, resize: Resize) -> None:
        """The moments grow with the picture; a value's gradient shrinks as values get more."""
        if not self.memory:
            return
        before = self.memory["mean"]
        mean, square = resize(before), resize(self.memory["square"]).clamp_min_(0)
        share = before.numel() / mean.numel()
        self.memory["mean"], self.memory["square"] = mean * share, square * share**2


LEAST_CURVATURE = 1e-10
"""Of a pair, for it to be kept."""

PAIR = ("step", "change", "inverse")


@dataclass
class LBFGS(PictureOptimiser):
    """Nocedal and Wright 2006, algorithms 7.4 and 7.5, one closure a step, no line search.

    The first step is min(1, 1 / |g|_1) g long, and a pair with too little curvature is left out, as
    torch.optim.LBFGS does. history: how many pairs are kept.
    """

    rate: float
    history: int = 10
    memory: Memory = field(default_factory=dict)
    """Pair number i is step.i, change.i and inverse.i, 1 over their product; no pair is copied when
    the oldest is forgotten."""

    def move(self, picture: Tensor, gradient: Tensor) -> None:
        gradient = gradient.reshape(-1)
        if not self.memory:
            direction = -gradient
            length = self.rate * min(1.0, 1.0 / max(float(gradient.abs().sum()), 1e-30))
            self.memory = {"pairs": torch.zeros((), dtype=torch.int64),
                           "scale": gradient.new_ones(())}  # fmt: skip
        else:
            self._remember(gradient)
            direction, length = self._direction(gradient), self.rate
        step = direction.mul_(length)
        picture.add_(step.reshape(picture.shape))
        self.memory |= {"step": step, "gradient": gradient.clone()}

    def _remember(self, gradient: Tensor) -> None:
        """As torch.optim.LBFGS, whose history holds `history` pairs."""
        memory = self.memory
        change, step = gradient - memory["gradient"], memory["step"]
        curvature = change.dot(step)
        if float(curvature) <= LEAST_CURVATURE:
            return
        number = int(memory["pairs"])
        memory |= {f"step.{number}": step, f"change.{number}": change,
                   f"inverse.{number}": curvature.reciprocal()}  # fmt: skip
        for part in PAIR:
            memory.pop(f"{part}.{number - self.history}", None)
        memory["pairs"] += 1
        memory["scale"] = curvature / change.dot(change)

    def _direction(self, gradient: Tensor) -> Tensor:
        last = int(self.memory["pairs"])
        pairs = [[self.memory[f"{part}.{number}"] for part in PAIR]
                 for number in range(max(0, last - self.history), last)]  # fmt: skip
        direction, alphas = -gradient, []
        for step, change, inverse in reversed(pairs):
            alphas.append(float(step.dot(direction) * inverse))
            direction.add_(change, alpha=-alphas[-1])
        direction.mul_(self.memory["scale"])
        for (step, change, inverse), alpha in zip(pairs, reversed(alphas), strict=True):
            direction.add_(step, alpha=alpha - float(change.dot(direction) * inverse))
        return direction


OPTIMISERS: dict[str, Callable[..., PictureOptimiser]] = {
    "adam": lambda r, unit: Adam(r.rate * unit, r.beta1, r.beta2, r.eps),
    "adam-keras": lambda r, unit: Adam(r.rate * unit, r.beta1, r.beta2, r.eps, keras=True),
    "lbfgs": lambda r, unit: LBFGS(r.rate, r.history),
    "gradient": lambda r, unit: GradientDescent(r.rate * unit),
}
"""Name to what makes it from a recipe and the range of the picture."""
