"""One training step. The only place that calls backward() and step()."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from ganwerk.game.optimisers import Optimiser
from ganwerk.game.recipe import GPenalty, LatentDraw, Penalty, Recipe
from ganwerk.game.rounds import Critic, Round, StepResult, requiring_grad
from ganwerk.game.state import TrainState
from ganwerk.nn.types import Batch, Fakes, Scales

P = TypeVar("P", Penalty, GPenalty)


def update(net: nn.Module, optimiser: Optimiser, losses: Iterable[Tensor]) -> None:
    """One update of a player by the sum of the losses; the other one's weights get no gradient, nor
    do frozen ones.

    The losses may be computed as they are asked for: then one graph lives at a time.
    """
    optimiser.zero_grad(set_to_none=True)
    learning = [p for p in net.parameters() if p.requires_grad]
    for loss in losses:
        loss.backward(inputs=learning)
    optimiser.step()


def micro_batches(count: int, size: int) -> list[slice]:
    """The parts of a batch of `count` that pass through the networks one after the other."""
    size = size or count
    return [slice(start, start + size) for start in range(0, count, size)]


def slice_of(scales: Scales, part: slice) -> Scales:
    return tuple(scale[part] for scale in scales)


def due_penalties(penalties: tuple[P, ...], step: int) -> list[P]:
    """The penalties whose turn it is."""
    return [penalty for penalty in penalties if step % penalty.every == 0]


def any_needs_input_gradient(penalties: list[Penalty]) -> bool:
    """Whether one of them differentiates by the pictures."""
    return any(penalty.needs_input_gradient for penalty in penalties)


def discriminate(
    critic: Critic,
    real: Scales,
    fake: Scales,
    labels: Tensor | None,
    separate: bool,
    random: torch.Generator,
    progress: float,
) -> Round:
    """D looks at reals and fakes, in two calls if `separate`.

    Only a penalty needs the gradient at the pictures: without one, the first layer skips it and
    both halves share a call.
    """
    logits = (critic.separate if separate else critic.joint)(real, fake, labels)
    return Round(critic, real, fake, labels, *logits, random, progress)


def discriminator_loss(
    played: Round, recipe: Recipe, penalties: list[Penalty]
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """What D minimises, its mean loss without penalties, and the penalties."""
    real_logits, fake_logits = played.real_logits, played.fake_logits
    for relabel in recipe.d_labels:
        real_logits, fake_logits = relabel(real_logits, fake_logits, played.random)
    loss = recipe.loss.discriminator(real_logits, fake_logits).mean()
    total, measured = loss, {}
    for penalty in penalties:
        value = penalty(played).mean()
        measured[penalty.name] = value.detach()
        total = total + penalty.every * value
    return total, loss.detach(), measured


def discriminator_step(
    state: TrainState, batch: Batch, fakes: Fakes, recipe: Recipe, random: torch.Generator
) -> tuple[Round, Tensor, dict[str, Tensor]]:
    """One update of D. Returns what it saw, its mean loss without penalties, and the penalties."""
    critic = Critic(state.d_net, state.d_group_size, recipe.views, random)
    penalties = due_penalties(recipe.d_penalties, state.step)
    separate = any_needs_input_gradient(penalties)
    prepare = requiring_grad if separate else tuple
    real, fake = recipe.to_scales(batch.images), recipe.memory(fakes.detach(), random).scales
    parts = micro_batches(len(batch.images), recipe.micro_batch)
    seen: list[DiscriminatorUpdate] = []

    def totals() -> Iterator[Tensor]:
        for part in parts:
            labels = None if batch.labels is None else batch.labels[part]
            pictures = prepare(slice_of(real, part)), prepare(slice_of(fake, part))
            played = discriminate(critic, *pictures, labels, separate, random, state.progress)
            total, loss, measured = discriminator_loss(played, recipe, penalties)
            seen.append(DiscriminatorUpdate(played, loss, measured))
            yield total / len(parts)

    update(state.d_net, state.d_optimiser, totals())
    for constrain in recipe.constraints:
        constrain(state.d_net)
    whole = seen[0] if len(seen) == 1 else concatenated(seen, batch.labels)
    return whole.played, whole.loss, whole.penalties


class DiscriminatorUpdate(NamedTuple):
    """What D saw and said of a part of a batch, its mean loss there, and the penalties."""

    played: Round
    loss: Tensor
    penalties: dict[str, Tensor]


def concatenated(seen: list[DiscriminatorUpdate], labels: Tensor | None) -> DiscriminatorUpdate:
    """All parts of a batch as one, without their graphs."""
    rounds = [part.played for part in seen]

    def joined(name: str) -> Tensor:
        return torch.cat([getattr(played, name).detach() for played in rounds])

    def scales(name: str) -> Scales:
        pairs = zip(*(getattr(played, name) for played in rounds), strict=True)
        return tuple(torch.cat([part.detach() for part in pair]) for pair in pairs)

    whole = replace(
        rounds[0],
        real=scales("real"),
        fake=scales("fake"),
        labels=labels,
        real_logits=joined("real_logits"),
        fake_logits=joined("fake_logits"),
    )
    mean = {
        name: torch.stack([part.penalties[name] for part in seen]).mean()
        for name in seen[0].penalties
    }
    return DiscriminatorUpdate(whole, torch.stack([part.loss for part in seen]).mean(), mean)


@torch.no_grad()
def evaluate_discriminator(
    state: TrainState, batch: Batch, fakes: Fakes, recipe: Recipe, random: torch.Generator
) -> tuple[Round, Tensor, dict[str, Tensor]]:
    """D judges, so that its loss is known, and learns nothing."""
    critic = Critic(state.d_net, state.d_group_size, recipe.views, random)
    real, fake = recipe.to_scales(batch.images), fakes.detach().scales
    played = discriminate(critic, real, fake, batch.labels, False, random, state.progress)
    return played, discriminator_loss(played, recipe, [])[1], {}


def generator_step(
    state: TrainState, batch: Batch, drawn: Drawn, played: Round, recipe: Recipe
) -> tuple[Tensor, dict[str, Tensor]]:
    """One update of G on the fakes, which carry its graph. Returns its mean loss without penalties,
    and the penalties."""
    losses, measured = [], {}

    def totals() -> Iterator[Tensor]:
        for fakes, part in drawn.parts(state.g_net, batch):
            loss = generator_loss(state, part, fakes, played, recipe)
            share = len(part.images) / len(batch.images)
            losses.append(share * loss.detach())
            yield share * loss
        for penalty in due_penalties(recipe.g_penalties, state.step):
            value = penalty(state.g_net, batch, played.random).mean()
            measured[penalty.name] = value.detach()
            yield penalty.every * value

    update(state.g_net, state.g_optimiser, totals())
    return torch.stack(losses).sum(), measured


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
    state: TrainState, batch: Batch, drawn: Drawn, played: Round, recipe: Recipe
) -> tuple[Tensor, dict[str, Tensor]]:
    """G's mean loss, without learning."""
    fakes = drawn.fakes
    fake_logits = played.critic(fakes.scales, fakes.labels)
    return recipe.loss.generator(played.real_logits, fake_logits).mean(), {}


