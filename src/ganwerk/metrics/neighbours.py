"""Precision, recall, density and coverage: who lies in whose neighbourhood."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganwerk.errors import DataError
from ganwerk.metrics.inputs import Array, two_matrices
from ganwerk.metrics.search import (
    Screened,
    exact_squares,
    radii_squares,
    screened,
    squared_distances,
)

NEAREST = 5


@dataclass(frozen=True, slots=True)
class NeighbourScores:
    """precision, recall, coverage from 0 to 1; density from 0, about 1 for a perfect generator."""

    precision: float
    recall: float
    density: float
    coverage: float


def neighbour_scores(real: Array, fake: Array, k: int = NEAREST) -> NeighbourScores:
    """Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020).

    real (N, D), fake (M, D). Around each real picture lies a ball that reaches to its k-th nearest
    real neighbour, around each generated one likewise among the generated.
    precision: share of generated pictures in some real ball. recall: share of real pictures in some
    generated ball. density: how many real balls a generated picture lies in, over k. coverage:
    share of real balls with a generated picture inside. Inside means strictly nearer than the
    radius. Equal to float64 throughout; memory grows with N + M, not with N x M.
    Raises DataError for k or fewer samples; and as `inputs.two_matrices`.
    """
    if k < 1:
        raise DataError(f"{k} neighbours are not possible.", "Choose 1 or more; 5 is usual.")
    x, y = two_matrices(real, fake, least=k + 1)
    centre = x.double().mean(0)
    reals, fakes = screened(x, centre), screened(y, centre)
    found = _counts(fakes, reals, radii_squares(reals, k), radii_squares(fakes, k))
    return NeighbourScores(
        precision=float((found.real_balls > 0).double().mean()),
        recall=float(found.recalled.double().mean()),
        density=float(found.real_balls.double().mean() / k),
        coverage=float(found.covered.double().mean()),
    )


@dataclass(frozen=True, eq=False)
class _Counts:
    """real_balls: (M,) in how many real balls each fake lies. covered: (N,) whether a fake lies in
    each real ball. recalled: (N,) whether each real lies in some ball of a fake."""

    real_balls: Tensor
    covered: Tensor
    recalled: Tensor


def _counts(fakes: Screened, reals: Screened, real_radii: Tensor, fake_radii: Tensor) -> _Counts:
    """All pairs at once; the radii are squared, (N,) and (M,)."""
    real_balls = torch.zeros(len(fakes), dtype=torch.int64)
    covered, recalled = (torch.zeros(len(reals), dtype=torch.bool) for _ in range(2))
    rough_reals, rough_fakes = real_radii.float(), fake_radii.float()
    for part, rough, bound in squared_distances(fakes, reals):
        margin = rough - rough_reals
        inside = margin < -bound
        rows, columns = (margin.abs_() <= bound).nonzero(as_tuple=True)
        limits = real_radii[columns]
        inside[rows, columns] = exact_squares(fakes, reals, rows + part.start, columns) < limits
        real_balls[part] = inside.sum(1)
        covered |= inside.any(0)
        margin = rough.sub_(rough_fakes[part, None])
        around = margin < -bound
        rows, columns = (margin.abs_() <= bound).nonzero(as_tuple=True)
        limits = fake_radii[part][rows]
        around[rows, columns] = exact_squares(fakes, reals, rows + part.start, columns) < limits
        recalled |= around.any(0)
    return _Counts(real_balls, covered, recalled)
