from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.errors import DataError
from ganwerk.metrics import copying, power_of_copying
from ganwerk.metrics.memorisation import rank_z, tail_p
from tests.metrics import references


def draws(n, seed, d=6):
    return np.random.default_rng(seed).normal(size=(n, d))


@given(st.integers(0, 60), st.integers(1, 60), st.integers(1, 60), st.integers(1, 5))
def test_tail_probability_as_scipy_computes_it(hits, made, fresh, rank):
    hits, rank = min(hits, made), min(rank, fresh)
    expected = references.tail_p(hits, made, fresh, rank)
    assert tail_p(hits, made, fresh, rank) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_tail_probability_as_shuffling_finds_it():
    random = np.random.default_rng(0)
    made, fresh, rank = 50, 20, 2
    values = random.permuted(np.tile(np.arange(made + fresh), (20_000, 1)), axis=1)
    limits = np.sort(values[:, made:], 1)[:, rank - 1]
    hits = (values[:, :made] < limits[:, None]).sum(1)
    for h in (5, 10, 15):
        assert tail_p(h, made, fresh, rank) == pytest.approx(np.mean(hits >= h), abs=0.01)


@given(st.integers(0, 1000), st.integers(2, 30), st.integers(2, 30), st.booleans())
def test_rank_test_as_scipy_computes_it(seed, n, m, tied):
    random = np.random.default_rng(seed)
    a, b = random.normal(size=n), random.normal(size=m) + 0.3
    if tied:
        a, b = a.round(0), b.round(0)
        if len({*a, *b}) == 1:
            return
    found = rank_z(torch.from_numpy(a), torch.from_numpy(b))
    assert found == pytest.approx(references.rank_z(a, b), abs=1e-6)


def test_copies_are_flagged_and_fresh_pictures_are_not():
    train, held_out = draws(600, 0), draws(600, 1)
    flags = {
        share: sum(_flag(train, held_out, share, seed) for seed in range(20))
        for share in (0.0, 0.05)
    }
    assert flags[0.0] <= 1
    assert flags[0.05] >= 19


def _flag(train, held_out, share, seed):
    fake = draws(600, 100 + seed)
    copies = int(share * len(fake))
    fake[:copies] = train[np.random.default_rng(seed).permutation(len(train))[:copies]]
    return copying(train, held_out, fake).flagged


def test_what_is_found_about_copies():
    train, held_out, fake = draws(300, 0), draws(100, 1), draws(200, 2)
    fake[:50] = train[100:150]
    found = copying(train, held_out, fake)
    assert found.nearest[:50].tolist() == list(range(100, 150))
    assert found.distances[:50].max() == found.closeness[:50].max() == 0
    assert found.hits >= 50
    assert found.flagged
    assert found.tail_ratio == found.hits / found.expected
    assert found.authentic <= 0.75
    assert 0.3 < found.authentic_held_out < 0.9
    table = references.distances(fake, train)
    np.testing.assert_allclose(found.distances.numpy(), table.min(1), rtol=1e-12, atol=1e-12)
    mean = np.sort(table, 1)[:, :50].mean(1)
    np.testing.assert_allclose(found.closeness.numpy(), table.min(1) / mean, rtol=1e-12)


def test_authenticity_by_definition():
    train, held_out, fake = draws(40, 0, 2), draws(20, 1, 2), draws(30, 2, 2)
    table, own = references.distances(fake, train), references.distances(train, train)
    np.fill_diagonal(own, np.inf)
    star = table.argmin(1)
    expected = (table.min(1) > own.min(1)[star]).mean()
    assert copying(train, held_out, fake).authentic == pytest.approx(expected)


def test_power_falls_with_fewer_held_out_pictures_and_is_said():
    shares = [power_of_copying(1000, held_out) for held_out in (2000, 500, 60, 10)]
    assert shares == sorted(shares)
    assert shares[0] < 0.05
    assert 0.05 < shares[2] < 0.34
    found = copying(draws(200, 0), draws(60, 1), draws(1000, 2))
    assert found.power().startswith("with 60 held-out and 1,000 generated pictures, copying")
    assert "one picture in" in found.power()


def test_power_is_what_is_flagged():
    """As many copies as the power says are flagged, with no help from chance."""
    train, held_out = draws(500, 0), draws(60, 1)
    far = draws(400, 2) + 100  # underfitted: none comes near by itself
    copies = int(np.ceil(power_of_copying(400, 60) * 400))
    far[:copies] = train[:copies]
    assert copying(train, held_out, far).flagged
    far[copies - 1] += 100
    assert not copying(train, held_out, far).flagged


def test_what_cannot_be_tested_is_refused():
    with pytest.raises(DataError, match="at least 3"):
        copying(draws(2, 0), draws(5, 1), draws(5, 2))
    with pytest.raises(DataError, match="6, 6 and 5 columns"):
        copying(draws(20, 0), draws(5, 1), draws(5, 2, d=5))
