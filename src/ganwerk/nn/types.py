"""The shapes that networks and game agree on.

Shape legend: B batch, C channels (1, 3 or 4), H = W resolution in px, Z latent size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

Scales = tuple[Tensor, ...]
"""Coarse to fine, each (B, C, h, w) in [-1, 1]; the last is the picture. Most GANs have one."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Real pictures (B, C, H, W) in [-1, 1] and, in a conditional game, labels (B,) int64."""

    images: Tensor
    labels: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Fakes:
    """What G drew: the pictures at all scales, and the labels they were asked for."""

    scales: Scales
    labels: Tensor | None = None

    def detach(self) -> Fakes:
        """The same pictures, cut off from G's graph."""
        return Fakes(tuple(scale.detach() for scale in self.scales), self.labels)


@runtime_checkable
class Generator(Protocol):
    """z (B, Z) and labels (B,) to Scales."""

    latent_dim: int

    def __call__(self, z: Tensor, labels: Tensor | None = None) -> Scales: ...


@runtime_checkable
class Discriminator(Protocol):
    """Scales and labels (B,) to logits (B,) in float32; one per pack where it judges packs.

    `group_size`: how many samples of a batch see each other: 1 none, n consecutive ones in groups
    of n, 0 the whole batch (batch normalisation). Where groups divide the batch, reals and fakes
    may share one call.
    """

    group_size: int

    def __call__(self, scales: Scales, labels: Tensor | None = None) -> Tensor: ...
