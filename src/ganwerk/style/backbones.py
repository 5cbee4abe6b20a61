"""Networks whose features are compared: plain chains of 3 x 3 convolutions, ReLUs and poolings.

A layer is named as in the field's papers: `relu4_2` is what comes out of the second convolution of
the fourth block. Blocks are separated by a pooling that halves the sides. Weights are frozen and
the chain ends at the last layer asked for, so no gradient is computed that nobody needs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor

from ganwerk.checks import shown
from ganwerk.errors import ConfigError, did_you_mean
from ganwerk.nn.layers import Downsample

Weights = Mapping[str, Tensor]
"""'1_2.weight' (C_out, C_in, 3, 3) and '1_2.bias' (C_out,) for the second layer of block 1 ..."""

Features = dict[str, Tensor]
"""Layer name to activations (1, C, h, w), h and w the picture's sides divided by the stride."""

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures in [0, 1]: what torchvision's networks were trained with."""

_ALIASES = re.compile(r"(?:relu|conv|block)(\d)_(?:conv)?(\d)")


@dataclass(frozen=True, slots=True)
class Architecture:
    """widths[b], depths[b]: channels and convolutions of block b + 1; the default layers."""

    name: str
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    content_layers: tuple[str, ...] = ("relu4_2",)
    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

    @property
    def layers(self) -> tuple[str, ...]:
        """All layers, first to last."""
        return tuple(
            f"relu{block}_{layer}"
            for block, depth in enumerate(self.depths, 1)
            for layer in range(1, depth + 1)
        )

    def shapes(self, upto: str | None = None) -> dict[str, tuple[int, int]]:
        """'1_2' to (channels in, channels out), in order, up to and with the layer `upto`."""
        found, before = {}, 3
        for layer in self.layers:
            width = self.widths[int(layer[4]) - 1]
            found[layer[4:]] = (before, width)
            before = width
            if layer == upto:
                break
        return found

    def named(self, layer: str) -> str:
        """The layer by its name here, from relu4_2, conv4_2 or (Keras) block4_conv2.

        Raises ConfigError for one that the network lacks.
        """
        found = _ALIASES.fullmatch(layer.strip().lower())
        name = f"relu{found[1]}_{found[2]}" if found else layer
        if name not in self.layers:
            raise ConfigError(
                f"The backbone '{self.name}' has no layer '{shown(layer)}'.",
                did_you_mean(name, self.layers),
            )
        return name

    def last(self, layers: Iterable[str]) -> str:
        """The deepest of some layers."""
        return max(layers, key=self.layers.index)

    def receptive_field_px(self, layer: str) -> int:
        """How many px of a side one activation sees."""
        field = 1
        for name in self.layers:
            stride = stride_of(name)
            first_of_block = name.endswith("_1") and stride > 1
            field += (stride // 2 if first_of_block else 0) + 2 * stride
            if name == layer:
                break
        return field

    def multiply_adds(self, height: int, width: int, upto: str) -> int:
        """Of the convolutions of one forward pass over height x width px."""
        return sum(
            9 * before * after * (height // stride_of(name)) * (width // stride_of(name))
            for name, (before, after) in self.shapes(upto).items()
        )

    def activation_numbers(self, upto: str) -> float:
        """Numbers per px of the picture that a pass leaves for the way back."""
        return sum(
            after / stride_of(name) ** 2 for name, (_, after) in self.shapes(upto).items()
        ) + sum(width / 4**block for block, width in enumerate(self.widths[: int(upto[4]) - 1], 1))


VGG16 = Architecture("vgg16", (64, 128, 256, 512, 512), (2, 2, 3, 3, 3))
VGG19 = Architecture("vgg19", (64, 128, 256, 512, 512), (2, 2, 4, 4, 4))
COMPACT = Architecture(
    "compact", (32, 64, 128, 192, 192), (2, 2, 2, 2, 1), content_layers=("relu2_2", "relu4_2")
)
ARCHITECTURES = {made.name: made for made in (COMPACT, VGG16, VGG19)}
RANDOM = "-random"
"""Behind the name of an architecture: the same with calibrated random weights."""

BACKBONES = (*ARCHITECTURES, *(name + RANDOM for name in ARCHITECTURES))


def architecture(backbone: str) -> Architecture:
    """Raises ConfigError for an unknown name."""
    if backbone not in BACKBONES:
        raise ConfigError(f"There is no backbone '{backbone}'.", did_you_mean(backbone, BACKBONES))
    return ARCHITECTURES[backbone.removesuffix(RANDOM)]


def stride_of(layer: str) -> int:
    """px of the picture between two neighbours of the layer 'relu3_1' or '3_1'."""
    return int(2 ** (int(layer.removeprefix("relu")[0]) - 1))


@cache
def compact_weights() -> Weights:
    """The weights that come with the package (bench/compact.py trained them), in float32."""
    content = resources.files("ganwerk.style").joinpath("compact.safetensors").read_bytes()
    return {name: tensor.float() for name, tensor in safetensors.torch.load(content).items()}


def average_pool(x: Tensor) -> Tensor:
    """The mean of every 2 x 2 square; an odd last row or column is dropped."""
    even = all(side % 2 == 0 for side in x.shape[-2:])
    return _quarter(x) if even else F.avg_pool2d(x, 2)


_quarter = Downsample()


def max_pool(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2)


POOLINGS = {"average": average_pool, "max": max_pool}
PADDINGS = ("replicate", "zeros")
INPUTS = {"standard": (1.0, STD), "255": (255.0, (1.0, 1.0, 1.0))}
"""What the first layer gets: (picture - MEAN) x factor / divisor. 'standard' is torchvision's;
'255' has the range of the published codes for Caffe's VGG, which reach other loss values."""


class _Convolution(torch.autograd.Function):
    """A 3 x 3 convolution with constant weights (C_out, C_in, 3, 3).

    Its gradient is the convolution of the gradient with the turned weights, which the libraries
    compute faster than what they have for gradients. What comes in needs not be kept for it: with
    padded copies, that is half of a pass's memory.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, turned: Tensor, bias: Tensor, padding: int
    ) -> Tensor:
        ctx.turned, ctx.padding = turned, padding
        return F.conv2d(x, weight, bias, padding=padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        back = F.conv2d(gradients[0], ctx.turned, padding=2 - ctx.padding)
        return back, None, None, None, None


@dataclass(frozen=True, slots=True)
class _Layer:
    """name: as in `Architecture.layers`. turned: the weights for the way back."""

    name: str
    weight: Tensor
    turned: Tensor
    bias: Tensor


class Encoder:
    """Pictures to features. Weights are constants; only the picture has a gradient."""

    def __init__(
        self,
        made: Architecture,
        weights: Weights,
        layers: Sequence[str],
        *,
        pooling: str = "average",
        padding: str = "replicate",
        pixels: str = "standard",
        compute: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        """layers: what to return. compute: the type of the convolutions and of the features."""
        self.architecture, self.layers, self.compute = made, frozenset(layers), compute
        self.device = torch.device(device)
        self._pool, self._replicate = POOLINGS[pooling], padding == "replicate"
        factor, divisor = INPUTS[pixels]
        kind = weights["1_1.weight"].dtype
        self._mean = torch.tensor(MEAN, dtype=kind, device=device).reshape(1, 3, 1, 1)
        scale = factor / torch.tensor(divisor, dtype=kind, device=device)
        self._scale = scale.reshape(1, 3, 1, 1)
        self.last = made.last(layers)
        self._chain = [self._layer(name, weights) for name in made.shapes(self.last)]

    def _layer(self, name: str, weights: Weights) -> _Layer:
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        turned = weight.flip(2, 3).transpose(0, 1)
        return _Layer(f"relu{name}", *map(self._constant, (weight, turned, bias)))

    def _constant(self, tensor: Tensor) -> Tensor:
        tensor = tensor.detach().to(self.device, self.compute)
        if tensor.ndim == 4:
            tensor = tensor.contiguous(memory_format=torch.channels_last)
        return tensor

    def __call__(self, picture: Tensor) -> Features:
        """picture (1, 3, H, W) in [0, 1], H, W at least the stride of the last layer."""
        x = (picture - self._mean) * self._scale
        x = x.to(self.compute).contiguous(memory_format=torch.channels_last)
        found: Features = {}
        for layer in self._chain:
            if layer.name.endswith("_1") and layer.name != "relu1_1":
                x = self._pool(x)
            if self._replicate:
                x = F.pad(x, (1, 1, 1, 1), mode="replicate")
            padding = 0 if self._replicate else 1
            x = _Convolution.apply(x, layer.weight, layer.turned, layer.bias, padding).relu_()
            if layer.name in self.layers:
                found[layer.name] = x
        return found

    @property
    def halo_px(self) -> int:
        """How far a change of the picture reaches in the last layer, rounded up to its stride."""
        radius = self.architecture.receptive_field_px(self.last) / 2
        return math.ceil(radius / self.stride) * self.stride

    @property
    def stride(self) -> int:
        return stride_of(self.last)


PARTS = ("weight", "bias")
