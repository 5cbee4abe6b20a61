"""A style transfer from coarse to fine: one iterator of steps whose state can be saved."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ganwerk.style.backbones import MEAN, Encoder
from ganwerk.style.colours import COLOURS
from ganwerk.style.descent import Descent
from ganwerk.style.objective import Objective
from ganwerk.style.optimisers import OPTIMISERS, PictureOptimiser
from ganwerk.style.pyramid import resized
from ganwerk.style.regions import Region
from ganwerk.style.seeds import generator
from ganwerk.stylisation.events import Point
from ganwerk.stylisation.job import Job, Level
from ganwerk.stylisation.precision import PRECISIONS, fastest
from ganwerk.values import MachineFacts

OVERHEAD_PIXELS = 128 * 128
"""What a closure costs besides its pixels, in pixels: for the time that is left."""


@dataclass(frozen=True)
class Machinery:
    """How it is computed: does not change the result but for rounding."""

    device: str = "cpu"
    precision: str = "float32"
    tile_px: int | None = None


@dataclass
class Transfer:
    """Where a job stands. `advance` takes one step; `state` and `restore` carry it across runs.

    settled: between two steps, when the state is whole; not in one that was cut off."""

    job: Job
    machinery: Machinery
    scale: int = 0
    trace: list[Point] = field(default_factory=list)
    restarts: int = 0
    settled: bool = field(init=False, default=False)
    descent: Descent = field(init=False)
    seconds_before: float = 0.0
    _started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        recipe = self.job.recipe
        self._optimiser: PictureOptimiser = OPTIMISERS[recipe.optimiser](recipe, recipe.unit)
        level = self.job.level(0)
        self._begin(level, first_picture(self.job, level).to(self.machinery.device))
        self.settled = True

    def _begin(self, level: Level, picture: Tensor) -> None:
        """The descent of the current scale, from a picture (1, 3, h, w) in the recipe's unit."""
        recipe, device = self.job.recipe, self.machinery.device
        encoder = encoder_of(self.job, device, PRECISIONS[self.machinery.precision])
        regions = [_region_on(region, device) for region in level.regions]
        goal = level.goal.to(device)
        objective = Objective(recipe, encoder, goal, regions, self.machinery.tile_px)
        self.descent = Descent(recipe, objective, self._optimiser, picture)

    @property
    def finished(self) -> bool:
        last = self.scale == len(self.job.sides) - 1
        return last and self.descent.step >= self.job.steps[self.scale]

    @property
    def seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self._started

    def advance(self) -> Point:
        """One closure, at the next scale where this one is done. Raises DivergedError."""
        self.settled = False
        if self.descent.step >= self.job.steps[self.scale]:
            self._next_scale()
        taken = self.descent.advance()
        self.restarts += taken.rescued
        losses = taken.losses
        point = Point(len(self.trace) + 1, self.job.sides[self.scale], losses.total, losses.content,
                      losses.style, losses.strokes, losses.variation, self.seconds)  # fmt: skip
        if not taken.rescued:
            self.trace.append(point)
        self.settled = True
        return point

    def _next_scale(self) -> None:
        self.scale += 1
        height, width = self.job.size(self.scale)
        recipe = self.job.recipe
        picture = resized(self.descent.result, height, width).clamp(0, 1) * recipe.unit
        self._optimiser.rescale(lambda x: resized(x, height, width))
        self._begin(self.job.level(self.scale), picture.contiguous())

    def work(self) -> tuple[float, float]:
        """(done, all) in closures weighted by their pixels."""
        weights = [
            h * w + OVERHEAD_PIXELS for h, w in map(self.job.size, range(len(self.job.sides)))
        ]
        whole = sum(w * n for w, n in zip(weights, self.job.steps, strict=True))
        done = sum(w * n for w, n in zip(weights[: self.scale], self.job.steps, strict=False))
        return done + weights[self.scale] * self.descent.step, whole

    def result(self) -> Tensor:
        """The picture so far at its scale, (1, 3, h, w) in [0, 1], with the recipe's colours and
        what no mask covers left as in the photo."""
        picture = self.descent.result.cpu()
        _, after = COLOURS[self.job.recipe.colours]
        photo = self.job.photo(self.scale)
        if after:
            picture = after(picture, photo)
        coverage = self.job.coverage()
        if coverage is not None:
            coverage = resized(coverage[None, None], *picture.shape[-2:]).clamp(0, 1)
            picture = photo.lerp(picture, coverage)
        return picture

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that decides how it goes on."""
        numbers = {
            "scale": self.scale,
            "descent": self.descent.numbers(),
            "restarts": self.restarts,
            "seconds": self.seconds,
            "trace": [[getattr(point, name) for name in _POINT] for point in self.trace],
        }
        return self.descent.tensors(), numbers

    def restore(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        self.settled = False
        self.scale = numbers["scale"]
        self.trace = [Point(*row) for row in numbers["trace"]]
        self.restarts, self.seconds_before = numbers["restarts"], numbers["seconds"]
        picture = torch.empty_like(tensors["picture"]).to(self.machinery.device)
        self._begin(self.job.level(self.scale), picture)
        self.descent.restore(tensors, numbers["descent"])
        self.settled = True


_POINT = ("step", "scale_px", "total", "content", "style", "strokes", "variation", "seconds")


def encoder_of(job: Job, device: str, compute: torch.dtype) -> Encoder:
    recipe = job.recipe
    return Encoder(
        job.made, job.weights, (*recipe.content_layers, *recipe.style_layers),
        pooling=recipe.pooling, padding=recipe.padding, pixels=recipe.pixels, compute=compute,
        device=device,
    )  # fmt: skip


def first_picture(job: Job, level: Level) -> Tensor:
    """What the descent starts from at the coarsest scale, (1, 3, h, w) in the recipe's unit."""
    recipe, size = job.recipe, job.size(0)
    random = generator("start", 0, recipe.seed)
    if recipe.start == "uniform":
        picture = torch.rand(1, 3, *size, generator=random)
    elif recipe.start == "noise":
        # Around the middle grey of the networks' training pictures, as the published codes do
        picture = _grey(size)
    elif recipe.start == "style":
        picture = resized(level.regions[0].styles[0].picture, *size).clamp(0, 1)
    elif job.start is not None:
        picture = job.start.tensor(*size)
    else:
        picture = level.goal
    if recipe.noise_mean or recipe.noise_spread:
        noise = recipe.noise_mean + recipe.noise_spread * torch.randn(
            picture.shape, generator=random
        )
        picture = picture + noise / recipe.unit
        if recipe.clamp or recipe.start == "content":
            picture = picture.clamp(0, 1)
    return picture.contiguous() * recipe.unit


def _grey(size: tuple[int, int]) -> Tensor:
    return torch.tensor(MEAN).reshape(1, 3, 1, 1).expand(1, 3, *size).clone()


def _region_on(region: Region, device: str) -> Region:
    if device == "cpu":
        return region
    styles = [
        replace(s, picture=s.picture.to(device), mask=None if s.mask is None else s.mask.to(device))
        for s in region.styles
    ]
    return Region(styles, None if region.mask is None else region.mask.to(device))


def precision_for(job: Job, facts: MachineFacts) -> str:
    """What is faster at the coarsest scale."""
    return fastest(
        lambda compute: encoder_of(job, facts.device, compute), job.photo(0).to(facts.device), facts
    )
