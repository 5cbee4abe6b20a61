"""Convolutions as matrix products against torch's own, with first and second derivatives."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.nn.windows import Grid, Overlap, Windows, convolve, convolve_transposed

SHAPES = [(3, 1, 1), (4, 2, 1), (1, 1, 0), (3, 2, 1)]
"""kernel, stride, padding"""


def tensors(kernel, height=6, width=4):
    random = torch.Generator().manual_seed(1)

    def draw(*shape):
        return torch.randn(shape, generator=random, dtype=torch.float64, requires_grad=True)

    return draw(2, 3, height, width), draw(5, 3, kernel, kernel), draw(5)


@pytest.mark.parametrize(("kernel", "stride", "padding"), SHAPES)
def test_convolve_is_conv2d(kernel, stride, padding):
    x, weight, bias = tensors(kernel)
    ours = convolve(x, weight, bias, stride, padding)
    theirs = F.conv2d(x, weight, bias, stride, padding)
    torch.testing.assert_close(ours, theirs)
    for mine, other in zip(
        torch.autograd.grad(ours.square().sum(), (x, weight, bias)),
        torch.autograd.grad(theirs.square().sum(), (x, weight, bias)),
        strict=True,
    ):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize(("kernel", "stride", "padding"), SHAPES)
def test_convolve_transposed_is_conv_transpose2d(kernel, stride, padding):
    x, weight, _ = tensors(kernel)
    weight = weight.transpose(0, 1).detach()  # (3, 5, k, k)
    bias = torch.arange(5.0, dtype=torch.float64)
    ours = convolve_transposed(x, weight, bias, stride, padding)
    torch.testing.assert_close(ours, F.conv_transpose2d(x, weight, bias, stride, padding))


@pytest.mark.parametrize("function", [convolve, convolve_transposed])
def test_first_and_second_derivatives(function):
    x, weight, bias = tensors(4, 4, 4)
    weight = weight if function is convolve else weight.detach().transpose(0, 1).requires_grad_()

    def f(*args):
        return function(*args, 2, 1)

    assert torch.autograd.gradcheck(f, (x, weight, bias))
    assert torch.autograd.gradgradcheck(f, (x, weight, bias))


@given(
    side=st.integers(4, 9), kernel=st.integers(1, 4), stride=st.integers(1, 2),
    padding=st.integers(0, 1), seed=st.integers(0, 99),
)  # fmt: skip
def test_the_two_are_adjoint(side, kernel, stride, padding, seed):
    """<Windows x, y> = <x, Overlap y>."""
    random = torch.Generator().manual_seed(seed)
    grid = Grid(side, side, kernel, stride, padding)
    x = torch.randn((2, 3, side, side), generator=random, dtype=torch.float64)
    windows = Windows.apply(x, grid)
    y = torch.randn(windows.shape, generator=random, dtype=torch.float64)
    torch.testing.assert_close((windows * y).sum(), (x * Overlap.apply(y, grid, 2)).sum())


def test_bfloat16_windows_are_summed_in_float32():
    grid = Grid(1, 1, 3, 1, 1)  # nine windows of one pixel would be needed to lose bits: one here
    parts = torch.full((1, 9 * 1), 1.0, dtype=torch.bfloat16)
    assert Overlap.apply(parts, grid, 1).dtype == torch.bfloat16
    grid = Grid(3, 3, 3, 1, 1)
    parts = torch.full((9, 9), 1 + 2**-7, dtype=torch.bfloat16)
    exact = 9 * (1 + 2**-7)
    assert Overlap.apply(parts, grid, 1)[0, 0, 1, 1].item() == torch.tensor(exact).bfloat16().item()
