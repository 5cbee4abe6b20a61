"""Principal components: the directions in which real pictures differ most."""

from __future__ import annotations

import torch
from torch import Tensor

SPARE = 16
ROUNDS = 60
SEED = 0


def components_for(count: int, columns: int, most: int) -> int:
    """How many of `count` samples of `columns` numbers: `most`, and no more than an eighth of the
    samples. With more, the directions would fit the very pictures they were found on, and pictures
    that were not among them would seem poorer."""
    return max(1, min(most, columns, count // 8))


def principal_components(x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Mean (P,) and the leading `count` principal directions (P, count) of x (N, P), float64.

    Subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4) on the covariance from a
    fixed start, so the same pictures give the same directions. Signs are fixed: the largest entry
    of each is positive.
    """
    x = x.double()
    mean = x.mean(0)
    centred = x - mean
    few = 2 * len(x) < x.shape[1]  # then the covariance costs more than what it is made of
    covariance = None if few else centred.T @ centred / (len(x) - 1)

    def spread(directions: Tensor) -> Tensor:
        if covariance is None:
            return centred.T @ (centred @ directions) / (len(x) - 1)
        return covariance @ directions

    wide = min(count + SPARE, x.shape[1])
    random = torch.Generator().manual_seed(SEED)
    start = torch.randn(x.shape[1], wide, generator=random, dtype=torch.float64)
    basis = torch.linalg.qr(start).Q
    for _ in range(ROUNDS):
        basis = torch.linalg.qr(spread(basis)).Q
    _, turn = torch.linalg.eigh(basis.T @ spread(basis))
    directions = (basis @ turn.flip(1))[:, :count]
    largest = directions.gather(0, directions.abs().argmax(0, keepdim=True))
    return mean, directions * torch.where(largest < 0, -1.0, 1.0)
