"""What style is: statistics of features that forget where something stands.

Shape legend: features (C, N), N positions; weights (N,), not negative, what each position counts.
`measure` gives a tensor, `join` puts the tensors of tiles together, `distance` compares. Weights of
a whole picture sum to 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from ganwerk.style.seeds import generator

EPS = 1e-4
"""Of the identity in a covariance, in units of the mean variance."""


class Statistic(Protocol):
    """A style statistic. `deterministic`: the same picture has the same value in every step."""

    name: str
    deterministic: bool

    def measure(self, features: Tensor, weights: Tensor, step: int) -> Tensor: ...

    def join(self, parts: Sequence[Tensor]) -> Tensor: ...

    def split(self, joined: Tensor, parts: Sequence[Tensor]) -> list[Tensor]:
        """The share of each part in something shaped like their join, such as its gradient."""
        ...

    def mix(self, targets: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
        """One target out of several styles; shares sum to 1."""
        ...

    def target(self, features: Tensor, weights: Tensor) -> Tensor:
        """What the style is to be compared by."""
        ...

    def distance(self, measured: Tensor, target: Tensor, step: int) -> Tensor: ...

    def scale(self, target: Tensor) -> float:
        """The distance from the target to a picture without any structure, of the same mean."""
        ...


class _Sums:
    """Statistics that are sums over positions: tiles add up, styles mix linearly."""

    deterministic = True

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        return torch.stack(list(parts)).sum(0)

    def split(self, joined: Tensor, parts: Sequence[Tensor]) -> list[Tensor]:
        return [joined for _ in parts]

    def mix(self, targets: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
        return torch.stack([t * share for t, share in zip(targets, shares, strict=True)]).sum(0)


def gram(features: Tensor, weights: Tensor) -> Tensor:
    """The second moments E[f f'] (C, C). With weights 1/N this is F F' / N: Gatys et al. 2016,
    equation 3, per position."""
    return (features * weights) @ features.T


class Gram(_Sums):
    """The squared difference of Gram matrices, summed. Gatys et al. 2016, equation 4."""

    name = "gram"

    def measure(self, features: Tensor, weights: Tensor, step: int) -> Tensor:
        return gram(features, weights)

    def target(self, features: Tensor, weights: Tensor) -> Tensor:
        return gram(features, weights)

    def distance(self, measured: Tensor, target: Tensor, step: int) -> Tensor:
        return (measured - target).square().sum()

    def scale(self, target: Tensor) -> float:
        # Without structure all features stand at their mean; its square is at least the smallest
        # that the diagonal allows, so the whole matrix bounds the distance.
        return float(target.square().sum())


@contextmanager
def one_thread() -> Iterator[None]:
    """Small decompositions are ten to a hundred times slower where threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _RootTrace(torch.autograd.Function):
    """tr((S^1/2 M S^1/2)^1/2) for symmetric positive matrices; S^1/2 is a constant.

    Its gradient by M is 1/2 S^1/2 (S^1/2 M S^1/2)^-1/2 S^1/2. One decomposition serves both.
    """

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, root: Tensor) -> Tensor:
        with one_thread():
            values, vectors = torch.linalg.eigh(root @ matrix @ root)
        values = values.clamp_min(values[-1] * EPS**2 + torch.finfo(values.dtype).tiny)
        ctx.save_for_backward(values, vectors, root)
        return values.sqrt().sum()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        values, vectors, root = ctx.saved_tensors
        with one_thread():
            half = root @ vectors
            return gradients[0] * 0.5 * (half / values.sqrt()) @ half.T, None


def square_root(matrix: Tensor) -> Tensor:
    """The symmetric root of a symmetric positive matrix."""
    with one_thread():
        values, vectors = torch.linalg.eigh(matrix)
        return (vectors * values.clamp_min(0).sqrt()) @ vectors.T


