"""The style-based generator: a mapping network, styles per layer, noise per layer.

Two generations. The revised one: Karras et al. 2020, Analyzing and improving the image quality of
StyleGAN (weight demodulation, pictures summed over the resolutions). The first: Karras et al. 2019,
A style-based generator architecture for GANs (adaptive instance normalisation); nn/adain.py has
its layers.

Shape legend: B batch, C channels, Z latent size, W style size, L layers that take a style.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from ganwerk.nn.channels import noisy_activation
from ganwerk.nn.equalised import ROOT2, EqualConv2d, EqualLinear, NormalisedLatent
from ganwerk.nn.init import SLOPE
from ganwerk.nn.recompute import recomputed
from ganwerk.nn.resample import double
from ganwerk.nn.sizes import Sizes
from ganwerk.nn.types import Scales

MAPPING_RATE = 0.01  # of the learning rate; Karras et al. 2019, appendix C


class Mapping(nn.Module):
    """z (B, Z) and labels (B,) to a style (B, W): normalised, then fully connected layers."""

    def __init__(self, latent_dim: int, classes: int, size: int, layers: int) -> None:
        super().__init__()
        self.latent = NormalisedLatent(latent_dim, classes)
        widths = [self.latent.out_features] + [size] * layers
        self.layers = nn.Sequential(
            *(
                nn.Sequential(
                    EqualLinear(a, b, gain=ROOT2, rate=MAPPING_RATE), nn.LeakyReLU(SLOPE, True)
                )
                for a, b in pairwise(widths)
            )
        )

    def forward(self, z: Tensor, labels: Tensor | None) -> Tensor:
        return self.layers(self.latent(z, labels))


class Noise(nn.Module):
    """Noise for one layer, the same for all channels, weighted by a learned strength; then bias and
    LeakyReLU.

    fixed: what is added when pictures are sampled (1, 1, H, W).
    """

    fixed: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("fixed", torch.zeros(1, 1, side, side))

    @torch.no_grad()
    def begin(self, random: torch.Generator) -> None:
        self.strength.zero_()
        self.fixed.normal_(0, 1, generator=random)

    def forward(self, x: Tensor, noise: Tensor | None, bias: Tensor) -> Tensor:
        """x (B, C, H, W), a bias (C,), and noise (B or 1, 1, H, W); None takes the fixed one."""
        given = self.fixed if noise is None else noise
        return noisy_activation(x, given, self.strength, bias, SLOPE)


class ModulatedConv(nn.Module):
    """A convolution whose input channels are scaled by a style, and whose output channels are
    scaled back to unit variance. Karras et al. 2020, section 2.2, equations 1 to 3.

    The published form makes a weight of its own for each sample. Scaling what goes in and what
    comes out is the same map, one shared convolution for the batch.
    """

    def __init__(
        self, before: int, after: int, size: int, kernel: int = 3, *, demodulate: bool = True
    ) -> None:
        super().__init__()
        self.demodulate = demodulate
        self.affine = EqualLinear(size, before, start=1.0)
        self.conv = EqualConv2d(before, after, kernel, padding=kernel // 2, bias=False)

    def factors(self, style: Tensor) -> tuple[Tensor, Tensor | None]:
        """Of the channels that go in (B, C_in) and of those that come out (B, C_out): scales s, and
        1 / sqrt(sum over inputs and taps of (s w)^2)."""
        s = self.affine(style)
        if not self.demodulate:
            return s, None
        energy = self.conv.scaled.square().sum((2, 3))
        return s, (s.square() @ energy.T + 1e-8).rsqrt()

    def forward(self, x: Tensor, style: Tensor, up: bool = False) -> tuple[Tensor, Tensor | None]:
        """x (B, C_in, H, W) and style (B, W) to what the convolution gives, doubled in size if
        `up`, and the factors (B, C_out, 1, 1) that it is still to be multiplied by."""
        s, d = self.factors(style)
        y = self.conv(x * s[:, :, None, None].to(x.dtype))
        return (double(y) if up else y), None if d is None else d[:, :, None, None]


class StyledConv(nn.Module):
    """Modulated convolution, noise, bias, LeakyReLU with a gain of root 2.

    The gain is in the factors: LeakyReLU(g x) = g LeakyReLU(x) for g > 0. Doubling comes after the
    convolution, at a quarter of the cost, and before noise and nonlinearity, which make detail.
    """

    def __init__(self, before: int, after: int, size: int, side: int, *, up: bool) -> None:
        super().__init__()
        self.up = up
        self.modulated = ModulatedConv(before, after, size)
        self.noise = Noise(side)
        self.bias = nn.Parameter(torch.zeros(after))

    @torch.no_grad()
    def begin(self, random: torch.Generator) -> None:
        self.bias.zero_()

    def forward(self, x: Tensor, style: Tensor, noise: Tensor | None) -> Tensor:
        y, d = self.modulated(x, style, self.up)
        return self.noise(y * (cast(Tensor, d) * ROOT2).to(y.dtype), noise, self.bias)


class ToPicture(nn.Module):
    """A 1x1 modulated convolution without demodulation: features to (B, channels, H, W) in the
    type of its weights."""

    def __init__(self, before: int, channels: int, size: int) -> None:
        super().__init__()
        self.modulated = ModulatedConv(before, channels, size, 1, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    @torch.no_grad()
    def begin(self, random: torch.Generator) -> None:
        self.bias.zero_()

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        y, _ = self.modulated(x, style)
        return y.to(self.bias.dtype) + self.bias[:, None, None]


class Stage(nn.Module):
    """All layers of one resolution. The first stage has one convolution and doubles nothing."""

    def __init__(self, before: int, after: int, size: int, side: int, channels: int, first: bool):
        super().__init__()
        self.convs = nn.ModuleList(
            [] if first else [StyledConv(before, after, size, side, up=True)]
        )
        self.convs.append(StyledConv(after, after, size, side, up=False))
        self.picture = ToPicture(after, channels, size)

    def forward(
        self, x: Tensor, picture: Tensor | None, styles: Tensor, noise: list[Tensor | None]
    ) -> tuple[Tensor, Tensor]:
        """styles (B, layers, W) and as many noises. Returns features and the picture so far."""
        for i, conv in enumerate(self.convs):
            x = conv(x, styles[:, i], noise[i])
        drawn = self.picture(x, styles[:, -1])
        return x, drawn if picture is None else double(picture) + drawn


class StyledGenerator(nn.Module, ABC):
    """What both generations share: z (B, Z) to pictures, nominally in [-1, 1]; values outside are
    cut off when drawn.

    forward() is a function of z, labels and weights alone; what is random in training, noise and
    mixed styles, is drawn in game.styles from the step's numbers.
    """

    mean_style: Tensor
    constant: nn.Parameter

    def __init__(
        self,
        latent_dim: int,
        classes: int,
        style_size: int,
        mapping_layers: int,
        resolutions: tuple[int, ...],
    ) -> None:
        """resolutions: the side in px of each layer that takes a style."""
        super().__init__()
        self.latent_dim, self.style_size, self.style_resolutions = (
            latent_dim,
            style_size,
            resolutions,
        )
        self.map = Mapping(latent_dim, classes, style_size, mapping_layers)
        self.register_buffer("mean_style", torch.zeros(style_size))

    @property
    def style_layers(self) -> int:
        return len(self.style_resolutions)

    @torch.no_grad()
    def begin(self, random: torch.Generator) -> None:
        self.constant.normal_(0, 1, generator=random)
        self.mean_style.zero_()

    def mapping(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """z (B, Z) and labels (B,) to styles (B, W)."""
        return self.map(z, labels)

    def fresh_noise(self, count: int, random: torch.Generator) -> tuple[Tensor, ...]:
        """Noise for `count` pictures, (count, 1, H, W) for each layer that takes a style."""
        return tuple(
            torch.randn(count, 1, side, side, generator=random, device=random.device)
            for side in self.style_resolutions
        )

    def synthesis(self, styles: Tensor, noise: tuple[Tensor, ...] | None = None) -> Scales:
        """styles (B, L, W), one for each layer, to pictures. noise: (B or 1, 1, H, W) for each
        layer; None takes the fixed one."""
        given: list[Tensor | None] = [None] * self.style_layers if noise is None else [*noise]
        x = self.constant.expand(styles.shape[0], -1, -1, -1)
        return (self.synthesise(x.contiguous(memory_format=torch.channels_last), styles, given),)

    @abstractmethod
    def synthesise(self, x: Tensor, styles: Tensor, noise: list[Tensor | None]) -> Tensor:
        """From the constant (B, C, h, w) to the picture."""

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Scales:
        styles = self.mapping(z, labels)
        return self.synthesis(styles[:, None].expand(-1, self.style_layers, -1))


class StyleGenerator(StyledGenerator):
    """The revised generation."""

    def __init__(
        self,
        sizes: Sizes,
        latent_dim: int,
        classes: int,
        *,
        style_size: int,
        mapping_layers: int = 2,
    ) -> None:
        start, sides, widths = sizes.start, sizes.sides, sizes.widths
        resolutions = (start, *(side for side in sides[1:] for _ in range(2)))
        super().__init__(latent_dim, classes, style_size, mapping_layers, resolutions)
        self.constant = nn.Parameter(torch.zeros(1, widths[0], start, start))
        self.stages = nn.ModuleList(
            Stage(before, after, style_size, side, sizes.shape.channels, first=side == start)
            for before, after, side in zip(widths[:1] + widths, widths, sides, strict=False)
        )
        self.recompute = sizes.recomputed

    def synthesise(self, x: Tensor, styles: Tensor, noise: list[Tensor | None]) -> Tensor:
        picture, at = None, 0
        for stage, again in zip(self.stages, self.recompute, strict=True):
            after = at + len(cast(Stage, stage).convs)
            given = x, picture, styles[:, at:after], noise[at:after]
            x, picture = recomputed(stage, *given) if again else stage(*given)
            at = after
        return cast(Tensor, picture)
