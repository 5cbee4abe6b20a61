"""How weights begin. Every draw comes from an explicit generator, so a seed is a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any, TypeGuard

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ganwerk.nn.layers import UpsampledConv2d

Initialise = Callable[[nn.Module, torch.Generator], None]
SLOPE = 0.2
GAIN = math.sqrt(2 / (1 + SLOPE**2))  # keeps the variance through LeakyReLU; He et al. 2015, eq. 14
WEIGHTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
DRAWING = {"normal_", "uniform_", "kaiming_uniform_"}


class Undrawn(TorchFunctionMode):
    """Layers made in here draw no weights. For networks on the meta device: a draw on it imports
    torch's compiler, which takes longer than all else before a training."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func.__name__ in DRAWING:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def weight_of(module: nn.Module) -> torch.Tensor:
    """The tensor that a layer's weight is computed from (spectral norm keeps an original)."""
    parametrised = getattr(module, "parametrizations", None)
    weight = module.weight if parametrised is None else parametrised.weight.original
    assert isinstance(weight, torch.Tensor)
    return weight


def _weights(net: nn.Module) -> list[tuple[nn.Module, torch.Tensor]]:
    return [(module, weight_of(module)) for module in net.modules() if isinstance(module, WEIGHTED)]


@torch.no_grad()
def _begin(net: nn.Module, random: torch.Generator, std: Callable[[nn.Module], float]) -> None:
    for module, weight in _weights(net):
        weight.normal_(0, std(module), generator=random)
        bias = getattr(module, "bias", None)
        if bias is not None:
            bias.zero_()
    for module in net.modules():
        if isinstance(module, nn.Embedding):
            module.weight.normal_(0, 1, generator=random)


def fan_in(module: nn.Module) -> int:
    """How many inputs one output of the layer sums over.

    A transposed convolution of stride s spreads each input over s * s outputs. Of one that stands
    for a convolution of doubled pixels it is that of this convolution.
    """
    if isinstance(module, nn.Linear):
        return module.in_features
    if isinstance(module, UpsampledConv2d):
        return 9 * module.in_channels
    assert isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
    area = module.kernel_size[0] * module.kernel_size[1]
    if isinstance(module, nn.ConvTranspose2d):
        area = max(1, area // (module.stride[0] * module.stride[1]))
    return module.in_channels // module.groups * area


def he(net: nn.Module, random: torch.Generator) -> None:
    """N(0, gain / sqrt(fan in)), gain for LeakyReLU."""
    _begin(net, random, lambda module: GAIN / math.sqrt(fan_in(module)))


@torch.no_grad()
def smooth(net: nn.Module, random: torch.Generator) -> None:
    """As `he`, but convolutions of 4x4 and stride 2 begin without a weave.

    In a transposed one other weights make each of four neighbouring pixels, so it weaves a pattern
    of two pixels into all it draws; a strided one weaves it into the gradient of what it sees. Here
    the one begins as pixels doubled, then convolved by 3x3, and the other as a convolution by 3x3,
    then means of 2x2; the gain for even areas is that of `he`. After Aitken et al. 2017,
    Checkerboard artifact free sub-pixel convolution, section 3.
    """
    he(net, random)
    for module, weight in _weights(net):
        if not halves_or_doubles(module):
            continue
        small = weight.new_empty(*weight.shape[:2], 3, 3)
        # An even area comes out as the sum of 9 weights, those of a strided one each taken 4 times
        times = 1 if isinstance(module, nn.ConvTranspose2d) else 4
        small.normal_(0, GAIN / (3 * times * math.sqrt(module.in_channels)), generator=random)
        weight.zero_()
        for y, x in product(range(2), range(2)):
            weight[:, :, y : y + 3, x : x + 3] += small


def halves_or_doubles(module: nn.Module) -> TypeGuard[nn.Conv2d | nn.ConvTranspose2d]:
    """Whether it is a convolution of 4x4 and stride 2, forwards or transposed."""
    return (
        isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
        and not isinstance(module, UpsampledConv2d)
        and module.kernel_size == (4, 4)
        and module.stride == (2, 2)
        and module.groups == 1
    )


def dcgan(net: nn.Module, random: torch.Generator) -> None:
    """N(0, 0.02) for all weights, N(1, 0.02) for batch norm. Radford et al. 2016, section 4."""
    _begin(net, random, lambda module: 0.02)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.normal_(1, 0.02, generator=random)


def torch_default(net: nn.Module, random: torch.Generator) -> None:
    """U(-1/sqrt(fan in), 1/sqrt(fan in)) for weights and biases: as plain PyTorch does."""
    with torch.no_grad():
        for module, weight in _weights(net):
            bound = 1 / math.sqrt(fan_in(module))
            weight.uniform_(-bound, bound, generator=random)
            bias = getattr(module, "bias", None)
            if bias is not None:
                bias.uniform_(-bound, bound, generator=random)
        for module in net.modules():
            if isinstance(module, nn.Embedding):
                module.weight.normal_(0, 1, generator=random)


@torch.no_grad()
def in_turn(net: nn.Module, random: torch.Generator, std: Callable[[nn.Module], float]) -> None:
    """N(0, std) for each layer's weights, embeddings N(0, 1), biases 0, module by module. What
    begins in its own way has a method begin(random); an equalised layer says what its biases begin
    with."""
    for module in net.modules():
        own = getattr(module, "begin", None)
        if own is not None:
            own(random)
        if isinstance(module, nn.Conv2d | nn.Linear):
            weight_of(module).normal_(0, std(module), generator=random)
            if module.bias is not None:
                module.bias.fill_(getattr(module, "start", 0.0) / getattr(module, "rate", 1.0))
        elif isinstance(module, nn.Embedding):
            module.weight.normal_(0, 1, generator=random)


INITIALISERS: dict[str, Initialise] = {
    "he": he,
    "smooth": smooth,
    "dcgan": dcgan,
    "torch": torch_default,
}
