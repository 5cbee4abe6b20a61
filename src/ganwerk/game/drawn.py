"""The fakes of a batch, and how they are painted in small parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn

from ganwerk.game.recipe import LatentDraw, Recipe
from ganwerk.nn.types import Batch, Fakes, Scales


def micro_batches(count: int, size: int) -> list[slice]:
    """The parts of a batch of `count` that pass through the networks one after the other."""
    size = size or count
    return [slice(start, start + size) for start in range(0, count, size)]


def slice_of(scales: Scales, part: slice) -> Scales:
    return tuple(scale[part] for scale in scales)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The fakes of a batch. In a game in small parts they carry no graph, and G paints each part
    again from the same inputs when it learns: so one part's graph is alive at a time."""

    fakes: Fakes
    redraw: Callable[[nn.Module, slice], Fakes] | None = None
    micro_batch: int = 0

    def parts(self, generator: nn.Module, batch: Batch) -> Iterator[tuple[Fakes, Batch]]:
        """Fakes with G's graph, and the reals beside them."""
        if self.redraw is None:
            yield self.fakes, batch
            return
        for part in micro_batches(len(batch.images), self.micro_batch):
            labels = None if batch.labels is None else batch.labels[part]
            yield self.redraw(generator, part), Batch(batch.images[part], labels)


def draw(recipe: Recipe, generator: nn.Module, batch: Batch, random: torch.Generator) -> Drawn:
    """As many fakes as reals, with G's graph where gradients are wanted."""
    if not recipe.micro_batch:
        return Drawn(recipe.draw(generator, batch, random))
    assert isinstance(recipe.draw, LatentDraw), "checked at the start"
    two = recipe.draw
    inputs = two.inputs(generator, batch, random)

    def redraw(generator: nn.Module, part: slice) -> Fakes:
        labels = None if batch.labels is None else batch.labels[part]
        return two.synthesise(generator, slice_of(inputs, part), labels)

    with torch.no_grad():
        parts = [
            redraw(generator, part).scales
            for part in micro_batches(len(batch.images), recipe.micro_batch)
        ]
    scales = tuple(torch.cat(pair) for pair in zip(*parts, strict=True))
    return Drawn(Fakes(scales, batch.labels), redraw, recipe.micro_batch)
