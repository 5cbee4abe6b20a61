"""The space that a generator's pictures are taken from, and how one moves in it.

Every generator has one. With styles it is the style space of Karras et al. 2019, in which each
layer may be given a style of its own; without, it is the latents themselves, as a single layer.
Whoever moves in it need not know which.

Shape legend: N places, L style layers (1 without styles), S numbers each, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from ganwerk.config.schema import Settings
from ganwerk.errors import ConfigError
from ganwerk.game.latents import LATENTS, Latents, for_seeds
from ganwerk.nn.style import Noise as FixedNoise
from ganwerk.nn.types import Styled

MIDDLE_STREAM, MIDDLE_COUNT = 7, 4096
"""The numbers from which the mean style of a class is computed: a stream that no picture uses."""


Noise = tuple[Tensor, ...]
"""(N or 1, 1, h, w) for each style layer, h = w its resolution."""


class Space(Protocol):
    """resolutions: the side in px of what each layer draws. beside_classes: whether a picture
    depends on its class besides the style; else the class is in the style."""

    @property
    def beside_classes(self) -> bool: ...

    @property
    def layers(self) -> int: ...

    @property
    def size(self) -> int: ...

    @property
    def resolutions(self) -> tuple[int, ...]: ...

    @property
    def fixed_noise(self) -> Noise:
        """What each layer adds unless told otherwise; () for a generator without noise."""

    @property
    def noise_sides(self) -> tuple[int, ...]:
        """In px, of each layer's noise; () without."""

    def enter(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """The styles (N, L, S) of latents (N, Z). labels: classes (N,) or their shares (N, K)."""

    def pictures(self, styles: Tensor, labels: Tensor | None, noise: Noise | None = None) -> Tensor:
        """(N, C, H, W), nominally in [-1, 1]; differentiable. noise: None is the fixed one."""

    def between(self, a: Tensor, b: Tensor, shares: Tensor) -> Tensor:
        """The way from a (L, S), at share 0, to b (L, S), at share 1, as (N, L, S)."""

    def truncated(self, styles: Tensor, labels: Tensor | None, psi: float) -> Tensor:
        """Styles (N, L, S) drawn towards the middle: psi 1 leaves them, 0 is the middle itself.

        Raises ConfigError where the middle is no place that the generator knows."""

    def settled(self, styles: Tensor) -> Tensor:
        """The nearest styles that the generator was trained to expect."""


@dataclass(frozen=True)
class LatentSpace:
    """Of a generator without styles: the latents, and labels beside them."""

    net: nn.Module
    latents: Latents
    size: int
    resolution: int
    name: str
    layers: int = 1
    beside_classes: bool = True
    fixed_noise: Noise = ()
    noise_sides: tuple[int, ...] = ()

    @property
    def resolutions(self) -> tuple[int, ...]:
        return (self.resolution,)

    def enter(self, z: Tensor, labels: Tensor | None) -> Tensor:
        return z[:, None]

    def pictures(self, styles: Tensor, labels: Tensor | None, noise: Noise | None = None) -> Tensor:
        pictures: Tensor = self.net(styles[:, 0], labels)[-1]
        return pictures

    def between(self, a: Tensor, b: Tensor, shares: Tensor) -> Tensor:
        return self.latents.between(a[0], b[0], shares)[:, None]

    def truncated(self, styles: Tensor, labels: Tensor | None, psi: float) -> Tensor:
        if not self.latents.to_middle:
            raise ConfigError(
                f"Truncation is not possible: the latents '{self.name}' of this run all have the "
                "same length, and the generator knows none nearer to the middle.",
                "Train with --set latent.kind=gaussian, or with styles.",
            )
        return styles * psi

    def settled(self, styles: Tensor) -> Tensor:
        return self.latents.settle(styles[:, 0])[:, None]


@dataclass(frozen=True)
class StyleSpace:
    """Of a generator with styles; `dim` is the size of its latents."""

    net: Styled
    latents: Latents
    dim: int
    classes: int
    beside_classes: bool = False

    @property
    def layers(self) -> int:
        return self.net.style_layers

    @property
    def size(self) -> int:
        return self.net.style_size

    @property
    def resolutions(self) -> tuple[int, ...]:
        return tuple(self.net.style_resolutions)

    @property
    def fixed_noise(self) -> Noise:
        return tuple(
            part.fixed
            for part in cast(nn.Module, self.net).modules()
            if isinstance(part, FixedNoise)
        )

    @property
    def noise_sides(self) -> tuple[int, ...]:
        return tuple(noise.shape[-1] for noise in self.fixed_noise)

    def enter(self, z: Tensor, labels: Tensor | None) -> Tensor:
        return self.net.mapping(z, labels)[:, None].expand(-1, self.layers, -1)

    def pictures(self, styles: Tensor, labels: Tensor | None, noise: Noise | None = None) -> Tensor:
        return self.net.synthesis(styles, noise)[-1]

    def between(self, a: Tensor, b: Tensor, shares: Tensor) -> Tensor:
        return torch.lerp(a, b, shares[:, None, None])

    def truncated(self, styles: Tensor, labels: Tensor | None, psi: float) -> Tensor:
        """Towards the mean style, with classes that of the class."""
        if labels is None:
            middle = self.net.mean_style[None]
        elif labels.is_floating_point():
            middle = labels @ self.class_means
        else:
            middle = self.class_means[labels]
        return torch.lerp(middle[:, None], styles, psi)

    @cached_property
    def class_means(self) -> Tensor:
        """The mean style of each class, (K, S)."""
        device = self.net.mean_style.device
        z = for_seeds(self.latents, range(MIDDLE_COUNT), self.dim, MIDDLE_STREAM).to(device)
        of_class = [torch.full((MIDDLE_COUNT,), k, device=device) for k in range(self.classes)]
        return torch.stack([self.net.mapping(z, labels).mean(0) for labels in of_class])

    def settled(self, styles: Tensor) -> Tensor:
        return styles


def space_of(net: nn.Module, settings: Settings, classes: int) -> Space:
    """The space of a generator with these settings. classes: how many it was taught."""
    latents, dim = LATENTS[settings.latent.kind], settings.latent.dim
    if isinstance(net, Styled):
        return StyleSpace(net, latents, dim, classes)
    return LatentSpace(net, latents, dim, settings.data.resolution, settings.latent.kind)
