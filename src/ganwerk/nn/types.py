"""The shapes that networks and game agree on.

Shape legend: B batch, C channels (1, 3 or 4), H = W resolution in px, Z latent size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
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
    """What G drew: the pictures at all scales, the labels they were asked for, and from a generator
    with styles these (B, L, W)."""

    scales: Scales
    labels: Tensor | None = None
    styles: Tensor | None = None

    def detach(self) -> Fakes:
        """The same pictures, cut off from G's graph."""
        return Fakes(tuple(scale.detach() for scale in self.scales), self.labels)


@runtime_checkable
class Generator(Protocol):
    """z (B, Z) and labels (B,) to Scales."""

    latent_dim: int

    def __call__(self, z: Tensor, labels: Tensor | None = None) -> Scales: ...


@runtime_checkable
class Styled(Generator, Protocol):
    """A generator with styles of size W for each of L layers.

    style_resolutions: the side in px of what layer i of the styles feeds, coarse to fine.
    mean_style: (W,), the running mean of mapped styles, kept while training and saved with the
    weights. Calling it is synthesis(mapping(z, labels), the same for all layers) with fixed noise:
    a function of z, labels and weights. What is random in training is drawn in game.styles.
    """

    style_size: int
    style_resolutions: tuple[int, ...]
    mean_style: Tensor

    @property
    def style_layers(self) -> int: ...

    def mapping(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """z (B, Z) and labels (B,) to styles (B, W)."""

    def synthesis(self, styles: Tensor, noise: tuple[Tensor, ...] | None = None) -> Scales:
        """styles (B, L, W) to pictures. noise: (B or 1, 1, H, W) for each layer; None takes the
        fixed one, which is part of the weights."""

    def fresh_noise(self, count: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """Noise for `count` pictures, one (count, 1, H, W) for each layer."""


@runtime_checkable
class Discriminator(Protocol):
    """Scales and labels (B,) to logits (B,) in float32; one per pack where it judges packs.

    `group_size`: how many samples of a batch see each other: 1 none, n consecutive ones in groups
    of n, 0 the whole batch (batch normalisation). Where groups divide the batch, reals and fakes
    may share one call.
    """

    group_size: int

    def __call__(self, scales: Scales, labels: Tensor | None = None) -> Tensor: ...
