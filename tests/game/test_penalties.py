"""R1 of a linear critic is its weight's norm; every penalty's gradient is checked in float64."""

from __future__ import annotations

import pytest
import torch

from ganwerk.game.penalties import PENALTIES, around_real, between
from ganwerk.game.rounds import Critic, Round, requiring_grad


def round_of(net, real, fake, group_size=1, seed=0):
    critic = Critic(lambda scales, labels: net(scales[-1]), group_size)
    real, fake = requiring_grad((real,)), requiring_grad((fake,))
    random = torch.Generator().manual_seed(seed)
    return Round(critic, real, fake, None, critic(real, None), critic(fake, None), random)


@pytest.fixture
def pictures():
    random = torch.Generator().manual_seed(7)
    return [torch.randn(5, 3, 4, 4, dtype=torch.float64, generator=random) for _ in range(2)]


WEIGHT = torch.randn(48, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def linear(x):
    return x.flatten(1) @ WEIGHT


@pytest.mark.parametrize("kind", ["r1", "r2"])
def test_zero_centred_penalty_of_a_linear_critic(kind, pictures):
    gamma = 3.0
    value = PENALTIES[kind](gamma, 1)(round_of(linear, *pictures))
    torch.testing.assert_close(value, (gamma / 2 * WEIGHT.square().sum()).expand(5))


@pytest.mark.parametrize("kind", ["wgan-gp", "dragan"])
def test_one_centred_penalty_of_a_linear_critic(kind, pictures):
    value = PENALTIES[kind](10.0, 1)(round_of(linear, *pictures))
    torch.testing.assert_close(value, (10 * (WEIGHT.norm() - 1).square()).expand(5))


def test_r1_looks_at_reals_and_r2_at_fakes(pictures):
    real, fake = pictures
    squares = lambda x: 0.5 * x.square().flatten(1).sum(1)  # noqa: E731  (gradient at x is x)
    played = round_of(squares, real, fake)
    expected = [0.5 * x.square().flatten(1).sum(1) for x in (real, fake)]
    torch.testing.assert_close(PENALTIES["r1"](1.0, 1)(played), expected[0])
    torch.testing.assert_close(PENALTIES["r2"](1.0, 1)(played), expected[1])


def test_wgan_gp_probes_on_the_line_with_a_share_per_sample(pictures):
    real, fake = pictures
    x, logits = between(round_of(linear, real, fake))
    share = ((x[0] - fake) / (real - fake)).flatten(1)
    spread = share.max(1).values - share.min(1).values
    torch.testing.assert_close(spread, torch.zeros(5, dtype=torch.float64), atol=1e-9, rtol=0)
    assert share.mean(1).std() > 0.05
    assert ((share > -1e-9) & (share < 1 + 1e-9)).all()
    torch.testing.assert_close(logits, linear(x[0]))


def test_dragan_probes_within_half_a_deviation(pictures):
    real, fake = pictures
    x, _ = around_real(round_of(linear, real, fake))
    moved = (x[0] - real) / real.std()
    assert moved.min() >= 0
    assert 0.3 < moved.max() <= 0.5


@pytest.mark.parametrize("kind", PENALTIES)
def test_gradient_in_float64(kind, pictures):
    base = torch.randn(48, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    head = torch.randn(6, dtype=torch.float64, requires_grad=True)

    def penalty(v):
        played = round_of(lambda x: (x.flatten(1) @ base).tanh() @ v, *pictures)
        return PENALTIES[kind](1.5, 1)(played).mean()

    assert torch.autograd.gradcheck(penalty, (head,))


@pytest.mark.parametrize("kind", PENALTIES)
def test_against_finite_differences_of_the_critic(kind, pictures):
    """The norm inside agrees with a slow numerical gradient, sample by sample."""
    base = torch.randn(48, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    net = lambda x: (x.flatten(1) @ base).tanh().sum(1)  # noqa: E731
    played = round_of(net, *pictures)
    made = PENALTIES[kind](2.0, 1)
    x, _ = made.probe(round_of(net, *pictures))
    point = x[0].detach()[:1]
    slow = torch.empty(48, dtype=torch.float64)
    for i in range(48):
        step = torch.zeros(48, dtype=torch.float64)
        step[i] = 1e-6
        step = step.view_as(point)
        slow[i] = ((net(point + step) - net(point - step)) / 2e-6).item()
    norm = slow.norm()
    expected = norm.square() if made.centre == 0 else (norm - made.centre).square()
    torch.testing.assert_close(made(played)[0], made.weight * expected, rtol=1e-5, atol=1e-6)


def test_the_penalty_does_not_touch_the_generator(pictures):
    real, fake = pictures
    source = fake.clone().requires_grad_(True)
    weight = WEIGHT.clone().requires_grad_(True)
    played = round_of(lambda x: (x.flatten(1) @ weight).square(), real, source * 1)
    PENALTIES["r2"](1.0, 1)(played).sum().backward()
    assert source.grad is None
    assert weight.grad.abs().sum() > 0


def test_a_zero_gradient_has_a_finite_derivative(pictures):
    weight = torch.zeros(48, dtype=torch.float64, requires_grad=True)
    played = round_of(lambda x: x.flatten(1) @ weight, *pictures)
    (slope,) = torch.autograd.grad(PENALTIES["wgan-gp"](10.0, 1)(played).sum(), weight)
    assert slope.isfinite().all()
