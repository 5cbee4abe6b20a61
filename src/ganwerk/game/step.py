"""One training step. The only place that calls backward() and step()."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ganwerk.game.drawn import Drawn, draw, micro_batches, slice_of
from ganwerk.game.optimisers import Optimiser
from ganwerk.game.recipe import Recipe
from ganwerk.game.rounds import Critic, Round, StepResult, requiring_grad
from ganwerk.game.state import Averaged, TrainState
from ganwerk.game.team import Statistics, Team, iterated, pool, refuse_broken, running
from ganwerk.game.vectors import as_it_lies, in_the_shape_of
from ganwerk.game.verdicts import (
    DiscriminatorUpdate,
    any_needs_input_gradient,
    concatenated,
    discriminate,
    discriminator_loss,
    due_penalties,
)
from ganwerk.nn.types import Batch, Fakes


@dataclass(slots=True)
class BatchPart:
    """A part of the batch on its way through a step: what is random in it, its reals, its fakes,
    and what D saw. place: among the parts that are computed here."""

    place: int
    random: torch.Generator
    statistics: Statistics
    batch: Batch = field(init=False)
    drawn: Drawn = field(init=False)
    played: Round = field(init=False)

    def own(self) -> AbstractContextManager[None]:
        """Running statistics are those of this part in the block."""
        return self.statistics.of(self.place)


def update(
    net: nn.Module,
    optimiser: Optimiser,
    batch_parts: Sequence[BatchPart],
    team: Team,
    losses: Callable[[BatchPart], Iterator[Tensor]],
    facts: Callable[[BatchPart], Tensor],
) -> Tensor | None:
    """One update of a player by the mean over all parts of the sum of their losses; the other one's
    weights get no gradient, nor do frozen ones.

    The losses may be computed as they are asked for: then one graph lives at a time. facts: what
    a part found, (K,), once its losses are known; with several parts they are returned from all
    of them, (P, K), each row begun by whether that part's gradient is broken.
    """
    optimiser.zero_grad(set_to_none=True)
    learning = [p for p in net.parameters() if p.requires_grad]
    gradients: list[list[Tensor]] = []
    for batch_part in batch_parts:
        with batch_part.own():
            for loss in losses(batch_part):
                loss.backward(inputs=learning)
        moving = [p for p in learning if p.grad is not None]
        if team.count > 1:
            gradients.append([as_it_lies(p.grad, p) for p in moving if p.grad is not None])
            if batch_part is not batch_parts[-1]:
                optimiser.zero_grad(set_to_none=True)
    found = None
    if team.count > 1:
        sums = [torch.stack([piece.sum() for piece in own]).sum() for own in gradients]
        broken = [(~total.isfinite()).to(total)[None] for total in sums]
        rows = [torch.cat([b, facts(h).to(b)]) for b, h in zip(broken, batch_parts, strict=True)]
        mean, found = pool(team, gradients, rows, batch_parts[0].statistics)
        for parameter, part in zip(moving, mean.split([p.numel() for p in moving]), strict=True):
            parameter.grad = in_the_shape_of(part, parameter)
    optimiser.step()
    return found


def without_learning(
    batch_parts: Sequence[BatchPart], team: Team, facts: Callable[[BatchPart], Tensor]
) -> Tensor | None:
    """What all parts found, as from `update`, where a player rests."""
    if team.count == 1:
        return None
    rows = [
        torch.cat([facts(batch_part).new_zeros(1), facts(batch_part)]) for batch_part in batch_parts
    ]
    return pool(team, [[row[:0]] for row in rows], rows, batch_parts[0].statistics).facts


def discriminator_step(
    state: TrainState, batch_parts: Sequence[BatchPart], recipe: Recipe
) -> tuple[list[DiscriminatorUpdate], Tensor | None]:
    """One update of D. Returns what it saw of each part that is computed here, and what all parts
    found, as `update` does."""
    seen: list[DiscriminatorUpdate] = []

    def losses(batch_part: BatchPart) -> Iterator[Tensor]:
        found: list[DiscriminatorUpdate] = []
        yield from discriminator_losses(state, batch_part, recipe, found)
        seen.append(found[0] if len(found) == 1 else concatenated(found, batch_part.batch.labels))

    found = update(
        state.d_net,
        state.d_optimiser,
        batch_parts,
        state.team,
        losses,
        lambda batch_part: seen[batch_part.place].facts(),
    )
    for constrain in recipe.constraints:
        constrain(state.d_net)
    return seen, found


def discriminator_losses(
    state: TrainState, batch_part: BatchPart, recipe: Recipe, seen: list[DiscriminatorUpdate]
) -> Iterator[Tensor]:
    """What D minimises on a part of the batch, of each micro-batch; what it saw is added to
    `seen`."""
    batch, random = batch_part.batch, batch_part.random
    critic = Critic(state.d_net, state.d_group_size, recipe.views, random)
    penalties = due_penalties(recipe.d_penalties, state.step)
    separate = any_needs_input_gradient(penalties)
    prepare = requiring_grad if separate else tuple
    fakes = recipe.memory(batch_part.drawn.fakes.detach(), random)
    real, fake = recipe.to_scales(batch.images), fakes.scales
    parts = micro_batches(len(batch.images), recipe.micro_batch)
    for part in parts:
        labels = None if batch.labels is None else batch.labels[part]
        pictures = prepare(slice_of(real, part)), prepare(slice_of(fake, part))
        played = discriminate(critic, *pictures, labels, separate, random, state.progress)
        total, loss, measured = discriminator_loss(played, recipe, penalties)
        seen.append(DiscriminatorUpdate(played, loss, measured))
        yield total / len(parts)


@torch.no_grad()
def evaluate_discriminator(
    state: TrainState, batch_parts: Sequence[BatchPart], recipe: Recipe
) -> tuple[list[DiscriminatorUpdate], Tensor | None]:
    """D judges, so that its loss is known, and learns nothing."""
    seen = []
    for batch_part in batch_parts:
        critic = Critic(state.d_net, state.d_group_size, recipe.views, batch_part.random)
        batch = batch_part.batch
        real, fake = recipe.to_scales(batch.images), batch_part.drawn.fakes.detach().scales
        with batch_part.own():
            played = discriminate(
                critic, real, fake, batch.labels, False, batch_part.random, state.progress
            )
        seen.append(DiscriminatorUpdate(played, discriminator_loss(played, recipe, [])[1], {}))
    return seen, without_learning(
        batch_parts, state.team, lambda batch_part: seen[batch_part.place].facts()
    )


class GeneratorUpdate(NamedTuple):
    """G's mean loss, without penalties, and the penalties."""

    loss: Tensor
    penalties: dict[str, Tensor]

    def facts(self) -> Tensor:
        return torch.stack([self.loss, *self.penalties.values()])

    def of_all(self, found: Tensor) -> GeneratorUpdate:
        """The whole batch, from one part of it and the facts (P, K) of all."""
        loss, *penalties = found.mean(0)
        return GeneratorUpdate(loss, dict(zip(self.penalties, penalties, strict=True)))


