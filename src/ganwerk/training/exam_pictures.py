"""The doctor's look at the pictures: drawn ones beside real ones, in what real ones also vary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganwerk.data.pictures import Part
from ganwerk.metrics.bins import LIMIT, assign_to_bins, bins_for, compare_bins
from ganwerk.metrics.features.base import fitted_to, premultiplied
from ganwerk.metrics.frechet import frechet_distance
from ganwerk.metrics.inputs import pictures_of
from ganwerk.metrics.memorisation import tail_test
from ganwerk.metrics.neighbours import neighbour_scores
from ganwerk.metrics.search import nearest
from ganwerk.metrics.texture import Texture, peak_decibels, texture
from ganwerk.metrics.variety import class_distances, mean_distance, nearest_distance

MOST, FEWEST = 384, 32
POOL = 1024
REPEATS = 20
SIDE_PX = 16
COMPONENTS = 32
STILL = 0.5  # levels of 255
Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
Scores = dict[str, float]


@dataclass(frozen=True, eq=False)
class Eye:
    """The directions in which the real pictures differ most, seen at 16 px: coarse and cheap, as it
    looks often. mean (P,), directions (P, D) float32."""

    mean: Tensor
    directions: Tensor

    @classmethod
    def fit(cls, real: Pixels) -> Eye:
        """real: (N, C, H, W) uint8. No more directions than an eighth of the pictures."""
        flat = _flat(real).double()
        mean = flat.mean(0)
        centred = flat - mean
        _, directions = torch.linalg.eigh(centred.T @ centred)
        kept = max(1, min(COMPONENTS, len(flat) // 8, flat.shape[1]))
        return cls(mean.float(), directions[:, -kept:].float())

    def features(self, pictures: Pixels) -> Tensor:
        return (_flat(pictures) - self.mean) @ self.directions


def _flat(pictures: Pixels) -> Tensor:
    x = pictures_of(pictures, least=1).float()
    return fitted_to(premultiplied(x), SIDE_PX).flatten(1) / 255


@dataclass(frozen=True, eq=False)
class Side:
    """Pictures as they are compared. features (N, D); labels (N,) or None."""

    features: Tensor
    labels: Tensor | None
    texture: Texture

    def rows(self, chosen: Tensor) -> Side:
        labels = None if self.labels is None else self.labels[chosen]
        return Side(self.features[chosen], labels, self.texture.rows(chosen))


class Pictured:
    """Drawn pictures against real ones, and what real ones score against real ones."""

    def __init__(
        self,
        real: Pixels | Part,
        labels: Labels | None,
        held_out: Pixels | Part,
        classes: int,
        seed: int,
    ) -> None:
        """real: (N, C, H, W) uint8, what is trained on, at least 2 FEWEST; labels (N,), None where
        the generator knows no classes. held_out: what is not trained on, perhaps nothing."""
        order = np.random.default_rng([seed, 6]).permutation(len(real))
        pool = np.ascontiguousarray(real[order[:POOL]])
        known = None if labels is None else torch.from_numpy(labels[order[:POOL]])
        self.eye, self.classes, self.frame = Eye.fit(pool), classes, frame_of(pool)
        self.pool = self.side(pool, known)
        self.n = min(MOST, len(pool) // 2)
        self.bins = bins_for(self.n)
        self.centres = self.pool.features[-self.bins :].double().numpy()
        self.real = self.pool.rows(torch.arange(self.n))
        self.train = self.pool.features if len(real) <= POOL else self.eye.features(real[:4096])
        self.honest = None  # distances of held-out pictures to the nearest that is trained on
        if len(held_out) > 1:
            self.honest = self._to_nearest(self.eye.features(held_out[:POOL]))
        self.seed = seed

    def side(self, pictures: Pixels, labels: Tensor | None) -> Side:
        return Side(self.eye.features(pictures), labels, texture(pictures))

    def null(self) -> dict[str, tuple[float, float]]:
        """Mean and deviation of each score, of real pictures against other real ones. frame: see
        `frame_of`."""
        random = np.random.default_rng([self.seed, 7])
        found: dict[str, list[float]] = {}
        for _ in range(REPEATS):
            order = torch.from_numpy(random.permutation(len(self.pool.features))[: 2 * self.n])
            halves = self.pool.rows(order[: self.n]), self.pool.rows(order[self.n :])
            for name, value in self.scores(*halves).items():
                found.setdefault(name, []).append(value)
        bands = {k: (float(np.mean(v)), float(np.std(v, ddof=1))) for k, v in found.items()}
        return bands | {"frame": self.frame}

    def look(self, pictures: Pixels, labels: Tensor | None) -> Scores:
        """The scores of drawn pictures (n, C, H, W), and how many lie too near to a trained one."""
        fake = self.side(pictures, labels)
        found = self.scores(self.real, fake)
        if self.honest is not None:
            copies = tail_test(self._to_nearest(fake.features), self.honest)
            found |= {"tail_ratio": copies.ratio, "copies": copies.hits, "copies_p": copies.p,
                      "copies_visible": copies.visible_share}  # fmt: skip
        return found

    def _to_nearest(self, features: Tensor) -> Tensor:
        """(N,) distances of pictures to the nearest that is trained on."""
        return nearest(features, self.train)[0][:, 0]

    def scores(self, real: Side, fake: Side) -> Scores:
        """distance: Fréchet's. coverage, precision, recall, density: of neighbourhoods. variety,
        spread: distances of drawn pictures among each other and to the nearest, over those of real
        ones. missing: share of the real pictures whose kind is drawn too seldom. detail: over that
        of real ones. saturation, pattern: more than in real ones, as a share of the pixels and in
        decibels. And what `_within` says of classes."""
        near = neighbour_scores(real.features, fake.features)
        here, there = (assign_to_bins(side.features, self.centres) for side in (real, fake))
        bins = compare_bins(here, there, self.bins)
        apart, detail = mean_distance(real.features), float(real.texture.detail.mean())
        found = {
            "distance": frechet_distance(real.features, fake.features),
            "coverage": near.coverage,
            "precision": near.precision,
            "recall": near.recall,
            "density": near.density,
            "variety": _ratio(mean_distance(fake.features), apart),
            "spread": _ratio(nearest_distance(fake.features), nearest_distance(real.features)),
            "missing": float(bins.real[bins.z < -LIMIT].sum() / bins.real.sum()),
            "detail": _ratio(float(fake.texture.detail.mean()), detail),
            "saturation": float(fake.texture.limits.mean() - real.texture.limits.mean()),
            "pattern": peak_decibels(fake.texture) - peak_decibels(real.texture),
        }
        return found | self._within(real, fake)

    def _within(self, real: Side, fake: Side) -> Scores:
        """class_variety: distances within classes over those of real ones, the middle class and the
        lowest. agreement: how often a drawn picture is nearest to the middle of its own class, over
        how often a real one is."""
        if real.labels is None or fake.labels is None or self.classes < 2:
            return {}
        drawn, true = (
            class_distances(side.features, labels, self.classes)
            for side, labels in ((fake, fake.labels), (real, real.labels))
        )
        ratios = (drawn / true)[true > 0]
        known = ratios[ratios.isfinite()]
        if not len(known):
            return {}
        middles = _middles(self.pool, self.classes)
        own = [
            float((torch.cdist(side.features, middles).argmin(1) == labels).float().mean())
            for side, labels in ((fake, fake.labels), (real, real.labels))
        ]
        return {
            "class_variety": float(known.median()),
            "class_variety_low": float(known.min()),
            "agreement": _ratio(*own),
        }


def frame_of(real: Pixels) -> tuple[float, float]:
    """Of pictures (N, C, H, W): the share of their border (a sixteenth of the side) that is the
    same in all of them, and how much, in levels of 255, they differ just inside of it."""
    deviation = real.astype(np.float32).std(0).mean(0)
    width = max(1, deviation.shape[0] // 16)
    inside = deviation[width:-width, width:-width]
    ring = np.ones_like(deviation, bool)
    ring[width:-width, width:-width] = False
    edge = np.ones_like(inside, bool)
    edge[1:-1, 1:-1] = False
    return float((deviation[ring] < STILL).mean()), float(inside[edge].mean())


def _middles(side: Side, classes: int) -> Tensor:
    """Mean features (classes, D); a class without pictures lies infinitely far away."""
    assert side.labels is not None
    means = [side.features[side.labels == label].mean(0) for label in range(classes)]
    found = torch.stack(means)
    return torch.where(found.isfinite(), found, torch.full_like(found, 1e9))


def _ratio(a: float, b: float) -> float:
    return a / b if b > 0 else 1.0
