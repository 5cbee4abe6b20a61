"""A recipe: what one training step does, as values in slots.

A remedy is a function Recipe -> Recipe. Single slots may be claimed once, a second claim is a clear
error; tuple slots accumulate in the order of the configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from ganwerk.errors import ConfigError
from ganwerk.game import latents
from ganwerk.game.losses import NON_SATURATING, Loss
from ganwerk.game.optimisers import Optimiser
from ganwerk.game.rounds import Critic, Round, StepResult, View, single
from ganwerk.game.state import Stateful, TrainState
from ganwerk.nn.types import Batch, Fakes, Generator, Scales

Draw = Callable[[nn.Module, Batch, torch.Generator], Fakes]
Inputs = tuple[Tensor, ...]
Memory = Callable[[Fakes, torch.Generator], Fakes]
Opponent = Callable[[TrainState, Batch, Fakes, Round, "Recipe"], Critic]
Relabel = Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]]
Gather = Callable[[TrainState, Callable[[int], Batch], int, int], Batch]
Turns = Callable[[TrainState], tuple[bool, bool]]
Rates = Callable[[TrainState], tuple[float, float]]
Remedy = Callable[["Recipe"], "Recipe"]


class Penalty(Protocol):
    """A term of D's loss: (B,) or fewer values of what D saw and said.

    due in each `every`-th step, then counted `every` times. needs_input_gradient: it differentiates
    by the pictures, so they must take a gradient.
    """

    @property
    def name(self) -> str: ...

    @property
    def every(self) -> int: ...

    @property
    def needs_input_gradient(self) -> bool: ...

    def __call__(self, played: Round) -> Tensor: ...


class GPenalty(Protocol):
    """A term of G's loss: some values of a generator, due in each `every`-th step, then counted
    `every` times. check raises ConfigError for a generator that has not what it measures."""

    @property
    def name(self) -> str: ...

    @property
    def every(self) -> int: ...

    def check(self, generator: nn.Module) -> None: ...

    def __call__(self, generator: nn.Module, batch: Batch, random: torch.Generator) -> Tensor: ...


class Constraint(Protocol):
    """What D's weights must obey after each update.

    ahead: the same for weights that are looked at, as a differentiable function.
    """

    def __call__(self, net: nn.Module) -> None: ...

    def ahead(self, weights: Tensor) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class Change:
    """A change of D's network before its first weights are drawn.

    apply: gives the changed network (the same object or one around it). rank: lower ones first, so
    that the order in which remedies are named does not matter.
    """

    apply: Callable[[nn.Module], nn.Module]
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Average:
    """The memory of the averaged generator; see nn.ema.Ema."""

    half_life_images: float
    ramp: float


def no_replay(fakes: Fakes, random: torch.Generator) -> Fakes:
    """No memory: D sees only what G draws now."""
    return fakes


def current_discriminator(
    state: TrainState, batch: Batch, fakes: Fakes, played: Round, recipe: Recipe
) -> Critic:
    """G plays against D as it is."""
    return played.critic


def separate_batches(
    state: TrainState, next_batch: Callable[[int], Batch], update: int, updates: int
) -> Batch:
    """The reals of this of D's updates in a step: a batch each."""
    return next_batch(state.step * updates + update)


def both_players(state: TrainState) -> tuple[bool, bool]:
    """D and G learn in every step."""
    return True, True


def unmodified(optimiser: Optimiser) -> Optimiser:
    """The optimiser moves the weights by its own rule."""
    return optimiser


@dataclass(frozen=True, slots=True)
class LatentDraw:
    """A draw in two halves, so that a part of a batch can be painted, and painted again.

    inputs: all that is random in as many fakes as reals, each (B, ...). paint: what G makes of
    inputs and labels.
    """

    inputs: Callable[[nn.Module, Batch, torch.Generator], Inputs]
    synthesise: Callable[[nn.Module, Inputs, Tensor | None], Fakes]

    def __call__(self, generator: nn.Module, batch: Batch, random: torch.Generator) -> Fakes:
        return self.synthesise(generator, self.inputs(generator, batch, random), batch.labels)


