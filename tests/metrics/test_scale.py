from __future__ import annotations

import numpy as np
import pytest
import torch

from ganwerk.errors import DataError
from ganwerk.metrics import scale
from ganwerk.metrics.record import Floor


def cloud(n, seed, d=6):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, d)))


def test_real_pictures_as_fakes_are_not_told_and_others_are():
    pool, n = cloud(800, 0), 200
    real = scale.score(pool[:n], cloud(n, 1), pool, repeats=12, extrapolate=True)
    assert set(real) == set(scale.KINDS)
    assert not any(found.far for found in real.values())
    other = scale.score(pool[:n], cloud(n, 1) * 0.7, pool, repeats=30)
    for name in ("frechet", "kernel", "recall"):
        assert other[name].far, name
    assert other["recall"].z < 0 < other["frechet"].z


def test_controls_are_seldom_told():
    """In ten draws, with seven measures each: |z| above 4 would be chance."""
    told = 0
    for seed in range(10):
        pool = cloud(320, 100 + seed)
        found = scale.score(pool[:80], cloud(80, seed), pool, repeats=8, seed=seed)
        told += any(measure.far for measure in found.values())
    assert told <= 1


def test_errors_are_those_of_repeated_draws():
    """The jackknife against the spread over fresh draws of both sets, of a mean."""

    def difference(x, y):
        return {"mean": float(x.mean() - y.mean())}

    found = [
        scale.errors(difference, cloud(400, s), cloud(400, s + 500))["mean"] for s in range(40)
    ]
    true = (2 / (400 * 6)) ** 0.5
    assert np.mean(found) == pytest.approx(true, rel=0.15)


def test_floor_is_of_disjoint_halves():
    pool = torch.arange(40.0)[:, None]
    seen = []

    def look(x, y):
        seen.append(len({*x[:, 0].tolist(), *y[:, 0].tolist()}))
        return {"difference": float(x.mean() - y.mean())}

    floor = scale.floors(look, pool, 20, repeats=6)["difference"]
    assert seen == [40] * 6
    assert floor.repeats == 6
    assert floor.deviation > 0
    with pytest.raises(DataError, match="40 real pictures are too few to compare 21"):
        scale.floors(look, pool, 21)


@pytest.mark.parametrize("freedom", [3, 9, 29, 99])
def test_few_comparisons_make_a_finding_harder(freedom):
    """Against the exact tails of both laws."""
    from scipy import stats

    for t in (-30.0, -4.0, 0.0, 1.5, 4.0, 12.0):
        rare = stats.norm.isf(stats.t.sf(abs(t), freedom))
        assert scale.normal_of_student(t, freedom) == pytest.approx(np.sign(t) * rare, rel=0.03)


@pytest.mark.parametrize("shape", [4.0, 16.0, 100.0])
def test_lopsided_chance_is_weighed_as_such(shape):
    """A sum of squares far above its mean is less rare than a normal variable would be there."""
    from scipy import stats

    for z in (-2.0, 0.0, 2.0, 4.0, 6.0):
        value = stats.gamma(shape, scale=1 / shape).isf(stats.norm.sf(z))
        found = scale.gamma_deviations(value, shape**-0.5)
        assert found == pytest.approx(z, abs=0.08 if abs(z) <= 4 else 0.25)


def test_false_findings_are_as_rare_as_z_says():
    """Sums of few squares, floors of twelve: one in 44 beyond |z| = 2, one in 370 beyond 3."""
    random = np.random.default_rng(0)
    drawn = (random.normal(size=(20_000, 13, 6)) ** 2).sum(2)
    z = np.array([
        scale.scored(d[0], 0, Floor(d[1:].mean(), d[1:].std(ddof=1), 12), bound=0.0).z
        for d in drawn
    ])  # fmt: skip
    assert 0.035 < np.mean(abs(z) > 2) < 0.055
    assert np.mean(abs(z) > 3) < 0.005
    assert np.mean(abs(z) > 4) < 0.001


def test_one_step_of_a_counted_measure_is_no_finding():
    never = Floor(0.0, 0.0, 20)
    assert not scale.scored(0.02, 0.0, never, step=0.02).far
    assert scale.scored(0.1, 0.0, never, step=0.02).far
    assert scale.scored(0.1, 0.0, never).far
