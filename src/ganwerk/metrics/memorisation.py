"""Whether a generator copies: are its pictures nearer to the training pictures than fresh ones are?

The measure is the held-out pictures, which nobody was trained on: their distances to the nearest
training picture say how near an honest picture comes. All tests look at the same two samples, the
distances of the generated and of the held-out pictures, and are free of any scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ganwerk.errors import DataError
from ganwerk.metrics.inputs import Array, matrix
from ganwerk.metrics.search import nearest, nearest_squares, screened

TAIL = 0.01
CERTAIN = 1e-3  # the p-value below which copying is said
LEAST_RATIO = 2.0
COMPANY = 50  # neighbours that tell how far apart pictures lie in that place


@dataclass(frozen=True, eq=False)
class Copying:
    """What the tests found.

    tail_ratio: how much more often generated pictures come as near as the nearest `tail` of the
        held-out ones; 1 for an honest generator. hits: how many do. expected: how many would.
    p: the chance of so many hits, or more, without copying. flagged: p < 0.001 and ratio > 2.
    c_t: z-score of the rank test of data copying over the whole range; below -3 copying, far above
        0 pictures that are unlike any, which hides copies.
    authentic, authentic_held_out: share of pictures that are farther from their nearest training
        picture than that one is from its own nearest; to be compared with each other alone.
    visible_share: the smallest share of copies that would surely be flagged with these numbers.
    nearest: (M,) index of the training picture nearest to each generated one. distances: (M,).
    closeness: (M,) that distance over the mean distance to the 50 nearest; small is suspicious.
    """

    tail: float
    tail_ratio: float
    hits: int
    expected: float
    p: float
    flagged: bool
    c_t: float
    authentic: float
    authentic_held_out: float
    visible_share: float
    n_train: int
    n_held_out: int
    n_fake: int
    nearest: Tensor
    distances: Tensor
    closeness: Tensor

    def power(self) -> str:
        """What these numbers can see at all, in a sentence."""
        return (
            f"with {self.n_held_out:,} held-out and {self.n_fake:,} generated pictures, copying is "
            f"sure to be seen only above {_one_in(self.visible_share)}"
        )


class Tail(NamedTuple):
    """The tail test alone, as in `Copying`. tail: the share of honest pictures in it."""

    tail: float
    ratio: float
    hits: int
    expected: float
    p: float
    visible_share: float


def _one_in(share: float) -> str:
    if share >= 0.5:
        return f"{share:.0%} of them"
    return f"one picture in {math.floor(1 / share):,}"


def copying(train: Array, held_out: Array, fake: Array, *, tail: float = TAIL) -> Copying:
    """Test features of generated pictures (M, D) against training (N, D) and held-out (H, D) ones.

    tail ratio: see `tail_test`. c_t: Meehan, Chaudhuri and Dasgupta 2020, A non-parametric test to
    detect data-copying in generative models, with one cell. authentic: Alaa et al. 2022, How
    faithful is your synthetic data, section 4.3. closeness: Carlini et al. 2023, Extracting
    training data from diffusion models, section 5.1.
    Raises DataError as `inputs.matrix`; for fewer than 3 training or 2 held-out pictures.
    """
    x = matrix(train, "training features", 3)
    fresh, made = matrix(held_out, "held-out features", 2), matrix(fake, "generated features", 2)
    if not x.shape[1] == fresh.shape[1] == made.shape[1]:
        raise DataError(
            f"The features have {x.shape[1]}, {fresh.shape[1]} and {made.shape[1]} columns.",
            "Use the same extractor for all.",
        )
    company = min(COMPANY, len(x))
    made_distances, made_indices = nearest(made, x, company)
    fresh_distances, fresh_indices = nearest(fresh, x)
    own = _own_neighbour(x)
    d_made, d_fresh = made_distances[:, 0], fresh_distances[:, 0]
    found = tail_test(d_made, d_fresh, tail)
    return Copying(
        tail=found.tail,
        tail_ratio=found.ratio,
        hits=found.hits,
        expected=found.expected,
        p=found.p,
        flagged=found.p < CERTAIN and found.ratio > LEAST_RATIO,
        c_t=rank_z(d_made, d_fresh),
        authentic=float((d_made > own[made_indices[:, 0]]).double().mean()),
        authentic_held_out=float((d_fresh > own[fresh_indices[:, 0]]).double().mean()),
        visible_share=found.visible_share,
        n_train=len(x),
        n_held_out=len(d_fresh),
        n_fake=len(d_made),
        nearest=made_indices[:, 0],
        distances=d_made,
        closeness=d_made / made_distances.mean(1).clamp_min(torch.finfo(torch.float64).tiny),
    )


def tail_test(made: Tensor, fresh: Tensor, tail: float = TAIL) -> Tail:
    """Of the distances of generated pictures (M,) and of held-out ones (H,) to the nearest training
    picture.

    With r = max(1, tail H), the hits are the generated pictures nearer than the r-th nearest of the
    held-out ones. Without copying the two samples of distances are exchangeable, so the hits follow
    a negative hypergeometric law, whatever the distances' shape.
    """
    rank = max(1, round(tail * len(fresh)))
    hits = int((made < fresh.sort().values[rank - 1]).sum())
    expected = len(made) * rank / (len(fresh) + 1)
    return Tail(
        tail=rank / (len(fresh) + 1),
        ratio=hits / expected,
        hits=hits,
        expected=expected,
        p=tail_p(hits, len(made), len(fresh), rank),
        visible_share=power_of_copying(len(made), len(fresh), tail),
    )


def _own_neighbour(x: Tensor) -> Tensor:
    """(N,) distance of each training picture to the nearest other."""
    points = screened(x, x.double().mean(0))
    return nearest_squares(points, points, 1, same=True)[0][:, 0].sqrt()


def tail_p(hits: int, made: int, fresh: int, rank: int) -> float:
    """The chance that `hits` or more of `made` values lie below the `rank`-th smallest of `fresh`
    values, all drawn alike.

    That is the chance that of the hits + rank - 1 smallest of all, fewer than `rank` are fresh:
    a tail of the hypergeometric distribution.
    """
    if hits == 0:
        return 1.0
    drawn = hits + rank - 1
    logs = [
        _log_choose(fresh, i) + _log_choose(made, drawn - i) - _log_choose(made + fresh, drawn)
        for i in range(max(0, drawn - made), min(rank, fresh + 1))
    ]
    return min(1.0, math.fsum(math.exp(log) for log in logs))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def power_of_copying(made: int, fresh: int, tail: float = TAIL) -> float:
    """The share of copies among `made` pictures that is surely flagged with `fresh` held-out ones.

    The fewest hits that would be flagged, over the number of pictures: each copy is one hit. 1.0 if
    even a generator that does nothing but copy could not be told from chance.
    """
    rank = max(1, round(tail * fresh))
    expected = made * rank / (fresh + 1)
    low, high = 0, made + 1
    while high - low > 1:
        middle = (low + high) // 2
        enough = tail_p(middle, made, fresh, rank) < CERTAIN and middle > LEAST_RATIO * expected
        low, high = (low, middle) if enough else (middle, high)
    return min(1.0, high / made)


def rank_z(made: Tensor, fresh: Tensor) -> float:
    """The z-score of the Mann-Whitney test, ties counted by half: below 0 if `made` are smaller."""
    n, m = len(made), len(fresh)
    ordered, counts = torch.cat([made, fresh]).unique(return_counts=True)
    below = counts.cumsum(0) - counts
    mean_ranks = below.double() + (counts.double() + 1) / 2
    u = float(mean_ranks[torch.searchsorted(ordered, made.contiguous())].sum()) - n * (n + 1) / 2
    total = n + m
    ties = float((counts.double() ** 3 - counts).sum()) / (total * (total - 1))
    deviation = math.sqrt(n * m / 12 * (total + 1 - ties))
    return (u - n * m / 2) / deviation if deviation else 0.0
