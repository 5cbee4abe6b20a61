"""Remedies that keep the two players evenly matched."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ganwerk.errors import ConfigError
from ganwerk.game.losses import Loss
from ganwerk.game.recipe import Recipe, Remedy, add, claim, remember
from ganwerk.game.rounds import StepResult
from ganwerk.game.state import TrainState

Signal = Literal["accuracy", "gap"]
COUNTED = "The remedy {} cannot have {}."


def two_rates(generator: float = 0.5, discriminator: float = 2.0) -> Remedy:
    """Factors on the players' learning rates. Heusel et al. 2017, GANs trained by a two time-scale
    update rule converge to a local Nash equilibrium."""
    if generator <= 0 or discriminator <= 0:
        raise ConfigError(
            COUNTED.format("two-rates", f"factors {generator:g} and {discriminator:g}"),
            "Factors are above 0.",
        )
    return lambda recipe: add(recipe, rates=lambda state: (generator, discriminator))


def steps(d: int = 1, g: int = 1) -> Remedy:
    """Updates of D and of G per step. Goodfellow et al. 2014, algorithm 1 (k); Gulrajani et al.
    2017 take d = 5."""
    if d < 1 or g < 1:
        raise ConfigError(COUNTED.format("steps", f"d = {d}, g = {g}"), "Each is at least 1.")
    return lambda recipe: claim(recipe, by="steps", d_steps=d, g_steps=g)


def skip(d_below: float = 0.3, g_below: float = 0.0, half_life_steps: float = 10.0) -> Remedy:
    """A player rests while its smoothed loss is below this share of its loss at the equilibrium;
    0 means never. Never both: then both learn.

    A last resort without a theory (Chintala et al. 2016, How to train a GAN?, tip 11, advise
    against it); for losses with a loss above 0 at the equilibrium. Raises
    ConfigError for others, in particular wasserstein, whose D must be near its optimum.
    """
    if d_below < 0 or g_below < 0 or half_life_steps <= 0:
        raise ConfigError(
            COUNTED.format("skip", f"bounds {d_below:g}, {g_below:g} over {half_life_steps:g}"),
            "Bounds are not negative, the half-life is above 0.",
        )

    def remedy(recipe: Recipe) -> Recipe:
        at_equilibrium = recipe.loss.at_equilibrium
        for player, share, value in zip("DG", (d_below, g_below), at_equilibrium, strict=True):
            if share and value <= 0:
                raise ConfigError(
                    f"{player} cannot rest by its loss: for '{recipe.loss.name}' that is "
                    f"{value:.2f} at the equilibrium.",
                    "Choose another loss, or the remedy balance.",
                )
        resting = Resting(d_below * at_equilibrium[0], g_below * at_equilibrium[1], half_life_steps)
        claimed = claim(recipe, by="skip", turns=resting.turns)
        return add(remember(claimed, "skip", resting), observers=resting.observe)

    return remedy


class Resting:
    """Smoothed losses of both players, and whose turn it is."""

    def __init__(self, d_bound: float, g_bound: float, half_life_steps: float) -> None:
        self.bounds = d_bound, g_bound
        self.share = 1 - 0.5 ** (1 / half_life_steps)
        self.losses: tuple[float, float] | None = None
        self.rested = [0, 0]
        self.steps = 0

    def turns(self, state: TrainState) -> tuple[bool, bool]:
        d_learns, g_learns = True, True
        if self.losses is not None:
            below = [a < b for a, b in zip(self.losses, self.bounds, strict=True)]
            if below != [True, True]:
                d_learns, g_learns = not below[0], not below[1]
        self.rested[0] += not d_learns
        self.rested[1] += not g_learns
        self.steps += 1
        return d_learns, g_learns

    def observe(self, state: TrainState, report: StepResult) -> None:
        d_loss, g_loss = torch.stack([report.d_loss, report.g_loss]).tolist()
        if self.losses is None:
            self.losses = d_loss, g_loss
            return
        d_old, g_old = self.losses
        self.losses = d_old + self.share * (d_loss - d_old), g_old + self.share * (g_loss - g_old)

    def state_dict(self) -> dict[str, Tensor]:
        counts = {"counts": torch.tensor([*self.rested, self.steps])}
        if self.losses is None:
            return counts
        return counts | {"losses": torch.tensor(self.losses, dtype=torch.float64)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        d_rested, g_rested, self.steps = state["counts"].tolist()
        self.rested = [d_rested, g_rested]
        if "losses" in state:
            d_loss, g_loss = state["losses"].tolist()
            self.losses = d_loss, g_loss

    def measures(self) -> dict[str, float]:
        shares = [rested / max(self.steps, 1) for rested in self.rested]
        return {"d_rested": shares[0], "g_rested": shares[1]}


def balance(
    signal: Signal = "accuracy",
    low: float | None = None,
    high: float | None = None,
    every: int = 8,
    speed: float = 0.1,
    most: float = 16.0,
) -> Remedy:
    """A controller: D's learning rate falls while D is too strong and rises while it is too weak.

    signal: 'accuracy', how often D is right about pictures it has never learned from and new fakes
    (band 0.6 to 0.85); or 'gap', the difference of its mean logits in units of their spread (band
    0.5 to 2). low, high: the band. Measured in every `every`-th step; then the factor on D's rate
    changes by `speed`, and stays between 1 / most and most. Without held-out pictures (see
    TrainState.held_out) the batch counts, which D judges before it learns from it.
    """
    low = BANDS[signal][0] if low is None else low
    high = BANDS[signal][1] if high is None else high
    if not low <= high or every < 1 or speed <= 0 or most < 1:
        raise ConfigError(
            COUNTED.format(
                "balance", f"the band {low:g} to {high:g}, every {every}, speed {speed:g}, "
                f"most {most:g}"
            ),
            "The band ascends, every and most are at least 1, the speed is above 0.",
        )  # fmt: skip

    def remedy(recipe: Recipe) -> Recipe:
        controller = Controller(signal, low, high, every, speed, math.log(most), recipe.loss)
        kept = remember(recipe, "balance", controller)
        return add(kept, rates=controller.rates, observers=controller.observe)

    return remedy


BANDS: dict[Signal, tuple[float, float]] = {"accuracy": (0.6, 0.85), "gap": (0.5, 2.0)}


@dataclass
class Controller:
    """Integrates whether the signal is above or below its band into the logarithm of the factor."""

    signal: Signal
    low: float
    high: float
    every: int
    speed: float
    bound: float
    loss: Loss
    log_factor: float = 0.0
    last: float = math.nan

    def rates(self, state: TrainState) -> tuple[float, float]:
        return 1.0, math.exp(self.log_factor)

    def observe(self, state: TrainState, report: StepResult) -> None:
        if state.step % self.every:
            return
        real, fake = self._verdicts(state, report)
        self.last = SIGNALS[self.signal](self.loss, real, fake).item()
        change = (self.last < self.low) - (self.last > self.high)
        moved = self.log_factor + self.speed * change
        self.log_factor = min(max(moved, -self.bound), self.bound)

    @torch.no_grad()
    def _verdicts(self, state: TrainState, report: StepResult) -> tuple[Tensor, Tensor]:
        """D's logits for reals that it has never learned from, and for fakes."""
        played = report.played
        if state.held_out is None:
            return played.real_logits.detach(), played.fake_logits.detach()
        batch = state.held_out(state.step // self.every)
        was_training = state.d_net.training
        state.d_net.eval()  # no statistics of a norm may move
        real = played.critic(report.to_scales(batch.images), batch.labels)
        state.d_net.train(was_training)
        return real, played.fake_logits.detach()

    def state_dict(self) -> dict[str, Tensor]:
        return {"factor": torch.tensor([self.log_factor, self.last], dtype=torch.float64)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.log_factor, self.last = state["factor"].tolist()

    def measures(self) -> dict[str, float]:
        found = {"balance_factor": math.exp(self.log_factor)}
        return found if math.isnan(self.last) else found | {f"balance_{self.signal}": self.last}


def accuracy(loss: Loss, real: Tensor, fake: Tensor) -> Tensor:
    """How often D is right. Where only differences of logits count, the middle between the two
    means divides real from fake."""
    middle = (real.mean() + fake.mean()) / 2 if loss.boundary is None else loss.boundary
    return ((real > middle).float().mean() + (fake <= middle).float().mean()) / 2


def gap(loss: Loss, real: Tensor, fake: Tensor) -> Tensor:
    """The difference of the means in units of the pooled standard deviation (Cohen's d)."""
    pooled = ((real.var() + fake.var()) / 2).sqrt().clamp_min(1e-6)
    return (real.mean() - fake.mean()) / pooled


SIGNALS = {"accuracy": accuracy, "gap": gap}
