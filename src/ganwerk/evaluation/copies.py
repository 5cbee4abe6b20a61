"""Copies among the drawn pictures: the tests, and the pairs to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from ganwerk.evaluation.extractors import ExtractorOptions, kept_features
from ganwerk.evaluation.judging import RealPictures
from ganwerk.metrics import copying
from ganwerk.metrics.features import Extractor
from ganwerk.metrics.memorisation import Copying


@dataclass(frozen=True)
class Copies:
    """What the tests of one extractor found, and the training picture nearest to each drawn one, by
    its place among all real pictures."""

    extractor: str
    found: Copying
    nearest: tuple[int, ...]

    def sentence(self) -> str:
        """What it means, with its power: a green tick alone would claim too much."""
        found = self.found
        if found.flagged:
            return (
                f"Copies: {found.hits:,} of {found.n_fake:,} pictures come nearer to a training "
                f"picture than fresh ones do ({found.tail_ratio:.1f} times as many as by chance). "
                "Look at the pairs: ganwerk neighbours."
            )
        return (
            f"No copies seen ({found.hits:,} very near ones, {found.expected:.0f} expected by "
            f"chance); {found.power()}."
        )

    def to_dict(self) -> dict[str, Any]:
        found = self.found
        names = (
            "tail", "tail_ratio", "hits", "expected", "p", "flagged", "c_t", "authentic",
            "authentic_held_out", "visible_share", "n_train", "n_held_out", "n_fake",
        )  # fmt: skip
        values = {name: getattr(found, name) for name in names}
        return {"extractor": self.extractor, **values, "power": found.power()}


def find(
    extractor: Extractor, side: RealPictures, fake: Tensor, wishes: ExtractorOptions
) -> Copies:
    """Compare drawn features (M, D) with all training pictures and the held-out ones."""
    train = kept_features(extractor, np.ascontiguousarray(side.images[side.train]), wishes)
    held_out = kept_features(extractor, np.ascontiguousarray(side.images[side.held_out]), wishes)
    found = copying(train, held_out, fake)
    nearest = tuple(int(side.train[place]) for place in found.nearest.tolist())
    return Copies(extractor.name, found, nearest)
