"""What a transfer takes, and the tiles that make it fit."""

from __future__ import annotations

import torch

from ganwerk.errors import MachineError
from ganwerk.run.files import human_bytes
from ganwerk.style.backbones import architecture
from ganwerk.style.recipe import Recipe

GRAPH_FACTOR = 2.6
"""Bytes at the peak of a step against the activations kept for the way back: padded copies, the
gradients on their way, and the statistics' float32 copies. An estimate on the safe side, not yet
calibrated."""

PICTURES_ALIVE = 14
"""Copies of the picture in float32: content, iterate, average, best, gradient, moments, masks and
what resizing needs for a moment."""

BASE_BYTES = 400_000_000
"""Torch itself and its scratch space."""

SHARE_OF_FREE = 0.6
LEAST_TILE_PX = 256
TILE_PX = 1024
"""Larger tiles save halos, smaller ones memory."""


def graph_bytes(recipe: Recipe, pixels: float, compute: torch.dtype) -> int:
    """The peak of one forward and backward pass over so many px."""
    made = architecture(recipe.backbone)
    last = made.last((*recipe.content_layers, *recipe.style_layers))
    return int(GRAPH_FACTOR * pixels * made.activation_numbers(last) * compute.itemsize)


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
