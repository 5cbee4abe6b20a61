"""Unrolling, against derivatives by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from tests.game.points import PictureD, PictureG, PointD, PointG, flat, game, pictures, points
from torch import nn

from ganwerk.errors import ConfigError
from ganwerk.game.drawn import Drawn
from ganwerk.game.losses import LOSSES
from ganwerk.game.penalties import r1
from ganwerk.game.recipe import Recipe, add
from ganwerk.game.remedies import REMEDIES
from ganwerk.game.step import batch_parts_of, discriminator_step, train_step
from ganwerk.nn.types import Batch

unrolled = REMEDIES["unrolled"]


class Shift(nn.Module):
    """G draws the number theta, whatever z is."""

    latent_dim = 1

    def __init__(self):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([[0.5]]))

    def forward(self, z, labels=None):
        return (self.theta + 0 * z,)


class Slope(nn.Module):
    """D(x) = psi x: the discriminator of the Dirac-GAN (Mescheder et al. 2018, section 2)."""

    group_size = 1

    def __init__(self):
        super().__init__()
        self.psi = nn.Parameter(torch.tensor([[0.3]]))

    def forward(self, scales, labels=None):
        return (scales[-1] * self.psi)[:, 0]


def dirac(remedies, rate, base=None):
    def sgd(net, rate):
        return torch.optim.SGD(net.parameters(), rate)

    return game(
        remedies, base=base, players=(Shift, Slope), make=sgd, rate=rate, dtype=torch.float64
    )


def at_zero(_):
    return Batch(torch.zeros(1, 1, dtype=torch.float64))


def draw_double(generator, batch, random):
    from ganwerk.nn.types import Fakes

    return Fakes(generator(torch.zeros(1, 1, dtype=torch.float64)))


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def test_two_steps_by_hand():
    """D(x) = psi x, reals at 0, the fake at theta, steepest descent with rate h.

    D's loss is log 2 + softplus(psi theta), its gradient s(psi theta) theta. With
    u(psi) = psi - h s(psi theta) theta, D ends at psi_2 = u(u(psi_0)); G's loss is
    softplus(-psi_2 theta), where psi_2 depends on theta as well:
    d psi' / d theta = d psi/d theta - h (s' (psi + theta d psi/d theta) theta + s).
    """
    h = 0.2
    state, recipe = dirac([unrolled(steps=2)], h, Recipe(draw=draw_double))
    theta, psi = 0.5, float(torch.tensor(0.3))
    psi_0 = psi - h * sigmoid(psi * theta) * theta  # D's own update comes first
    at, slope = psi_0, 0.0
    for _ in range(2):
        s = sigmoid(at * theta)
        inner = s * (1 - s) * (at + theta * slope)
        at, slope = at - h * s * theta, slope - h * (inner * theta + s)
    expected = -sigmoid(-at * theta) * (at + theta * slope)
    report = train_step(state, at_zero, recipe)
    assert state.d_net.psi.item() == pytest.approx(psi_0, rel=1e-12)
    assert float(report.g_loss) == pytest.approx(math.log1p(math.exp(-at * theta)), rel=1e-12)
    assert state.g_net.theta.item() == pytest.approx(theta - h * expected, rel=1e-12)


def test_first_order_leaves_the_slope_out():
    h = 0.2
    state, recipe = dirac([unrolled(steps=1, first_order=True)], h, Recipe(draw=draw_double))
    theta, psi = 0.5, float(torch.tensor(0.3))
    for _ in range(2):
        psi -= h * sigmoid(psi * theta) * theta
    train_step(state, at_zero, recipe)
    expected = theta + h * sigmoid(-psi * theta) * psi
    assert state.g_net.theta.item() == pytest.approx(expected, rel=1e-12)


def test_the_value_of_the_game_counts_reals_too():
    """objective = 'value': G descends -D's loss, in which reals at 1 depend on psi_1 as well."""
    h = 0.2
    state, recipe = dirac([unrolled(steps=1, objective="value")], h, Recipe(draw=draw_double))
    theta, psi = 0.5, float(torch.tensor(0.3))

    def gradient(psi):
        return -sigmoid(-psi) + sigmoid(psi * theta) * theta

    psi_0 = psi - h * gradient(psi)
    psi_1 = psi_0 - h * gradient(psi_0)
    s = sigmoid(psi_0 * theta)
    slope = -h * (s * (1 - s) * psi_0 * theta + s)
    value = sigmoid(-psi_1) * slope - sigmoid(psi_1 * theta) * (psi_1 + theta * slope)
    train_step(state, lambda _: Batch(torch.ones(1, 1, dtype=torch.float64)), recipe)
    assert state.g_net.theta.item() == pytest.approx(theta - h * value, rel=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("steps", [1, 3])
def test_gradient_of_g_against_finite_differences(loss, steps):
    """With Adam and R1: move one weight of G, let real copies of D learn, and see G's loss."""
    base = replace(Recipe(), loss=LOSSES[loss])
    base = add(base, d_penalties=r1(0.3, 2))

    def made():
        made = game([unrolled(steps=steps)], base=base, dtype=torch.float64)
        made[0].step = 1
        return made

    def batch(i):
        return Batch(points(i).images.double())

    def draw(generator, batch, random):
        from ganwerk.game import latents
        from ganwerk.nn.types import Fakes

        z = latents.LATENTS["gaussian"].draw(len(batch.images), 4, random)
        return Fakes(generator(z.double()))

    state, recipe = made()
    recipe = replace(recipe, draw=draw)
    weight = state.g_net.net[2].weight
    caught = {}

    def seen(state):
        caught["grad"] = weight.grad.clone()

    step = state.g_optimiser.step
    state.g_optimiser.step = lambda: (seen(state), step())
    train_step(state, batch, recipe)

    def loss_at(delta):
        """D's own update is made with the unmoved G, what G foresees with the moved one."""
        other, _ = made()
        real = batch(1)
        batch_parts = batch_parts_of(other)
        batch_parts[0].batch = real
        batch_parts[0].drawn = Drawn(draw(other.g_net, real, batch_parts[0].random))
        discriminator_step(other, batch_parts, recipe)
        with torch.no_grad():
            other.g_net.net[2].weight[0, 0] += delta
        fakes = draw(other.g_net, real, other.random_of_step())
        batch_parts[0].drawn = Drawn(fakes)
        for _ in range(steps):
            other.step += 1
            discriminator_step(other, batch_parts, recipe)
        with torch.no_grad():
            logits = [other.d_net(x) for x in ((real.images,), fakes.scales)]
            return float(recipe.loss.generator(*logits).mean())

    h = 1e-6
    expected = (loss_at(h) - loss_at(-h)) / (2 * h)
    assert float(caught["grad"][0, 0]) == pytest.approx(expected, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("make", ["adam", "sgd"])
def test_no_steps_are_the_plain_step(make):
    def sgd(net, rate):
        return torch.optim.SGD(net.parameters(), rate)

    chosen = {"make": sgd} if make == "sgd" else {}
    plain, recipe = game(**chosen)
    none, unrolled_recipe = game([unrolled(steps=0)], **chosen)
    for _ in range(5):
        train_step(plain, points, recipe)
        train_step(none, points, unrolled_recipe)
    assert torch.equal(flat(plain.g_net), flat(none.g_net))
    assert torch.equal(flat(plain.d_net), flat(none.d_net))


@pytest.mark.parametrize("players", [(PointG, PointD), (PictureG, PictureD)])
def test_d_learns_as_ever(players):
    """In the first step D is the same with and without; its moments and buffers too."""
    batch = points if players[0] is PointG else pictures
    norm = REMEDIES["spectral-norm"]()
    plain, recipe = game([norm], players=players)
    ahead, unrolled_recipe = game([norm, unrolled(steps=3)], players=players)
    train_step(plain, batch, recipe)
    train_step(ahead, batch, unrolled_recipe)
    assert not torch.equal(flat(plain.g_net), flat(ahead.g_net))
    for name, value in plain.d_net.state_dict().items():
        if name.endswith((".left", ".right")):
            continue  # the plain step judges G's pictures by D itself, and so iterates once more
        assert torch.equal(value, ahead.d_net.state_dict()[name]), name
    for a, b in zip(plain.d_net.parameters(), ahead.d_net.parameters(), strict=True):
        for key, value in plain.d_optimiser.state[a].items():
            assert torch.equal(value, ahead.d_optimiser.state[b][key])


def test_clipped_weights_are_clipped_ahead():
    clip = REMEDIES["weight-clip"](bound=0.05)
    state, recipe = game([clip, unrolled(steps=2)], rate=1.0)
    seen = []
    original = recipe.opponent

    def watched(*given):
        critic = original(*given)
        seen.append(max(float(t.detach().abs().max()) for t in critic.net.tensors.values()))
        return critic

    train_step(state, points, replace(recipe, opponent=watched))
    assert 0 < seen[0] <= 0.0500001


@pytest.mark.parametrize("steps", [-1, 11])
def test_impossible_numbers_of_steps(steps):
    with pytest.raises(ConfigError, match="Unrolling"):
        unrolled(steps=steps)
