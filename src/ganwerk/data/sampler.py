"""Which pictures are held out, and which a batch consists of. All of it is a function of
(seed, counter): no random state is carried along, so none can be lost.

Random numbers are the raw output of Philox, a counter-based generator whose stream numpy keeps
unchanged across versions (its ready-made permutations are not), so that a resumed training draws
the same batches after an upgrade.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganwerk.errors import ConfigError, DataError

LEAST_HELD_OUT, MOST_HELD_OUT = 64, 2_000
MOST_OF_TINY_SET = 0.2
HELD_OUT_SHARE = 0.1

# One stream per purpose: the same (seed, counter) must not give the same numbers twice.
STREAM_SPLIT, STREAM_ORDER, STREAM_MIRROR, STREAM_SHARDS, STREAM_RECORDS = 1, 2, 3, 4, 5


def random_words(seed: int, stream: int, counter: int, count: int) -> NDArray[np.uint64]:
    """`count` random 64-bit words, a function of the three numbers before it."""
    key = np.array([seed % 2**64, stream], np.uint64)
    # The lowest word of the counter counts blocks within one call.
    start = np.array([0, 0, counter % 2**64, counter >> 64], np.uint64)
    return np.random.Philox(key=key, counter=start).random_raw(count)


def permutation(seed: int, stream: int, counter: int, count: int) -> NDArray[np.int64]:
    """0 .. count-1 in random order."""
    # Equal words, which a sort might order differently elsewhere, are one in ten thousand millions.
    return np.argsort(random_words(seed, stream, counter, count)).astype(np.int64)


def split(
    count: int, labels: NDArray[np.int64] | None, seed: int, share: float = HELD_OUT_SHARE
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the pictures to train on and of those held out, both sorted.

    `share` (above 0, at most 0.5) of the pictures are held out, but 64 at least and 2,000 at most,
    and never more than a fifth; of each class (labels (N,) int64) its part, and never all of it.
    Depends on (count, labels, seed, share) alone.
    Raises DataError for fewer than two pictures, ConfigError for a share out of range.
    """
    if count < 2:
        raise DataError(
            f"{count} pictures cannot be split into a part to train on and a part held out.",
            "Add more pictures.",
        )
    if not 0 < share <= 0.5:
        raise ConfigError(f"A held-out share of {share} is not possible.", "Choose 0.05 to 0.1.")
    wanted = min(max(round(share * count), LEAST_HELD_OUT), MOST_HELD_OUT)
    wanted = max(1, min(wanted, int(MOST_OF_TINY_SET * count)))
    order = permutation(seed, STREAM_SPLIT, 0, count)
    classes = np.zeros(count, np.int64) if labels is None else labels[order]
    held = np.zeros(count, bool)
    for number, quota in enumerate(_quotas(np.bincount(classes), wanted)):
        held[order[np.flatnonzero(classes == number)[:quota]]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def _quotas(sizes: NDArray[np.int64], wanted: int) -> list[int]:
    """How many of each class: in proportion, the largest remainders first, never a whole class."""
    exact = sizes * (wanted / sizes.sum())
    quotas = np.minimum(np.floor(exact).astype(np.int64), np.maximum(sizes - 1, 0))
    for number in np.argsort(quotas - exact, kind="stable"):
        if quotas.sum() >= wanted:
            break
        if quotas[number] < sizes[number] - 1:
            quotas[number] += 1
    if not quotas.sum():
        quotas[np.argmax(sizes)] = 1
    result: list[int] = quotas.tolist()
    return result


@dataclass(frozen=True, eq=False)
class Windows:
    """Pictures in shards of which only some are at hand at a time.

    shard_of: (N,) the shard of each picture; shards: how many there are; size: shards in a window.
    """

    shard_of: NDArray[np.int32]
    shards: int
    size: int

    @property
    def count(self) -> int:
        """Windows in an epoch."""
        return -(-self.shards // self.size)


class Sampler:
    """Batches without end: every picture once per epoch, in a new order each time.

    Batch i takes the places i*batch .. (i+1)*batch - 1 of all epochs laid end to end, so a batch
    may reach into the next epoch and none is ever smaller. With windows an epoch takes the shards
    in a new order and shuffles the pictures of some of them at a time; without, or with one window,
    it shuffles all pictures.
    """

    def __init__(
        self, indices: NDArray[np.int64], batch: int, seed: int, windows: Windows | None = None
    ) -> None:
        """indices: (N,) of the pictures to draw from; batch: pictures per batch.

        Raises DataError without indices, ConfigError for a batch below 1.
        """
        if not len(indices):
            raise DataError("There are no pictures to draw from.", "Hold out fewer pictures.")
        if batch < 1:
            raise ConfigError(f"A batch of {batch} pictures is not possible.", "Choose 1 or more.")
        self.indices = np.asarray(indices, np.int64)
        self.batch_size = batch
        self.seed = seed
        self.windows = windows if windows is not None and windows.count > 1 else None
        self._members = [] if self.windows is None else _by_shard(self.indices, self.windows)
        self._epoch = self._shuffled = -1
        self._order = self.indices
        self._shards: list[NDArray[np.int64]] = []
        self._ends = np.array([len(self.indices)])

    def batch(self, i: int) -> NDArray[np.int64]:
        """(batch,) int64 picture indices of batch i = 0, 1, 2 ..."""
        if i < 0:
            raise ValueError(f"batch numbers start at 0, got {i}")
        place, stop = i * self.batch_size, (i + 1) * self.batch_size
        parts = []
        while place < stop:
            epoch, window, offset = self._found(place)
            order = self._ordered(epoch, window)
            end = min(len(order), offset + stop - place)
            parts.append(order[offset:end])
            place += end - offset
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def ahead(self, i: int) -> list[int]:
        """The shards of batch i's window and of the one after it, in the order of their use."""
        if self.windows is None:
            return []
        epoch, window, _ = self._found(i * self.batch_size)
        first, last = self._shards[window], window + 1 == self.windows.count
        then = self._cut(epoch + 1)[0] if last else self._shards[window + 1]
        return list(dict.fromkeys([*first.tolist(), *then.tolist()]))

    def _found(self, place: int) -> tuple[int, int, int]:
        """Epoch, window, and the place within that."""
        epoch, offset = divmod(place, len(self.indices))
        if self.windows is not None and epoch != self._epoch:
            self._shards, self._epoch = self._cut(epoch), epoch
            sizes = [sum(len(self._members[s]) for s in shards) for shards in self._shards]
            self._ends = np.cumsum(sizes)
        window = int(np.searchsorted(self._ends, offset, side="right"))
        return epoch, window, offset - (int(self._ends[window - 1]) if window else 0)

    def _cut(self, epoch: int) -> list[NDArray[np.int64]]:
        """The shards of each window of an epoch."""
        assert self.windows is not None
        order = permutation(self.seed, STREAM_SHARDS, epoch, self.windows.shards)
        return np.split(order, range(self.windows.size, len(order), self.windows.size))

    def _ordered(self, epoch: int, window: int) -> NDArray[np.int64]:
        """The indices of a window in their order. The last one is kept: a cache, no state."""
        number, members = epoch, self.indices
        if self.windows is not None:
            number = epoch * self.windows.count + window
        if number != self._shuffled:
            if self.windows is not None:
                members = np.sort(np.concatenate([self._members[s] for s in self._shards[window]]))
            order = permutation(self.seed, STREAM_ORDER, number, len(members))
            self._order, self._shuffled = members[order], number
        return self._order


def _by_shard(indices: NDArray[np.int64], windows: Windows) -> list[NDArray[np.int64]]:
    """The indices that lie in each shard."""
    shards = windows.shard_of[indices]
    ends = np.cumsum(np.bincount(shards, minlength=windows.shards))
    return np.split(indices[np.argsort(shards, kind="stable")], ends[:-1])
