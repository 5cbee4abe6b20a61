"""What a set of generated points is worth, where the data's density is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganwerk.lab.mixture import Mixture

NEAR = 3.0  # standard deviations; Lin et al. 2018, PacGAN, section 4.1
FULL_MODE = 20  # points that make a mode more than a stray hit
TRANSPORTED = 1_000


@dataclass(frozen=True, slots=True)
class Score:
    """modes: captured by at least one point within 3 deviations of the centre. full_modes: by at
    least 20. high_quality: the share of points within 3 deviations of a centre. reverse_kl: of the
    high-quality points' histogram over the modes from the uniform one, in nats; None without any.
    """

    modes: int
    full_modes: int
    high_quality: float
    reverse_kl: float | None


def score(points: Tensor, mixture: Mixture) -> Score:
    """The counts of PacGAN, section 4.1, for points (N, 2)."""
    distance, nearest = torch.cdist(points.double(), mixture.places().double()).min(1)
    good = distance < NEAR * mixture.deviation
    hits = torch.bincount(nearest[good], minlength=mixture.modes)
    return Score(
        int((hits > 0).sum()),
        int((hits >= FULL_MODE).sum()),
        float(good.double().mean()),
        reverse_kl(hits),
    )


def reverse_kl(hits: Tensor) -> float | None:
    """KL(q || uniform) in nats of the histogram `hits` (K,); None if it is empty."""
    total = int(hits.sum())
    if total == 0:
        return None
    share = hits[hits > 0].double() / total
    return max(0.0, float((share * (share * len(hits)).log()).sum()))


def wasserstein2(a: Tensor, b: Tensor) -> float:
    """W2 between two sets of equally many points (N, 2), by the best pairing of them.

    At most the first 1,000 of each are paired: the time grows with the cube of their number.
    """
    from scipy.optimize import linear_sum_assignment

    costs = torch.cdist(a[:TRANSPORTED].double(), b[:TRANSPORTED].double()).square().numpy()
    rows, columns = linear_sum_assignment(costs)
    return math.sqrt(float(np.mean(costs[rows, columns])))
