"""Layers with an equalised learning rate. Karras et al. 2018, Progressive growing of GANs, 4.1.

A weight is stored with unit variance and multiplied in each pass by gain / sqrt(fan in), He's
constant. Adam, whose steps do not depend on the size of a gradient, then moves all layers equally
fast in relation to their range, wide ones and narrow ones.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganwerk.nn.init import fan_in, in_turn
from ganwerk.nn.layers import ConditionalLatent, Conv2d, Linear

TINY = 1e-8
ROOT2 = math.sqrt(2)  # keeps the variance through LeakyReLU, nearly


class EqualConv2d(Conv2d):
    """A convolution of stride 1 or more, (B, C_in, H, W) to (B, C_out, H', W')."""

    def __init__(self, *args: Any, gain: float = 1.0, **options: Any) -> None:
        super().__init__(*args, **options)
        self.scale = gain / math.sqrt(fan_in(self))

    @property
    def scaled(self) -> Tensor:
        """The kernel as it is used."""
        return self.weight if self.scale == 1 else self.weight * self.scale

    def forward(self, x: Tensor) -> Tensor:
        return self.convolve(x, self.scaled, self.bias)

    @torch.no_grad()
    def fold(self) -> None:
        """Store the kernel as it is used: the same map, but no longer one to train."""
        self.weight.mul_(self.scale)
        self.scale = 1.0


class EqualLinear(Linear):
    """A matrix product, (B, F_in) to (B, F_out). rate: factor on its learning rate, by which its
    weights are stored larger and used smaller. start: what the biases begin with."""

    def __init__(
        self,
        features: int,
        out: int,
        bias: bool = True,
        *,
        gain: float = 1.0,
        rate: float = 1.0,
        start: float = 0.0,
    ) -> None:
        super().__init__(features, out, bias)
        self.rate, self.start = rate, start
        self.scale = gain * rate / math.sqrt(features)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight if self.scale == 1 else self.weight * self.scale
        bias = self.bias if self.bias is None or self.rate == 1 else self.bias * self.rate
        return F.linear(x.to(weight.dtype), weight, bias)

    @torch.no_grad()
    def fold(self) -> None:
        """Store weight and bias as they are used: the same map, but no longer one to train."""
        self.weight.mul_(self.scale)
        if self.bias is not None:
            self.bias.mul_(self.rate)
        self.scale = self.rate = 1.0


class PixelNorm(nn.Module):
    """Each pixel's channels, (B, C) or (B, C, H, W), divided by the root of their mean square.
    Karras et al. 2018, section 4.2."""

    def forward(self, x: Tensor) -> Tensor:
        return unit(x) if x.dim() == 2 else x * _mean_square(x).add(TINY).rsqrt()


def unit(x: Tensor) -> Tensor:
    """x (B, C), each row divided by the root of its mean square."""
    return x * (x.square().mean(dim=1, keepdim=True) + TINY).rsqrt()


class NormalisedLatent(ConditionalLatent):
    """A latent and the embedding of its label side by side, both of mean square 1, so that neither
    can drown the other while they learn. Karras et al. 2020, Training GANs with limited data,
    appendix C."""

    scaled = staticmethod(unit)


def _mean_square(x: Tensor) -> Tensor:
    """x (B, C, H, W) to the mean of its pixels' squares, repeated along the channels: one matrix
    product with float32 sums, as a sum over the innermost of few channels is slow in bfloat16."""
    channels = x.shape[1]
    squares = x.square().permute(0, 2, 3, 1).reshape(-1, channels)
    mean = squares @ x.new_full((channels, channels), 1 / channels)
    return mean.view(x.shape[0], *x.shape[2:], channels).permute(0, 3, 1, 2)


def fold(net: nn.Module) -> None:
    """Multiply the scales of all equalised layers into their weights, for a network that is only
    drawn with."""
    for module in net.modules():
        if isinstance(module, EqualConv2d | EqualLinear):
            module.fold()


def begin(net: nn.Module, random: torch.Generator) -> None:
    """Unit variance for equalised layers, He's for others, and for what begins in its own way, its
    own: a module with a method begin(random)."""

    def std(module: nn.Module) -> float:
        if isinstance(module, EqualConv2d | EqualLinear):
            return 1 / getattr(module, "rate", 1.0)
        return ROOT2 / math.sqrt(fan_in(module))

    in_turn(net, random, std)