@dataclass(frozen=True, slots=True)
class Drawn:
    """The fakes of a batch. In a game in small parts they carry no graph, and G paints each part
    again from the same inputs when it learns: so one part's graph is alive at a time."""

    fakes: Fakes
    redraw: Callable[[nn.Module, slice], Fakes] | None = None
    micro_batch: int = 0

    def parts(self, generator: nn.Module, batch: Batch) -> Iterator[tuple[Fakes, Batch]]:
        """Fakes with G's graph, and the reals beside them."""
        if self.redraw is None:
            yield self.fakes, batch
            return
        for part in micro_batches(len(batch.images), self.micro_batch):
            labels = None if batch.labels is None else batch.labels[part]
            yield self.redraw(generator, part), Batch(batch.images[part], labels)


def draw(recipe: Recipe, generator: nn.Module, batch: Batch, random: torch.Generator) -> Drawn:
    """As many fakes as reals, with G's graph where gradients are wanted."""
    if not recipe.micro_batch:
        return Drawn(recipe.draw(generator, batch, random))
    assert isinstance(recipe.draw, LatentDraw), "checked at the start"
    two = recipe.draw
    inputs = two.inputs(generator, batch, random)

    def redraw(generator: nn.Module, part: slice) -> Fakes:
        labels = None if batch.labels is None else batch.labels[part]
        return two.synthesise(generator, slice_of(inputs, part), labels)

    with torch.no_grad():
        parts = [
            redraw(generator, part).scales
            for part in micro_batches(len(batch.images), recipe.micro_batch)
        ]
    scales = tuple(torch.cat(pair) for pair in zip(*parts, strict=True))
    return Drawn(Fakes(scales, batch.labels), redraw, recipe.micro_batch)


def train_step(state: TrainState, next_batch: Callable[[int], Batch], recipe: Recipe) -> StepResult:
    """One step of both players; `next_batch(i)` gives batch number i of the run.

    Everything random in it is a function of the run's seed and the step's number.
    """
    random = state.random_of_step()
    for schedule in recipe.schedules:
        schedule(state)
    if recipe.rates:
        state.scale_rates(rate(state) for rate in recipe.rates)
    d_learns, g_learns = recipe.turns(state)
    d_turn = discriminator_step if d_learns else evaluate_discriminator
    g_turn = generator_step if g_learns else evaluate_generator
    for update in range(recipe.d_steps):
        batch = recipe.gather(state, next_batch, update, recipe.d_steps)
        shared = recipe.reuse_fakes and update == recipe.d_steps - 1
        with torch.set_grad_enabled(shared and g_learns):
            drawn = draw(recipe, state.g_net, batch, random)
        played, d_loss, penalties = d_turn(state, batch, drawn.fakes, recipe, random)
    for update in range(recipe.g_steps):
        if update or not recipe.reuse_fakes:
            drawn = draw(recipe, state.g_net, batch, random)
        g_loss, g_penalties = g_turn(state, batch, drawn, played, recipe)
    images = recipe.d_steps * len(batch.images)
    state.advance(images)
    report = StepResult(played, d_loss, g_loss, penalties | g_penalties, images, recipe.to_scales)
    for observe in recipe.observers:
        observe(state, report)
    return report
