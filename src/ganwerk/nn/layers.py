"""Layers that the network families share.

Convolutions carry how they compute, chosen per layer by measuring at start (see
training/probe.py): in which precision (`compute`) and whether as one matrix product
(`as_matrix`, see nn/windows.py).
Weights, gradients and moments stay float32; only the arithmetic inside the layer and the
activations it hands on change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganwerk.nn import windows
from ganwerk.nn.convolution import Form, convolve


class Conv2d(nn.Conv2d):
    """A convolution that computes in `compute` and keeps its weights in float32.

    padding: in pixels. (B, C_in, H, W) to (B, C_out, H', W') in `compute`.
    """

    compute: torch.dtype | None = None
    as_matrix: bool = False

    def forward(self, x: Tensor) -> Tensor:
        return self.convolve(x, self.weight, self.bias)

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """With these weights, in the way chosen for this layer."""
        dtype = self.compute or weight.dtype
        bias = None if bias is None else bias.to(dtype)
        x, weight = x.to(dtype), weight.to(dtype)
        if self.as_matrix:
            return windows.convolve(x, weight, bias, self.stride[0], int(self.padding[0]))
        assert not isinstance(self.padding, str)
        form = Form(self.stride, self.padding, self.dilation, self.groups)
        return convolve(x, weight, bias, form)


class ConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution that computes in `compute` and keeps its weights in float32."""

    compute: torch.dtype | None = None
    as_matrix: bool = False

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        weight = self.kernel()  # once: spectral norm computes it anew each time
        dtype = self.compute or weight.dtype
        bias = None if self.bias is None else self.bias.to(dtype)
        x, weight = x.to(dtype), weight.to(dtype)
        if self.as_matrix:
            return windows.convolve_transposed(
                x, weight, bias, self.stride[0], int(self.padding[0])
            )
        assert not isinstance(self.padding, str)
        return F.conv_transpose2d(
            x, weight, bias, self.stride, self.padding, self.output_padding, self.groups,
            self.dilation,
        )  # fmt: skip

    def kernel(self) -> Tensor:
        """(C_in, C_out, k, k), what it convolves with."""
        return self.weight


class UpsampledConv2d(ConvTranspose2d):
    """Every pixel becomes a square of 2 x 2, and that is convolved by 3 x 3 with a margin of zeros,
    in one transposed convolution of 4 x 4 and stride 2: the same numbers for 4 products a pixel
    instead of 9, and a kernel that cannot weave neighbouring pixels (Odena et al. 2016,
    Deconvolution and checkerboard artifacts). weight: that of the convolution, (C_out, C_in, 3, 3).

    (B, C_in, H, W) to (B, C_out, 2H, 2W) in `compute`.
    """

    copies: Tensor

    def __init__(self, before: int, after: int) -> None:
        super().__init__(before, after, 4, stride=2, padding=1)
        self.weight = nn.Parameter(torch.empty(after, before, 3, 3))
        self.reset_parameters()  # what normalises it begins from numbers, not from old memory
        self.register_buffer("copies", _copies(), persistent=False)

    def kernel(self) -> Tensor:
        weight = self.weight
        summed = (weight.flatten(2) @ self.copies.to(weight.dtype)).unflatten(2, (4, 4))
        return summed.transpose(0, 1)


def _copies() -> Tensor:
    """(9, 16): where the weights of a kernel of 3 x 3 come to lie in one of 4 x 4 that is the sum
    of its four shifted copies, mirrored as a transposed convolution takes it."""
    places = torch.zeros(3, 3, 4, 4)
    for y, x in product(range(3), range(3)):
        places[2 - y, 2 - x, y : y + 2, x : x + 2] = 1
    return places.view(9, 16)


class Linear(nn.Linear):
    """A matrix product in the type of its weights, whatever comes in. (B, F_in) to (B, F_out)."""

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight
        return F.linear(x.to(weight.dtype), weight, self.bias)


Convolution = Conv2d | ConvTranspose2d
CONVOLUTIONS = (Conv2d, ConvTranspose2d)
"""The layers whose way of computing can be chosen one by one."""


