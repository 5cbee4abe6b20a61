"""One training step. The only place that calls backward() and step()."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from ganwerk.game.optimisers import Optimiser
from ganwerk.game.penalties import leaf
from ganwerk.game.recipe import GPenalty, LatentDraw, Penalty, Recipe, View, single
from ganwerk.game.state import TrainState
from ganwerk.nn.types import Batch, Fakes, Scales

P = TypeVar("P", Penalty, GPenalty)


@dataclass(frozen=True, slots=True)
class Critic:
    """D behind the views it is allowed to see through. random: for the views, if there are any."""

    net: Callable[..., Tensor]
    group_size: int
    views: tuple[View, ...] = ()
    random: torch.Generator | None = None

    def __call__(self, scales: Scales, labels: Tensor | None) -> Tensor:
        for view in self.views:
            assert self.random is not None
            scales = view(scales, self.random)
        return self.net(scales, labels)

    def both(self, real: Scales, fake: Scales, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """Logits for reals and fakes: in one call where no sample sees one of the other half."""
        if self.group_size == 0 or len(real[-1]) % self.group_size:
            return self.apart(real, fake, labels)
        together = tuple(torch.cat(pair) for pair in zip(real, fake, strict=True))
        logits = self(together, None if labels is None else torch.cat([labels, labels]))
        half = len(logits) // 2
        return logits[:half], logits[half:]

    def apart(self, real: Scales, fake: Scales, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """Two calls, so that the gradient at the reals does not pass through the fakes' half."""
        return self(real, labels), self(fake, labels)


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
    """What a step measured, still on the device: reading it is the observer's choice.

    played: D's last update of the step. images: reals that D saw in all of its updates.
    lift: real pictures to the scales D sees.
    """

    played: Round
    d_loss: Tensor
    g_loss: Tensor
    penalties: dict[str, Tensor]
    images: int
    lift: Callable[[Tensor], Scales] = single


def learn(net: nn.Module, optimiser: Optimiser, losses: Iterable[Tensor]) -> None:
    """One update of a player by the sum of the losses; the other one's weights get no gradient, nor
    do frozen ones.

    The losses may be computed as they are asked for: then one graph lives at a time.
    """
    optimiser.zero_grad(set_to_none=True)
    learning = [p for p in net.parameters() if p.requires_grad]
    for loss in losses:
        loss.backward(inputs=learning)
    optimiser.step()


def cuts(count: int, micro: int) -> list[slice]:
    """The parts of a batch of `count` that pass through the networks one after the other."""
    size = micro or count
    return [slice(start, start + size) for start in range(0, count, size)]


def some(scales: Scales, cut: slice) -> Scales:
    return tuple(scale[cut] for scale in scales)


def due(penalties: tuple[P, ...], step: int) -> list[P]:
    """The penalties whose turn it is."""
    return [penalty for penalty in penalties if step % penalty.every == 0]


def at_pictures(penalties: list[Penalty]) -> bool:
    """Whether one of them differentiates by the pictures."""
    return any(penalty.at_pictures for penalty in penalties)


def judge(
    critic: Critic,
    real: Scales,
    fake: Scales,
    labels: Tensor | None,
    apart: bool,
    random: torch.Generator,
    progress: float,
) -> Round:
    """D looks at reals and fakes, in two calls if `apart`.

    Only a penalty needs the gradient at the pictures: without one, the first layer skips it and
    both halves share a call.
    """
    logits = (critic.apart if apart else critic.both)(real, fake, labels)
    return Round(critic, real, fake, labels, *logits, random, progress)


