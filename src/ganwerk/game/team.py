"""Who computes which part of a batch, and how the parts become one.

A batch is cut into `count` parts, fixed in the run; each is a small game of its own up to its
gradient. What the parts found is added in the order of one tree over all parts, so that the sum has
the same bits however many processes computed them.

Shape legend: P parts, N numbers that a part found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import _SpectralNorm

from ganwerk.errors import DivergedError
from ganwerk.nn.spectral import SpectralNorm

Pieces = Sequence[Tensor]
"""Of one vector, in their order."""


class Team(Protocol):
    """count: parts of a batch. mine: those that are computed here, a range of them."""

    @property
    def count(self) -> int: ...

    @property
    def mine(self) -> range: ...

    def add_up(self, found: Sequence[Pieces]) -> Tensor:
        """What my parts found, pieces of (N,) numbers each, to the sum (N,) over all parts. It is a
        new tensor."""
        ...

    def whose(self, part: int) -> str:
        """Who computes this part, for a message; '' where there is only one."""
        ...


@dataclass(frozen=True, slots=True)
class Alone:
    """One process computes all parts."""

    count: int = 1

    @property
    def mine(self) -> range:
        return range(self.count)

    def add_up(self, found: Sequence[Pieces]) -> Tensor:
        vectors = {(i, i + 1): torch.cat(list(pieces)) for i, pieces in enumerate(found)}
        return tree_sum(vectors, 0, self.count)

    def whose(self, part: int) -> str:
        return ""


Branch = tuple[int, int]
"""The parts start .. stop - 1, which the tree adds to each other before anything else."""


def middle(start: int, stop: int) -> int:
    """Where the tree divides a branch: its first half is the largest power of two below it.

    >>> middle(0, 6)
    4
    """
    return start + (1 << (stop - start - 1).bit_length() - 1)


def branches(mine: range, start: int, stop: int) -> list[Branch]:
    """The largest branches of the tree over start .. stop - 1 that lie within `mine`.

    >>> branches(range(3, 6), 0, 6)
    [(3, 4), (4, 6)]
    """
    if mine.stop <= start or stop <= mine.start:
        return []
    if mine.start <= start and stop <= mine.stop:
        return [(start, stop)]
    half = middle(start, stop)
    return branches(mine, start, half) + branches(mine, half, stop)


def tree_sum(found: Mapping[Branch, Tensor], start: int, stop: int) -> Tensor:
    """The sum over start .. stop - 1, in the order of the tree, from branches that are known."""
    known = found.get((start, stop))
    if known is not None:
        return known
    half = middle(start, stop)
    return tree_sum(found, start, half) + tree_sum(found, half, stop)


class Pooled(NamedTuple):
    """gradient: (N,), the mean over all parts. facts: (P, K), a row for each part."""

    gradient: Tensor
    facts: Tensor


Slot = tuple[Any, str]
"""An object and the name of its attribute that holds a tensor."""


class Statistics:
    """What a part moves while it passes through the networks: batch norm's running statistics, the
    mean path length, the vectors of spectral norm. All parts begin from the same ones, and after
    each player's turn the mean over the parts takes their place.

    Tensors are exchanged, never overwritten: a graph that is still wanted may hold them. Where one
    part is computed here they are the networks' own, as in a batch of one part.
    """

    def __init__(self, means: Sequence[Slot], alike: Sequence[Slot], places: int) -> None:
        """means: where the tensors are that differ between the parts; alike: those that follow from
        the weights alone. places: parts that are computed here."""
        self.means, self.slots = len(means), [*means, *alike]
        self.own = self._for_each(self._held(), places)

    def _held(self) -> list[Tensor]:
        return [getattr(holder, name) for holder, name in self.slots]

    def _for_each(self, tensors: list[Tensor], places: int) -> list[list[Tensor]]:
        if places == 1:
            return [tensors]
        return [[tensor.clone() for tensor in tensors] for _ in range(places)]

    def _put(self, tensors: Sequence[Tensor]) -> None:
        for (holder, name), tensor in zip(self.slots, tensors, strict=True):
            setattr(holder, name, tensor)

    @contextmanager
    def of(self, place: int) -> Iterator[None]:
        """The statistics of the part at this place, for the length of the block."""
        if len(self.own) > 1:
            self._put(self.own[place])
        yield
        self.own[place] = self._held()

    def moved(self, place: int) -> list[Tensor]:
        """How the part at this place has left those that differ, in pieces of (S,) numbers."""
        return [tensor.detach().reshape(-1) for tensor in self.own[place][: self.means]]

    def settle(self, mean: Tensor) -> None:
        """All parts go on from these (S,)."""
        differing, alike = self.own[0][: self.means], self.own[0][self.means :]
        pieces = mean.split([tensor.numel() for tensor in differing])
        new = [p.view_as(t).to(t, copy=True) for p, t in zip(pieces, differing, strict=True)]
        self._put([*new, *alike])
        self.own = self._for_each([*new, *alike], len(self.own))


NORMS = nn.modules.batchnorm._BatchNorm


def running(*nets: nn.Module) -> list[Slot]:
    """The running means and variances of all batch norms."""
    return [
        (module, name)
        for net in nets
        for module in net.modules()
        if isinstance(module, NORMS) and module.running_mean is not None
        for name in ("running_mean", "running_var")
    ]


def iterated(*nets: nn.Module) -> list[Slot]:
    """The vectors of all spectral norms, and what batch norms have counted."""
    kinds = (SpectralNorm, _SpectralNorm, NORMS)
    moving = [module for net in nets for module in net.modules() if isinstance(module, kinds)]
    return [
        (module, name)
        for module in moving
        for name, tensor in module.named_buffers(recurse=False)
        if tensor is not None and not name.startswith("running_")
    ]


def pool(
    team: Team, gradients: Sequence[Pieces], facts: Sequence[Tensor], statistics: Statistics
) -> Pooled:
    """One sum over all parts, of gradients in pieces of (N,) numbers, facts (K,) and moved
    statistics. The facts stay apart: each part has a row of its own, where the others add 0."""
    found = []
    for place, part in enumerate(team.mine):
        gradient = gradients[place]
        table = gradient[0].new_zeros(team.count, len(facts[place]))
        table[part] = facts[place]
        moved = [piece.to(table) for piece in statistics.moved(place)]
        found.append([*gradient, table.flatten(), *moved])
    total = team.add_up(found)
    sizes = [sum(map(len, each)) for each in (gradient, [table.flatten()], moved)]
    mean, flat_facts, statistic = total.split(sizes)
    if statistics.slots:
        statistics.settle(statistic / team.count)
    return Pooled(mean.div_(team.count), flat_facts.view(team.count, -1))


def refuse_broken(team: Team, found: Sequence[tuple[str, Tensor | None]], step: int) -> None:
    """Raises DivergedError if a part of the batch had a gradient that is no finite number, in all
    processes alike. found: of each player's turns, what all parts found (see `update`)."""
    marks = [(name, facts[:, 0]) for name, facts in found if facts is not None]
    if not marks:
        return
    turns, parts = torch.stack([mark for _, mark in marks]).nonzero().cpu().unbind(1)
    if len(turns):
        name, part = marks[int(turns[0])][0], int(parts[0])
        where = f"part {part + 1} of {team.count} of the batch{team.whose(part)}"
        raise diverged(f"the gradient of {name}, in {where},", step)


def diverged(name: str, step: int) -> DivergedError:
    return DivergedError(
        f"The training diverged: {name} is not a finite number in step {step}.",
        "The run stands at its last checkpoint. Start anew with lower learning rates "
        "(--set optimiser.generator_rate=... optimiser.discriminator_rate=...), a stronger r1 "
        "penalty, or --set run.precision=float32.",
    )
