"""What really happened, by a judge that the doctor cannot read.

It knows the classes of the pictures (or, of the laboratory's dots, their places), looks with other
features than the doctor (a random convolutional network) and with draws of its own, and writes into
a file outside of the run. Its limits were written down before any run was played.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganwerk.data import Pictures
from ganwerk.game.state import TrainState
from ganwerk.metrics.features import RandomConv, extract
from ganwerk.metrics.frechet import frechet_distance
from ganwerk.metrics.neighbours import neighbour_scores
from ganwerk.metrics.variety import class_distances, mean_distance
from ganwerk.sampling.sample import Sampler

N = 300
FIRST = 1 << 41
MOMENTS = 12

TOTAL = 0.3
"""Variety below which everything is one picture; between it and SURE nothing is said."""
ONE_EACH = 0.35
KINDS_LOST = 0.3
FAR = 2.0
"""Times the distance of the healthy twin: the run failed."""
COPIED = 0.15
AGREE = 0.5
SURE = 0.8
"""A run is healthy only if it keeps this far from each limit; what lies between is left out."""


class Oracle:
    """Judges a generator against the pictures."""

    def __init__(self, pictures: Pictures, train: NDArray[np.int64]) -> None:
        order = np.random.default_rng(99).permutation(train)[: 4 * N]
        images = np.ascontiguousarray(pictures.images[order])
        self.eye = RandomConv.fit(images)
        self.real = extract(self.eye, images)
        self.classes = max(2, len(pictures.class_names) or 8)
        self.labels = (
            torch.from_numpy(pictures.labels[order]) if pictures.labels is not None
            else places(images)
        )  # fmt: skip
        everything = np.ascontiguousarray(pictures.images[train][:3000])
        self.train = torch.from_numpy(everything).float().flatten(1)
        known = torch.cdist(self.train[:600], self.train)
        known[torch.arange(len(known)), torch.arange(len(known))] = torch.inf
        self.near = float(known.min(1).values.median())

    def judge(self, sampler: Sampler) -> dict[str, float]:
        numbers = range(FIRST, FIRST + N)
        drawn = np.ascontiguousarray(sampler.draw(numbers).transpose(0, 3, 1, 2))
        fake = extract(self.eye, drawn)
        nearest = torch.cdist(fake, self.real).topk(5, largest=False).indices
        seen = self.labels[nearest].mode(1).values
        shares = torch.bincount(seen, minlength=self.classes).float() / len(seen)
        true = torch.bincount(self.labels, minlength=self.classes).float() / len(self.labels)
        there = true > 0
        asked = sampler.labels(numbers)
        within = _within(
            fake, seen if asked is None else asked, self.real, self.labels, self.classes
        )
        pixels = torch.from_numpy(drawn).float().flatten(1)
        copied = torch.cdist(pixels, self.train).min(1).values < 0.5 * self.near
        found = {
            "coverage": neighbour_scores(self.real[:N], fake).coverage,
            "distance": frechet_distance(self.real[:N], fake),
            "variety": mean_distance(fake) / mean_distance(self.real[:N]),
            "within": within,
            "lost": float((shares[there] < 0.2 * true[there]).float().mean()),
            "copied": float(copied.float().mean()),
        }
        if asked is not None:
            own = self.labels[
                torch.cdist(self.real, self.real).topk(6, largest=False).indices[:, 1:]
            ]
            can = float((own.mode(1).values == self.labels).float().mean())
            found["agree"] = float((seen == asked).float().mean()) / can
        return found


def places(images: NDArray[np.uint8]) -> Tensor:
    """Where on the ring a dot lies, 0 to 7; of other pictures, eight groups by their shades."""
    x = images.reshape(len(images), -1, *images.shape[2:]).mean(1).astype(float)
    y, across = np.mgrid[: x.shape[1], : x.shape[2]]
    weight = x.sum((1, 2)) + 1e-9
    cy, cx = ((x * g).sum((1, 2)) / weight - (g.max() / 2) for g in (y, across))
    return torch.from_numpy(np.round(np.arctan2(cy, cx) / (2 * np.pi) * 8).astype(np.int64) % 8)


def _within(fake: Tensor, seen: Tensor, real: Tensor, labels: Tensor, classes: int) -> float:
    """Variety within a class over that of real pictures, the middle of the classes."""
    ratios = class_distances(fake, seen, classes) / class_distances(real, labels, classes)
    known = ratios[ratios.isfinite()]
    return float(known.median()) if len(known) else 0.0


class Moments:
    """Calls the oracle some times in a training, by what the training tells of its progress."""

    def __init__(self, oracle: Oracle, make: Any) -> None:
        """make: gives a sampler of the averaged generator."""
        self.oracle, self.make = oracle, make
        self.state: TrainState | None = None
        self.next = 1 / MOMENTS
        self.found: list[dict[str, float]] = []

    def plant(self, state: TrainState) -> None:
        self.state = state

    def tell(self, event: object) -> None:
        if self.state is not None and self.state.progress >= self.next:
            self.look()
            while self.next <= self.state.progress:
                self.next += 1 / MOMENTS

    def look(self) -> None:
        assert self.state is not None
        row = {"progress": self.state.progress, "images": self.state.images}
        if all(bool(p.isfinite().all()) for p in self.state.ema.net.parameters()):
            row |= self.oracle.judge(self.make(self.state))
        else:
            row["distance"] = float("inf")
        self.found.append(row)


@dataclass(frozen=True)
class Truth:
    """failed: in what way, by the oracle's limits; () of a healthy run. doubtful: too near to a
    limit to say. onset: share of the run from which it held until the end. near: the ways in which
    it failed, and those in which it may have: too near to a limit to say."""

    failed: tuple[str, ...]
    doubtful: bool
    onset: float
    near: tuple[str, ...] = ()


WAYS: dict[str, tuple[str, ...]] = {
    "one picture": ("GW201", "GW202", "GW203"),
    "one per class": ("GW202", "GW201", "GW203"),
    "kinds lost": ("GW203", "GW204", "GW201", "GW202"),
    "copied": ("GW501", "GW303", "GW102", "GW303"),
    "classes mixed": ("GW205",),
    "far": ("GW301", "GW302", "GW303", "GW304", "GW305", "GW401", "GW402", "GW403", "GW601",
            "GW602", "GW603", "GW604", "GW606"),
    "stopped": ("GW403", "GW402", "GW603"),
}  # fmt: skip
"""Which findings are right for a run that failed though nobody broke it."""


def truth(
    rows: Sequence[Mapping[str, float]], twin: float, stopped: bool, total: float = 1.0
) -> Truth:
    """What the oracle's rows say. twin: the distance of the healthy twin. stopped: the training
    ended with numbers that are not finite."""
    if stopped or not rows:
        return Truth(("stopped",), False, rows[-1]["progress"] if rows else 0.0)
    last = rows[-1]
    failed, near = _failures(last, twin)
    onset = 1.0
    for row in reversed(rows):
        if not set(failed) & set(_failures(row, twin)[0]):
            break
        onset = row["progress"]
    return Truth(failed, bool(near) and not failed, onset, near)


def _failures(row: Mapping[str, float], twin: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The limits that are passed, and those that are passed or near."""
    low = {"one picture": ("variety", TOTAL), "one per class": ("within", ONE_EACH),
           "classes mixed": ("agree", AGREE)}  # fmt: skip
    high = {"kinds lost": ("lost", KINDS_LOST), "copied": ("copied", COPIED),
            "far": ("distance", FAR * twin)}  # fmt: skip
    failed = [way for way, (name, limit) in low.items() if row.get(name, 1.0) < limit]
    failed += [way for way, (name, limit) in high.items() if row.get(name, 0.0) > limit]
    near = [way for way, (name, limit) in low.items() if row.get(name, 1.0) < limit / SURE]
    near += [way for way, (name, limit) in high.items() if row.get(name, 0.0) > limit * SURE]
    return tuple(failed), tuple(near)
