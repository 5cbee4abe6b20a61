"""A recipe: what one training step does, as values in slots.

A remedy is a function Recipe -> Recipe. Single slots may be claimed once, a second claim is a clear
error; tuple slots accumulate in the order of the configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ganwerk.errors import ConfigError
from ganwerk.game import latents
from ganwerk.game.losses import NON_SATURATING, Loss
from ganwerk.game.penalties import GradientPenalty
from ganwerk.nn.types import Batch, Fakes, Scales

if TYPE_CHECKING:
    from ganwerk.game.state import TrainState
    from ganwerk.game.step import Critic, Report, Round

Draw = Callable[[nn.Module, Batch, torch.Generator], Fakes]
View = Callable[[Scales], Scales]
Opponent = Callable[["Critic", "Round", Loss], "Critic"]
Remedy = Callable[["Recipe"], "Recipe"]


def single(images: Tensor) -> Scales:
    """An ordinary GAN sees one scale."""
    return (images,)


def forget(fakes: Fakes) -> Fakes:
    """No memory: D sees only what G draws now."""
    return fakes


def itself(critic: Critic, played: Round, loss: Loss) -> Critic:
    """G plays against D as it is."""
    return critic


def plain_draw(distribution: latents.Latents) -> Draw:
    """As many latents as reals, of the given distribution, with the reals' labels.

    Sharing the labels pairs each fake with a real of its class, which relativistic losses need.
    """

    def draw(generator: nn.Module, batch: Batch, random: torch.Generator) -> Fakes:
        z = distribution.draw(len(batch.images), int(generator.latent_dim), random)  # type: ignore[arg-type]
        return Fakes(generator(z, batch.labels), batch.labels)

    return draw


def _gaussian() -> Draw:
    return plain_draw(latents.LATENTS["gaussian"])


@dataclass(frozen=True)
class Recipe:
    """One value per technique.

    loss: the pair of losses. lift: real pictures to the scales D sees. draw: how fakes are made.
    memory: what D is shown instead of the newest fakes alone. opponent: the critic G plays against.
    d_steps, g_steps: updates of each player per step; with more than one, every D update sees new
    reals and new fakes. reuse_fakes: G learns from the fakes that D has just judged, which saves
    a forward pass of G; otherwise G draws anew.
    views: what pictures pass before D sees them. d_penalties: on D. constraints: on D's weights
    after each update. schedules run before a step, observers after it.
    """

    loss: Loss = NON_SATURATING
    lift: Callable[[Tensor], Scales] = single
    draw: Draw = field(default_factory=_gaussian)
    memory: Callable[[Fakes], Fakes] = forget
    opponent: Opponent = itself
    d_steps: int = 1
    g_steps: int = 1
    reuse_fakes: bool = True
    views: tuple[View, ...] = ()
    d_penalties: tuple[GradientPenalty, ...] = ()
    constraints: tuple[Callable[[nn.Module], None], ...] = ()
    schedules: tuple[Callable[[TrainState], None], ...] = ()
    observers: tuple[Callable[[TrainState, Report], None], ...] = ()
    claimed: tuple[tuple[str, str], ...] = ()


def claim(recipe: Recipe, by: str, **slots: Any) -> Recipe:
    """Fill single slots. Raises ConfigError if another remedy has filled one of them before."""
    owners = dict(recipe.claimed)
    for slot in slots:
        if slot in owners:
            raise ConfigError(
                f"The remedies '{owners[slot]}' and '{by}' both set '{slot}'.",
                "They exclude each other: keep one of them.",
            )
    claimed = recipe.claimed + tuple((slot, by) for slot in slots)
    return replace(recipe, **slots, claimed=claimed)


def add(recipe: Recipe, **slots: Any) -> Recipe:
    """Append one value each to tuple slots."""
    known = {f.name for f in fields(Recipe)}
    assert slots.keys() <= known, f"no such slot: {slots.keys() - known}"
    longer: dict[str, Any] = {name: (*getattr(recipe, name), v) for name, v in slots.items()}
    return replace(recipe, **longer)
