"""Optimisers against torch's, and a descent that survives numbers that are none."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ganwerk.errors import DivergedError
from ganwerk.style.descent import MOST_RESTARTS, Descent
from ganwerk.style.objective import Losses
from ganwerk.style.optimisers import LBFGS, Adam, GradientDescent
from ganwerk.style.recipe import Recipe


def bowl(x):
    """A badly conditioned quadratic: value and gradient."""
    slopes = torch.linspace(1, 20, x.numel(), dtype=x.dtype).reshape(x.shape)
    return float((slopes * x**2).sum()), 2 * slopes * x


def start():
    return torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(1, 3, 2, 2).clone()


def descended(optimiser, steps):
    x = start()
    for _ in range(steps):
        optimiser.move(x, bowl(x)[1])
    return x


def by_torch(make, steps):
    x = start().requires_grad_()
    optimiser = make([x])

    def closure():
        value = (torch.linspace(1, 20, 12, dtype=x.dtype).reshape(x.shape) * x**2).sum()
        (x.grad,) = torch.autograd.grad(value, x)
        return value

    for _ in range(steps):
        optimiser.step(closure)
    return x.detach()


def test_adam_is_torch_s():
    theirs = by_torch(lambda p: torch.optim.Adam(p, 0.02, betas=(0.9, 0.99)), 25)
    torch.testing.assert_close(descended(Adam(0.02, 0.9, 0.99, 1e-8), 25), theirs)


def test_lbfgs_is_torch_s():
    theirs = by_torch(
        lambda p: torch.optim.LBFGS(p, 1.0, max_iter=1, history_size=5, tolerance_grad=0), 15
    )
    torch.testing.assert_close(descended(LBFGS(1.0, 5), 15), theirs)


def test_keras_adam_in_closed_form():
    """First step: rate sqrt(1 - b2) / (1 - b1) m / (sqrt(v) + eps), m = (1 - b1) g."""
    x, g = torch.zeros(1, dtype=torch.float64), torch.tensor([2.0], dtype=torch.float64)
    Adam(0.002, 0.99, 0.999, 0.1, keras=True).move(x, g)
    expected = 0.002 * 0.001**0.5 * 2 / ((0.001 * 4) ** 0.5 + 0.1)
    assert float(x) == pytest.approx(-expected)


def test_gradient_descent_does_not_depend_on_the_size():
    small, large = torch.ones(4), torch.ones(400)
    for x in (small, large):
        GradientDescent(0.1).move(x, 2 * x / x.numel())  # of the mean square
    assert float(small[0]) == pytest.approx(float(large[0])) == pytest.approx(0.8)


class Mean:
    """An objective with the picture's mean square, not finite in the steps named."""

    memory: dict = {}  # noqa: RUF012

    def __init__(self, broken=()):
        self.broken = set(broken)

    def __call__(self, picture, step):
        value = float((picture**2).mean())
        gradient = 2 * picture / picture.numel()
        if step in self.broken:
            return Losses(float("nan"), value, 0.0, 0.0, 0.0), gradient
        return Losses(value, value, 0.0, 0.0, 0.0), gradient


RECIPE = replace(Recipe(), average=0.0)


def descent(objective):
    return Descent(RECIPE, objective, Adam(0.05, 0.9, 0.99, 1e-8), torch.full((1, 3, 2, 2), 0.8))


def test_a_number_that_is_none_restores_the_best_and_shortens_the_steps():
    way = descent(Mean(broken=[3]))
    for _ in range(3):
        way.advance()
    best = way._best.clone()
    found = way.advance()
    assert found.rescued
    torch.testing.assert_close(way.picture, best)
    assert way._optimiser.rate == 0.025
    for _ in range(40):
        way.advance()
    assert float(way.result.mean()) < 0.2
    assert way.restarts == 1


def test_restarts_end():
    way = descent(Mean(broken=range(100)))
    with pytest.raises(DivergedError, match="not finite"):
        for _ in range(MOST_RESTARTS + 1):
            way.advance()


def test_averaged_iterates():
    way = Descent(
        replace(RECIPE, average=0.5), Mean(), GradientDescent(0.1), torch.ones(1, 3, 1, 1)
    )
    seen = []
    for _ in range(3):
        way.advance()
        seen.append(float(way.picture[0, 0]))
    expected = (0.125 * seen[0] + 0.25 * seen[1] + 0.5 * seen[2]) / 0.875
    assert float(way.result[0, 0]) == pytest.approx(expected)
