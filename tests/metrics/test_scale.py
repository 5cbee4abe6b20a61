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
    pool, n = cloud(1200, 0), 300
    real = scale.score(pool[:n], cloud(n, 1), pool, extrapolate=True)
    assert set(real) == set(scale.KINDS)
    assert not any(found.far for found in real.values())
    other = scale.score(pool[:n], cloud(n, 1) * 0.7, pool)
    for name in ("frechet", "kernel", "recall"):
        assert other[name].far, name
    assert other["recall"].z < 0 < other["frechet"].z


def test_controls_are_seldom_told():
    """In ten draws, with seven measures each: |z| above 4 would be chance."""
    told = 0
    for seed in range(10):
        pool = cloud(800, 100 + seed)
        found = scale.score(pool[:100], cloud(100, seed), pool, seed=seed)
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


def test_one_step_of_a_counted_measure_is_no_finding():
    never = Floor(0.0, 0.0, 20)
    assert not scale.scored(0.02, 0.0, never, step=0.02).far
    assert scale.scored(0.1, 0.0, never, step=0.02).far
    assert scale.scored(0.1, 0.0, never).far
