"""The truthful scale: every score of two feature sets, with its error and its floor.

A value alone says little, because most of these measures depend on the number of pictures. So each
stands beside what real pictures score against other real pictures in the same numbers (the floor),
and beside its own standard error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganwerk.errors import DataError
from ganwerk.metrics.bins import assign_to_bins, bin_centres, bins_for, compare_bins
from ganwerk.metrics.frechet import frechet_distance, frechet_distance_extrapolated
from ganwerk.metrics.inputs import Estimate
from ganwerk.metrics.kernel import kernel_distance, kernel_spread
from ganwerk.metrics.neighbours import NEAREST, neighbour_scores
from ganwerk.metrics.record import Floor

GROUPS = 10
REPEATS = 30
FAR = 4.0
"""z beyond which a value is said to differ from its floor: by chance once in 16,000 measures."""

Scores = dict[str, float]


@dataclass(frozen=True, slots=True)
class Kind:
    """A measure: its short name, which way is better, what it says, and its options."""

    name: str
    better: str
    meaning: str
    options: Mapping[str, Any]


KINDS = {
    "frechet": Kind("FD", "lower", "distance of the whole clouds of pictures", {}),
    "frechet_extrapolated": Kind("FD-inf", "lower", "the same, as with endlessly many pictures",
                                 {"points": 15}),
    "kernel": Kind("KD", "lower", "distance without a bias of size", {"degree": 3, "offset": 1}),
    "precision": Kind("precision", "floor", "drawn pictures that look real", {"k": NEAREST}),
    "recall": Kind("recall", "higher", "real pictures that could have been drawn", {"k": NEAREST}),
    "density": Kind("density", "floor", "how deep drawn pictures lie among real ones",
                    {"k": NEAREST}),
    "coverage": Kind("coverage", "higher", "kinds of real pictures that are drawn", {"k": NEAREST}),
    "bins": Kind("NDB", "lower", "kinds drawn too often or too seldom", {"limit": 3.0}),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scored:
    """A value with error, floor and distance to the floor; see `metrics.record.Record`."""

    value: float
    error: float
    floor: Floor
    z: float

    @property
    def far(self) -> bool:
        """Whether the value differs from the floor beyond doubt."""
        return abs(self.z) > FAR


class Scorer:
    """Computes all measures of two feature sets; the bins are fixed once, from the real ones."""

    def __init__(self, real: Tensor, n: int, *, seed: int = 0, extrapolate: bool = False) -> None:
        """real: (N, D) all real features there are. n: how many a comparison will have."""
        self.seed, self.extrapolate = seed, extrapolate
        self.bins = bins_for(n)
        random = np.random.default_rng(seed)
        few = torch.from_numpy(random.permutation(len(real))[: max(4 * n, 2 * self.bins)])
        self.centres = bin_centres(real[few], self.bins, seed)
        self.bounds = {"frechet": 0.0, "kernel": -2 * kernel_spread(real[few[:n]]) / n}

    def cheap(self, real: Tensor, fake: Tensor) -> Scores:
        """All but the extrapolation, whose cost is that of fifteen distances."""
        scores = neighbour_scores(real, fake)
        return {
            "frechet": frechet_distance(real, fake),
            "kernel": kernel_distance(real, fake).value,
            "precision": scores.precision,
            "recall": scores.recall,
            "density": scores.density,
            "coverage": scores.coverage,
            "bins": self._bins(real, fake),
        }

    def all(self, real: Tensor, fake: Tensor) -> Scores:
        """Every measure, by its key in KINDS."""
        scores = self.cheap(real, fake)
        if self.extrapolate:
            scores["frechet_extrapolated"] = frechet_distance_extrapolated(
                real, fake, seed=self.seed
            ).value
        return scores

    def steps(self, n: int) -> dict[str, float]:
        """In what steps the measures count that count something, with n pictures of each kind."""
        shares = dict.fromkeys(("precision", "recall", "coverage"), 1 / n)
        return shares | {"bins": 1 / self.bins}

    def _bins(self, real: Tensor, fake: Tensor) -> float:
        return compare_bins(
            assign_to_bins(real, self.centres), assign_to_bins(fake, self.centres), self.bins
        ).different


def floors(
    measure: Callable[[Tensor, Tensor], Scores],
    pool: Tensor,
    n: int,
    *,
    repeats: int = REPEATS,
    seed: int = 0,
) -> dict[str, Floor]:
    """Real against real: mean and deviation over `repeats` disjoint draws of n and n from the pool.

    Raises DataError if the pool has fewer than 2 n rows.
    """
    if len(pool) < 2 * n:
        raise DataError(
            f"{len(pool)} real pictures are too few to compare {n} of them with {n} others.",
            f"Measure with {len(pool) // 2} or fewer.",
        )
    random = np.random.default_rng([seed, 1])
    found: dict[str, list[float]] = {}
    for _ in range(repeats):
        order = torch.from_numpy(random.permutation(len(pool))[: 2 * n])
        for name, value in measure(pool[order[:n]], pool[order[n:]]).items():
            found.setdefault(name, []).append(value)
    return {
        name: Floor(float(np.mean(values)), float(np.std(values, ddof=1)), repeats)
        for name, values in found.items()
    }


def errors(
    measure: Callable[[Tensor, Tensor], Scores],
    real: Tensor,
    fake: Tensor,
    *,
    groups: int = GROUPS,
    seed: int = 0,
) -> dict[str, float]:
    """Standard errors by the jackknife: leave out a tenth of both sets, ten times.

    Efron and Stein 1981, The jackknife estimate of variance. What all leave-outs share, such as the
    bias of a size, does not enter.
    """
    random = np.random.default_rng([seed, 2])
    parts = [np.array_split(random.permutation(len(x)), groups) for x in (real, fake)]
    values: dict[str, list[float]] = {}
    for group in range(groups):
        rows = [
            torch.from_numpy(np.concatenate(part[:group] + part[group + 1 :])) for part in parts
        ]
        for name, value in measure(real[rows[0]], fake[rows[1]]).items():
            values.setdefault(name, []).append(value)
    return {name: math.sqrt((groups - 1) * float(np.var(found))) for name, found in values.items()}


def scored(
    value: float, error: float, floor: Floor, step: float = 0.0, bound: float | None = None
) -> Scored:
    """z says how rare such a value is among real-against-real comparisons, as the normal deviate
    that is as rare: beyond 4 once in 16,000, however few comparisons the floor comes from.

    step: in which the measure counts; where the real pictures never differed in one bin of fifty,
    one bin is no wonder yet. bound: the least value of a measure that is a sum of squares; chance
    is lopsided then.
    """
    variance = floor.deviation**2 * (1 + 1 / floor.repeats) + (step / 2) ** 2
    deviation = max(math.sqrt(variance), 1e-9 * max(1.0, abs(floor.mean)))
    if bound is None or floor.mean <= bound:
        deviations = (value - floor.mean) / deviation
    else:
        deviations = gamma_deviations((value - bound) / (floor.mean - bound),
                                      deviation / (floor.mean - bound))  # fmt: skip
    return Scored(value, error, floor, normal_of_student(deviations, floor.repeats - 1))


def gamma_deviations(value: float, deviation: float) -> float:
    """The normal deviate of a gamma variable of mean 1.

    Wilson and Hilferty 1931, The distribution of chi-square: the cube root is about normal.
    """
    ninth = deviation**2 / 9
    return (math.cbrt(value) - 1 + ninth) / math.sqrt(ninth)


def normal_of_student(t: float, freedom: int) -> float:
    """The normal deviate as rare as Student's t, where the deviation was measured too.

    Wallace 1959, Bounds on normal approximations to Student's and the chi-square distributions:
    within three hundredths from 3 degrees of freedom on.
    """
    root = math.sqrt(freedom * math.log1p(t * t / freedom))
    return math.copysign(root * (8 * freedom + 1) / (8 * freedom + 3), t)


def score(
    real: Tensor,
    fake: Tensor,
    pool: Tensor,
    *,
    repeats: int = REPEATS,
    seed: int = 0,
    extrapolate: bool = False,
) -> dict[str, Scored]:
    """Everything about generated features (M, D) against real ones (N, D), N = M.

    pool: all real features there are, the given ones among them, for the floors.
    Raises DataError as the measures do, and for a pool below 2 N.
    """
    scorer = Scorer(pool, len(real), seed=seed, extrapolate=extrapolate)
    values = scorer.all(real, fake)
    floor = floors(scorer.all, pool, len(real), repeats=repeats, seed=seed)
    error = errors(scorer.cheap, real, fake, seed=seed)
    if extrapolate:
        found: Estimate = frechet_distance_extrapolated(real, fake, seed=seed)
        error["frechet_extrapolated"] = found.error
    steps = scorer.steps(len(real))
    return {
        name: scored(value, error[name], floor[name], steps.get(name, 0.0), scorer.bounds.get(name))
        for name, value in values.items()
    }