def plain_draw(distribution: latents.Latents) -> LatentDraw:
    """As many latents as reals, of the given distribution, with the reals' labels.

    Sharing the labels pairs each fake with a real of its class, which relativistic losses need.
    """

    def inputs(generator: nn.Module, batch: Batch, random: torch.Generator) -> Inputs:
        size = cast(Generator, generator).latent_dim
        return (distribution.draw(len(batch.images), size, random),)

    def synthesise(generator: nn.Module, inputs: Inputs, labels: Tensor | None) -> Fakes:
        return Fakes(generator(inputs[0], labels), labels)

    return LatentDraw(inputs, synthesise)


def _gaussian() -> Draw:
    return plain_draw(latents.LATENTS["gaussian"])


@dataclass(frozen=True)
class Recipe:
    """One value per technique.

    Single slots
    loss: the pair of losses. to_scales: real pictures to the scales D sees. gather: which reals an
    update sees. draw: how fakes are made.
    memory: what D is shown instead of the newest fakes alone. opponent: the critic G plays against.
    d_steps, g_steps: updates of each player per step; with more than one, every D update sees new
    reals and new fakes. reuse_fakes: G learns from the fakes that D has just judged, which saves
    a forward pass of G; otherwise G draws anew. turns: whether (D, G) learn in this step.
    optimiser: what becomes of each player's optimiser. average: the averaged generator's memory,
    None leaves it to the settings. micro_batch: so many pictures at a time pass through the
    networks, and their gradients are accumulated; 0: all at once.

    Tuple slots
    views: what pictures pass before D sees them. d_labels: what D's loss takes for real and fake.
    d_penalties: on D. g_penalties: on G. constraints: on D's weights after each update. d_changes:
    of D's network.
    rates: factors on (G's, D's) learning rate. schedules run before a step, observers after it.
    parts: what must survive a crash, by name. checks: of the finished recipe and D's network; they
    raise ConfigError where the two cannot be together.
    """

    loss: Loss = NON_SATURATING
    to_scales: Callable[[Tensor], Scales] = single
    gather: Gather = separate_batches
    draw: Draw = field(default_factory=_gaussian)
    memory: Memory = no_replay
    opponent: Opponent = current_discriminator
    d_steps: int = 1
    g_steps: int = 1
    reuse_fakes: bool = True
    turns: Turns = both_players
    optimiser: Callable[[Optimiser], Optimiser] = unmodified
    average: Average | None = None
    micro_batch: int = 0
    views: tuple[View, ...] = ()
    d_labels: tuple[Relabel, ...] = ()
    d_penalties: tuple[Penalty, ...] = ()
    g_penalties: tuple[GPenalty, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    d_changes: tuple[Change, ...] = ()
    rates: tuple[Rates, ...] = ()
    schedules: tuple[Callable[[TrainState], None], ...] = ()
    observers: tuple[Callable[[TrainState, StepResult], None], ...] = ()
    parts: tuple[tuple[str, Stateful], ...] = ()
    checks: tuple[Callable[[Recipe, nn.Module], None], ...] = ()
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


def remember(recipe: Recipe, name: str, part: Stateful) -> Recipe:
    """Name a part that must survive a crash. Raises ConfigError if there is one of that name."""
    if name in dict(recipe.parts):
        raise ConfigError(
            f"The remedy '{name}' is there twice.", "Keep one of the two and give it all settings."
        )
    return replace(recipe, parts=(*recipe.parts, (name, part)))


def adapt(recipe: Recipe, d_net: nn.Module) -> nn.Module:
    """D's network as the recipe wants it, to be called before its first weights are drawn.

    Raises ConfigError if the network cannot be changed so.
    """
    for change in sorted(recipe.d_changes, key=lambda change: change.rank):
        d_net = change.apply(d_net)
    return d_net
