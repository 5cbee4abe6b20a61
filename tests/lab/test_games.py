"""Short games of every experiment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ganwerk.config.remedies import REMEDIES
from ganwerk.errors import ConfigError, DivergedError
from ganwerk.lab import dirac, line, points, vanish
from ganwerk.lab.game import DATA, looking, moments, seeded, verdicts
from ganwerk.lab.method import parse
from ganwerk.lab.presets import BEST_RING, COLLAPSE, PACGAN
from ganwerk.nn.types import Batch

SHORT = replace(COLLAPSE, steps=6, batch=32, g_widths=(8, 8), d_widths=(8, 8))
WEIGHTED = {"r1", "r2", "wgan-gp", "dragan"}
OF_VECTORS = {"diffaugment": "diffaugment:policy=noise", "ada": "ada:policy=noise"}


def silent(share):
    assert 0 <= share <= 1


def text_of(kind):
    return f"{kind}:weight=1" if kind in WEIGHTED else OF_VECTORS.get(kind, kind)


@pytest.mark.parametrize("kind", REMEDIES)
def test_every_remedy_plays_with_points(kind):
    found = points.trial(SHORT, text_of(kind), 0, silent)
    plain = points.trial(SHORT, "plain", 0, silent)
    assert np.isfinite(found.arrays["points"]).all()
    started_alike = np.array_equal(found.arrays["points"][0], plain.arrays["points"][0])
    moved_alike = np.array_equal(found.arrays["points"][-1], plain.arrays["points"][-1])
    assert started_alike and not (moved_alike and kind not in UNSEEN)


UNSEEN = {"skip", "ada", "steps", "balance", "ema"}
"""Remedies that six steps, or their defaults, do not show."""


@pytest.mark.parametrize("method", ["plain", "unrolled:steps=2+replay", "packing:size=2"])
def test_the_same_seed_is_the_same_game(method):
    first, again = (points.trial(SHORT, method, 3, silent) for _ in range(2))
    other = points.trial(SHORT, method, 4, silent)
    assert np.array_equal(first.arrays["points"], again.arrays["points"])
    assert not np.array_equal(first.arrays["points"], other.arrays["points"])


def test_published_networks_are_of_the_published_size():
    """PacGAN: G of four hidden layers of 400 with batch norm, D of three maxout layers of 200."""
    state, _ = points.game(PACGAN, parse("plain"), 0)
    shapes = [tuple(p.shape) for p in state.d_net.parameters() if p.dim() == 2]
    assert shapes == [(1000, 2), (1000, 200), (1000, 200), (1, 200)]
    shapes = [tuple(p.shape) for p in state.g_net.parameters() if p.dim() == 2]
    assert shapes == [(400, 2), (400, 400), (400, 400), (400, 400), (2, 400)]
    assert points.trial(replace(PACGAN, steps=2), "packing:size=4", 0, silent).facts["steps"] == 2


def test_orthogonal_weights():
    state, _ = points.game(replace(COLLAPSE, gain=0.8), parse("spectral-norm"), 0)
    first = next(p for p in state.g_net.parameters() if p.dim() == 2)
    torch.testing.assert_close(first.T @ first, 0.64 * torch.eye(first.shape[1]))


def test_unknown_names_are_refused():
    for change in ("loss=hingee", "latent=gausian", "decay=cosin", "optimiser=adm",
                   "init=ortogonal", "g_activation=rely", "d_activation=rely"):  # fmt: skip
        with pytest.raises(ConfigError, match="There is no"):
            points.game(parse(change).applied(SHORT), parse(change), 0)


def test_clashing_remedies_are_refused():
    with pytest.raises(ConfigError, match="both set"):
        points.game(SHORT, parse("steps:d=2+unrolled+unrolled"), 0)


def test_a_batch_must_hold_whole_groups():
    with pytest.raises(ConfigError, match="groups of 3 samples, and a batch of 32"):
        points.game(SHORT, parse("packing:size=3"), 0)


def test_moments_hold_both_ends():
    assert moments(10, 4) == [0, 2, 5, 8, 10]
    assert moments(2, 60) == [0, 1, 2]


def test_the_line_moves_towards_the_data():
    setting = replace(line.SETTING, steps=60, batch=48)
    found = line.trial(setting, "r1:weight=0.2", 0, silent)
    w2 = found.arrays["w2"]
    assert w2[-1] < 0.7 * w2[0]
    x = line.axis(line.MIXTURES["line"]).numpy()
    mass = np.trapezoid(found.arrays["p_g"], x, axis=1)
    np.testing.assert_allclose(mass, 1, atol=0.03)


def test_dirac_circles_without_a_remedy_and_converges_with_r1():
    plain = dirac.trial(dirac.SETTING, "plain", 0, silent).facts
    cured = dirac.trial(dirac.SETTING, "r1:weight=0.5", 0, silent).facts
    assert plain["shrinkage"] == pytest.approx(1, abs=1e-4)
    assert plain["predicted"] == pytest.approx(1)
    assert plain["radius_last"] == pytest.approx(plain["radius_first"], rel=0.05)
    assert cured["shrinkage"] == pytest.approx(cured["predicted"], abs=1e-4)
    assert cured["radius_last"] < 1e-4


def test_the_prediction_is_the_square_root_of_the_determinant():
    """Where the eigenvalues are complex: sqrt(1 - h gamma)."""
    assert dirac.predicted_shrinkage(0.1, 0.5) == pytest.approx(0.95**0.5)
    assert dirac.predicted_shrinkage(0.1, 0.0) == pytest.approx(1)


def test_theory_is_silent_where_it_does_not_apply():
    for text in ("optimistic", "r1:weight=0.5,every=2", "g_rate=0.2", "loss=wasserstein"):
        assert (
            dirac.trial(replace(dirac.SETTING, steps=4), text, 0, silent).facts["predicted"] is None
        )


def test_a_penalty_that_fades_has_no_short_answer():
    few = replace(dirac.SETTING, steps=4)
    for text, known in (("r1:weight=0.5,fade=0.1", False), ("r1:weight=0.5", True)):
        assert (dirac.trial(few, text, 0, silent).facts["predicted"] is not None) == known


def test_a_path_of_one_step_has_no_slope():
    facts = dirac.trial(replace(dirac.SETTING, steps=1), "plain", 0, silent).facts
    assert facts["shrinkage"] is None and facts["radius_first"] == pytest.approx(2**0.5)


def test_players_who_run_away_are_stopped():
    wild = replace(dirac.SETTING, steps=40, loss="wasserstein", g_rate=1e9, d_rate=1e9)
    with pytest.raises(DivergedError, match=r"stopped being numbers in step \d"):
        dirac.trial(wild, "plain", 0, silent)


@pytest.mark.parametrize("method", ["packing:size=2", "minibatch-stddev:group=3+batch=24"])
def test_a_discriminator_of_groups_is_asked_about_single_points(method):
    """Of a point it sees as many copies as it compares."""
    chosen = parse(method)
    state, _ = points.game(chosen.applied(SHORT), chosen, 0)
    at = torch.randn(5, 2, 1, 1)
    copies = at[3:4].expand(state.d_group_size, -1, -1, -1)
    alone = state.d_net((copies,)).mean()
    torch.testing.assert_close(verdicts(state, at)[3], alone)
    few = replace(line.SETTING, steps=1, batch=24)
    assert line.trial(few, method, 0, silent).arrays["d"].shape == (2, line.CELLS)
    few = replace(vanish.SETTING, steps=1, batch=24)
    assert np.isfinite(vanish.trial(few, method, 0, silent).facts["gradient_last"])


def test_looking_moves_nothing():
    chosen = parse("spectral-norm+g_norm=true")
    state, rules = points.game(chosen.applied(SHORT), chosen, 0)
    nets = state.g_net, state.d_net
    before = [{k: v.clone() for k, v in net.state_dict().items()} for net in nets]
    batch = Batch(line.MIXTURES["ring"].draw(32, seeded(0, DATA))[:, :, None, None])
    vanish.look(state, rules, batch)
    chosen = parse("spectral-norm")
    on_line, _ = points.game(chosen.applied(line.SETTING), chosen, 0)
    vectors = {k: v.clone() for k, v in on_line.d_net.state_dict().items()}
    line.look(on_line, line.SETTING)
    for net, kept in zip((*nets, on_line.d_net), (*before, vectors), strict=True):
        assert net.training
        assert all(torch.equal(value, kept[name]) for name, value in net.state_dict().items())
    with looking(state.d_net), torch.no_grad():
        assert not state.d_net.training


def test_minimax_vanishes_and_the_others_do_not():
    setting = replace(vanish.SETTING, steps=300, batch=64)
    left = {
        text: vanish.trial(setting, text, 0, silent).facts["gradient_last"]
        for text in vanish.METHODS
    }
    minimax, non_saturating, wasserstein = left.values()
    assert minimax < 0.1 * non_saturating and minimax < 0.1 * wasserstein


def test_g_stands_still_while_d_learns():
    setting = replace(vanish.SETTING, steps=5, batch=16)
    drawn = vanish.trial(setting, "loss=minimax", 0, silent).arrays["drawn"]
    assert np.array_equal(drawn[0], drawn[-1])


@pytest.mark.parametrize(
    "remedy", ["two-rates:generator=1,discriminator=4", "balance:low=1,high=1,every=1", "steps:d=2"]
)
def test_d_learns_alone_by_all_rules_of_the_game(remedy):
    setting = replace(vanish.SETTING, steps=6, batch=16)
    plain, cured = (vanish.trial(setting, f"loss=minimax{more}", 0, silent).facts["gradient_last"]
                    for more in ("", f"+{remedy}"))  # fmt: skip
    assert plain != cured


@pytest.mark.slow
def test_the_best_recipe_finds_the_ring():
    """One seed; bench/lab.py has ten."""
    torch.set_num_threads(1)
    facts = points.trial(BEST_RING, "r1:weight=0.02", 0, silent).facts
    assert facts["modes"] == 8 and facts["high_quality"] >= 0.95


@pytest.mark.slow
def test_plain_collapses_and_unrolling_does_not():
    plain = points.trial(COLLAPSE, "plain", 0, silent).facts
    unrolled = points.trial(COLLAPSE, "unrolled:steps=5", 0, silent).facts
    assert plain["modes"] <= 2 and unrolled["modes"] == 8
