"""What an optimiser would do, against what it does."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganwerk.errors import ConfigError
from ganwerk.game.lookahead import flat, look_ahead, root
from ganwerk.game.optimisers import Adam, Sgd

OPTIMISERS = {
    "adam": lambda ps: Adam(ps, 0.1, 0.5, 0.99),
    "adam without mean": lambda ps: Adam(ps, 0.1, 0.0, 0.9),
    "torch adam": lambda ps: torch.optim.Adam(ps, 0.1, (0.3, 0.9)),
    "own sgd": lambda ps: Sgd(ps, 0.1),
    "own sgd with momentum": lambda ps: Sgd(ps, 0.1, 0.9),
    "sgd": lambda ps: torch.optim.SGD(ps, 0.1),
    "sgd with momentum": lambda ps: torch.optim.SGD(ps, 0.1, momentum=0.9),
    "rmsprop": lambda ps: torch.optim.RMSprop(ps, 0.1, alpha=0.9),
    "rmsprop with momentum": lambda ps: torch.optim.RMSprop(ps, 0.1, alpha=0.9, momentum=0.5),
}


@pytest.mark.parametrize("taken", [0, 3])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_it_foresees_the_real_optimiser(name, taken):
    """From the moments after `taken` steps, four further steps with given gradients."""
    torch.manual_seed(0)
    parameters = [nn.Parameter(torch.randn(s, dtype=torch.float64)) for s in ((3, 2), (4,))]
    optimiser = OPTIMISERS[name](parameters)

    def move(gradient):
        for p, g in zip(parameters, gradient.split([6, 4]), strict=True):
            p.grad = g.view(p.shape).clone()
        optimiser.step()

    for _ in range(taken):
        move(torch.randn(10, dtype=torch.float64))
    ahead, weights = look_ahead(optimiser, parameters), flat(parameters)
    memory = {p: {k: v.clone() for k, v in s.items()} for p, s in optimiser.state.items() if s}
    gradients = torch.randn(4, 10, dtype=torch.float64)
    for gradient in gradients:
        weights = ahead.step(weights, gradient)
    for p, kept in memory.items():  # looking changed nothing
        assert all(torch.equal(optimiser.state[p][k], v) for k, v in kept.items())
    for gradient in gradients:
        move(gradient)
    torch.testing.assert_close(weights, flat(parameters), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_its_derivative(name):
    torch.manual_seed(0)
    parameters = [nn.Parameter(torch.randn(3, dtype=torch.float64))]
    optimiser = OPTIMISERS[name](parameters)
    parameters[0].grad = torch.randn(3, dtype=torch.float64)
    optimiser.step()

    def two_steps(weights, first, second):
        ahead = look_ahead(optimiser, parameters)
        return ahead.step(ahead.step(weights, first), second)

    inputs = [torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    assert torch.autograd.gradcheck(two_steps, inputs)


def test_the_root_has_no_slope_at_zero():
    x = torch.tensor([0.0, 4.0], requires_grad=True)
    root(x).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]


def test_what_cannot_be_foreseen():
    parameters = [nn.Parameter(torch.zeros(1))]
    with pytest.raises(ConfigError, match="Adagrad"):
        look_ahead(torch.optim.Adagrad(parameters), parameters)
    with pytest.raises(ConfigError, match="SGD with nesterov"):
        look_ahead(torch.optim.SGD(parameters, 0.1, momentum=0.9, nesterov=True), parameters)
