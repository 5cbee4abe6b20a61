"""Brush strokes without a trained network: every patch is drawn towards one of the style's.

Texture optimisation (Kwatra et al. 2005, Texture optimization for example-based synthesis), which
Elad and Milanfar 2017 (Style transfer via texture synthesis, arXiv 1609.03057) use for style: the
patches of the picture are matched with the most similar ones of the style, and their overlapping
average is what the picture is drawn to until the next matching. The sum of squared distances of all
patches to their matches is, but for a constant, the squared distance to that average, so a step
costs next to nothing. A match is dearer for a patch that is near to many places (Granot et al.
2022, Drop the GAN, arXiv 2103.15545, equation 2), so that all of the style is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ganwerk.style.seeds import generator

SIDE_PX = 9
MATCH_EVERY = 10
"""Steps between two matchings."""

MOST_PATCHES, DIMENSIONS = 12_288, 40
"""Of the style, chosen at random; and how many principal components are compared."""

FEW_PIXELS, DENSE_PX, SPARSE_PX = 30_000, 2, 4
"""px between matched patches in small and in larger pictures. Every px lies in several."""

USED = 0.05
"""Granot's alpha, in units of the style's variance: smaller uses all of the style more evenly."""

ENOUGH_COVER = 0.5
"""Of the greatest cover by a mask, for patches where none lies inside it."""

STRIP = 4096
"""Patches that are cut out at once: all of a large picture would take gigabytes."""

CHUNK = 512
"""Queries compared at once: their distances to all patches should stay in the cache."""
LEAST_VARIANCE = 1e-4


@dataclass(frozen=True)
class Bank:
    """The style's patches. patches (M, 3 SIDE_PX^2); basis (3 SIDE_PX^2, D) of their principal
    components; coded (M, D); variance: per pixel."""

    patches: Tensor
    basis: Tensor
    coded: Tensor
    variance: float


def bank_of(pictures: Sequence[tuple[Tensor, Tensor | None, float]]) -> Bank:
    """pictures: (picture (1, 3, h, w), mask (h, w) or None, share); shares sum to 1."""
    random = generator("bank", 0)
    chosen = [
        _some_patches(picture, mask, round(share * MOST_PATCHES), random)
        for picture, mask, share in pictures
    ]
    patches = torch.cat(chosen)
    mean = patches.mean(0)
    values, vectors = torch.linalg.eigh((patches - mean).T @ (patches - mean) / len(patches))
    basis = vectors[:, -DIMENSIONS:]
    variance = max(float(values.clamp_min(0).sum()) / len(values), LEAST_VARIANCE)
    return Bank(patches, basis, patches @ basis, variance)


def _some_patches(
    picture: Tensor, mask: Tensor | None, count: int, random: torch.Generator
) -> Tensor:
    """At most `count` patches (n, 3 SIDE_PX^2), no two from one place, from where the mask is white
    in their middle. A picture with fewer gives all.

    Where no middle is white, as with a line along the edge, those that the mask covers most."""
    height, width = (side - SIDE_PX + 1 for side in picture.shape[-2:])
    places = torch.randperm(height * width, generator=random)
    if mask is not None:
        middle = SIDE_PX // 2
        allowed = mask[middle : middle + height, middle : middle + width].reshape(-1) > 0.5
        if not allowed.any():
            cover = F.avg_pool2d(mask[None, None], SIDE_PX, stride=1).reshape(-1)
            allowed = cover >= ENOUGH_COVER * cover.max()
        places = places[allowed.cpu()[places]]
    places = places[: max(1, count)]
    rows, columns = places // width, places % width
    offsets = torch.arange(SIDE_PX)
    y = (rows[:, None] + offsets)[:, None, :, None]
    x = (columns[:, None] + offsets)[:, None, None, :]
    return picture[0][torch.arange(3)[None, :, None, None], y, x].flatten(1)


@dataclass(frozen=True)
class Pull:
    """What the picture is drawn to: target (1, 3, H, W), weights (1, 1, H, W) of mean 1 or less."""

    target: Tensor
    weights: Tensor

    def loss(self, picture: Tensor, variance: float) -> float:
        """0 at the target; 1 for what is as far from it as the style's pixels from their mean."""
        difference = (picture - self.target).square() * self.weights
        return float(difference.sum() / (picture.numel() * variance))

    def gradient(self, picture: Tensor, variance: float) -> Tensor:
        """Of the loss, by the picture."""
        return (picture - self.target) * self.weights * (2 / (picture.numel() * variance))


