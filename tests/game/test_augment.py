"""Augmentation: what it does to pictures, that it can be differentiated, and ADA's law."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.game.points import BATCH, PictureD, PictureG, game, pictures, points

from ganwerk.errors import ConfigError
from ganwerk.game.augment import GEOMETRY, TRANSFORMS, Affine, _Look, augment
from ganwerk.game.losses import LOSSES
from ganwerk.game.recipe import Recipe
from ganwerk.game.remedies import REMEDIES
from ganwerk.game.step import train_step

PICTURES = (PictureG, PictureD)


def dice(seed=0):
    return torch.Generator().manual_seed(seed)


def some(count=6, channels=3, side=8, seed=0):
    return torch.rand(count, channels, side, side, generator=dice(seed)) * 2 - 1


policies = st.lists(st.sampled_from(TRANSFORMS), min_size=1, unique=True).map(tuple)


@given(policies, st.sampled_from([1, 3, 4]), st.integers(0, 99))
def test_with_p_0_it_is_the_identity(policy, channels, seed):
    scales = (some(4, channels, 4), some(4, channels))
    out = augment(scales, policy, 0.0, dice(seed), "zeros")
    assert all(torch.equal(a, b) for a, b in zip(out, scales, strict=True))


@settings(max_examples=30)
@given(policies, st.sampled_from([1, 3, 4]), st.sampled_from(["zeros", "reflection"]),
       st.floats(0.05, 0.95), st.integers(0, 99))  # fmt: skip
def test_what_is_not_chosen_stays_exact(policy, channels, padding, p, seed):
    x = some(64, channels, side=4)
    (y,) = augment((x,), policy, p, dice(seed), padding)
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    assert y.isfinite().all()
    same = sum(torch.equal(a, b) for a, b in zip(x, y, strict=True)) / len(x)
    least = (1 - p) ** len(policy)
    assert same >= least - 4 * math.sqrt(least * (1 - least) / 64) - 1e-9


@pytest.mark.parametrize("name", TRANSFORMS)
def test_each_transform_changes_and_repeats(name):
    """Something changes; the same random numbers give the same; coarse scales change alike."""
    x = some(16)
    a, b = (augment((x,), (name,), 1.0, dice(3), "reflection")[0] for _ in range(2))
    assert torch.equal(a, b)
    assert not torch.equal(a, x)


def test_flips():
    x = some(200)
    (y,) = augment((x,), ("flip",), 1.0, dice(), "reflection")
    stays = torch.isclose(y, x, atol=1e-5).flatten(1).all(1)
    turned = torch.isclose(y, x.flip(3), atol=1e-5).flatten(1).all(1)
    assert bool((stays | turned).all())
    assert float(turned.float().mean()) == pytest.approx(0.5, abs=0.12)


def test_quarter_turns():
    x = some(200)
    (y,) = augment((x,), ("turn",), 1.0, dice(), "reflection")
    seen = [
        torch.isclose(y, torch.rot90(x, k, (2, 3)), atol=1e-4).flatten(1).all(1) for k in range(4)
    ]
    assert bool(torch.stack(seen).any(0).all())
    assert all(20 < int(s.sum()) < 90 for s in seen)


@pytest.mark.parametrize("padding", ["zeros", "reflection"])
def test_translation_is_by_whole_pixels(padding):
    """Every result is the picture moved by -1, 0 or 1 px (an eighth of 8), padded."""
    x = some(100)
    wide = torch.nn.functional.pad(x, (1, 1, 1, 1), mode="constant")
    if padding == "reflection":
        # torch reflects about the border, so the outermost pixel is seen twice
        wide = torch.nn.functional.pad(x, (1, 1, 1, 1), mode="replicate")
    (y,) = augment((x,), ("translation",), 1.0, dice(), padding)
    moved = torch.stack([wide[:, :, i : i + 8, j : j + 8] for i in range(3) for j in range(3)])
    matches = torch.isclose(moved, y, atol=1e-4).flatten(2).all(2)
    assert bool(matches.any(0).all())
    assert bool(matches.any(1).all())  # all nine happen


def test_cutout_is_a_grey_box_of_a_quarter_at_most():
    (y,) = augment((torch.ones(300, 3, 16, 16),), ("cutout",), 1.0, dice(), "zeros")
    gone = (y == 0).float().mean((1, 2, 3))
    assert gone.min() >= 0.05
    assert gone.max() <= 0.2501
    assert set(y.unique().tolist()) == {0.0, 1.0}


def test_colour_by_hand():
    """With brightness b, saturation s, contrast c drawn in this order."""
    x = some(3)
    (y,) = augment((x,), ("colour",), 1.0, dice(5), "zeros")
    random = dice(5)
    torch.rand(3, generator=random)  # which are chosen: all
    b, s, c = (torch.rand(3, generator=random).view(-1, 1, 1, 1) for _ in range(3))
    z = x + (b - 0.5)
    z = z.mean(1, keepdim=True) + 2 * s * (z - z.mean(1, keepdim=True))
    mean = z.mean((1, 2, 3), keepdim=True)
    torch.testing.assert_close(y, mean + (0.5 + c) * (z - mean))


def test_transparency_keeps_its_values():
    x = some(8, 4)
    (y,) = augment((x,), ("colour",), 1.0, dice(), "zeros")
    assert torch.equal(y[:, 3], x[:, 3])


@given(st.integers(0, 1000))
def test_maps_compose(seed):
    """Looking through two maps in turn is looking through their composition."""
    drawn = torch.rand(12, 2, generator=dice(seed), dtype=torch.float64) - 0.5
    first, second = Affine(*drawn[:6]), Affine(*drawn[6:])

    def at(m, x, y):
        return m.a * x + m.b * y + m.s, m.c * x + m.d * y + m.t

    x, y = torch.rand(2, 2, generator=dice(seed + 1), dtype=torch.float64)
    once = at(first.after(second), x, y)
    twice = at(second, *at(first, x, y))
    torch.testing.assert_close(once, twice)


@pytest.mark.parametrize("padding", ["zeros", "reflection"])
def test_the_look_against_torch_and_its_derivatives(padding):
    torch.manual_seed(0)
    x = torch.randn(2, 2, 5, 5, dtype=torch.float64, requires_grad=True)
    grid = torch.rand(2, 5, 5, 2, dtype=torch.float64) * 2.6 - 1.3
    expected = torch.nn.functional.grid_sample(x, grid, "bilinear", padding, align_corners=False)
    torch.testing.assert_close(_Look.apply(x, grid, padding), expected)
    assert torch.autograd.gradcheck(lambda v: _Look.apply(v, grid, padding), x)
    assert torch.autograd.gradgradcheck(lambda v: _Look.apply(v, grid, padding) ** 3, x)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_transform_can_be_differentiated_twice(name):
    x = some(2, 3, 4).double().requires_grad_(True)

    def look(v):
        return augment((v,), (name,), 0.8, dice(1), "reflection")[0].double() ** 2

    assert torch.autograd.gradcheck(look, x, eps=1e-5, atol=1e-4, rtol=1e-3, fast_mode=True)
    assert torch.autograd.gradgradcheck(look, x, eps=1e-5, atol=1e-4, rtol=1e-3, fast_mode=True)


def test_vectors_have_noise_only():
    v = torch.zeros(1000, 2)
    (seen,) = augment((v,), ("noise",), 1.0, dice(), "zeros")
    assert float(seen.square().mean()) == pytest.approx(0.01, rel=0.3)
    with pytest.raises(ConfigError, match="for pictures"):
        augment((v,), ("flip", "noise"), 0.5, dice(), "zeros")


def test_geometry_is_not_rounded_where_matrix_products_are():
    """In bfloat16 a coordinate would be off by a quarter of a pixel at 64 px."""
    from ganwerk.nn.layers import matrix_products

    x = some(4, 3, 64)
    exact = augment((x,), tuple(GEOMETRY), 1.0, dice(), "zeros")[0]
    with matrix_products(bfloat16=True):
        rounded = augment((x,), tuple(GEOMETRY), 1.0, dice(), "zeros")[0]
    assert torch.equal(exact, rounded)


# --------------------------------------------------------------------------------------- ADA


class Says(PictureD):
    """A discriminator whose verdict on reals is set by the test."""

    share = 1.0

    def forward(self, scales, labels=None):
        logits = super().forward(scales, labels)
        signs = torch.where(torch.arange(len(logits)) < self.share * len(logits), 1.0, -1.0)
        return signs + 1e-3 * logits.tanh()


def ada_run(share, steps, loss="hinge", d_steps=1, **settings):
    class LogitHead(Says):
        pass

    LogitHead.share = share
    base = replace(Recipe(), loss=LOSSES[loss], d_steps=d_steps)
    ada = REMEDIES["ada"](every=4, speed_images=BATCH * 40, **settings)
    state, recipe = game([ada], base=base, players=(PictureG, LogitHead))
    seen = []
    for _ in range(steps):
        train_step(state, pictures, recipe)
        seen.append(state.parts["ada"].p)
    return seen


def test_p_follows_its_law():
    """r = 1 > 0.6: after each 4 batches of 16, p rises by 64 / 640, up to the cap."""
    assert ada_run(1.0, 12) == pytest.approx([0, 0, 0, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2, 0.3])
    assert ada_run(1.0, 60, cap=0.8)[-20:] == pytest.approx([0.8] * 20)
    assert max(ada_run(0.1, 12)) == 0  # r < target: never below 0


def test_p_counts_all_pictures_that_d_saw():
    """Two updates of D per step: p goes twice as fast."""
    assert ada_run(1.0, 8, d_steps=2)[-1] == pytest.approx(2 * ada_run(1.0, 8)[-1])


def test_p_falls_again():
    class LogitHead(Says):
        pass

    state, recipe = game(
        [REMEDIES["ada"](speed_images=BATCH * 40)],
        base=replace(Recipe(), loss=LOSSES["hinge"]),
        players=(PictureG, LogitHead),
    )
    for _ in range(16):
        train_step(state, pictures, recipe)
    assert state.parts["ada"].p == pytest.approx(0.4)
    LogitHead.share = 0.0
    for _ in range(8):
        train_step(state, pictures, recipe)
    assert state.parts["ada"].p == pytest.approx(0.2)
    assert state.parts["ada"].measures() == {"ada_p": state.parts["ada"].p}


@pytest.mark.parametrize("loss", LOSSES)
def test_r_where_only_differences_count(loss):
    """For losses without a boundary of their own, both halves alike give r = 0 and p stays 0."""
    ada = REMEDIES["ada"](every=1, speed_images=BATCH)
    state, recipe = game([ada], base=replace(Recipe(), loss=LOSSES[loss]), players=PICTURES)
    train_step(state, pictures, recipe)
    report_r = state.parts["ada"]
    real = torch.tensor([2.0, 3.0]) + 10
    fake = torch.tensor([0.0, 1.0]) + 10
    from ganwerk.game.rounds import Round, StepResult

    played = Round(None, (real,), (fake,), None, real, fake, None)
    r = report_r._signs(StepResult(played, real.mean(), real.mean(), {}, 2))
    assert float(r) == 1.0


def test_reals_and_fakes_pass_the_view_in_both_updates():
    seen = []
    state, recipe = game([REMEDIES["diffaugment"]()], players=PICTURES)

    def view(scales, random):
        seen.append((len(scales[-1]), scales[-1].requires_grad))
        return recipe.views[0](scales, random)

    train_step(state, pictures, replace(recipe, views=(view,)))
    assert seen == [(2 * BATCH, False), (BATCH, True)]


def test_penalties_see_through_it():
    """R1 differentiates D by the pictures before the view."""
    remedies = [REMEDIES["r1"](weight=1.0), REMEDIES["diffaugment"](policy=tuple(TRANSFORMS))]
    state, recipe = game(remedies, players=PICTURES)
    report = train_step(state, pictures, recipe)
    assert report.penalties["r1"] > 0


def test_impossible_settings():
    with pytest.raises(ConfigError, match="no transform 'flop'") as caught:
        REMEDIES["ada"](policy=("flop",))
    assert "flip" in caught.value.hint
    with pytest.raises(ConfigError, match="no transform to apply"):
        REMEDIES["diffaugment"](policy=())
    with pytest.raises(ConfigError, match="cannot have target"):
        REMEDIES["ada"](cap=1.5)
    state, recipe = game([REMEDIES["diffaugment"]()])
    with pytest.raises(ConfigError, match="vectors"):
        train_step(state, points, recipe)
