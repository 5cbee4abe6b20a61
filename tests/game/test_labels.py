"""Noise and labels."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.game.points import PictureD, PictureG, flat, game, pictures, points
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from ganwerk.errors import ConfigError
from ganwerk.game.losses import LOSSES
from ganwerk.game.recipe import Recipe
from ganwerk.game.remedies import REMEDIES
from ganwerk.game.remedies.labels import Noise
from ganwerk.game.step import train_step


@pytest.mark.parametrize(("name", "play"), [("points", None), ("pictures", (PictureG, PictureD))])
def test_noise_has_its_strength_and_decays_to_nothing(name, play):
    noise, random = Noise(0.5, until=0.5), torch.Generator().manual_seed(0)
    shape = (4000, 2) if play is None else (50, 3, 8, 8)
    scales = (torch.zeros(shape), torch.zeros(shape))
    state, _ = game(players=play) if play else game()
    found = []
    for share in (0.0, 0.25, 0.5, 1.0):
        state.images = int(share * state.horizon_images)
        noise.schedule(state)
        seen = noise(scales, random)
        found.append(float(seen[1].std()))
    assert found == pytest.approx([0.5, 0.25, 0, 0], rel=0.03)
    assert noise(scales, random) is scales  # afterwards nothing is computed


def test_both_players_see_the_noise():
    seen = []
    plain = Noise.__call__

    def counted(self, scales, random):
        seen.append(scales[-1].requires_grad)
        return plain(self, scales, random)

    state, recipe = game([REMEDIES["instance-noise"](std=0.1)])
    view = recipe.views[0]
    train_step(state, points, replace(recipe, views=(lambda s, r: counted(view, s, r),)))
    assert seen == [False, True]  # both halves at once for D, then G's pictures with their graph


@pytest.mark.parametrize("name", ["minimax", "non-saturating"])
def test_smoothed_labels_are_cross_entropy_with_soft_targets(name):
    recipe = REMEDIES["label-smoothing"](amount=0.2)(replace(Recipe(), loss=LOSSES[name]))
    real, fake = torch.randn(2, 9)
    expected = bce(real, torch.full((9,), 0.8), reduction="none") + bce(
        fake, torch.zeros(9), reduction="none"
    )
    torch.testing.assert_close(recipe.loss.discriminator(real, fake), expected)
    assert recipe.loss.generator is LOSSES[name].generator  # one-sided: G's loss stays


def test_smoothed_least_squares():
    base = replace(Recipe(), loss=LOSSES["least-squares"])
    loss = REMEDIES["label-smoothing"](amount=0.25)(base).loss
    real, fake = torch.tensor([0.75]), torch.tensor([0.0])
    assert loss.discriminator(real, fake).item() == 0


@pytest.mark.parametrize("name", ["wasserstein", "hinge", "relativistic"])
def test_losses_without_a_target_cannot_be_smoothed(name):
    with pytest.raises(ConfigError, match="no meaning for the loss") as caught:
        REMEDIES["label-smoothing"]()(replace(Recipe(), loss=LOSSES[name]))
    assert "minimax" in caught.value.hint


@pytest.mark.parametrize("name", LOSSES)
def test_flipped_labels(name):
    """The share that is flipped, and that a flipped pair counts as its mirror image."""
    (flip,) = REMEDIES["label-flipping"](probability=0.3)(Recipe()).d_labels
    real, fake = torch.ones(20_000), -torch.ones(20_000)
    a, b = flip(real, fake, torch.Generator().manual_seed(0))
    assert torch.equal(a, -b)
    assert float((a < 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    loss = LOSSES[name].discriminator
    mixed = 0.7 * loss(real, fake)[0] + 0.3 * loss(fake, real)[0]
    assert float(loss(a, b).mean()) == pytest.approx(float(mixed), rel=0.05, abs=0.02)


def test_flipping_never_is_the_plain_step():
    plain, recipe = game()
    none, flipping = game([REMEDIES["label-flipping"](probability=0.0)])
    for _ in range(1):
        train_step(plain, points, recipe)
        train_step(none, points, flipping)
    torch.testing.assert_close(flat(plain.d_net), flat(none.d_net))


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("instance-noise", {"std": -1}),
        ("instance-noise", {"until": 0}),
        ("label-smoothing", {"amount": 0.5}),
        ("label-flipping", {"probability": 0.5}),
    ],
)
def test_impossible_settings(name, bad):
    with pytest.raises(ConfigError):
        REMEDIES[name](**bad)


def test_pictures_too():
    noise = REMEDIES["instance-noise"]()
    state, recipe = game([noise], players=(PictureG, PictureD))
    assert train_step(state, pictures, recipe).d_loss.isfinite()
