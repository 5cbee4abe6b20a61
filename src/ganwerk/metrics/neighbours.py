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
    nearest_squares,
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
    real_radii = nearest_squares(reals, reals, k, same=True)[0][:, -1]
    fake_radii = nearest_squares(fakes, fakes, k, same=True)[0][:, -1]
    around_real = _inside(fakes, reals, real_radii[None])
    around_fake = _inside(fakes, reals, fake_radii[:, None])
    return NeighbourScores(
        precision=float((around_real.of_fakes > 0).double().mean()),
        recall=float((around_fake.of_reals > 0).double().mean()),
        density=float(around_real.of_fakes.double().mean() / k),
        coverage=float((around_real.of_reals > 0).double().mean()),
    )


@dataclass(frozen=True, eq=False)
class _Counts:
    """In how many balls each fake (M,) lies with some real, and each real (N,) with some fake."""

    of_fakes: Tensor
    of_reals: Tensor


def _inside(fakes: Screened, reals: Screened, radii: Tensor) -> _Counts:
    """Count the pairs that are nearer than a squared radius: (1, N) of the reals or (M, 1)."""
    of_fakes = torch.zeros(len(fakes), dtype=torch.int64)
    of_reals = torch.zeros(len(reals), dtype=torch.int64)
    rough_radii = radii.float()
    for part, rough, bound in squared_distances(fakes, reals):
        limit = rough_radii if len(radii) == 1 else rough_radii[part]
        margin = rough - limit
        inside = margin < -bound
        of_fakes[part] += inside.sum(1)
        of_reals += inside.sum(0)
        rows, columns = (margin.abs_() <= bound).nonzero(as_tuple=True)
        rows = rows + part.start
        limits = radii[0, columns] if len(radii) == 1 else radii[rows, 0]
        sure = exact_squares(fakes, reals, rows, columns) < limits
        of_fakes.index_add_(0, rows, sure.long())
        of_reals.index_add_(0, columns, sure.long())
    return _Counts(of_fakes, of_reals)
