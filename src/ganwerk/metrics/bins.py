"""How many kinds of pictures come too often or too seldom: the statistically different bins."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganwerk.errors import DataError
from ganwerk.metrics.inputs import Array, two_matrices

BINS = 50
LIMIT = 3.0  # standard errors
LEAST_PER_BIN = 10


@dataclass(frozen=True, eq=False)
class Bins:
    """different: share of bins whose frequency differs by more than 3 standard errors.
    z: (K,) by how many, above 0 where there are too many generated pictures.
    real, fake: (K,) how many of each fell into each bin. divergence: Jensen-Shannon, in nats.
    """

    different: float
    z: Tensor
    real: Tensor
    fake: Tensor
    divergence: float


def bins_for(count: int) -> int:
    """50, or fewer where that would leave fewer than ten real pictures per bin."""
    return max(2, min(BINS, count // LEAST_PER_BIN))


def bin_centres(real: Array, bins: int, seed: int = 0) -> NDArray[np.float64]:
    """The middles (K, D) of `bins` clusters of the real features, by k-means.

    Raises DataError for fewer pictures than bins.
    """
    from sklearn.cluster import KMeans

    points = torch.as_tensor(real).double().numpy()
    if len(points) < bins:
        raise DataError(
            f"{len(points)} real pictures cannot be sorted into {bins} bins.", "Use fewer bins."
        )
    found: NDArray[np.float64] = KMeans(bins, n_init=1, random_state=seed).fit(points)
    return np.asarray(found.cluster_centers_)  # type: ignore[attr-defined]


def assign_to_bins(features: Tensor, centres: NDArray[np.float64]) -> Tensor:
    """The nearest centre (N,) of each row."""
    middle = torch.from_numpy(centres)
    return torch.cdist(features.double(), middle).argmin(1)


def compare_bins(real: Tensor, fake: Tensor, bins: int) -> Bins:
    """Compare two samples of bin numbers, (N,) and (M,).

    Per bin the two-proportion z-test of Richardson and Weiss 2018, On GANs and GMMs, section 3,
    with the pooled proportion.
    """
    counts = [torch.bincount(x, minlength=bins).double() for x in (real, fake)]
    n, m = float(len(real)), float(len(fake))
    pooled = (counts[0] + counts[1]) / (n + m)
    error = (pooled * (1 - pooled) * (1 / n + 1 / m)).sqrt()
    z = torch.where(error > 0, (counts[1] / m - counts[0] / n) / error.clamp_min(1e-300), 0.0)
    shares = [counts[0] / n, counts[1] / m]
    middle = (shares[0] + shares[1]) / 2
    divergence = sum(float(torch.special.xlogy(s, s / middle.clamp_min(1e-300)).sum()) / 2
                     for s in shares)  # fmt: skip
    return Bins(
        different=float((z.abs() > LIMIT).double().mean()),
        z=z,
        real=counts[0].long(),
        fake=counts[1].long(),
        divergence=min(max(divergence, 0.0), math.log(2)),
    )


def different_bins(real: Array, fake: Array, bins: int | None = None, seed: int = 0) -> Bins:
    """Number of statistically different bins, NDB/K, of features (N, D) and (M, D).

    bins: None: 50, or fewer for few pictures. The bins are clusters of the real pictures.
    Raises DataError as `inputs.two_matrices`, and for fewer real pictures than bins.
    """
    x, y = two_matrices(real, fake)
    count = bins_for(len(x)) if bins is None else bins
    centres = bin_centres(x, count, seed)
    return compare_bins(assign_to_bins(x, centres), assign_to_bins(y, centres), len(centres))