def d_objective(
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
    penalties = due(recipe.d_penalties, state.step)
    apart = at_pictures(penalties)
    prepare = leaf if apart else tuple
    real, fake = recipe.lift(batch.images), recipe.memory(fakes.detach(), random).scales
    parts = cuts(len(batch.images), recipe.micro)
    seen: list[Seen] = []

    def totals() -> Iterator[Tensor]:
        for cut in parts:
            labels = None if batch.labels is None else batch.labels[cut]
            pictures = prepare(some(real, cut)), prepare(some(fake, cut))
            played = judge(critic, *pictures, labels, apart, random, state.progress)
            total, loss, measured = d_objective(played, recipe, penalties)
            seen.append(Seen(played, loss, measured))
            yield total / len(parts)

    learn(state.d_net, state.d_optimiser, totals())
    for constrain in recipe.constraints:
        constrain(state.d_net)
    whole = seen[0] if len(seen) == 1 else together(seen, batch.labels)
    return whole.played, whole.loss, whole.penalties


class Seen(NamedTuple):
    """What D saw and said of a part of a batch, its mean loss there, and the penalties."""

    played: Round
    loss: Tensor
    penalties: dict[str, Tensor]


def together(seen: list[Seen], labels: Tensor | None) -> Seen:
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
    return Seen(whole, torch.stack([part.loss for part in seen]).mean(), mean)


@torch.no_grad()
def discriminator_rests(
    state: TrainState, batch: Batch, fakes: Fakes, recipe: Recipe, random: torch.Generator
) -> tuple[Round, Tensor, dict[str, Tensor]]:
    """D judges, so that its loss is known, and learns nothing."""
    critic = Critic(state.d_net, state.d_group_size, recipe.views, random)
    real, fake = recipe.lift(batch.images), fakes.detach().scales
    played = judge(critic, real, fake, batch.labels, False, random, state.progress)
    return played, d_objective(played, recipe, [])[1], {}


def generator_step(
    state: TrainState, batch: Batch, drawn: Drawn, played: Round, recipe: Recipe
) -> tuple[Tensor, dict[str, Tensor]]:
    """One update of G on the fakes, which carry its graph. Returns its mean loss without penalties,
    and the penalties."""
    losses, measured = [], {}

    def totals() -> Iterator[Tensor]:
        for fakes, part in drawn.parts(state.g_net, batch):
            loss = g_objective(state, part, fakes, played, recipe)
            share = len(part.images) / len(batch.images)
            losses.append(share * loss.detach())
            yield share * loss
        for penalty in due(recipe.g_penalties, state.step):
            value = penalty(state.g_net, batch, played.random).mean()
            measured[penalty.name] = value.detach()
            yield penalty.every * value

    learn(state.g_net, state.g_optimiser, totals())
    return torch.stack(losses).sum(), measured


def g_objective(
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
            real_logits = opponent(recipe.lift(batch.images), batch.labels)
    return recipe.loss.generator(real_logits, fake_logits).mean()


@torch.no_grad()
def generator_rests(
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
    again: Callable[[nn.Module, slice], Fakes] | None = None
    micro: int = 0

    def parts(self, generator: nn.Module, batch: Batch) -> Iterator[tuple[Fakes, Batch]]:
        """Fakes with G's graph, and the reals beside them."""
        if self.again is None:
            yield self.fakes, batch
            return
        for cut in cuts(len(batch.images), self.micro):
            labels = None if batch.labels is None else batch.labels[cut]
            yield self.again(generator, cut), Batch(batch.images[cut], labels)


def draw(recipe: Recipe, generator: nn.Module, batch: Batch, random: torch.Generator) -> Drawn:
    """As many fakes as reals, with G's graph where gradients are wanted."""
    if not recipe.micro:
        return Drawn(recipe.draw(generator, batch, random))
    assert isinstance(recipe.draw, LatentDraw), "checked at the start"
    two = recipe.draw
    inputs = two.inputs(generator, batch, random)

    def again(generator: nn.Module, cut: slice) -> Fakes:
        labels = None if batch.labels is None else batch.labels[cut]
        return two.paint(generator, some(inputs, cut), labels)

    with torch.no_grad():
        parts = [again(generator, cut).scales for cut in cuts(len(batch.images), recipe.micro)]
    scales = tuple(torch.cat(pair) for pair in zip(*parts, strict=True))
    return Drawn(Fakes(scales, batch.labels), again, recipe.micro)


def train_step(state: TrainState, next_batch: Callable[[int], Batch], recipe: Recipe) -> Report:
    """One step of both players; `next_batch(i)` gives batch number i of the run.

    Everything random in it is a function of the run's seed and the step's number.
    """
    random = state.random_of_step()
    for schedule in recipe.schedules:
        schedule(state)
    if recipe.rates:
        state.scale_rates(rate(state) for rate in recipe.rates)
    d_learns, g_learns = recipe.turns(state)
    d_turn = discriminator_step if d_learns else discriminator_rests
    g_turn = generator_step if g_learns else generator_rests
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
    report = Report(played, d_loss, g_loss, penalties | g_penalties, images, recipe.lift)
    for observe in recipe.observers:
        observe(state, report)
    return report
