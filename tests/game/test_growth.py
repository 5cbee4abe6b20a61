"""When a growing network is at which level, and what it sees meanwhile."""

from __future__ import annotations

import pytest
import torch

from ganwerk.errors import ConfigError
from ganwerk.game.growth import Plan, all_scales, growing
from ganwerk.game.optimisers import Adam
from ganwerk.game.penalties import r1
from ganwerk.game.recipe import Recipe, add
from ganwerk.game.remedies import REMEDIES, apply_remedies
from ganwerk.game.start import start
from ganwerk.game.step import train_step
from ganwerk.nn.equalised import begin
from ganwerk.nn.grown import (
    GrowingDiscriminator,
    GrowingGenerator,
    MultiScaleDiscriminator,
    MultiScaleGenerator,
)
from ganwerk.nn.sizes import Sizes
from ganwerk.nn.types import Batch
from ganwerk.values import PictureShape

SHAPE = PictureShape(16, 3)


@pytest.mark.parametrize(
    ("images", "level"),
    [(0, 0), (100, 0), (150, 0.5), (200, 1), (299, 1), (350, 1.5), (400, 2), (10**6, 2)],
)
def test_phases_in_images(images, level):
    assert Plan(2, 0.5, 100).level(images, 0.0) == pytest.approx(level)


def test_phases_as_shares_of_the_run():
    plan = Plan(2, 0.5)  # four phases in the first half
    levels = [plan.level(0, progress) for progress in (0, 0.125, 0.1875, 0.25, 0.4375, 0.5, 1)]
    assert levels == pytest.approx([0, 0, 0.5, 1, 1.5, 2, 2])


def playing(recipe, generator, discriminator, steps, horizon=160):
    g = generator(Sizes(SHAPE, 4, 8), 4, 0)
    d = discriminator(Sizes(SHAPE, 4, 8), 0, group=2)
    for net in (g, d):
        begin(net, torch.Generator().manual_seed(5))
    state = start(
        recipe, g, d, lambda net, rate: Adam(net.parameters(), rate, 0.0, 0.99),
        g_rate=1e-3, d_rate=1e-3, seed=1, horizon_images=horizon,
    )  # fmt: skip

    def batch(i):
        random = torch.Generator().manual_seed(i)
        return Batch(torch.rand(8, 3, 16, 16, generator=random) * 2 - 1)

    state.held_out = batch
    return state, [train_step(state, batch, recipe) for _ in range(steps)]


def grown(plan, steps, *remedies, horizon=160):
    recipe = apply_remedies(add(growing(plan)(Recipe()), d_penalties=r1(0.5)), remedies)
    return playing(recipe, GrowingGenerator, GrowingDiscriminator, steps, horizon)


def test_all_networks_grow_together_and_only_active_weights_move():
    state, _ = grown(Plan(2, 1.0, 16), 2)
    assert {net.level for net in (state.g_net, state.d_net, state.ema.net)} == {0.0}
    idle = state.g_net.pictures[2].weight
    assert idle not in state.g_optimiser.state
    state, _ = grown(Plan(2, 1.0, 8), 5)
    assert {net.level for net in (state.g_net, state.d_net, state.ema.net)} == {2.0}
    assert state.g_net.pictures[2].weight in state.g_optimiser.state


def test_reals_lose_the_detail_that_fakes_lack():
    _, reports = grown(Plan(2, 1.0, 1000), 1)
    real = reports[0].played.real[-1]
    assert real.shape[-1] == 16
    block = real[0, 0, :4, :4]
    torch.testing.assert_close(block, block[:1, :1].expand(4, 4))


def test_a_prolonged_run_does_not_shrink():
    recipe = growing(Plan(2, 0.5))(Recipe())
    state, _ = playing(recipe, GrowingGenerator, GrowingDiscriminator, 10, horizon=80)
    assert state.g_net.level == 2
    state.horizon_images = 10_000
    batch = Batch(torch.rand(8, 3, 16, 16))
    train_step(state, lambda i: batch, recipe)
    assert state.g_net.level == 2
    assert state.parts["growth"].measures() == {"level": 2.0}


def test_each_stage_has_its_rate_and_its_batch():
    """Batches of 8: four of them at 4 px, two at 8 px, then one; none twice, none left out."""
    plan = Plan(2, 1.0, 64, rates=(1.0, 0.5, 0.25), batches=(4, 2, 1), batch=8)
    seen, sizes, rates = [], [], []
    recipe = growing(plan)(Recipe())
    state, _ = playing(recipe, GrowingGenerator, GrowingDiscriminator, 0)

    def batch(i):
        seen.append(i)
        random = torch.Generator().manual_seed(i)
        return Batch(torch.rand(8, 3, 16, 16, generator=random) * 2 - 1)

    while state.images < 320:
        report = train_step(state, batch, recipe)
        sizes.append(len(report.played.real[-1]))
        rates.append(state.g_optimiser.param_groups[0]["lr"])
    assert seen == list(range(len(seen)))
    assert sizes[:3] == [32, 32, 32]  # the level moves in the step after the 64th picture
    assert set(sizes) == {32, 16, 8}
    assert sizes == sorted(sizes, reverse=True)
    expected = [1e-3 * {32: 1.0, 16: 0.5, 8: 0.25}[size] for size in sizes]
    assert rates == pytest.approx(expected)


def test_rates_of_other_stages_are_refused():
    with pytest.raises(ConfigError, match="3 stages, but 2 stage rates"):
        growing(Plan(2, 1.0, rates=(1.0, 2.0)))


@pytest.mark.parametrize(
    "remedy",
    [
        REMEDIES["replay"](size=16),
        REMEDIES["ada"](),
        REMEDIES["diffaugment"](),
        REMEDIES["unrolled"](steps=1),
        REMEDIES["wgan-gp"](weight=1.0),
        REMEDIES["spectral-norm"](),
        REMEDIES["instance-noise"](),
        REMEDIES["lecam"](),
        REMEDIES["balance"](every=1),
    ],
)
@pytest.mark.parametrize("kind", ["growing", "all scales"])
def test_remedies_work_at_every_level_and_on_all_scales(kind, remedy):
    if kind == "growing":
        _, reports = grown(Plan(2, 1.0, 16), 10, remedy)
    else:
        recipe = apply_remedies(all_scales(2)(Recipe()), [remedy])
        _, reports = playing(recipe, MultiScaleGenerator, MultiScaleDiscriminator, 3)
        assert [s.shape[2] for s in reports[-1].played.real] == [4, 8, 16]
    assert all(report.d_loss.isfinite() and report.g_loss.isfinite() for report in reports)
