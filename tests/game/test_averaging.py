"""Steps that look ahead: where plain gradient descent circles, they arrive."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from tests.game.points import flat, game, points
from torch import nn

from ganwerk.errors import ConfigError
from ganwerk.game.optimisers import Adam
from ganwerk.game.remedies import REMEDIES
from ganwerk.game.remedies.averaging import ExtraGradient, Optimistic
from ganwerk.game.step import train_step


def play(wrap, steps=400, rate=0.1):
    """min over x, max over y of x y: both players at once, as in the papers. Distance from the
    equilibrium 0 at the end."""
    x, y = (nn.Parameter(torch.ones((), dtype=torch.float64)) for _ in range(2))
    first, second = (wrap(torch.optim.SGD([p], rate)) for p in (x, y))
    for _ in range(steps):
        x.grad, y.grad = y.detach().clone(), -x.detach().clone()
        first.step(), second.step()
    return float((x**2 + y**2).detach().sqrt())


def test_the_bilinear_game():
    """Simultaneous descent grows by sqrt(1 + h^2) per step; the remedies shrink towards 0."""
    assert play(lambda inner: inner) == pytest.approx(2**0.5 * (1 + 0.01) ** 200, rel=1e-6)
    assert play(Optimistic) < 0.3
    # extra-gradient: per whole move (two steps) (x + iy) is multiplied by 1 - h^2 + ih
    assert play(ExtraGradient) == pytest.approx(
        2**0.5 * abs(complex(1 - 0.01, 0.1)) ** 200, rel=1e-6
    )
    assert play(ExtraGradient, steps=2000) < 0.01


def test_optimistic_steps_by_hand():
    """w_1 = w_0 - h g_0; then w_{t+1} = w_t - 2 h g_t + h g_{t-1}."""
    p = nn.Parameter(torch.zeros(1))
    optimiser = Optimistic(torch.optim.SGD([p], 0.5))
    seen = []
    for gradient in (1.0, 2.0, 4.0):
        p.grad = torch.tensor([gradient])
        optimiser.step()
        seen.append(p.item())
    assert seen == pytest.approx([-0.5, -0.5 - 2 + 0.5, -2 - 4 + 1])


def test_optimistic_adam_uses_adams_steps():
    p, q = (nn.Parameter(torch.zeros(3)) for _ in range(2))
    plain, optimistic = Adam([q], 0.1, 0.5, 0.9), Optimistic(Adam([p], 0.1, 0.5, 0.9))
    moved = []
    for i in range(4):
        gradient = torch.randn(3, generator=torch.Generator().manual_seed(i))
        before = q.detach().clone()
        p.grad, q.grad = gradient.clone(), gradient.clone()
        plain.step(), optimistic.step()
        moved.append(q.detach() - before)
    expected = moved[0] + sum(2 * b - a for a, b in pairwise(moved))
    torch.testing.assert_close(p.detach(), expected)


def test_extra_gradient_by_hand():
    """Look to w - h g(w), then go from w by what was found there."""
    p = nn.Parameter(torch.tensor([1.0]))
    optimiser = ExtraGradient(torch.optim.SGD([p], 0.5))
    seen = []
    for _ in range(4):
        p.grad = 2 * p.detach().clone()  # of w^2
        optimiser.step()
        seen.append(p.item())
    assert seen == pytest.approx([0.0, 1.0, 0.0, 1.0])
    p.data.fill_(1.0)
    optimiser = ExtraGradient(torch.optim.SGD([p], 0.1))
    for _ in range(2):
        p.grad = 2 * p.detach().clone()
        optimiser.step()
    assert p.item() == pytest.approx(1 - 0.1 * 2 * (1 - 0.1 * 2))


def test_they_exclude_each_other_and_unrolling():
    optimistic, extra = REMEDIES["optimistic"](), REMEDIES["extra-gradient"]()
    with pytest.raises(ConfigError, match="'optimistic' and 'extra-gradient' both set"):
        game([optimistic, extra])
    for remedy in (optimistic, extra):
        for pair in ([remedy, REMEDIES["unrolled"]()], [REMEDIES["unrolled"](), remedy]):
            with pytest.raises(ConfigError, match="unrolled"):
                game(pair)
        game([remedy, REMEDIES["unrolled"](steps=0)])


def test_the_averaged_generator():
    state, recipe = game([REMEDIES["ema"](half_life_images=32, ramp=10.0)])
    assert (state.ema.half_life_images, state.ema.ramp) == (32, 10.0)
    expected = flat(state.g_net)
    for _ in range(5):
        train_step(state, points, recipe)
        keep = 0.5 ** (16 / min(32, 10 * state.images))
        expected = keep * expected + (1 - keep) * flat(state.g_net)
    torch.testing.assert_close(flat(state.ema.net), expected)
    with pytest.raises(ConfigError, match="average"):
        REMEDIES["ema"](half_life_images=-1)
