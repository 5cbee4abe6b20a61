"""The convolution whose second derivatives are fast, against torch's own."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from ganwerk.nn.convolution import ByKernel, ByPicture, Form, convolve

FORMS = [
    Form((1, 1), (1, 1), (1, 1), 1),
    Form((2, 2), (1, 1), (1, 1), 1),
    Form((2, 1), (0, 2), (1, 2), 1),
    Form((1, 1), (1, 1), (1, 1), 2),
]


def tensors(form, dtype=torch.float64):
    random = torch.Generator().manual_seed(1)

    def draw(*shape):
        drawn = torch.randn(shape, generator=random, dtype=torch.float64)
        return drawn.to(dtype).requires_grad_()

    return draw(2, 4, 5, 6), draw(2, 4 // form.groups, 3, 3), draw(2)


def derivatives(function, inputs):
    """Value, first derivatives, and those of the sum of their squares, at all inputs."""
    y = function(*inputs)
    first = torch.autograd.grad(y.square().sum(), inputs, create_graph=True)
    second = torch.autograd.grad(sum(g.square().sum() for g in first), inputs)
    return [y, *first, *second]


@pytest.mark.parametrize("form", FORMS)
def test_all_derivatives_are_those_of_conv2d(form):
    inputs = tensors(form)
    ours = derivatives(lambda x, w, b: convolve(x, w, b, form), inputs)
    theirs = derivatives(lambda x, w, b: F.conv2d(x, w, b, *form), inputs)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("form", FORMS[:3])
def test_third_derivatives(form):
    """Unrolling through a gradient penalty needs them."""
    x, weight, _ = tensors(form)

    def slope(x, weight):
        (gradient,) = torch.autograd.grad(convolve(x, weight, None, form).sin().sum(), x,
                                          create_graph=True)  # fmt: skip
        return gradient.square().sum()

    assert torch.autograd.gradcheck(slope, (x, weight))
    assert torch.autograd.gradgradcheck(slope, (x, weight))


def test_only_what_is_wanted_is_computed(monkeypatch):
    """The first layer of D does not need the gradient at the pictures."""
    asked = []
    for kind in (ByPicture, ByKernel):
        apply = kind.apply
        monkeypatch.setattr(
            kind, "apply", lambda *a, kind=kind, apply=apply: asked.append(kind) or apply(*a)
        )
    x, weight, bias = tensors(FORMS[0])

    def asked_for(inputs, of=None, *, grad=False):
        asked.clear()
        value = convolve(x, weight, bias, FORMS[0]).square().sum() if of is None else of
        if grad:
            torch.autograd.grad(value, inputs)
        else:
            value.backward(inputs=inputs)
        return asked

    for grad in (False, True):
        assert asked_for([weight, bias], grad=grad) == [ByKernel]
        assert asked_for([x], grad=grad) == [ByPicture]
        assert asked_for([x, weight], grad=grad) == [ByPicture, ByKernel]
    y = convolve(x, weight, bias, FORMS[0]).square().sum()
    (slope,) = torch.autograd.grad(y, x, create_graph=True)
    # the slope's own derivative by the kernel, and that of the convolution inside it
    assert asked_for([weight], slope.square().sum()) == [ByKernel, ByKernel]


def test_the_first_convolution_of_a_net_asks_for_no_pictures():
    x, weight, bias = tensors(FORMS[0])
    convolve(x.detach(), weight, bias, FORMS[0]).sum().backward()
    assert x.grad is None and weight.grad is not None


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_layout_and_type_stay(dtype):
    """In another layout than the activations a gradient would slow down everything before."""
    form = FORMS[0]
    x, weight, _ = (t.detach() for t in tensors(form, dtype))
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    weight = weight.contiguous(memory_format=torch.channels_last).requires_grad_()
    y = convolve(x, weight, None, form)
    (gradient,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (again,) = torch.autograd.grad(gradient.square().sum(), weight)
    for found in (y, gradient, again):
        assert found.dtype == dtype and found.is_contiguous(memory_format=torch.channels_last)
