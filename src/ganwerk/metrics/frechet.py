"""The Fréchet distance: how far apart two sets of features are, as if each were a Gaussian.

On features of the Inception network of 2015 this is the FID; on anything else it is FD[extractor].
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganwerk.metrics.inputs import Array, Estimate, matrix, two_matrices

POINTS = 15
LEAST_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean (D,) and unbiased covariance (D, D) of features, float64, and how many there were."""

    mean: Tensor
    covariance: Tensor
    count: int


def moments(features: Array) -> Moments:
    """Raises DataError; see `inputs.matrix`."""
    x = matrix(features).double()
    mean = x.mean(0)
    centred = x - mean
    return Moments(mean, centred.T @ centred / (len(x) - 1), len(x))


def frechet_distance_of_moments(a: Moments, b: Moments) -> float:
    """||m_a - m_b||^2 + tr(A + B - 2 (A B)^(1/2)). Heusel et al. 2017, equation 6.

    The trace of (A B)^(1/2) is the sum of the roots of the eigenvalues of L' B L with A = L L',
    which is symmetric. L leaves out the directions in which A has no spread: the roots of their
    eigenvalues would be rounding errors of 1e-8, thousands of them.
    """
    values, vectors = torch.linalg.eigh(a.covariance)
    kept = values > values[-1].clamp_min(0) * len(values) * torch.finfo(torch.float64).eps
    factor = vectors[:, kept] * values[kept].sqrt()
    product = factor.T @ b.covariance @ factor
    cross = torch.linalg.eigvalsh(product).clamp_min(0).sqrt().sum()
    return _distance(a.mean, b.mean, a.covariance.trace() + b.covariance.trace(), cross)


def _distance(mean_a: Tensor, mean_b: Tensor, traces: Tensor, cross: Tensor) -> float:
    # Never below 0 by more than rounding, and a distance is not negative
    return max(0.0, float((mean_a - mean_b).square().sum() + traces - 2 * cross))


def frechet_distance(real: Array, fake: Array) -> float:
    """The Fréchet distance of features (N, D) and (M, D), in float64. 0 or more.

    It is biased upwards by about 1/N: compare only values of the same N and M, or extrapolate.
    With fewer samples than features the eigenvalues are taken of the small matrix X Y', whose
    singular values they are, which is exact and faster.
    Raises DataError; see `inputs.two_matrices`.
    """
    x, y = two_matrices(real, fake)
    if max(len(x), len(y)) >= x.shape[1]:
        return frechet_distance_of_moments(moments(x), moments(y))
    x, y = x.double(), y.double()
    mean_x, mean_y = x.mean(0), y.mean(0)
    x, y = (x - mean_x) / math.sqrt(len(x) - 1), (y - mean_y) / math.sqrt(len(y) - 1)
    cross = torch.linalg.svdvals(x @ y.T).sum()
    return _distance(mean_x, mean_y, x.square().sum() + y.square().sum(), cross)


def frechet_distance_extrapolated(
    real: Array,
    fake: Array,
    *,
    points: int = POINTS,
    seed: int = 0,
    distance: Callable[[Tensor, Tensor], float] = frechet_distance,
) -> Estimate:
    """What the distance would be with infinitely many samples of both.

    A line through the distances of `points` subsets, over 1/n, continued to 1/n = 0 (Chong and
    Forsyth 2020, Effectively unbiased FID and Inception score, section 4), with both sets cut to
    the same n, evenly spaced in 1/n from all samples to a fifth of them. The error is that of the
    line's height at 0; the subsets overlap, so it is a little too small. Can be negative.
    Raises DataError as `frechet_distance`.
    """
    x, y = two_matrices(real, fake, least=10)
    most = min(len(x), len(y))
    least = max(2, int(LEAST_SHARE * most))
    inverses = np.linspace(1 / most, 1 / least, points)
    random = np.random.default_rng(seed)
    values = []
    for n in np.round(1 / inverses).astype(int):
        rows = [torch.from_numpy(random.permutation(len(z))[:n]) for z in (x, y)]
        values.append(distance(x[rows[0]], y[rows[1]]))
    design = np.stack([np.ones(points), inverses], 1)
    solution, *_ = np.linalg.lstsq(design, np.asarray(values), rcond=None)
    residual = np.asarray(values) - design @ solution
    variance = residual @ residual / max(points - 2, 1) * np.linalg.inv(design.T @ design)[0, 0]
    return Estimate(float(solution[0]), float(math.sqrt(variance)))
