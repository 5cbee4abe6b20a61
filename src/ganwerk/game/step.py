"""One training step. The only place that calls backward() and step()."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganwerk.game.optimisers import Optimiser
from ganwerk.game.penalties import GradientPenalty, leaf
from ganwerk.game.recipe import Recipe, View
from ganwerk.game.state import TrainState
from ganwerk.nn.types import Batch, Fakes, Scales


@dataclass(frozen=True, slots=True)
class Critic:
    """D behind the views it is allowed to see through."""

    net: Callable[..., Tensor]
    group_size: int
    views: tuple[View, ...] = ()

    def __call__(self, scales: Scales, labels: Tensor | None) -> Tensor:
        for view in self.views:
            scales = view(scales)
        return self.net(scales, labels)

    def both(self, real: Scales, fake: Scales, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """Logits for reals and fakes: in one call where samples do not see each other."""
        if self.group_size != 1:
            return self(real, labels), self(fake, labels)
        together = tuple(torch.cat(pair) for pair in zip(real, fake, strict=True))
        logits = self(together, None if labels is None else torch.cat([labels, labels]))
        return logits[: len(real[-1])], logits[len(real[-1]) :]


@dataclass(frozen=True, slots=True)
class Round:
    """What D saw and said in an update. Penalties read it and never recompute it."""

    critic: Critic
    real: Scales
    fake: Scales
    labels: Tensor | None
    real_logits: Tensor
    fake_logits: Tensor
    random: torch.Generator
    progress: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """What a step measured, still on the device: reading it is the observer's choice."""

    played: Round
    d_loss: Tensor
    g_loss: Tensor
    penalties: dict[str, Tensor]


@contextmanager
def updating(net: nn.Module, optimiser: Optimiser) -> Iterator[list[nn.Parameter]]:
    """Fresh gradients before, one optimiser step after."""
    optimiser.zero_grad(set_to_none=True)
    yield list(net.parameters())
    optimiser.step()


def due(penalties: tuple[GradientPenalty, ...], step: int) -> list[GradientPenalty]:
    """The penalties whose turn it is."""
    return [penalty for penalty in penalties if step % penalty.every == 0]


def discriminator_step(
    state: TrainState, batch: Batch, fakes: Fakes, recipe: Recipe, random: torch.Generator
) -> tuple[Round, Tensor, dict[str, Tensor]]:
    """One update of D. Returns what it saw, its mean loss without penalties, and the penalties."""
    critic = Critic(state.d_net, state.d_group_size, recipe.views)
    penalties = due(recipe.d_penalties, state.step)
    # Only a penalty needs the gradient at the pictures: without one, the first layer skips it.
    prepare = leaf if penalties else tuple
    with updating(state.d_net, state.d_optimiser) as parameters:
        real = prepare(recipe.lift(batch.images))
        fake = prepare(recipe.memory(fakes.detach()).scales)
        judge = _apart if penalties else Critic.both
        real_logits, fake_logits = judge(critic, real, fake, batch.labels)
        played = Round(
            critic, real, fake, batch.labels, real_logits, fake_logits, random, state.progress
        )
        loss = recipe.loss.discriminator(played.real_logits, played.fake_logits).mean()
        total, measured = loss, {}
        for penalty in penalties:
            value = penalty(played).mean()
            measured[penalty.name] = value.detach()
            total = total + penalty.every * value
        total.backward(inputs=parameters)
    for constrain in recipe.constraints:
        constrain(state.d_net)
    return played, loss.detach(), measured


def _apart(
    critic: Critic, real: Scales, fake: Scales, labels: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Two calls, so that the gradient at the reals does not pass through the fakes' half."""
    return critic(real, labels), critic(fake, labels)


def generator_step(
    state: TrainState, batch: Batch, fakes: Fakes, played: Round, recipe: Recipe
) -> Tensor:
    """One update of G on `fakes`, which carry G's graph. Returns its mean loss."""
    with updating(state.g_net, state.g_optimiser) as parameters:
        opponent = recipe.opponent(played.critic, played, recipe.loss)
        fake_logits = opponent(fakes.scales, fakes.labels)
        real_logits = fake_logits
        if recipe.loss.paired:
            with torch.no_grad():
                real_logits = opponent(recipe.lift(batch.images), batch.labels)
        loss = recipe.loss.generator(real_logits, fake_logits).mean()
        loss.backward(inputs=parameters)
    return loss.detach()


def train_step(state: TrainState, next_batch: Callable[[int], Batch], recipe: Recipe) -> Report:
    """One step of both players; `next_batch(i)` gives batch number i of the run.

    Everything random in it is a function of the run's seed and the step's number.
    """
    random = state.random_of_step()
    for schedule in recipe.schedules:
        schedule(state)
    for update in range(recipe.d_steps):
        batch = next_batch(state.step * recipe.d_steps + update)
        shared = recipe.reuse_fakes and update == recipe.d_steps - 1
        with torch.set_grad_enabled(shared):
            fakes = recipe.draw(state.g_net, batch, random)
        played, d_loss, penalties = discriminator_step(state, batch, fakes, recipe, random)
    for update in range(recipe.g_steps):
        if update or not recipe.reuse_fakes:
            fakes = recipe.draw(state.g_net, batch, random)
        g_loss = generator_step(state, batch, fakes, played, recipe)
    state.advance(images=recipe.d_steps * len(batch.images))
    report = Report(played, d_loss, g_loss, penalties)
    for observe in recipe.observers:
        observe(state, report)
    return report
