"""selfsup64: a small network that learned on the user's own pictures what makes them differ.

Two steps, neither of which needs a gradient. First, filters: the typical patches of the pictures,
found by k-means after whitening (Coates, Ng and Lee 2011, An analysis of single-layer networks in
unsupervised feature learning). Second, directions: each picture is shown twice, each time cut,
mirrored and recoloured at random, and those directions of the filters' answers are kept that agree
most between the two (Hotelling 1936, Relations between two sets of variates). What survives the
alterations is what is in the picture, which is what pixels do not tell.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ganwerk.metrics.features.base import (
    BATCH,
    Extractor,
    digest_of,
    fitted_to,
    notes_for,
    premultiplied,
)
from ganwerk.metrics.features.principal import components_for
from ganwerk.metrics.inputs import Array, pictures_of
from ganwerk.nn.layers import matrix_products
from ganwerk.values import Progress, ProgressCallback, ignore_progress

COMPONENTS = 64
SIDE = 32
FILTERS = 200
PATCH, STRIDE = 6, 2  # px
EVEN = 10.0  # variance of 8-bit values below which a patch counts as flat
SMOOTHED = 0.1  # added to the variances when patches are whitened
CELLS = 2  # answers are averaged over 2 x 2 cells
LOOKED_FOR_PATCHES, PATCHES_PER_PICTURE = 4_000, 10
ROUNDS = 10
AT_ONCE = 25  # pictures whose answers a processor's caches hold: twice as fast as 500
FEWEST_PAIRS, MOST_PAIRS = 4_000, 10_000
FITTED = 10_000
LEAST_AREA = 0.2
RIDGE = 0.1  # of the mean variance, added to all variances when they divide
SEED = 0
RECIPE = 2
"""Goes up when the same pictures would give another network."""


class Filters:
    """Patches to look for. weights: (K, C, 6, 6), each of sum 0; offsets: (K,); threshold: below
    which an answer is none."""

    def __init__(self, weights: Tensor, offsets: Tensor, threshold: Tensor) -> None:
        self.weights, self.offsets, self.threshold = weights, offsets, threshold

    def answers(self, x: Tensor) -> Tensor:
        """Pictures (N, C, H, W) in [0, 255] to (N, 8 K): how much there is of each patch and of its
        negative in each quarter of the picture, whatever the contrast there."""
        return torch.cat([self._answers(part) for part in x.split(AT_ONCE)])

    def _answers(self, x: Tensor) -> Tensor:
        found = F.conv2d(x, self.weights, stride=STRIDE)
        found = (found / _contrast(x)).sub_(self.offsets[:, None, None])
        both = [(sign * found - self.threshold).relu_() for sign in (1, -1)]
        return torch.cat([F.adaptive_avg_pool2d(part, CELLS).flatten(1) for part in both], 1)

    def tensors(self) -> dict[str, Tensor]:
        return {"filters": self.weights, "offsets": self.offsets, "threshold": self.threshold}


def _contrast(x: Tensor) -> Tensor:
    """(N, 1, h, w) standard deviation of each patch. In float64: a difference of large numbers."""
    x = x.double()
    mean = F.avg_pool2d(x.mean(1, keepdim=True), PATCH, STRIDE)
    square = F.avg_pool2d(x.square().mean(1, keepdim=True), PATCH, STRIDE)
    return (square - mean.square() + EVEN).sqrt().float()


def patches_of(x: Tensor, random: torch.Generator) -> Tensor:
    """(10 N, C x 6 x 6) from random places of x (N, C, H, W), each of mean 0 and contrast 1."""
    count = PATCHES_PER_PICTURE * len(x)
    picture = torch.arange(len(x)).repeat_interleave(PATCHES_PER_PICTURE)[:, None, None]
    top, left = (
        torch.randint(0, side - PATCH + 1, (count, 1, 1), generator=random) for side in x.shape[2:]
    )
    reach = torch.arange(PATCH)
    # Indexed with the channels last, which leaves (count, 6, 6, C)
    cut = x.permute(0, 2, 3, 1)[picture, top + reach[:, None], left + reach[None]]
    flat = cut.permute(0, 3, 1, 2).flatten(1)
    flat = flat - flat.mean(1, keepdim=True)
    return flat / (flat.square().mean(1, keepdim=True) + EVEN).sqrt()


def find_filters(x: Tensor, random: torch.Generator) -> Filters:
    """The typical patches of pictures (N, C, H, W) in [0, 255]: whitened, then k-means on the
    sphere, where a patch and its negative are the same."""
    patches = patches_of(x, random)
    mean = patches.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov(patches.T))
    whiten = vectors @ torch.diag((values.clamp_min(0) + SMOOTHED).rsqrt()) @ vectors.T
    points = (patches - mean) @ whiten
    centres = F.normalize(points[torch.randperm(len(points), generator=random)[:FILTERS]], dim=1)
    for _ in range(ROUNDS):
        likeness = points @ centres.T
        nearest = likeness.abs().argmax(1)
        signs = likeness.gather(1, nearest[:, None]).sign()
        # A centre that is nearest to none stays
        centres = F.normalize((1e-3 * centres).index_add_(0, nearest, points * signs), dim=1)
    weights = centres @ whiten
    offsets, threshold = weights @ mean, (points @ centres.T).std()
    weights = weights - weights.mean(1, keepdim=True)  # so that a patch's mean need not be known
    return Filters(weights.view(-1, x.shape[1], PATCH, PATCH), offsets, threshold)


def agreeing_directions(total: Tensor, between: Tensor, rank: int, count: int) -> Tensor:
    """(P, count): the directions whose values in two views agree best, each of length rho^2.

    total: (P, P) covariance of one view, between: that of the two views, float64. They are looked
    for among the `rank` principal directions. rho: the correlation of the two views, with a ridge;
    it weighs a direction by how much of it is in the picture. Signs: the largest entry is positive.
    """
    values, vectors = torch.linalg.eigh(total)
    values, vectors = values[-rank:].clamp_min(0), vectors[:, -rank:]
    whiten = vectors / (values + RIDGE * values.mean().clamp_min(1e-12)).sqrt()
    agreement, turn = torch.linalg.eigh(whiten.T @ between @ whiten)
    agreement, turn = agreement.flip(0)[:count].clamp_min(0), turn.flip(1)[:, :count]
    directions = F.normalize(whiten @ turn, dim=0) * agreement**2
    largest = directions.gather(0, directions.abs().argmax(0, keepdim=True))
    return directions * torch.where(largest < 0, -1.0, 1.0)


def altered(x: Tensor, random: torch.Generator, *, mirror: bool) -> Tensor:
    """A view of each picture (N, C, H, W) in [-1, 1], of the same size: a random part of at least
    a fifth of it, mirrored half of the time, lighter or darker, with other colours or none."""
    return _recoloured(_cut(x, random, mirror), random)


def _uniform(low: float, high: float, shape: tuple[int, ...], random: torch.Generator) -> Tensor:
    return torch.empty(shape).uniform_(low, high, generator=random)


def _cut(x: Tensor, random: torch.Generator, mirror: bool) -> Tensor:
    n = len(x)
    side = _uniform(math.log(LEAST_AREA), 0, (n,), random).exp().sqrt()
    aspect = _uniform(-math.log(4 / 3) / 2, math.log(4 / 3) / 2, (n,), random).exp()
    wide, high = (side * aspect).clamp(max=1), (side / aspect).clamp(max=1)
    right, down = _uniform(-1, 1, (n,), random), _uniform(-1, 1, (n,), random)
    turned = torch.where(_uniform(0, 1, (n,), random) < 0.5, -1.0, 1.0) if mirror else 1.0
    place = torch.zeros(n, 2, 3)
    place[:, 0, 0], place[:, 0, 2] = wide * turned, right * (1 - wide)
    place[:, 1, 1], place[:, 1, 2] = high, down * (1 - high)
    corners = F.affine_grid(place, list(x.shape), align_corners=False)
    return F.grid_sample(x, corners, align_corners=False, padding_mode="reflection")


def _recoloured(x: Tensor, random: torch.Generator) -> Tensor:
    n, channels = x.shape[:2]

    def gain(width: float, per_channel: int = 1) -> Tensor:
        drawn = _uniform(-width, width, (n, per_channel, 1, 1), random)
        return 1 + drawn * (_uniform(0, 1, (n, 1, 1, 1), random) < 0.8)

    if channels == 3:
        grey = x.mean(1, keepdim=True)
        x = (grey + (x - grey) * gain(0.4)) * gain(0.15, 3)
        plain = _uniform(0, 1, (n, 1, 1, 1), random) < 0.2
        x = torch.where(plain, x.mean(1, keepdim=True), x)
    mean = x.mean((1, 2, 3), keepdim=True)
    return (mean + (x - mean) * gain(0.4)) * gain(0.4)


def as_input(pictures: Tensor) -> Tensor:
    """(N, C, H, W) in [0, 255], at most 32 px."""
    return fitted_to(premultiplied(pictures), SIDE)


class SelfSupervised(Extractor):
    """Answers of the learned filters, in the directions that survive alterations."""

    resize = f"bilinear with antialiasing, down to {SIDE} px"

    def __init__(self, filters: Filters, mean: Tensor, directions: Tensor) -> None:
        """mean (P,), directions (P, D) float32."""
        self.filters = filters
        self.mean, self.directions = mean.float(), directions.float()
        self.name = f"selfsup{COMPONENTS}-v{RECIPE}"
        self.weights = digest_of(self.tensors())
        self.notes = notes_for(filters.weights.shape[1])

    @classmethod
    @torch.inference_mode()
    def fit(
        cls, real: Array, *, mirror: bool, progress: ProgressCallback = ignore_progress
    ) -> SelfSupervised:
        """Learn from pictures (N, C, H, W) uint8, the same ones always the same.

        mirror: whether a mirrored picture means the same. Each is looked at once, few of them
        several times, of many 10,000. Raises DataError as `inputs.pictures_of`.
        """
        x = pictures_of(real, "real pictures", 16)
        random = torch.Generator().manual_seed(SEED)
        some = x[torch.randperm(len(x), generator=random)[:LOOKED_FOR_PATCHES]]
        with matrix_products(bfloat16=False):
            filters = find_filters(as_input(some.float()), random)
            moments = _moments_of_views(filters, x, random, mirror, progress)
            size = len(moments[0])
            rank = components_for(len(x), size, size)
            directions = agreeing_directions(*moments, rank, min(COMPONENTS, rank))
            few = x[torch.linspace(0, len(x) - 1, min(len(x), FITTED)).long()]
            found = [filters.answers(as_input(part.float())) for part in few.split(BATCH)]
            mean = torch.cat(found).mean(0)
            spread = ((torch.cat(found) - mean) @ F.normalize(directions, dim=0).float()).std(0)
        return cls(filters, mean, directions / spread.clamp_min(1e-12))

    def tensors(self) -> dict[str, Tensor]:
        """All there is to save."""
        return {"mean": self.mean, "directions": self.directions, **self.filters.tensors()}

    @classmethod
    def of(cls, tensors: dict[str, Tensor]) -> SelfSupervised:
        """From what `tensors` gave. Raises KeyError for other things."""
        filters = Filters(tensors["filters"], tensors["offsets"], tensors["threshold"])
        return cls(filters, tensors["mean"], tensors["directions"])

    def features(self, pictures: Tensor) -> Tensor:
        return (self.filters.answers(as_input(pictures)) - self.mean) @ self.directions


def _moments_of_views(
    filters: Filters, x: Tensor, random: torch.Generator, mirror: bool, progress: ProgressCallback
) -> tuple[Tensor, Tensor]:
    """Covariances (P, P) float64 of the answers to one view, and between two of one picture."""
    pairs = min(max(len(x), FEWEST_PAIRS), MOST_PAIRS)
    rounds = -(-pairs // len(x))
    order = torch.cat([torch.randperm(len(x), generator=random) for _ in range(rounds)])[:pairs]
    size = 2 * CELLS**2 * len(filters.weights)
    total, between = (torch.zeros(size, size, dtype=torch.float64) for _ in range(2))
    mean = torch.zeros(size, dtype=torch.float64)
    centre: Tensor | None = None
    for start in range(0, pairs, BATCH):
        part = as_input(x[order[start : start + BATCH]].float()) / 127.5 - 1
        views = torch.cat([altered(part, random, mirror=mirror) for _ in range(2)])
        found = filters.answers((views.clamp(-1, 1) + 1) * 127.5)
        centre = found.mean(0) if centre is None else centre  # sums of small numbers are exact
        found -= centre
        first, second = found.chunk(2)
        across = first.T @ second
        between += across + across.T
        total += found.T @ found
        mean += found.sum(0)
        progress(Progress("learning to see", min(start + BATCH, pairs), pairs, "pictures"))
    mean /= 2 * pairs
    both = torch.outer(mean, mean)
    return total / (2 * pairs) - both, between / (2 * pairs) - both
