"""Dirac-GAN: two numbers that play. Mescheder et al. 2018, Which training methods for GANs do
actually converge?, section 2.

All data is the point 0, G draws the point theta, D(x) = psi x. The only equilibrium is (0, 0).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganwerk.errors import DivergedError
from ganwerk.game.recipe import Recipe
from ganwerk.game.state import TrainState
from ganwerk.lab.game import begin, play, rules_of
from ganwerk.lab.method import Method, parse
from ganwerk.lab.setting import Finite, GameSetting
from ganwerk.lab.trial import Facts, Tell, Trial
from ganwerk.nn.types import Batch, Scales

SLOPE = 0.5  # |f'(0)| of the logistic loss, what turns the players around each other


@dataclass(frozen=True, slots=True, kw_only=True)
class DiracSetting(GameSetting):
    """theta, psi: where G and D begin."""

    theta: Finite = 1.0
    psi: Finite = 1.0


SETTING = DiracSetting(
    problem="dirac",
    source="Mescheder et al. 2018, section 2",
    steps=500,
    batch=8,
    latent_dim=1,
    loss="minimax",
    optimiser="sgd",
    g_rate=0.1,
    d_rate=0.1,
    beta1=0.0,
)


class Point(nn.Module):
    """G: the point theta, whatever z is."""

    latent_dim = 1

    def __init__(self, theta: float) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta))

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Scales:
        return (self.theta.expand(len(z), 1, 1, 1),)


class Slope(nn.Module):
    """D: psi x."""

    group_size = 1

    def __init__(self, psi: float) -> None:
        super().__init__()
        self.psi = nn.Parameter(torch.tensor(psi))

    def forward(self, scales: Scales, labels: Tensor | None = None) -> Tensor:
        return self.psi * scales[-1].flatten()


def predicted_shrinkage(rate: float, gamma: float) -> float:
    """By what factor a step of alternating descent shrinks the distance to (0, 0), near it.

    The largest eigenvalue of the step's linear part, psi' = (1 - h gamma) psi - h theta / 2,
    theta' = theta + h psi' / 2: its determinant is 1 - h gamma, so the factor is
    sqrt(1 - h gamma) while the eigenvalues are complex, 1 without a penalty.
    """
    kept = 1 - rate * gamma
    turn = rate * SLOPE
    step = np.array([[kept, -turn], [turn * kept, 1 - turn * turn]])
    return float(np.abs(np.linalg.eigvals(step)).max())


def measured_shrinkage(radius: NDArray[np.float64]) -> float | None:
    """The factor per step, from the line through the later half of log radius (T,); None for a
    half that is no line."""
    later = np.log(np.maximum(radius[len(radius) // 2 :], 1e-30))
    if len(later) < 2:
        return None
    slope = np.polyfit(np.arange(len(later)), later, 1)[0]
    return math.exp(slope)


def game(setting: DiracSetting, chosen: Method, seed: int) -> tuple[TrainState, Recipe]:
    """Both players where they begin. Raises ConfigError."""
    rules = rules_of(setting, chosen)
    players = Point(setting.theta), Slope(setting.psi)
    return begin(setting, rules, seed, *players, lambda net, random: None), rules


def trial(base: DiracSetting, text: str, seed: int, tell: Tell) -> Trial:
    """The path (steps + 1, 2) of (theta, psi). Raises ConfigError, DivergedError."""
    chosen = parse(text)
    setting = chosen.applied(base)
    state, rules = game(setting, chosen, seed)
    zeros = Batch(torch.zeros(setting.batch, 1, 1, 1))
    start = time.perf_counter()
    path = [
        standing(state)
        for _ in play(state, rules, lambda _: zeros, list(range(setting.steps + 1)), tell)
    ]
    points = np.array(path)
    radius = np.hypot(points[:, 0], points[:, 1])
    if not np.isfinite(radius).all():
        raise DivergedError(
            f"The players stopped being numbers in step {int(np.isfinite(radius).argmin()):,}.",
            "Lower the learning rates (--method g_rate=...), or begin nearer to (0, 0).",
        )
    facts: Facts = {
        "radius_first": float(radius[0]),
        "radius_last": float(radius[-1]),
        "averaged_theta": float(points[-1, 2]),
        "shrinkage": measured_shrinkage(radius),
        "predicted": _prediction(base, setting, chosen),
        "steps": setting.steps,
        "seconds": time.perf_counter() - start,
    }
    return Trial(facts, {"path": points[:, :2], "averaged": points[:, 2]})


def standing(state: TrainState) -> tuple[float, float, float]:
    """theta, psi, and theta averaged over the game."""
    return _value(state.g_net), _value(state.d_net), _value(state.ema.net)


def _value(player: nn.Module) -> float:
    """The one number of a player."""
    return float(next(player.parameters()).detach())


def _prediction(base: DiracSetting, setting: DiracSetting, chosen: Method) -> float | None:
    """Where theory has a short answer: nothing, or R1 in every step that does not fade."""
    steady = [r for r in chosen.remedies if r.kind == "r1" and r.every == 1 and r.fade == 1]
    penalties = [r.weight for r in steady]
    known = setting == base and setting.g_rate == setting.d_rate
    if not known or len(penalties) != len(chosen.remedies) or len(penalties) > 1:
        return None
    return predicted_shrinkage(setting.d_rate, sum(penalties))
