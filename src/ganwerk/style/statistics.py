"""What style is: statistics of features that forget where something stands.

Shape legend: features (C, N), N positions; weights (N,), not negative, what a position counts.
`measure` gives a tensor, `join` puts those of tiles together, `mix` makes a target of those of
several styles, `distance` compares. Weights of a whole picture sum to 1. Features may be bfloat16;
what is measured has the type of the weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from ganwerk.nn.layers import matrix_products
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

    def mix(self, measured: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
        """The target that several styles make together; shares sum to 1."""
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

    def mix(self, measured: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
        return torch.stack([m * share for m, share in zip(measured, shares, strict=True)]).sum(0)


def gram(features: Tensor, weights: Tensor) -> Tensor:
    """The second moments E[f f'] (C, C). With weights 1/N this is F F' / N: Gatys et al. 2016,
    equation 3, per position."""
    return cast(Tensor, _Powers.apply(features, weights, False))


class _Powers(torch.autograd.Function):
    """F diag(w) F' (C, C), and F w behind it (C, C + 1) if wanted.

    The gradient is one product, (S + S') F diag(w) for S of the first, where plain differentiation
    takes two and adds them. Where all positions count alike, as they do without a mask, a number
    takes the place of diag(w). bfloat16 features are multiplied by the processor's bfloat16 units
    with float32 sums, which is exact for them; their gradient, being bfloat16, is computed so.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, weights: Tensor, with_mean: bool) -> Tensor:
        ctx.save_for_backward(features, weights)
        wide = features.to(weights.dtype)
        with matrix_products(bfloat16=features.dtype == torch.bfloat16):
            weighted = wide if _alike(weights) else wide * weights
            squares = weighted @ wide.T
        if _alike(weights):
            squares *= weights[0]
        if not with_mean:
            return squares
        return torch.cat([squares, (wide @ weights)[:, None]], dim=1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        features, weights = ctx.saved_tensors
        channels, kind = len(features), features.dtype
        squares, mean = gradients[0][:, :channels], gradients[0][:, channels:].T
        slopes = squares + squares.T
        if _alike(weights):
            slopes, mean = slopes * weights[0], mean * weights[0]
        # Transposed, so that it lies in memory as the features do: position by position
        found = features.T @ slopes.to(kind)
        if len(mean):
            found += mean.to(kind)
        if not _alike(weights):
            found *= weights[:, None].to(kind)
        return found.T, None, None


def _alike(weights: Tensor) -> bool:
    """Whether they are one number, shown in all places (`guides.guide` without a mask)."""
    return weights.stride() == (0,)


class Gram(_Sums):
    """The squared difference of Gram matrices, summed. Gatys et al. 2016, equation 4."""

    name = "gram"

    def measure(self, features: Tensor, weights: Tensor, step: int) -> Tensor:
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
        return cast(Tensor, _Powers.apply(features, weights, True))

    def mix(self, measured: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
        """Mean, covariance and its root, in float64: (C, 2 C + 1)."""
        # Small eigenvalues would drown in the rounding of float32, and with them the gradient
        mean, covariance = _mean_and_covariance(super().mix(measured, shares).double())
        return torch.cat([mean[:, None], covariance, square_root(covariance)], dim=1)

    def distance(self, measured: Tensor, target: Tensor, step: int) -> Tensor:
        mean, covariance = _mean_and_covariance(measured.double())
        wanted_mean, wanted, root = _parted(target)
        overlap = _RootTrace.apply(covariance, root)
        spread = covariance.trace() + wanted.trace() - 2 * overlap
        return ((mean - wanted_mean).square().sum() + spread.clamp_min(0)).to(measured.dtype)

    def scale(self, target: Tensor) -> float:
        return float(_parted(target)[1].trace())


def _parted(target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    channels = len(target)
    return target[:, 0], target[:, 1 : channels + 1], target[:, channels + 1 :]


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
    at most `positions` positions per layer, and tile, also drawn anew. Measured as (C + 1, n):
    features and, last, their weights.
    """

    positions: int = 16_384
    name = "sliced"
    deterministic = False

    def measure(self, features: Tensor, weights: Tensor, step: int) -> Tensor:
        counted = weights.nonzero()[:, 0]
        stride = max(1, -(-len(counted) // self.positions))
        first = int(torch.randint(stride, (1,), generator=generator("positions", step)))
        chosen = counted[first::stride]
        # Each stands for `stride` positions: tiles with other strides count as much as they own
        counts = weights[chosen] * stride
        return torch.cat([features[:, chosen].to(weights.dtype), counts[None]])

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(parts), dim=1)

    def split(self, joined: Tensor, parts: Sequence[Tensor]) -> list[Tensor]:
        return list(joined.split([part.shape[1] for part in parts], dim=1))

    def mix(self, measured: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
        weighted = []
        for style, share in zip(measured, shares, strict=True):
            style = style.clone()
            style[-1] *= share / style[-1].sum()
            weighted.append(style)
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
