"""The descent at one scale: steps, averaged iterates, and what happens to numbers that are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ganwerk.errors import DivergedError
from ganwerk.style.losses import all_finite
from ganwerk.style.objective import Losses, Objective
from ganwerk.style.optimisers import PictureOptimiser
from ganwerk.style.recipe import Recipe

MOST_RESTARTS = 6
_OPTIMISER, _OBJECTIVE = "optimiser.", "objective."


@dataclass(frozen=True)
class Step:
    """One closure. rescued: its numbers were not finite, the best picture so far was restored."""

    number: int
    losses: Losses
    rescued: bool = False


class Descent:
    """A picture on its way at one scale. `tensors` and `numbers` are all of its state."""

    def __init__(
        self, recipe: Recipe, objective: Objective, optimiser: PictureOptimiser, picture: Tensor
    ) -> None:
        """picture (1, 3, H, W) in the recipe's unit; it is changed in place."""
        self._recipe, self._objective, self._optimiser = recipe, objective, optimiser
        self.picture = picture
        self._average = picture.new_zeros(picture.shape) if recipe.average else None
        self._weight = 0.0
        self._best, self._best_total = picture.clone(), float("inf")
        self.step, self.restarts = 0, 0

    @property
    def result(self) -> Tensor:
        """The averaged iterates in [0, 1], or the picture where none are averaged."""
        picture = self.picture
        if self._average is not None and self._weight:
            picture = self._average / self._weight
        return (picture / self._recipe.unit).clamp(0, 1)

    def advance(self) -> Step:
        """One closure and one move. Raises DivergedError if restarts do not help."""
        losses, gradient = self._objective(self.picture, self.step)
        self.step += 1
        if not (losses.total < float("inf") and all_finite(gradient)):
            self._rescue()
            return Step(self.step, losses, rescued=True)
        if losses.total < self._best_total:
            self._best_total = losses.total
            self._best.copy_(self.picture)
        self._optimiser.move(self.picture, gradient)
        if self._recipe.clamp:
            self.picture.clamp_(0, self._recipe.unit)
        if not all_finite(self.picture):
            self._rescue()
            return Step(self.step, losses, rescued=True)
        if self._average is not None:
            keep = self._recipe.average
            self._average.mul_(keep).add_(self.picture, alpha=1 - keep)
            self._weight = self._weight * keep + 1 - keep
        return Step(self.step, losses)

    def _rescue(self) -> None:
        """Back to the best picture, with an optimiser that remembers nothing and moves less."""
        self.restarts += 1
        if self.restarts > MOST_RESTARTS:
            raise DivergedError(
                f"The losses are not finite at step {self.step}, and {MOST_RESTARTS} restarts with "
                f"ever shorter steps did not help.",
                "Use --optimiser adam, smaller weights, or --precision float32.",
            )
        self.picture.copy_(self._best)
        self._optimiser.forget()
        self._optimiser.rate /= 2

    def tensors(self) -> dict[str, Tensor]:
        found = {"picture": self.picture, "best": self._best}
        if self._average is not None:
            found["average"] = self._average
        found |= {_OPTIMISER + name: t for name, t in self._optimiser.memory.items()}
        return found | {_OBJECTIVE + name: t for name, t in self._objective.memory.items()}

    def numbers(self) -> dict[str, float]:
        return {"step": self.step, "restarts": self.restarts, "weight": self._weight,
                "best_total": self._best_total, "rate": self._optimiser.rate}  # fmt: skip

    def restore(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, float]) -> None:
        """Go on from what `tensors` and `numbers` gave."""
        self.picture.copy_(tensors["picture"])
        self._best.copy_(tensors["best"])
        if self._average is not None:
            self._average.copy_(tensors["average"])
        self._optimiser.memory = _named(tensors, _OPTIMISER)
        self._objective.memory = _named(tensors, _OBJECTIVE)
        self._optimiser.rate = numbers["rate"]
        self.step, self.restarts = int(numbers["step"]), int(numbers["restarts"])
        self._weight, self._best_total = numbers["weight"], numbers["best_total"]


def _named(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor.clone()
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
