"""Remedies that keep the players matched, on players whose verdicts the test sets."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from tests.game.points import flat, game, points

from ganwerk.errors import ConfigError
from ganwerk.game.losses import LOSSES
from ganwerk.game.recipe import Recipe
from ganwerk.game.remedies import REMEDIES
from ganwerk.game.remedies.balance import accuracy, gap
from ganwerk.game.rounds import StepResult
from ganwerk.game.step import train_step
from ganwerk.nn.types import Batch


def test_two_rates():
    state, recipe = game([REMEDIES["two-rates"](generator=0.5, discriminator=4.0)], rate=1e-2)
    for _ in range(3):
        train_step(state, points, recipe)
    assert state.g_optimiser.param_groups[0]["lr"] == pytest.approx(0.5e-2)
    assert state.d_optimiser.param_groups[0]["lr"] == pytest.approx(4e-2)


def test_steps():
    state, recipe = game([REMEDIES["steps"](d=3, g=2)])
    counts = []
    for optimiser in (state.g_optimiser, state.d_optimiser):
        train_step(state, points, recipe) if not counts else None
        counts.append(int(next(iter(optimiser.state.values()))["step"]))
    assert counts == [2, 3]
    with pytest.raises(ConfigError, match="both set 'd_steps'"):
        REMEDIES["steps"](d=2)(recipe)


def resting(remedy, d_loss, g_loss, steps=1):
    """Who moves in the step after D and G had these losses."""
    state, recipe = game([remedy])
    part = state.parts["skip"]
    for _ in range(50):
        zero = torch.zeros(())
        part.observe(state, StepResult(None, zero + d_loss, zero + g_loss, {}, 1))
    before = flat(state.g_net), flat(state.d_net)
    for _ in range(steps):
        train_step(state, points, recipe)
    moved = (
        not torch.equal(before[1], flat(state.d_net)),
        not torch.equal(before[0], flat(state.g_net)),
    )
    return moved, state


@pytest.mark.parametrize(
    ("losses", "moved"),
    [((1.0, 1.0), (True, True)), ((0.1, 1.0), (False, True)), ((1.0, 0.1), (True, False)),
     ((0.1, 0.1), (True, True))],
)  # fmt: skip
def test_who_is_far_ahead_rests(losses, moved):
    """D's loss is 2 log 2 at the equilibrium, G's log 2: shares 0.3 are 0.42 and 0.21."""
    found, state = resting(REMEDIES["skip"](d_below=0.3, g_below=0.3), *losses)
    assert found == moved
    assert state.parts["skip"].measures() == {
        "d_rested": float(not moved[0]), "g_rested": float(not moved[1])
    }  # fmt: skip


def test_a_rest_ends_when_the_loss_has_risen():
    found, _ = resting(REMEDIES["skip"](d_below=0.3, half_life_steps=1.0), 0.1, 1.0, steps=6)
    assert found == (True, True)


def test_the_loss_is_smoothed():
    state, _ = game([REMEDIES["skip"](half_life_steps=1.0)])
    part = state.parts["skip"]
    for value in (1.0, 0.0, 0.0):
        part.observe(state, StepResult(None, torch.tensor(value), torch.tensor(2 * value), {}, 1))
    assert part.losses == pytest.approx((0.25, 0.5))


@pytest.mark.parametrize("loss", ["wasserstein"])
def test_no_rest_where_the_loss_says_nothing(loss):
    with pytest.raises(ConfigError, match="D cannot rest by its loss"):
        REMEDIES["skip"]()(replace(Recipe(), loss=LOSSES[loss]))
    with pytest.raises(ConfigError, match="G cannot rest by its loss"):
        REMEDIES["skip"](d_below=0, g_below=0.5)(replace(Recipe(), loss=LOSSES["minimax"]))


def test_signals():
    real, fake = torch.tensor([1.0, 2.0, -1.0]), torch.tensor([-1.0, 3.0])
    loss = LOSSES["non-saturating"]
    assert float(accuracy(loss, real, fake)) == pytest.approx((2 / 3 + 1 / 2) / 2)
    # where only differences count, the middle of the means, 9 + 5/6, is the boundary
    shifted = accuracy(LOSSES["wasserstein"], real + 9, fake + 9)
    assert float(shifted) == pytest.approx((2 / 3 + 1 / 2) / 2)
    pooled = math.sqrt((float(real.var()) + float(fake.var())) / 2)
    assert float(gap(loss, real, fake)) == pytest.approx(float(real.mean() - fake.mean()) / pooled)


@pytest.mark.parametrize(("strength", "expected"), [(+1, 0.9**3), (-1, 1 / 0.9**3)])
def test_the_controller_pushes_towards_its_band(strength, expected):
    """Held-out reals that D calls real (accuracy 1) or fake (below the band) in every look."""
    log = -math.log(0.9)
    state, recipe = game([REMEDIES["balance"](every=2, speed=log, low=0.95, high=0.97)])
    seen = []

    def held_out(i):
        seen.append(i)
        return Batch(torch.zeros(32, 2))

    def verdict(scales, labels=None):
        logits = type(state.d_net).forward(state.d_net, scales, labels)
        held = len(logits) == 32 and not torch.is_grad_enabled()
        return torch.full((32,), float(strength)) if held else logits - 50  # fakes are fakes

    state.held_out = held_out
    state.d_net.forward = verdict
    for _ in range(6):
        train_step(state, points, recipe)
    assert seen == [1, 2, 3]
    part = state.parts["balance"]
    assert part.measures()["balance_factor"] == pytest.approx(expected)
    assert part.measures()["balance_accuracy"] == pytest.approx(1.0 if strength > 0 else 0.5)
    train_step(state, points, recipe)
    rate = state.d_optimiser.param_groups[0]["lr"]
    assert rate == pytest.approx(1e-2 * expected)
    assert state.g_optimiser.param_groups[0]["lr"] == pytest.approx(1e-2)


def test_the_factor_is_bounded_and_saved():
    remedy = REMEDIES["balance"](signal="gap", low=90.0, high=91.0, every=1, speed=1.0, most=4.0)
    state, recipe = game([remedy])
    for _ in range(8):
        train_step(state, points, recipe)
    part = state.parts["balance"]
    assert part.measures()["balance_factor"] == pytest.approx(4.0)
    other, _ = game([remedy])
    other.parts["balance"].load_state_dict(part.state_dict())
    assert other.parts["balance"].measures() == part.measures()


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("two-rates", {"generator": 0}),
        ("steps", {"d": 0}),
        ("skip", {"d_below": -1}),
        ("balance", {"low": 1.0, "high": 0.5}),
        ("balance", {"every": 0}),
    ],
)
def test_impossible_settings(name, bad):
    with pytest.raises(ConfigError, match=f"The remedy {name} cannot have"):
        REMEDIES[name](**bad)
