"""Remedies that keep D's slope or its verdicts within bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ganwerk.errors import ConfigError
from ganwerk.game import penalties
from ganwerk.game.recipe import Change, Recipe, Remedy, add, claim, remember
from ganwerk.game.rounds import Round, StepResult
from ganwerk.game.schedules import Clip
from ganwerk.game.state import TrainState
from ganwerk.nn.spectral import normalise_spectrum

SPECTRUM_RANK = 2  # when all layers of D are there


def _penalty(name: str, weight: float, every: int, fade: float) -> Remedy:
    if weight < 0 or every < 1 or not 0 < fade <= 1:
        raise ConfigError(
            f"The penalty {name} cannot have weight {weight:g}, every {every}, fade {fade:g}.",
            "The weight is not negative, every is at least 1, fade is above 0 and at most 1.",
        )
    penalty = replace(penalties.PENALTIES[name](weight, every), fade=fade)
    return lambda recipe: add(recipe, d_penalties=penalty)


def r1(weight: float, every: int = 1, fade: float = 1.0) -> Remedy:
    """weight / 2 times D's squared slope at reals. See game.penalties."""
    return _penalty("r1", weight, every, fade)


def r2(weight: float, every: int = 1, fade: float = 1.0) -> Remedy:
    """weight / 2 times D's squared slope at fakes. See game.penalties."""
    return _penalty("r2", weight, every, fade)


def wgan_gp(weight: float = 10.0, every: int = 1, fade: float = 1.0) -> Remedy:
    """D's slope between reals and fakes is drawn to 1. See game.penalties."""
    return _penalty("wgan-gp", weight, every, fade)


def dragan(weight: float = 10.0, every: int = 1, fade: float = 1.0) -> Remedy:
    """D's slope around reals is drawn to 1. See game.penalties."""
    return _penalty("dragan", weight, every, fade)


def weight_clip(bound: float = 0.01) -> Remedy:
    """D's weights stay in [-bound, bound]. Arjovsky et al. 2017, Wasserstein GAN, algorithm 1."""
    if bound <= 0:
        raise ConfigError(f"Weights cannot be clipped to {bound:g}.", "Choose a bound above 0.")
    clip = Clip(bound)
    return lambda recipe: claim(recipe, by="weight-clip", constraints=(*recipe.constraints, clip))


def spectral_norm(iterations: int = 1) -> Remedy:
    """Each layer of D can stretch its input at most by 1. Miyato et al. 2018, Spectral
    normalization for GANs. iterations: of power iteration per forward pass."""
    if iterations < 1:
        raise ConfigError(f"{iterations} power iterations find nothing.", "Choose 1 or more.")
    change = Change(lambda net: normalise_spectrum(net, iterations), SPECTRUM_RANK)
    return lambda recipe: add(recipe, d_changes=change)


def lecam(weight: float = 0.3, decay: float = 0.99) -> Remedy:
    """D's verdicts on reals stay near its average verdict on fakes, and the other way round: less
    overfitting on few pictures. Tseng et al. 2021, Regularizing GANs under limited data, section
    3. decay: of the averages, per step."""
    if weight < 0 or not 0 <= decay < 1:
        raise ConfigError(
            f"The remedy lecam cannot have weight {weight:g} and decay {decay:g}.",
            "The weight is not negative, the decay from 0 to below 1.",
        )

    def remedy(recipe: Recipe) -> Recipe:
        anchors = Anchors(decay)
        with_part = remember(recipe, "lecam", anchors)
        return add(with_part, d_penalties=LeCam(anchors, weight), observers=anchors.observe)

    return remedy


class Anchors:
    """Moving averages of D's verdicts on reals and on fakes, kept on the device."""

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.means: Tensor | None = None

    def observe(self, state: TrainState, report: StepResult) -> None:
        played = report.played
        means = [played.real_logits.detach().mean(), played.fake_logits.detach().mean()]
        now = torch.stack(means)
        self.means = now if self.means is None else self.means.to(now.device).lerp(
            now, 1 - self.decay
        )  # fmt: skip

    def state_dict(self) -> dict[str, Tensor]:
        return {} if self.means is None else {"means": self.means}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.means = state["means"].clone() if "means" in state else None

    def measures(self) -> dict[str, float]:
        return {}


@dataclass(frozen=True, slots=True)
class LeCam:
    """weight * ((D(x) - mean of D on fakes)^2 + (D(G(z)) - mean of D on reals)^2)."""

    anchors: Anchors
    weight: float
    name: str = "lecam"
    every: int = 1
    needs_input_gradient: bool = False

    def __call__(self, played: Round) -> Tensor:
        if self.anchors.means is None:  # nothing is known before the first verdicts
            return torch.zeros_like(played.real_logits)
        real_mean, fake_mean = self.anchors.means.to(played.real_logits.device)
        at_real = (played.real_logits - fake_mean).square()
        at_fake = (played.fake_logits - real_mean).square()
        return self.weight * (at_real + at_fake)