class Moments(_Sums):
    """Mean and covariance, compared by the squared 2-Wasserstein distance of the normal
    distributions that have them: |m - m'|^2 + tr(S + S' - 2 (S'^1/2 S S'^1/2)^1/2).

    Dowson and Landau 1982; as style loss in Li et al. 2019 (arXiv 1811.12481, Whitening and
    colouring) and others. Measured as (C, C + 1): second moments, then the mean, which add up.
    """

    name = "moments"

    def measure(self, features: Tensor, weights: Tensor, step: int) -> Tensor:
        weighted = features * weights
        return torch.cat([weighted @ features.T, weighted.sum(1, keepdim=True)], dim=1)

    def target(self, features: Tensor, weights: Tensor) -> Tensor:
        return self.measure(features, weights, 0)

    def distance(self, measured: Tensor, target: Tensor, step: int) -> Tensor:
        # Small eigenvalues would drown in the rounding of float32, and with them the gradient
        mean, covariance = _mean_and_covariance(measured.double())
        wanted_mean, wanted = _mean_and_covariance(target.double())
        overlap = _RootTrace.apply(covariance, square_root(wanted))
        spread = covariance.trace() + wanted.trace() - 2 * overlap
        return ((mean - wanted_mean).square().sum() + spread.clamp_min(0)).to(measured.dtype)

    def scale(self, target: Tensor) -> float:
        return float(_mean_and_covariance(target)[1].trace())


def _mean_and_covariance(moments: Tensor) -> tuple[Tensor, Tensor]:
    mean, second = moments[:, -1], moments[:, :-1]
    covariance = second - torch.outer(mean, mean)
    # A little of the identity keeps the root's gradient finite where features are dependent.
    ridge = EPS * covariance.diagonal().mean().detach().clamp_min(EPS)
    return mean, covariance + ridge * torch.eye(len(mean), dtype=mean.dtype, device=mean.device)


@dataclass(frozen=True)
class Sliced:
    """Sliced 2-Wasserstein distance: sorted projections on random directions, compared.

    Heitz et al. 2021 (arXiv 2006.07229), equation 5, with directions drawn anew in every step and
    at most `positions` positions per layer, also drawn anew. Measured as (C + 1, n): features and,
    last, their weights.
    """

    positions: int = 16_384
    name = "sliced"
    deterministic = False

    def measure(self, features: Tensor, weights: Tensor, step: int) -> Tensor:
        stride = -(-features.shape[1] // self.positions)
        first = int(torch.randint(stride, (1,), generator=generator("positions", step)))
        chosen = torch.cat([features, weights[None]])[:, first::stride]
        return chosen[:, chosen[-1] > 0]

    def target(self, features: Tensor, weights: Tensor) -> Tensor:
        return self.measure(features, weights, 0)

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(parts), dim=1)

    def split(self, joined: Tensor, parts: Sequence[Tensor]) -> list[Tensor]:
        return list(joined.split([part.shape[1] for part in parts], dim=1))

    def mix(self, targets: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
        weighted = []
        for target, share in zip(targets, shares, strict=True):
            target = target.clone()
            target[-1] *= share / target[-1].sum()
            weighted.append(target)
        return torch.cat(weighted, dim=1)

    def distance(self, measured: Tensor, target: Tensor, step: int) -> Tensor:
        """Summed over as many orthogonal directions as there are channels."""
        channels = len(measured) - 1
        directions = _rotation(channels, step).to(measured)
        values, order = (directions @ measured[:-1]).sort(dim=1)
        shares = measured[-1][order].detach()
        levels = shares.cumsum(1) / shares.sum(1, keepdim=True)
        levels = levels - 0.5 * shares / shares.sum(1, keepdim=True)
        wanted = quantiles(directions @ target[:-1], target[-1], levels)
        return ((values - wanted).square() * shares).sum() / shares[0].sum()

    def scale(self, target: Tensor) -> float:
        shares = target[-1] / target[-1].sum()
        mean = (target[:-1] * shares).sum(1, keepdim=True)
        return float(((target[:-1] - mean).square() * shares).sum())


def quantiles(values: Tensor, weights: Tensor, levels: Tensor) -> Tensor:
    """Of each row of values (D, N) with weights (N,), at levels (D, M) in [0, 1], with straight
    lines between the middles of the steps. (D, M)."""
    ordered, order = values.sort(dim=1)
    shares = weights[order] / weights.sum()
    middles = shares.cumsum(1) - 0.5 * shares
    above = torch.searchsorted(middles, levels.contiguous()).clamp(1, values.shape[1] - 1)
    left, right = middles.gather(1, above - 1), middles.gather(1, above)
    part = ((levels - left) / (right - left).clamp_min(1e-12)).clamp(0, 1)
    low, high = ordered.gather(1, above - 1), ordered.gather(1, above)
    return low + part * (high - low)


def _rotation(channels: int, step: int) -> Tensor:
    """Orthogonal directions (C, C), uniform over all rotations."""
    normal = torch.randn(channels, channels, generator=generator("directions", step))
    return torch.linalg.qr(normal)[0]


STATISTICS: dict[str, Statistic] = {made.name: made for made in (Gram(), Moments(), Sliced())}