def generator_step(
    state: TrainState, batch_parts: Sequence[BatchPart], recipe: Recipe
) -> tuple[list[GeneratorUpdate], Tensor | None]:
    """One update of G on the fakes, which carry its graph. Returns as `discriminator_step`."""
    answers: list[GeneratorUpdate] = []

    def losses(batch_part: BatchPart) -> Iterator[Tensor]:
        means, measured = [], {}
        for fakes, part in batch_part.drawn.parts(state.g_net, batch_part.batch):
            loss = generator_loss(state, part, fakes, batch_part.played, recipe)
            share = len(part.images) / len(batch_part.batch.images)
            means.append(share * loss.detach())
            yield share * loss
        for penalty in due_penalties(recipe.g_penalties, state.step):
            value = penalty(state.g_net, batch_part.batch, batch_part.played.random).mean()
            measured[penalty.name] = value.detach()
            yield penalty.every * value
        answers.append(GeneratorUpdate(torch.stack(means).sum(), measured))

    found = update(
        state.g_net,
        state.g_optimiser,
        batch_parts,
        state.team,
        losses,
        lambda batch_part: answers[batch_part.place].facts(),
    )
    return answers, found


def generator_loss(
    state: TrainState, batch: Batch, fakes: Fakes, played: Round, recipe: Recipe
) -> Tensor:
    """G's mean loss on these fakes."""
    opponent = recipe.opponent(state, batch, fakes, played, recipe)
    # An opponent that answers G's pictures makes D's word on reals depend on G as well.
    answers = opponent is not played.critic
    fake_logits = opponent(fakes.scales, fakes.labels)
    real_logits = fake_logits
    if recipe.loss.paired:
        with torch.set_grad_enabled(answers):
            real_logits = opponent(recipe.to_scales(batch.images), batch.labels)
    return recipe.loss.generator(real_logits, fake_logits).mean()


