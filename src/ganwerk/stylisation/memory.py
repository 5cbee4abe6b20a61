"""What a transfer takes, and the tiles that make it fit."""

from __future__ import annotations

import torch

from ganwerk.errors import MachineError
from ganwerk.run.files import human_bytes
from ganwerk.style.backbones import architecture
from ganwerk.style.recipe import Recipe

GRAPH_FACTOR, WIDE_BYTES = 1.9, 2.8
"""Per number that a pass leaves for the way back: times its size, for itself and the gradients on
their way; and bytes whatever its size, for the statistics' float32 copies. Fitted, as the two
below, to peaks of processes: `python -m bench.style memory` measures how far they are off."""

PICTURES_ALIVE = 25
"""Copies of the picture in float32: photo, styles, iterate, average, best, gradient, moments,
strokes, and those of a moment: differences of neighbours, what resizing needs."""

BASE_BYTES = 670_000_000
"""Torch itself, the styles' patches and scratch space."""

SHARE_OF_FREE = 0.6
LEAST_TILE_PX = 256
TILE_PX = 1024
"""Larger tiles save halos, smaller ones memory."""


def graph_bytes(recipe: Recipe, pixels: float, compute: torch.dtype) -> int:
    """The peak of one forward and backward pass over so many px."""
    made = architecture(recipe.backbone)
    last = made.last((*recipe.content_layers, *recipe.style_layers))
    each = GRAPH_FACTOR * compute.itemsize + WIDE_BYTES
    return int(pixels * made.activation_numbers(last) * each)


def weight_bytes(recipe: Recipe, compute: torch.dtype) -> int:
    """As read in float32, and what computes there and back."""
    made = architecture(recipe.backbone)
    last = made.last((*recipe.content_layers, *recipe.style_layers))
    count = sum(9 * before * after for before, after in made.shapes(last).values())
    return count * (4 + 2 * compute.itemsize)


def picture_bytes(recipe: Recipe, height: int, width: int, compute: torch.dtype) -> int:
    """What is as large as the picture, whatever the tiles: copies, history, content features."""
    made = architecture(recipe.backbone)
    history = 2 * recipe.history + 4 if recipe.optimiser == "lbfgs" else 0
    copies = (PICTURES_ALIVE + history) * 3 * 4
    features = sum(
        made.widths[int(layer[4]) - 1] / 4 ** (int(layer[4]) - 1) for layer in recipe.content_layers
    )
    return int(height * width * (copies + features * compute.itemsize))


def estimate(
    recipe: Recipe, height: int, width: int, compute: torch.dtype, tile_px: int | None
) -> int:
    """Bytes at the peak, all in all."""
    side = max(height, width) if tile_px is None else tile_px + 2 * 80
    pixels = min(height * width, side * side)
    return (
        BASE_BYTES
        + weight_bytes(recipe, compute)
        + picture_bytes(recipe, height, width, compute)
        + graph_bytes(recipe, pixels, compute)
    )


def fitting_tile(
    recipe: Recipe, height: int, width: int, compute: torch.dtype, free_bytes: int
) -> int | None:
    """The side of tiles that fit into the free memory; None where the whole picture does.

    Raises MachineError, with the size that fits, if not even small tiles do.
    """
    most = SHARE_OF_FREE * free_bytes
    for tile_px in (None, TILE_PX, TILE_PX // 2, LEAST_TILE_PX):
        needed = estimate(recipe, height, width, compute, tile_px)
        if needed <= most:
            return tile_px
    scale = (most / needed) ** 0.5
    raise MachineError(
        f"{width} x {height} px take {human_bytes(needed)} even in small tiles, and "
        f"{human_bytes(int(free_bytes))} are free.",
        f"About --size {int(max(height, width) * scale * 0.9)} fits.",
    )
