"""Nearest neighbours, exact: single precision looks, double precision decides.

A matrix product in float32 gives all squared distances with a bound on their error. Whatever lies
within that bound of a decision is computed again in float64, by the plain difference of the two
rows. The result is that of float64 throughout, at the speed of float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ganwerk.errors import DataError
from ganwerk.metrics.inputs import Array, matrix
from ganwerk.nn.layers import matrix_products

ROWS = 512
SPARE = 8  # neighbours looked at beyond the k-th, before a row is computed anew
PAIRS = 4096
ROUNDING = 2.0**-24  # of float32
CERTAINTY = 10.0  # fails with a chance below 2 exp(-50)


@dataclass(frozen=True, eq=False)
class Screened:
    """Features twice: exactly, and as float32 around a common centre, with their squared norms."""

    exact: Tensor
    rough: Tensor
    squares: Tensor

    def __len__(self) -> int:
        return len(self.exact)


def screened(features: Tensor, centre: Tensor) -> Screened:
    """Around a centre the norms are small, and so is the bound on the error."""
    exact = features.double()
    rough = (exact - centre).float()
    return Screened(exact, rough, rough.double().square().sum(1))


def squared_distances(
    x: Screened, y: Screened, rows: int = ROWS
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Squared distances (rows, M) in float32, and the most that they can be wrong, (rows, M).

    The bound on a sum of D products is the smaller of the one for any order of summation (Higham
    2002, Accuracy and Stability of Numerical Algorithms, section 3.1) and, for many, the one with
    sqrt(D) that holds but for a chance of 2 exp(-50) (Higham and Mary 2019, A new approach to
    probabilistic rounding error analysis, theorem 2.4); with room for rounding inputs and sums.
    """
    columns = x.rough.shape[1]
    product = 2 * ROUNDING * (min(columns, CERTAINTY * columns**0.5) + 4)
    norms_y = y.squares.float()
    roots_y = norms_y.sqrt()
    for start in range(0, len(x), rows):
        part = slice(start, min(start + rows, len(x)))
        norms_x = x.squares[part].float()[:, None]
        with matrix_products(bfloat16=False):
            distances = torch.addmm(norms_y[None], x.rough[part], y.rough.T, alpha=-2)
        distances += norms_x
        roots_x = norms_x.sqrt()
        bound = roots_x * (roots_y * product)
        yield part, distances, bound.add_((norms_x + norms_y) * (8 * ROUNDING))


def exact_squares(x: Screened, y: Screened, rows: Tensor, columns: Tensor) -> Tensor:
    """Squared distances (P,) in float64 of the pairs (rows[i], columns[i])."""
    parts = zip(rows.split(PAIRS), columns.split(PAIRS), strict=True)
    found = [(x.exact[i] - y.exact[j]).square_().sum(1) for i, j in parts]
    return torch.cat(found) if found else torch.empty(0, dtype=torch.float64)


def nearest_squares(
    queries: Screened, points: Screened, k: int, *, same: bool
) -> tuple[Tensor, Tensor]:
    """Squared distances (N, k) in float64, ascending, and indices (N, k) of the k nearest points.

    same: the queries are the points, and none is its own neighbour.
    """
    looked = min(k + SPARE, len(points) - int(same))
    distances = torch.empty(len(queries), k, dtype=torch.float64)
    indices = torch.empty(len(queries), k, dtype=torch.int64)
    for part, rough, bound in squared_distances(queries, points):
        if same:
            rough[torch.arange(len(rough)), torch.arange(part.start, part.stop)] = torch.inf
        near, columns = rough.topk(looked, dim=1, largest=False)
        rows = torch.arange(part.start, part.stop)[:, None].expand_as(columns)
        exact = exact_squares(queries, points, rows.reshape(-1), columns.reshape(-1))
        exact, order = exact.view(len(rough), looked).sort(dim=1, stable=True)
        distances[part], indices[part] = exact[:, :k], columns.gather(1, order)[:, :k]
        if looked < len(points) - int(same):
            # All that was not looked at lies at least here
            beyond = near[:, -1].double() - bound.amax(1).double()
            for row in (beyond <= distances[part, -1]).nonzero()[:, 0].tolist():
                place = part.start + row
                anew = (points.exact - queries.exact[place]).square().sum(1)
                if same:
                    anew[place] = torch.inf
                distances[place], indices[place] = anew.topk(k, largest=False)
    return distances, indices


def radii_squares(points: Screened, k: int) -> Tensor:
    """Squared distances (N,) in float64 of each point to its k-th nearest other.

    Only those candidates are computed exactly that may be the k-th: as a rule one.
    """
    looked = min(k + SPARE, len(points) - 1)
    radii = torch.empty(len(points), dtype=torch.float64)
    for part, rough, bound in squared_distances(points, points):
        rough[torch.arange(len(rough)), torch.arange(part.start, part.stop)] = torch.inf
        near, columns = rough.topk(looked, dim=1, largest=False)
        doubt = 2 * bound.gather(1, columns).amax(1, keepdim=True)
        middle = near[:, k - 1 : k]
        # Each candidate is one of nearer, maybe and farther, however the limits are rounded
        nearer = near < middle - doubt
        maybe = ~nearer & (near <= middle + doubt)
        rows, places = maybe.nonzero(as_tuple=True)
        exact = torch.full(near.shape, torch.inf, dtype=torch.float64)
        exact[rows, places] = exact_squares(
            points, points, rows + part.start, columns[rows, places]
        )
        place = k - 1 - nearer.sum(1, keepdim=True)
        radii[part] = exact.sort(dim=1).values.gather(1, place)[:, 0]
        if looked < len(points) - 1:
            # The last one looked at may be the k-th, so others may be, too
            most = doubt.maximum(2 * bound.amax(1, keepdim=True))[:, 0]
            for row in (near[:, -1] - middle[:, 0] <= most).nonzero()[:, 0].tolist():
                place = part.start + row
                anew = (points.exact - points.exact[place]).square().sum(1)
                anew[place] = torch.inf
                radii[place] = anew.kthvalue(k).values
    return radii


def nearest(queries: Array, points: Array, k: int = 1) -> tuple[Tensor, Tensor]:
    """Euclidean distances (N, k) in float64 and indices (N, k) of the k nearest of the points
    (M, D) to each query (N, D), nearest first.

    Raises DataError as `inputs.matrix`, for different D, and for k above M.
    """
    x, y = matrix(queries, "queries", 1), matrix(points, "points", 1)
    if x.shape[1] != y.shape[1]:
        raise DataError(
            f"The queries have {x.shape[1]} features and the points {y.shape[1]}.",
            "Use the same extractor for both.",
        )
    if not 1 <= k <= len(y):
        raise DataError(f"{k} neighbours cannot be found among {len(y)} points.", "Use fewer.")
    centre = y.double().mean(0)
    squares, indices = nearest_squares(screened(x, centre), screened(y, centre), k, same=False)
    return squares.sqrt(), indices
