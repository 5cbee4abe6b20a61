"""A batch whose parts are computed by several processes: one sum of what all of them found.

The order of the sum is that of the tree over the parts (game.team), so its bits do not depend on
who computed what. Each process is given a stretch of every vector, adds it, and hands it round:
2 (W - 1) / W vectors of traffic for W processes, as in a ring.

Shape legend: N numbers of a vector, W processes, P parts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
import torch.distributed as dist
from torch import Tensor

from ganwerk.errors import ConfigError
from ganwerk.game.team import Branch, Pieces, branches, tree_sum
from ganwerk.scale.processes import Processes, talking

Wishes = Callable[[], tuple[bool, bool]]
"""Whether this process wants all to pause after this step, and whether it wants the end."""


class Shared:
    """The parts that this process computes, and the sum over all.

    Two wishes travel with each sum, so that all processes pause or stop after the same step.
    seconds: spent in adding up so far, waiting for the others included.
    """

    def __init__(self, group: Processes, count: int) -> None:
        """count: parts of a batch. Raises ConfigError if they cannot be shared."""
        check_shared(count, group.size)
        self.group, self.count = group, count
        self.wishes: Wishes = lambda: (False, False)
        self.seconds = 0.0
        self._flags = torch.zeros(2)

    @property
    def mine(self) -> range:
        return self._of(self.group.rank)

    def _of(self, rank: int) -> range:
        size = self.count // self.group.size
        return range(rank * size, (rank + 1) * size)

    def whose(self, part: int) -> str:
        return f", computed by process {part // (self.count // self.group.size)}"

    @property
    def pauses(self) -> bool:
        """Whether somebody wanted a pause, or the end, in the last sum."""
        return bool(self._flags.any())

    @property
    def ends(self) -> bool:
        """Whether somebody wanted the end in the last sum."""
        return bool(self._flags[1] > 0)

    def add_up(self, found: Sequence[Pieces]) -> Tensor:
        like = found[0][0]
        flags = torch.tensor(self.wishes(), dtype=like.dtype, device=like.device)
        first, *others = found
        flagged = [torch.cat([*first, flags])]
        flagged += [torch.cat([*pieces, torch.zeros_like(flags)]) for pieces in others]
        start = time.perf_counter()
        total = self._sum(flagged)
        self.seconds += time.perf_counter() - start
        self._flags = total[-2:]
        return total[:-2]

    def _sum(self, vectors: Sequence[Tensor]) -> Tensor:
        mine = self.mine
        found = {(i, i + 1): vector for i, vector in zip(mine, vectors, strict=True)}
        own = [tree_sum(found, *branch) for branch in branches(mine, 0, self.count)]
        if self.group.size == 2 and len(own) == 1:  # a + b is b + a: any order has the same bits
            with talking():
                dist.all_reduce(own[0])
            return own[0]
        return self._by_stretches(own)

    def _by_stretches(self, own: Sequence[Tensor]) -> Tensor:
        """own: the branches of the tree that this process has added, (N,) each."""
        size, count = self.group.size, len(own[0])
        length = -(-count // size)
        sent = torch.stack([_stretches(vector, size, length) for vector in own], 1)
        known = [branches(self._of(rank), 0, self.count) for rank in range(size)]
        held = sum(map(len, known))
        got = sent.new_empty(held, length)
        with talking():
            dist.all_to_all_single(
                got, sent.flatten(0, 1), [len(k) for k in known], [len(own)] * size
            )
        names: list[Branch] = [branch for branches_of_one in known for branch in branches_of_one]
        added = tree_sum(dict(zip(names, got, strict=True)), 0, self.count)
        whole = added.new_empty(size * length)
        with talking():
            dist.all_gather_into_tensor(whole, added.contiguous())
        return whole[:count]


def _stretches(vector: Tensor, count: int, length: int) -> Tensor:
    """(N,) to (count, length), filled up with zeros."""
    padded = torch.cat([vector, vector.new_zeros(count * length - len(vector))])
    return padded.view(count, length)


def check_shared(parts: int, processes: int) -> None:
    """Raises ConfigError if so many processes cannot share so many parts."""
    if parts % processes:
        fitting = ", ".join(str(n) for n in range(1, parts + 1) if parts % n == 0)
        raise ConfigError(
            f"{processes} processes cannot share the {parts} parts of a batch equally.",
            f"Start as many processes as divide them: {fitting}.",
        )
