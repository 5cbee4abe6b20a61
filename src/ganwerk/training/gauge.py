"""Measuring while training: a few hundredths of the time, for a curve that tells more than losses.

A thousand pictures of the averaged generator against a thousand real ones, in the principal
components of the pixels, beside what real pictures score against real ones. It changes nothing in
the training: no random number is drawn from it and no weight is touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ganwerk.data.pictures import Rows
from ganwerk.game.state import TrainState
from ganwerk.metrics import scale
from ganwerk.metrics.features import PixelPca, extract
from ganwerk.metrics.frechet import (
    Moments,
    frechet_distance_of_moments,
    moments,
)
from ganwerk.metrics.neighbours import neighbour_scores
from ganwerk.metrics.record import Floor
from ganwerk.nn.layers import matrix_products
from ganwerk.runtime.events import SCORE
from ganwerk.sampling.sample import Sampler

SAMPLES = 1000
FEWEST = 64
SHARE_OF_RUN = 0.02
COST_SHARE = 0.04  # of the time so far: below the five hundredths that are promised
PREPARING_SECONDS = 1.0  # what the first measurement costs besides drawing, roughly
DRAWING_SPEED = 4  # times as fast as training, at least
FITTED = 4000
REPEATS = 10
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Measured:
    """values and their floors (real against real at the same number) by name; n of each kind."""

    values: dict[str, float]
    floors: dict[str, Floor]
    n: int


class Gauge:
    """Measures the averaged generator of a training, when it is due."""

    def __init__(
        self,
        sampler: Sampler,
        images: Pixels | Rows,
        train: NDArray[np.int64],
        seed: int,
        rate: float,
        stations: Sequence[int] = (),
    ) -> None:
        """images: (N, C, H, W) uint8; train: indices of those that are trained on, at least 128.
        rate: images per second of the training, from which the first cost is guessed. stations:
        images seen at which to measure, in order, instead of now and then."""
        self.sampler, self.images, self.train, self.seed = sampler, images, train, seed
        self.n = min(SAMPLES, len(train) // 2)
        self.stations, self.measured_images = tuple(stations), 0
        guess = PREPARING_SECONDS + self.n / (DRAWING_SPEED * rate)
        self.next_images, self.next_seconds = 0.0, guess / COST_SHARE
        self._ready: Ready | None = None

    @staticmethod
    def possible(train: NDArray[np.int64]) -> bool:
        """Whether there are enough pictures to measure against."""
        return len(train) >= 2 * FEWEST

    @property
    def begun(self) -> bool:
        """Whether to measure at the end: there was a first measurement, which runs of seconds have
        not, or somebody asked for stations."""
        return self._ready is not None or bool(self.stations)

    def due(self, state: TrainState) -> bool:
        """Every fiftieth of the run, or more seldom where that would cost too much time; with
        stations, at these alone."""
        if self.stations:
            return self.reached(state.images)
        return state.images >= self.next_images and state.seconds >= self.next_seconds

    def reached(self, images: int) -> bool:
        """Whether there is a station at or before so many images that was not measured yet."""
        return any(self.measured_images < station <= images for station in self.stations)

    @property
    def ahead(self) -> list[int]:
        """The stations that were not measured yet."""
        return [station for station in self.stations if station > self.measured_images]

    def done(self, state: TrainState, cost_seconds: float) -> None:
        self.measured_images = state.images
        self.next_images = state.images + SHARE_OF_RUN * state.horizon_images
        self.next_seconds = state.seconds + cost_seconds / COST_SHARE

    def measure(self) -> Measured:
        """Raises DivergedError if a picture is not finite."""
        if self._ready is None:
            self._ready = _prepared(self.images, self.train, self.n, self.seed)
        ready = self._ready
        with matrix_products(bfloat16=False):  # as `ganwerk sample` draws them
            pictures = self.sampler.draw(range(self.n)).transpose(0, 3, 1, 2)
        fake = extract(ready.extractor, np.ascontiguousarray(pictures))
        return Measured(_against(ready.moments, ready.real, fake), ready.floors, self.n)


@dataclass(frozen=True, eq=False)
class Ready:
    """What is computed once: the extractor, features (n, D) of real pictures, their floors."""

    extractor: PixelPca
    real: Tensor
    moments: Moments
    floors: dict[str, Floor]


def _prepared(images: Pixels | Rows, train: NDArray[np.int64], n: int, seed: int) -> Ready:
    order = np.random.default_rng([seed, 5]).permutation(len(train))[:FITTED]
    pool = np.ascontiguousarray(images[train[order]])
    extractor = PixelPca.fit(pool)
    features = extract(extractor, pool)
    floors = scale.floors(_scores, features, n, repeats=REPEATS, seed=seed)
    return Ready(extractor, features[:n], moments(features[:n]), floors)


def _scores(real: Tensor, fake: Tensor) -> dict[str, float]:
    return _against(moments(real), real, fake)


def _against(known: Moments, real: Tensor, fake: Tensor) -> dict[str, float]:
    near = neighbour_scores(real, fake)
    distance = frechet_distance_of_moments(known, moments(fake))
    return {SCORE: distance, "precision": near.precision, "coverage": near.coverage}
