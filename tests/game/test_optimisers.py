from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from ganwerk.game.optimisers import Adam, Sgd


def weights(seed=0, dtype=torch.float32):
    random = torch.Generator().manual_seed(seed)
    return [
        torch.nn.Parameter(torch.randn(s, generator=random, dtype=dtype)) for s in ((3, 4), (5,))
    ]


@pytest.mark.parametrize("betas", [(0.0, 0.99), (0.5, 0.999), (0.9, 0.9)])
def test_it_is_torchs_adam(betas):
    ours, theirs = weights(), weights()
    a = Adam(ours, 0.01, *betas)
    b = torch.optim.Adam(theirs, 0.01, betas, foreach=False)
    for step in range(20):
        for mine, other in zip(ours, theirs, strict=True):
            mine.grad = torch.sin(mine.detach() * (step + 1))
            other.grad = torch.sin(other.detach() * (step + 1))
        a.step()
        b.step()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_it_is_torchs_gradient_descent_bit_for_bit(momentum):
    ours, theirs = weights(), weights()
    a, b = Sgd(ours, 0.1, momentum), torch.optim.SGD(theirs, lr=0.1, momentum=momentum)
    for step in range(20):
        for parameters in (ours, theirs):
            for parameter in parameters:
                parameter.grad = torch.sin(parameter.detach() * (step + 1))
            parameters[0].grad = None if step == 5 else parameters[0].grad
        a.step()
        b.step()
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.equal(mine, other)
    if momentum:
        kept = [value["momentum_buffer"] for value in a.state.values()]
        known = [value["momentum_buffer"] for value in b.state.values()]
        assert all(torch.equal(x, y) for x, y in zip(kept, known, strict=True))


def test_the_first_step_by_hand():
    """Both corrected moments are the gradient: the step is rate * g / (|g| + eps)."""
    (weight,) = weights(dtype=torch.float64)[:1]
    before, gradient = weight.detach().clone(), torch.linspace(-2, 2, 12, dtype=torch.float64)
    weight.grad = gradient.view(3, 4)
    Adam([weight], 0.1, 0.9, 0.99, eps=1e-8).step()
    expected = before - 0.1 * weight.grad / (weight.grad.abs() + 1e-8)
    torch.testing.assert_close(weight.detach(), expected)


def test_what_has_no_gradient_stays():
    first, second = weights()
    optimiser = Adam([first, second], 0.1, 0.0, 0.99)
    before = second.detach().clone()
    first.grad = torch.ones_like(first)
    optimiser.step()
    assert torch.equal(second, before)
    assert second not in optimiser.state
    optimiser.zero_grad()
    assert first.grad is None


def test_it_does_not_load_the_compiler():
    """Nor does anything else of a training with it."""
    code = (
        "import sys, torch; from ganwerk.game.optimisers import Adam;"
        "from ganwerk.config.build import weight_counts;"
        "from tests.golden.curves import curve, settings_of;"
        "w = torch.nn.Parameter(torch.ones(2)); w.grad = torch.ones(2);"
        "Adam([w], .1, .9, .99).step(); weight_counts(settings_of('auto'), 3); curve('auto', 1);"
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
