"""What bench.defaults measures: distances beside their floors, coverage, variety, copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.defaults.rows import Pixels, Row
from ganwerk.evaluation.extractors import ExtractorOptions, Reals, default_extractors, make
from ganwerk.metrics import frechet_distance, neighbour_scores
from ganwerk.metrics.features import Extractor, extract
from ganwerk.metrics.memorisation import copying

FEATURES = ("selfsup64", "randconv64", "pixelpca64")
DIGITS = "lenet-mnist"
"""Told beside the ratio, never part of it, where the pictures are MNIST's digits."""
MOST = 2_000
"""Generated pictures, and real ones beside them."""


@dataclass(frozen=True, eq=False)
class Side:
    """Features of real pictures by one extractor. floor: the distance of two halves of them."""

    extractor: Extractor
    real: Tensor
    other: Tensor
    floor: float


class Judge:
    """Measures generated pictures of a row. n: how many it wants."""

    def __init__(self, row: Row) -> None:
        self.row = row
        order = np.random.default_rng(0).permutation(len(row.reference))
        self.n = min(MOST, len(order) // 2)
        self.first, self.second = order[: self.n], order[self.n : 2 * self.n]
        reals = Reals(np.ascontiguousarray(row.reference), mirror=False)
        self.sides: dict[str, Side] = {}
        beside = [DIGITS] if DIGITS in default_extractors(reals) else []
        for name in (*FEATURES, *beside):
            extractor = make(name, reals, ExtractorOptions())
            a, b = (
                extract(extractor, np.ascontiguousarray(row.reference[part]))
                for part in (self.first, self.second)
            )
            self.sides[name] = Side(extractor, a, b, frechet_distance(a, b))

    def measure(self, fake: Pixels, labels: NDArray[np.int64] | None) -> dict[str, float]:
        """fake (n, C, H, W) uint8 and the classes they were asked for."""
        found: dict[str, float] = {}
        for name, side in self.sides.items():
            features = extract(side.extractor, fake)
            distance = frechet_distance(side.real, features)
            found[f"fd_{name}"] = distance
            found[f"ratio_{name}"] = distance / side.floor
            if name == FEATURES[0]:
                near = neighbour_scores(side.real, features)
                found |= {"precision": near.precision, "recall": near.recall,
                          "coverage": near.coverage}  # fmt: skip
                found["coverage_floor"] = neighbour_scores(side.real, side.other).coverage
                found |= self._variety(features, labels, side)
                found |= self._copies(features, side)
        ratios = [found[f"ratio_{name}"] for name in FEATURES]
        found["ratio"] = float(np.exp(np.mean(np.log(ratios))))
        return found

    def _variety(
        self, fake: Tensor, labels: NDArray[np.int64] | None, side: Side
    ) -> dict[str, float]:
        """How far the pictures of a class lie from each other, as a share of the real ones'."""
        real_labels = self.row.reference_labels
        if labels is None or real_labels is None:
            return {"variety": spread_of(fake) / spread_of(side.real)}
        shares = []
        for number in range(self.row.classes):
            mine = fake[torch.from_numpy(labels == number)]
            theirs = side.real[torch.from_numpy(real_labels[self.first] == number)]
            if len(mine) > 2 and len(theirs) > 2:
                shares.append(spread_of(mine) / spread_of(theirs))
        return {"variety": float(np.mean(shares)), "variety_least": float(np.min(shares))}

    def _copies(self, fake: Tensor, side: Side) -> dict[str, float]:
        if not self.row.unseen:
            return {}
        train = np.asarray(self.row.train.images)
        chosen = np.random.default_rng(1).permutation(len(train))[:5000]
        seen = extract(side.extractor, np.ascontiguousarray(train[chosen]))
        return {"tail_ratio": copying(seen, side.other, fake).tail_ratio}


def spread_of(features: Tensor) -> float:
    """The root of the mean squared distance between two of them."""
    return float(features.double().var(0).sum().mul(2).sqrt())
