"""From a recipe and two networks to a training before its first step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from ganwerk.errors import ConfigError
from ganwerk.game.optimisers import Optimiser
from ganwerk.game.recipe import Average, LatentDraw, Recipe, current_discriminator, no_replay
from ganwerk.game.state import TrainState
from ganwerk.nn.ema import Ema
from ganwerk.nn.groups import group_size_of
from ganwerk.nn.spectral import SpectralNorm

NO_AVERAGE = Average(half_life_images=0.0, ramp=0.05)
MakeOptimiser = Callable[[nn.Module, float], Optimiser]


def check_groups(d_net: nn.Module, batch: int, cure: str) -> None:
    """Raises ConfigError if D compares groups of samples into which the batch cannot be divided.

    cure: the hint, with {nearest} for a batch that can."""
    group = group_size_of(d_net)
    if group and batch % group:
        raise ConfigError(
            f"D compares groups of {group} samples, and a batch of {batch} cannot be divided so.",
            cure.format(nearest=max(1, round(batch / group)) * group),
        )


def check_parts(recipe: Recipe, d_net: nn.Module, batch: int, parts: int) -> None:
    """Raises ConfigError where a batch cannot be played in so many parts (see game.team)."""
    if parts == 1:
        return
    if batch % parts:
        above = -(-batch // parts) * parts
        raise ConfigError(
            f"A batch of {batch} cannot be cut into {parts} equal parts.", f"Add --batch {above}"
        )
    group = group_size_of(d_net)
    if group and batch // parts % group:
        raise ConfigError(
            f"D compares groups of {group} samples, and a part of {batch // parts} cannot be "
            "divided so.",
            f"Add --batch {parts * group * -(-batch // (parts * group))}, or change the group or "
            "pack.",
        )
    if recipe.memory is not no_replay:
        raise ConfigError(
            "The remedy replay remembers fakes of the whole batch, which no part of it sees.",
            "Leave the remedy out, or train in one process with --set budget.parts=1.",
        )


def check_micro(recipe: Recipe, g_net: nn.Module, d_net: nn.Module) -> None:
    """Raises ConfigError where a batch in parts would not be the same game."""
    group = group_size_of(d_net)
    batch_norm = any(isinstance(m, nn.BatchNorm2d) for n in (g_net, d_net) for m in n.modules())
    if batch_norm or group == 0:
        raise ConfigError(
            "A batch cannot be computed in parts: a network looks at all of it at once.",
            "Use a smaller --batch, or networks without batch norm and with a group of 4.",
        )
    if recipe.micro_batch % group:
        raise ConfigError(
            f"Micro-batches of {recipe.micro_batch} pictures cut through the groups of {group} "
            "that D compares.",
            f"Choose a multiple of {group} for budget.micro_batch.",
        )
    if recipe.opponent is not current_discriminator or not isinstance(recipe.draw, LatentDraw):
        raise ConfigError(
            "A batch cannot be computed in parts while G plays against a D some steps ahead.",
            "Leave out the remedy unrolled, or use a smaller --batch.",
        )


def check_recompute(recipe: Recipe, d_net: nn.Module) -> None:
    """Raises ConfigError where a stage of D that is computed twice would differ the second time:
    with weights that are only foreseen, or normalised by vectors that move in each pass."""
    if not any(any(getattr(m, "recompute", ())) for m in d_net.modules()):
        return
    moving = any(isinstance(m, SpectralNorm) for m in d_net.modules())
    if moving or recipe.opponent is not current_discriminator:
        name = "spectral-norm" if moving else "unrolled"
        raise ConfigError(
            f"With the remedy {name}, stages of D cannot be computed twice to save memory.",
            "Set network.recompute_px to 0, or leave out the remedy.",
        )


def start(
    recipe: Recipe,
    g_net: nn.Module,
    d_net: nn.Module,
    make: MakeOptimiser,
    *,
    g_rate: float,
    d_rate: float,
    seed: int,
    horizon_images: float,
    average: Average = NO_AVERAGE,
    device: torch.device | None = None,
) -> TrainState:
    """The state of a training by this recipe.

    d_net: as recipe.adapt made it. make: gives the optimiser of a network at a learning rate.
    average: unless the recipe has its own. The recipe's parts become parts of the state, so that
    they are saved with it. Raises ConfigError if recipe and D cannot be together.
    """
    for check in recipe.checks:
        check(recipe, d_net)
    for penalty in recipe.g_penalties:
        penalty.check(g_net)
    if recipe.micro_batch:
        check_micro(recipe, g_net, d_net)
    check_recompute(recipe, d_net)
    chosen = recipe.average or average
    return TrainState(
        g_net=g_net,
        d_net=d_net,
        ema=Ema(g_net, chosen.half_life_images, chosen.ramp),
        g_optimiser=recipe.optimiser(make(g_net, g_rate)),
        d_optimiser=recipe.optimiser(make(d_net, d_rate)),
        seed=seed,
        device=device or torch.device("cpu"),
        horizon_images=horizon_images,
        parts=dict(recipe.parts),
    )
