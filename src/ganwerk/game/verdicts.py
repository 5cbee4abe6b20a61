"""D looks at pictures: what it sees and says, what it minimises; the parts of a batch as one."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from ganwerk.game.recipe import GPenalty, Penalty, Recipe
from ganwerk.game.rounds import Critic, Round
from ganwerk.nn.types import Scales

P = TypeVar("P", Penalty, GPenalty)


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


class DiscriminatorUpdate(NamedTuple):
    """What D saw and said of a batch or a part of it, its mean loss there, and the penalties."""

    played: Round
    loss: Tensor
    penalties: dict[str, Tensor]

    def facts(self) -> Tensor:
        """What all parts of a batch are told: (K,)."""
        numbers = torch.stack([self.loss, *self.penalties.values()])
        return torch.cat([numbers, *(v.detach() for v in self.verdicts())])

    def verdicts(self) -> list[Tensor]:
        """Logits at reals and fakes, and the labels."""
        labels = self.played.labels
        logits = [self.played.real_logits, self.played.fake_logits]
        return logits if labels is None else [*logits, labels.to(logits[0])]

    def of_all(self, found: Tensor, random: torch.Generator) -> DiscriminatorUpdate:
        """The whole batch, from one part of it and the facts (P, K) of all: without pictures, which
        are where they were drawn."""
        numbers = 1 + len(self.penalties)
        sizes = [len(verdict) for verdict in self.verdicts()]
        loss, *penalties = found[:, :numbers].mean(0)
        real, fake, *labels = (v.flatten() for v in found[:, numbers:].split(sizes, 1))
        whole = replace(
            self.played,
            critic=replace(self.played.critic, random=random),
            real=(),
            fake=(),
            labels=labels[0].long() if labels else None,
            real_logits=real,
            fake_logits=fake,
            random=random,
        )
        return DiscriminatorUpdate(whole, loss, dict(zip(self.penalties, penalties, strict=True)))


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
