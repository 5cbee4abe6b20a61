"""Augmentation of what D sees: for few pictures, which D would otherwise learn by heart."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganwerk.errors import ConfigError
from ganwerk.game.augment import augment, check_policy
from ganwerk.game.losses import Loss
from ganwerk.game.recipe import Recipe, Remedy, add, remember
from ganwerk.game.rounds import StepResult
from ganwerk.game.state import TrainState
from ganwerk.nn.types import Scales

Policy = tuple[str, ...]


def diffaugment(policy: Policy = ("colour", "translation", "cutout")) -> Remedy:
    """Every picture that D sees is changed at random, reals and fakes, in D's and in G's update.
    Zhao et al. 2020, Differentiable augmentation for data-efficient GAN training. policy: see
    game.augment.TRANSFORMS. Raises ConfigError for a transform that does not exist."""
    check_policy("diffaugment", policy)

    def view(scales: Scales, random: torch.Generator) -> Scales:
        return augment(scales, policy, 1.0, random, "zeros")

    return lambda recipe: add(recipe, views=view)


def ada(
    policy: Policy = ("translation", "scale", "colour"),
    target: float = 0.6,
    cap: float = 0.8,
    speed_images: float = 100_000.0,
    every: int = 4,
) -> Remedy:
    """Each transform changes a picture with probability p, which rises while D overfits and falls
    while it does not. Karras et al. 2020, Training generative adversarial networks with limited
    data, section 3: r = E sign(D(x)) over `every` steps is compared with `target`; p moves by
    the images since divided by speed_images and stays between 0 and cap, above which generators
    begin to draw what the transforms do. Raises ConfigError for a target, cap or policy that
    cannot be."""
    check_policy("ada", policy)
    if not -1 < target < 1 or not 0 <= cap <= 1 or speed_images <= 0 or every < 1:
        raise ConfigError(
            f"The remedy ada cannot have target {target:g}, cap {cap:g}, speed_images "
            f"{speed_images:g}, every {every}.",
            "The target lies between -1 and 1, the cap from 0 to 1, the others are above 0.",
        )

    def remedy(recipe: Recipe) -> Recipe:
        adaptive = Adaptive(policy, target, cap, speed_images, every, recipe.loss)
        kept = remember(recipe, "ada", adaptive)
        return add(kept, views=adaptive.view, observers=adaptive.observe)

    return remedy


class Adaptive:
    """A view with a probability p that its observer adapts."""

    def __init__(
        self, policy: Policy, target: float, cap: float, speed_images: float, every: int, loss: Loss
    ) -> None:
        self.policy, self.target, self.cap = policy, target, cap
        self.speed_images, self.every, self.loss = speed_images, every, loss
        self.p, self.images, self.batches = 0.0, 0, 0
        self.signs: Tensor = torch.zeros(())

    def view(self, scales: Scales, random: torch.Generator) -> Scales:
        return augment(scales, self.policy, self.p, random, "reflection")

    def observe(self, state: TrainState, report: StepResult) -> None:
        signs = self._signs(report)
        self.signs = self.signs.to(signs.device) + signs
        self.images += report.images
        self.batches += 1
        if self.batches == self.every:
            self._adapt()

    def _signs(self, report: StepResult) -> Tensor:
        """E sign(D(x)); where only differences of logits count, 0 is the middle of the means."""
        real, fake = report.played.real_logits.detach(), report.played.fake_logits.detach()
        boundary = self.loss.boundary
        middle = (real.mean() + fake.mean()) / 2 if boundary is None else boundary
        return (real - middle).sign().float().mean()

    def _adapt(self) -> None:
        """The law: p goes towards more augmentation where r is above the target, else less."""
        r = self.signs.item() / self.batches
        direction = (r > self.target) - (r < self.target)
        moved = self.p + direction * self.images / self.speed_images
        self.p = min(max(moved, 0.0), self.cap)
        self.signs, self.images, self.batches = torch.zeros(()), 0, 0

    def state_dict(self) -> dict[str, Tensor]:
        numbers = torch.tensor([self.p, self.images, self.batches], dtype=torch.float64)
        return {"numbers": numbers, "signs": self.signs}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.p, images, batches = state["numbers"].tolist()
        self.images, self.batches = int(images), int(batches)
        self.signs = state["signs"].clone()

    def measures(self) -> dict[str, float]:
        return {"ada_p": self.p}