def can_be_matrix(layer: nn.Module) -> bool:
    """Whether a convolution can compute as a matrix product over its windows, and 1 x 1, which is
    one already, need not."""
    if not isinstance(layer, CONVOLUTIONS) or isinstance(layer.padding, str):
        return False
    square = all(len({*n}) == 1 for n in (layer.kernel_size, layer.stride, layer.padding))
    plain = layer.groups == 1 and {*layer.dilation} == {1} and {*layer.output_padding} == {0}
    return square and plain and layer.kernel_size[0] > 1 and layer.padding_mode == "zeros"


@contextmanager
def matrix_products(bfloat16: bool) -> Iterator[None]:
    """How float32 matrix products compute inside: bfloat16 products with float32 sums where the
    processor has units for it, else, and with False, float32 throughout. It holds for the backward
    pass too, so it encloses whole steps."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium" if bfloat16 else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


class Upsample(nn.Module):
    """Every pixel becomes a square of 2 x 2 (nearest neighbour). (B, C, H, W) to (B, C, 2H, 2W)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2.0, mode="nearest")


class _MeanOfSquares(torch.autograd.Function):
    """The mean of 2 x 2 squares with a gradient written as an enlargement: the same numbers as
    avg_pool2d in three quarters of its time on a CPU, and correct under double backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        # Behind the last stage the gradient comes flat; in another layout than the activations it
        # would slow down everything before.
        quarter = (gradients[0] * 0.25).contiguous(memory_format=torch.channels_last)
        return F.interpolate(quarter, scale_factor=2.0, mode="nearest")


class Downsample(nn.Module):
    """The mean of every 2 x 2 square. (B, C, H, W), H and W even, to (B, C, H/2, W/2)."""

    def forward(self, x: Tensor) -> Tensor:
        return _MeanOfSquares.apply(x)


class ConditionalLatent(nn.Module):
    """Joins a latent (B, Z) and the embedding of its label (B, E) to (B, Z + E).

    The embedding has unit variance like the latent, so that neither drowns the other at the start.
    Unconditional (classes = 0): the latent alone. Labels are classes (B,) int64 or, for what lies
    between them, the shares of all classes (B, classes) in float32.
    """

    def __init__(self, latent_dim: int, classes: int, embedding_dim: int = 0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, embedding_dim or latent_dim) if classes else None
        self.out_features = latent_dim + (self.embedding.embedding_dim if self.embedding else 0)

    def forward(self, z: Tensor, labels: Tensor | None) -> Tensor:
        if self.embedding is None:
            return self.scaled(z)
        assert labels is not None
        shares = labels.is_floating_point()
        embedded = labels @ self.embedding.weight if shares else self.embedding(labels)
        return torch.cat([self.scaled(z), self.scaled(embedded)], dim=1)

    @staticmethod
    def scaled(part: Tensor, /) -> Tensor:
        """Each of the two (B, F) before they are joined."""
        return part


class LogitHead(nn.Module):
    """Features (B, F) to logits (B,) in float32.

    Conditional: D(x, y) = psi(h) + <h, e_y> / sqrt(F), the projection of Miyato and Koyama 2018
    (cGANs with projection discriminator, equation 3), scaled so that both terms start alike.
    groups: layers (B, F) to (B,) that compare samples with each other; what they find is added.
    """

    def __init__(
        self, features: int, classes: int, linear: Callable[[int, int], nn.Linear] = nn.Linear
    ) -> None:
        """linear: makes the layer psi."""
        super().__init__()
        self.psi = linear(features, 1)
        self.embedding = nn.Embedding(classes, features) if classes else None
        self.scale = 1 / math.sqrt(features)
        self.groups = nn.ModuleList()

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        h = features.to(self.psi.bias.dtype)
        logits = self.psi(h)[:, 0]
        for group in self.groups:
            logits = logits + group(h)
        if self.embedding is None:
            return logits
        return logits + (h * self.embedding(labels)).sum(1) * self.scale