@torch.no_grad()
def evaluate_generator(
    state: TrainState, batch_parts: Sequence[BatchPart], recipe: Recipe
) -> tuple[list[GeneratorUpdate], Tensor | None]:
    """G's mean loss, without learning."""
    answers = []
    for batch_part in batch_parts:
        fakes, played = batch_part.drawn.fakes, batch_part.played
        with batch_part.own():
            fake_logits = played.critic(fakes.scales, fakes.labels)
        loss = recipe.loss.generator(played.real_logits, fake_logits).mean()
        answers.append(GeneratorUpdate(loss, {}))
    return answers, without_learning(
        batch_parts, state.team, lambda batch_part: answers[batch_part.place].facts()
    )


def batch_parts_of(state: TrainState) -> list[BatchPart]:
    """One for each part of the batch that is computed here."""
    if state.team.count == 1:
        return [BatchPart(0, state.random_of_step(), Statistics([], [], 1))]
    memories = [(part, "running") for part in state.parts.values() if isinstance(part, Averaged)]
    nets = state.g_net, state.d_net
    means = [*running(*nets), *memories]
    statistics = Statistics(means, iterated(*nets), len(state.team.mine))
    return [
        BatchPart(place, state.random_of_part(part), statistics)
        for place, part in enumerate(state.team.mine)
    ]


def share_of(next_batch: Callable[[int], Batch], part: int, parts: int) -> Callable[[int], Batch]:
    """Batch number i of the run, of which only one of its `parts` is taken."""
    if parts == 1:
        return next_batch

    def share(i: int) -> Batch:
        batch = next_batch(i)
        size = len(batch.images) // parts
        own = slice(part * size, (part + 1) * size)
        return Batch(batch.images[own], None if batch.labels is None else batch.labels[own])

    return share


def prepared(state: TrainState, recipe: Recipe) -> tuple[bool, bool]:
    """Set schedules and learning rates for this step. Returns whether (D, G) learn in it."""
    for schedule in recipe.schedules:
        schedule(state)
    if recipe.rates:
        state.scale_rates(rate(state) for rate in recipe.rates)
    return recipe.turns(state)


def train_step(state: TrainState, next_batch: Callable[[int], Batch], recipe: Recipe) -> StepResult:
    """One step of both players; `next_batch(i)` gives batch number i of the run.

    Everything random in it is a function of the run's seed and the step's number, and of the part
    of the batch where there are several (see game.team).
    """
    team, random = state.team, state.random_of_step()
    d_learns, g_learns = prepared(state, recipe)
    d_turn = discriminator_step if d_learns else evaluate_discriminator
    g_turn = generator_step if g_learns else evaluate_generator
    batch_parts, marks = batch_parts_of(state), []
    once = next_batch if team.count == 1 else cache(next_batch)

    def draw_all(graph: bool) -> None:
        for batch_part in batch_parts:
            with batch_part.own(), torch.set_grad_enabled(graph):
                batch_part.drawn = draw(recipe, state.g_net, batch_part.batch, batch_part.random)

    for update in range(recipe.d_steps):
        for batch_part, part in zip(batch_parts, team.mine, strict=True):
            share = share_of(once, part, team.count)
            batch_part.batch = recipe.gather(state, share, update, recipe.d_steps)
        shared = recipe.reuse_fakes and update == recipe.d_steps - 1
        draw_all(shared and g_learns)
        seen, found = d_turn(state, batch_parts, recipe)
        whole = seen[0] if found is None else seen[0].of_all(found[:, 1:], random)
        marks.append(("D", found))
        for batch_part, played in zip(batch_parts, seen, strict=True):
            batch_part.played = played.played
    for update in range(recipe.g_steps):
        if update or not recipe.reuse_fakes:
            draw_all(True)
        answers, found = g_turn(state, batch_parts, recipe)
        answer = answers[0] if found is None else answers[0].of_all(found[:, 1:])
        marks.append(("G", found))
    refuse_broken(team, marks, state.step)
    shown = team.count * len(batch_parts[0].batch.images)
    state.advance(recipe.d_steps * shown)
    report = StepResult(
        whole.played,
        whole.loss,
        answer.loss,
        whole.penalties | answer.penalties,
        recipe.d_steps * shown,
        recipe.to_scales,
        shown,
    )
    for observe in recipe.observers:
        observe(state, report)
    return report
