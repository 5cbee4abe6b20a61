"""A convolution whose derivatives of every order are as fast as its first.

torch derives the second derivative by convolutions with pictures in the place of kernels, several
times slower than need be; gradient penalties and unrolling live on it. A convolution is linear in
picture and kernel, so three functions are closed under differentiation: the convolution and its
gradients by either. Each one's derivatives are the other two.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function


class Form(NamedTuple):
    """What torch calls them; one number per axis."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int


def wanted(ctx: Any) -> tuple[bool, ...]:
    """Which inputs' gradients are asked for in this backward pass.

    `needs_input_grad` says which could be: it counts D's kernels when G learns, and pictures when
    D does. torch's own functions leave those out; so do these.
    """
    nodes = [node for node, _ in ctx.next_functions]  # of the tensors, which come first
    nodes += [None] * (len(ctx.needs_input_grad) - len(nodes))
    return tuple(node is not None and _will_run(node) for node in nodes)


def _will_run(node: Any) -> bool:
    try:
        return torch._C._will_engine_execute_node(node)
    except RuntimeError:  # it does not say so of a leaf that autograd.grad is asked for
        return True


class Convolution(Function):
    """x (B, C, H, W), weight (O, C / groups, k, k), bias (O,) or None, to (B, O, H', W')."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, form: Form) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.form = form
        return torch.conv2d(x, weight, bias, *form)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (y,) = gradients
        x, weight = ctx.saved_tensors
        by_x, by_weight, by_bias, _ = wanted(ctx)
        return (
            ByPicture.apply(y, weight, x, ctx.form) if by_x else None,
            ByKernel.apply(x, y, weight, ctx.form) if by_weight else None,
            y.sum((0, 2, 3)) if by_bias else None,
            None,
        )


class ByPicture(Function):
    """The gradient at the picture: y (B, O, H', W'), weight, and a picture of the shape and layout
    that the gradient shall have, to (B, C, H, W)."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, weight: Tensor, like: Tensor, form: Form) -> Tensor:
        ctx.save_for_backward(y, weight)
        ctx.form = form
        return _backwards(y, like, weight, form, by_picture=True)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = gradients
        y, weight = ctx.saved_tensors
        by_y, by_weight, _, _ = wanted(ctx)
        return (
            Convolution.apply(x, weight, None, ctx.form) if by_y else None,
            ByKernel.apply(x, y, weight, ctx.form) if by_weight else None,
            None,
            None,
        )


class ByKernel(Function):
    """The gradient at the kernel: x (B, C, H, W), y (B, O, H', W'), and a kernel of the shape and
    layout that the gradient shall have, to (O, C / groups, k, k)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, like: Tensor, form: Form) -> Tensor:
        ctx.save_for_backward(x, y)
        ctx.form = form
        return _backwards(y, x, like, form, by_picture=False)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (weight,) = gradients
        x, y = ctx.saved_tensors
        by_x, by_y, _, _ = wanted(ctx)
        return (
            ByPicture.apply(y, weight, x, ctx.form) if by_x else None,
            Convolution.apply(x, weight, None, ctx.form) if by_y else None,
            None,
            None,
        )


def _backwards(y: Tensor, x: Tensor, weight: Tensor, form: Form, by_picture: bool) -> Tensor:
    """One of the two gradients of a convolution, where y came back."""
    stride, padding, dilation, groups = form
    wanted = [by_picture, not by_picture, False]
    gradients = torch.ops.aten.convolution_backward(
        y, x, weight, None, stride, padding, dilation, False, [0, 0], groups, wanted
    )
    found: Tensor = gradients[0 if by_picture else 1]
    return found


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, form: Form) -> Tensor:
    """F.conv2d."""
    y: Tensor = Convolution.apply(x, weight, bias, form)
    return y