def match(picture: Tensor, bank: Bank, mask: Tensor | None, step: int) -> Pull:
    """Match the picture's patches (1, 3, H, W), on a grid that moves with the step.

    mask (H, W): how much the style counts at each px; None is 1 everywhere.
    """
    height, width = picture.shape[-2:]
    stride = DENSE_PX if height * width <= FEW_PIXELS else SPARSE_PX
    top, left = torch.randint(stride, (2,), generator=generator("grid", step)).tolist()
    rows, columns = _starts(height, stride, top), _starts(width, stride, left)
    strips = rows.split(max(1, STRIP // len(columns)))
    coded = torch.cat([_patches(picture, strip, columns) @ bank.basis for strip in strips])
    chosen = nearest(coded, bank.coded, USED * bank.variance * SIDE_PX**2)
    target, counts = torch.zeros_like(picture), picture.new_zeros(1, 1, height, width)
    window = _window().to(picture)
    for strip, numbers in zip(strips, chosen.reshape(len(rows), -1).split(len(strips[0])),
                              strict=True):  # fmt: skip
        found = bank.patches[numbers].unflatten(2, (3, SIDE_PX, SIDE_PX))
        for y in range(SIDE_PX):
            for x in range(SIDE_PX):
                place = (..., (strip + y)[:, None], columns + x)
                # No two patches of a grid begin at the same px, so nothing is added twice
                target[place] += found[..., y, x].permute(2, 0, 1) * window[y, x]
                counts[place] += window[y, x]
    weights = torch.ones_like(counts) if mask is None else mask[None, None].to(picture)
    return Pull(target / counts.clamp_min(1e-6), weights * (counts > 0))


def _patches(picture: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Those of (1, 3, H, W) that begin at each of the rows and columns: (n, 3 SIDE_PX^2)."""
    windows = picture[0].unfold(1, SIDE_PX, 1).unfold(2, SIDE_PX, 1)
    return windows[:, rows[:, None], columns].permute(1, 2, 0, 3, 4).flatten(2).flatten(0, 1)


def _starts(length: int, stride: int, shift: int) -> Tensor:
    """Where patches begin: a grid, and the first and last place, so that the edges are covered."""
    last = length - SIDE_PX
    return torch.unique(torch.cat([torch.arange(shift, last + 1, stride), torch.tensor([0, last])]))


def _window() -> Tensor:
    """The middle of a patch counts more than its edge."""
    line = torch.hann_window(SIDE_PX + 2, periodic=False)[1:-1]
    return torch.outer(line, line)


def nearest(queries: Tensor, coded: Tensor, used: float) -> Tensor:
    """For each query (N, D) the number of the patch of `coded` (M, D) whose squared distance is
    smallest, divided by `used` + the patch's distance to its own nearest query.

    |q - c|^2 = |q|^2 + |c|^2 - 2 q c is written as one product of lengthened vectors.
    """
    lengths, squares = queries.square().sum(1, keepdim=True), coded.square().sum(1)
    long_queries = torch.cat([queries, lengths, torch.ones_like(lengths)], 1)
    long_coded = torch.cat([-2 * coded.T, torch.ones_like(squares)[None], squares[None]])
    parts = long_queries.split(CHUNK)
    # One place for all products: freed and asked for again, they would not find their old one
    place = queries.new_empty(len(parts[0]), len(coded))
    closest = squares.new_full(squares.shape, torch.inf)
    for part in parts:
        distances = torch.mm(part, long_coded, out=place[: len(part)])
        closest = torch.minimum(closest, distances.amin(0))
    long_coded /= used + closest.clamp_min_(0)
    return torch.cat(
        [torch.mm(part, long_coded, out=place[: len(part)]).min(1).indices for part in parts]
    )
