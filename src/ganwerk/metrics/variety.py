"""How different pictures are from each other: all of them, the nearest ones, those of a class."""

from __future__ import annotations

import torch
from torch import Tensor

FEWEST_IN_CLASS = 4


def mean_distance(x: Tensor) -> float:
    """Mean Euclidean distance of all pairs of different rows of x (N, D); 0 below two rows."""
    n = len(x)
    return float(torch.cdist(x, x).sum() / (n * (n - 1))) if n > 1 else 0.0


def nearest_distance(x: Tensor) -> float:
    """Median distance of a row of x (N, D) to the nearest other; 0 below two rows.

    It is small where few pictures are drawn again and again, however far those few lie apart.
    """
    if len(x) < 2:
        return 0.0
    return float(torch.cdist(x, x).fill_diagonal_(torch.inf).min(1).values.median())


def class_distances(x: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Mean distance of pairs within each class, (classes,); nan for fewer than four rows.

    x (N, D); labels (N,) in 0 .. classes - 1.
    """
    found = [
        mean_distance(part) if len(part) >= FEWEST_IN_CLASS else float("nan")
        for part in (x[labels == label] for label in range(classes))
    ]
    return torch.tensor(found)
