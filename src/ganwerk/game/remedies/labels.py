"""Remedies that make D less sure: noise on what it sees, doubt in what it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ganwerk.errors import ConfigError
from ganwerk.game.losses import LEAST_SQUARES, Loss
from ganwerk.game.recipe import Recipe, Remedy, add
from ganwerk.game.state import TrainState
from ganwerk.nn.types import Scales


def instance_noise(std: float = 0.1, until: float = 0.5) -> Remedy:
    """Gaussian noise on reals and fakes before D sees them, from `std` falling linearly to none at
    the share `until` of the run, so that the two distributions overlap from the start. Sonderby et
    al. 2017, Amortised MAP inference for image super-resolution; Arjovsky and Bottou
    2017, Towards principled methods for training GANs, section 3. std: in units of the pictures,
    whose range is 2."""
    if std < 0 or not 0 < until <= 1:
        raise ConfigError(
            f"Noise of {std:g} until {until:g} of the run is not possible.",
            "The noise is not negative; until is above 0 and at most 1.",
        )

    def remedy(recipe: Recipe) -> Recipe:
        noise = Noise(std, until)
        return add(recipe, views=noise, schedules=noise.schedule)

    return remedy


class Noise:
    """A view whose strength follows from the progress of the run alone."""

    def __init__(self, std: float, until: float) -> None:
        self.start, self.until, self.std = std, until, std

    def schedule(self, state: TrainState) -> None:
        self.std = self.start * max(0.0, 1 - state.progress / self.until)

    def __call__(self, scales: Scales, random: torch.Generator) -> Scales:
        if not self.std:
            return scales
        return tuple(
            scale
            + self.std * torch.randn(scale.shape, generator=random, device=random.device)
            .to(scale.dtype)
            for scale in scales
        )  # fmt: skip


def label_smoothing(amount: float = 0.1) -> Remedy:
    """D is to call reals real with probability 1 - amount; fakes stay fakes. Salimans et al. 2016,
    Improved techniques for training GANs, section 3.4. For losses whose reals have a target:
    minimax, non-saturating, least-squares."""
    if not 0 <= amount < 0.5:
        raise ConfigError(
            f"Labels cannot be smoothed by {amount:g}.", "Choose from 0 to below 0.5; 0.1 is usual."
        )

    def remedy(recipe: Recipe) -> Recipe:
        smooth = SMOOTHED.get(recipe.loss.name)
        if smooth is None:
            raise ConfigError(
                f"Label smoothing has no meaning for the loss '{recipe.loss.name}', which sets "
                "reals no target.",
                f"Choose one of {', '.join(SMOOTHED)}, or leave the remedy out.",
            )
        return replace(recipe, loss=smooth(recipe.loss, amount))

    return remedy


def _smoothed_probability(loss: Loss, amount: float) -> Loss:
    """(1 - a) softplus(-x) + a softplus(x) is softplus(-x) + a x."""
    plain = loss.discriminator
    return replace(loss, discriminator=lambda real, fake: plain(real, fake) + amount * real)


def _smoothed_squares(loss: Loss, amount: float) -> Loss:
    def discriminator(real: Tensor, fake: Tensor) -> Tensor:
        return 0.5 * ((real - (1 - amount)).square() + fake.square())

    return replace(loss, discriminator=discriminator)


SMOOTHED: dict[str, Callable[[Loss, float], Loss]] = {
    "minimax": _smoothed_probability,
    "non-saturating": _smoothed_probability,
    LEAST_SQUARES.name: _smoothed_squares,
}


def label_flipping(probability: float = 0.05) -> Remedy:
    """With this probability D is told that a real is a fake and its partner, a fake, real: the
    noisy labels of Chintala et al. 2016, How to train a GAN?, tip 6."""
    if not 0 <= probability < 0.5:
        raise ConfigError(
            f"Labels cannot be flipped with probability {probability:g}.",
            "Choose from 0 to below 0.5: at 0.5 D would learn nothing.",
        )

    def flip(real: Tensor, fake: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        flipped = torch.rand(len(real), generator=random, device=random.device) < probability
        return torch.where(flipped, fake, real), torch.where(flipped, real, fake)

    return lambda recipe: add(recipe, d_labels=flip)
