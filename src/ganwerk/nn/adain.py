"""The first generation of the style-based generator: adaptive instance normalisation.

Karras et al. 2019, A style-based generator architecture for GANs, figure 1b, at full resolution
from the start (the paper grew it; see nn/grown.py for growing networks).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganwerk.nn.equalised import ROOT2, EqualConv2d, EqualLinear
from ganwerk.nn.resample import double
from ganwerk.nn.sizes import Sizes
from ganwerk.nn.style import Noise, StyledGenerator

TINY = 1e-8


class AdaptiveNorm(nn.Module):
    """Each channel of each sample gets mean and deviation from a style. Huang and Belongie 2017,
    equation 8; Karras et al. 2019, equation 1. x (B, C, H, W), style (B, W)."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.affine = EqualLinear(size, 2 * channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        wide = x.float() if x.dtype == torch.bfloat16 else x
        variance, mean = torch.var_mean(wide, dim=(2, 3), correction=0)
        scale, shift = self.affine(style).chunk(2, dim=1)
        slope = (scale + 1) * (variance + TINY).rsqrt()
        offset = (shift - mean * slope)[:, :, None, None]
        return x * slope[:, :, None, None].to(x.dtype) + offset.to(x.dtype)


class AdaptiveLayer(nn.Module):
    """[convolution, doubling,] noise, bias, LeakyReLU, adaptive normalisation. The first layer of
    all has no convolution: it begins with the constant."""

    def __init__(
        self, before: int, after: int, size: int, side: int, *, conv: bool = True, up: bool = False
    ) -> None:
        super().__init__()
        self.up = up
        self.conv = (
            EqualConv2d(before, after, 3, padding=1, bias=False, gain=ROOT2) if conv else None
        )
        self.noise = Noise(side)
        self.bias = nn.Parameter(torch.zeros(after))
        self.norm = AdaptiveNorm(after, size)

    @torch.no_grad()
    def begin(self, random: torch.Generator) -> None:
        self.bias.zero_()

    def forward(self, x: Tensor, style: Tensor, noise: Tensor | None) -> Tensor:
        if self.conv is not None:
            x = self.conv(x)
        x = double(x) if self.up else x
        return self.norm(self.noise(x, noise, self.bias), style)


class AdainGenerator(StyledGenerator):
    """z (B, Z) to pictures."""

    def __init__(
        self,
        sizes: Sizes,
        latent_dim: int,
        classes: int,
        *,
        style_size: int,
        mapping_layers: int = 8,
    ) -> None:
        start, sides, widths = sizes.start, sizes.sides, sizes.widths
        resolutions = tuple(side for side in sides for _ in range(2))
        super().__init__(latent_dim, classes, style_size, mapping_layers, resolutions)
        self.constant = nn.Parameter(torch.zeros(1, widths[0], start, start))
        layers: list[nn.Module] = []
        for before, after, side in zip(widths[:1] + widths, widths, sides, strict=False):
            first = side == start
            layers.append(
                AdaptiveLayer(before, after, style_size, side, conv=not first, up=not first)
            )
            layers.append(AdaptiveLayer(after, after, style_size, side))
        self.layers = nn.ModuleList(layers)
        self.picture = EqualConv2d(widths[-1], sizes.shape.channels, 1)

    def synthesise(self, x: Tensor, styles: Tensor, noise: list[Tensor | None]) -> Tensor:
        for i, layer in enumerate(self.layers):
            x = layer(x, styles[:, i], noise[i])
        drawn: Tensor = self.picture(x)
        return drawn.to(self.constant.dtype)
