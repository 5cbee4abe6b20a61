from __future__ import annotations

import pytest
import torch
from tests.game.points import flat, game, points

from ganwerk.errors import ConfigError
from ganwerk.game.recipe import Recipe
from ganwerk.game.remedies import REMEDIES
from ganwerk.game.step import train_step


def test_lecam_by_hand():
    """Nothing in the first step; then squared distances from the averages of before."""
    state, recipe = game([REMEDIES["lecam"](weight=0.5, decay=0.75)])
    first = train_step(state, points, recipe)
    assert float(first.penalties["lecam"]) == 0
    means = [first.played.real_logits.mean(), first.played.fake_logits.mean()]
    second = train_step(state, points, recipe)
    at_real = (second.played.real_logits - means[1]).square().mean()
    at_fake = (second.played.fake_logits - means[0]).square().mean()
    torch.testing.assert_close(second.penalties["lecam"], (0.5 * (at_real + at_fake)).detach())
    expected = 0.75 * means[0] + 0.25 * second.played.real_logits.mean()
    torch.testing.assert_close(state.parts["lecam"].means[0], expected.detach())


def test_lecam_needs_no_gradient_at_the_pictures():
    state, recipe = game([REMEDIES["lecam"]()])
    report = train_step(state, points, recipe)
    assert not report.played.real[0].requires_grad


@pytest.mark.parametrize("name", ["r1", "r2", "wgan-gp", "dragan"])
def test_penalties_as_remedies_are_those_of_the_game(name):
    from ganwerk.game.penalties import PENALTIES

    (penalty,) = REMEDIES[name](weight=2.0, every=3, fade=0.5)(Recipe()).d_penalties
    plain = PENALTIES[name](2.0, 3)
    assert (penalty.name, penalty.every, penalty.weight) == (name, 3, plain.weight)
    assert penalty.fade == 0.5
    assert penalty.needs_input_gradient


def test_a_penalty_of_packs_counts_the_whole_pack():
    """D(x1, x2) = w . (x1, x2): the squared slope is |w|^2, not its half."""
    r1 = REMEDIES["r1"](weight=2.0)

    from ganwerk.game.rounds import Critic, Round, requiring_grad
    from ganwerk.nn.groups import Packed

    class Linear(torch.nn.Module):
        group_size = 1

        def __init__(self):
            super().__init__()
            self.map = torch.nn.Linear(2, 1)

        def forward(self, scales, labels=None):
            return self.map(scales[-1])[:, 0]

    net = Packed(Linear(), 2)
    critic = Critic(net, 2)
    real = requiring_grad((torch.randn(6, 2),))
    logits = critic(real, None)
    (penalty,) = r1(Recipe()).d_penalties
    value = penalty(Round(critic, real, real, None, logits, logits, None))
    assert value.shape == (3,)
    torch.testing.assert_close(value, net.net.map.weight.square().sum().expand(3))


def test_spectral_norm_and_clipping_hold():
    state, recipe = game([REMEDIES["weight-clip"](bound=0.02)], rate=1.0)
    train_step(state, points, recipe)
    assert flat(state.d_net).abs().max() <= 0.0200001
    state, recipe = game([REMEDIES["spectral-norm"](iterations=3)], rate=0.1)
    for _ in range(10):
        train_step(state, points, recipe)
    state.d_net(points(0).images[None])
    weight = state.d_net.hidden[0].weight.detach()
    assert float(torch.linalg.matrix_norm(weight, 2)) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("r1", {"weight": -1.0}),
        ("r2", {"weight": 1.0, "fade": 0.0}),
        ("weight-clip", {"bound": 0}),
        ("spectral-norm", {"iterations": 0}),
        ("lecam", {"decay": 1.0}),
        ("packing", {"size": 1}),
        ("minibatch-stddev", {"group": 1}),
        ("minibatch-discrimination", {"kernels": 0}),
    ],
)
def test_impossible_settings(name, bad):
    with pytest.raises(ConfigError):
        REMEDIES[name](**bad)
