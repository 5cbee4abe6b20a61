"""The kernel distance: the squared maximum mean discrepancy under a polynomial kernel, unbiased.

On features of the Inception network of 2015 this is the KID; on anything else it is KD[extractor].
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganwerk.errors import DataError
from ganwerk.metrics.inputs import Array, Estimate, two_matrices

DEGREE, OFFSET = 3, 1.0
ROWS = 1024


@dataclass(frozen=True, slots=True)
class SubsetEstimate:
    """The mean over subsets, and their standard deviation, which is no standard error."""

    value: float
    deviation: float


def kernel_distance(real: Array, fake: Array) -> Estimate:
    """MMD^2 with k(x, y) = (x.y / D + 1)^3 over all samples (N, D) and (M, D), and its error.

    Unbiased (Bińkowski et al. 2018, Demystifying MMD GANs, section 4), so it may be negative and
    its expectation does not depend on N and M. The standard error is that of the mean of what each
    sample adds (the linear part of the U-statistic). Computed in float64, in rows of 1,024.
    Raises DataError; see `inputs.two_matrices`.
    """
    x, y = (z.double() for z in two_matrices(real, fake))
    n, m = len(x), len(y)
    within_x, within_y = _row_sums(x, x), _row_sums(y, y)
    within_x, within_y = within_x - _diagonal(x), within_y - _diagonal(y)
    across_x, across_y = _both_sums(x, y)
    value = within_x.sum() / (n * (n - 1)) + within_y.sum() / (m * (m - 1))
    value = value - 2 * across_x.sum() / (n * m)
    added_x = 2 * (within_x / (n - 1) - across_x / m)
    added_y = 2 * (within_y / (m - 1) - across_y / n)
    return Estimate(float(value), math.sqrt(float(added_x.var() / n + added_y.var() / m)))


def kernel_spread(features: Tensor) -> float:
    """Mean k(x, x) less mean k(x, x') of features (N, D): 2 of it over n lie between the unbiased
    distance of n and n samples and the biased one, which is a square and not below 0."""
    x = features.double()
    own = _diagonal(x)
    among = (_row_sums(x, x) - own).sum() / (len(x) * (len(x) - 1))
    return float(own.mean() - among)


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T).div_(x.shape[1]).add_(OFFSET).pow_(DEGREE)


def _row_sums(x: Tensor, y: Tensor) -> Tensor:
    return torch.cat([_kernel(rows, y).sum(1) for rows in x.split(ROWS)])


def _both_sums(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Over the rows and over the columns of the kernel matrix, (N,) and (M,)."""
    rows, columns = [], torch.zeros(len(y), dtype=torch.float64)
    for part in x.split(ROWS):
        block = _kernel(part, y)
        rows.append(block.sum(1))
        columns += block.sum(0)
    return torch.cat(rows), columns


def _diagonal(x: Tensor) -> Tensor:
    return (x.square().sum(1) / x.shape[1] + OFFSET) ** DEGREE


def kernel_distance_of_subsets(
    real: Array, fake: Array, *, subsets: int = 100, size: int = 1000, seed: int = 2020
) -> SubsetEstimate:
    """The same, as the literature reports it: the mean over `subsets` random subsets of `size`.

    The defaults draw the very subsets that torch-fidelity draws. Raises DataError if there are
    fewer than `size` samples, and as `kernel_distance`.
    """
    x, y = (z.double() for z in two_matrices(real, fake))
    if size > min(len(x), len(y)):
        raise DataError(
            f"A subset of {size} cannot be drawn from {min(len(x), len(y))} pictures.",
            "Use more pictures or smaller subsets.",
        )
    # numpy's old generator on purpose: its stream is what the published subsets come from
    random = np.random.RandomState(seed)
    values = []
    for _ in range(subsets):
        rows_x = torch.from_numpy(random.choice(len(x), size, replace=False))
        rows_y = torch.from_numpy(random.choice(len(y), size, replace=False))
        values.append(kernel_distance(x[rows_x], y[rows_y]).value)
    return SubsetEstimate(float(np.mean(values)), float(np.std(values)))
