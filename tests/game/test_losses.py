"""Closed forms, the papers' equilibria, and agreement with independent formulas."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.game.losses import LOSSES

logit = st.floats(-30, 30)
R, FAKE = torch.tensor([0.5, -2.0, 3.0]), torch.tensor([-1.0, 0.25, 4.0])


@pytest.mark.parametrize("name", LOSSES)
def test_one_value_per_sample(name):
    loss = LOSSES[name]
    assert loss.name == name
    for function in (loss.discriminator, loss.generator, loss.value):
        assert function(R, FAKE).shape == (3,)


def test_binary_cross_entropy_is_what_torch_computes():
    ones, zeros = torch.ones(3), torch.zeros(3)
    bce = lambda x, y: F.binary_cross_entropy_with_logits(x, y, reduction="none")  # noqa: E731
    expected = bce(R, ones) + bce(FAKE, zeros)
    for name in ("minimax", "non-saturating"):
        torch.testing.assert_close(LOSSES[name].discriminator(R, FAKE), expected)
    torch.testing.assert_close(LOSSES["non-saturating"].generator(R, FAKE), bce(FAKE, ones))
    torch.testing.assert_close(LOSSES["minimax"].generator(R, FAKE), -bce(FAKE, zeros))


def test_the_others_by_hand():
    by_hand = {
        "least-squares": (0.5 * ((R - 1) ** 2 + FAKE**2), 0.5 * (FAKE - 1) ** 2),
        "wasserstein": (FAKE - R, -FAKE),
        "hinge": ((1 - R).clamp_min(0) + (1 + FAKE).clamp_min(0), -FAKE),
        "relativistic": (torch.log1p((FAKE - R).exp()), torch.log1p((R - FAKE).exp())),
    }
    for name, (d, g) in by_hand.items():
        torch.testing.assert_close(LOSSES[name].discriminator(R, FAKE), d)
        torch.testing.assert_close(LOSSES[name].generator(R, FAKE), g)


BLIND = {"least-squares": 0.5}
"""The logit of a D that cannot tell; zero unless said otherwise."""


@pytest.mark.parametrize("name", LOSSES)
def test_equilibrium_values_are_those_of_a_blind_discriminator(name):
    loss = LOSSES[name]
    blind = torch.full((4,), BLIND.get(name, 0.0))
    d, g = loss.at_equilibrium
    assert loss.discriminator(blind, blind).mean().item() == pytest.approx(d, abs=1e-6)
    assert loss.generator(blind, blind).mean().item() == pytest.approx(g, abs=1e-6)
    assert loss.value(blind, blind).mean().item() == pytest.approx(
        loss.value_at_equilibrium, abs=1e-6
    )


def test_the_value_of_the_first_game_is_minus_log_4():
    assert LOSSES["minimax"].value_at_equilibrium == pytest.approx(-math.log(4))
    assert LOSSES["non-saturating"].value_at_equilibrium == pytest.approx(-math.log(4))


@pytest.mark.parametrize("name", LOSSES)
@given(real=logit, fake=logit)
def test_losses_push_logits_the_right_way(name, real, fake):
    """D gains by raising reals and lowering fakes, G by raising fakes; never the reverse."""
    loss = LOSSES[name]
    if name == "least-squares":
        real, fake = min(real, 1.0), max(min(fake, 1.0), 0.0)
    r = torch.tensor([real], dtype=torch.float64, requires_grad=True)
    f = torch.tensor([fake], dtype=torch.float64, requires_grad=True)
    d_real, d_fake = torch.autograd.grad(loss.discriminator(r, f).sum(), (r, f))
    (g_fake,) = torch.autograd.grad(loss.generator(r, f).sum(), f)
    assert d_real <= 0 <= d_fake
    assert g_fake <= 0


def test_only_the_saturating_loss_starves_a_losing_generator():
    fake = torch.tensor([-20.0], requires_grad=True)
    (starved,) = torch.autograd.grad(LOSSES["minimax"].generator(fake, fake).sum(), fake)
    (fed,) = torch.autograd.grad(LOSSES["non-saturating"].generator(fake, fake).sum(), fake)
    assert abs(starved.item()) < 1e-8
    assert fed.item() == pytest.approx(-1, abs=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_in_float64(name):
    real = torch.tensor([0.3, -1.2], dtype=torch.float64, requires_grad=True)
    fake = torch.tensor([-0.4, 0.7], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(LOSSES[name].discriminator, (real, fake))
    assert torch.autograd.gradcheck(LOSSES[name].generator, (real, fake))


@pytest.mark.parametrize("name", LOSSES)
def test_huge_logits_stay_finite(name):
    big = torch.tensor([1e4, -1e4])
    assert LOSSES[name].discriminator(big, -big).isfinite().all()
    assert LOSSES[name].generator(big, -big).isfinite().all()


def test_only_relativistic_losses_need_the_reals_for_g():
    for name, loss in LOSSES.items():
        same = torch.equal(loss.generator(R, FAKE), loss.generator(R + 1, FAKE))
        assert same != loss.paired, name
