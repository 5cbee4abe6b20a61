from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.errors import DataError
from ganwerk.metrics import kernel_distance, kernel_distance_of_subsets
from tests.metrics import references


def pair(n=50, m=60, d=7, seed=0, shift=0.3):
    random = np.random.default_rng(seed)
    return random.normal(size=(n, d)), random.normal(size=(m, d)) + shift


@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(2, 40))
def test_as_numpy_computes_it(seed, n, m):
    x, y = pair(n, m, seed=seed)
    assert kernel_distance(x, y).value == pytest.approx(references.kernel(x, y), rel=1e-9, abs=1e-9)


def test_rows_are_cut_and_order_does_not_matter(monkeypatch):
    x, y = pair()
    whole = kernel_distance(x, y)
    monkeypatch.setattr("ganwerk.metrics.kernel.ROWS", 7)
    parts = kernel_distance(x[::-1].copy(), y[::-1].copy())
    assert parts.value == pytest.approx(whole.value, rel=1e-10)
    assert parts.error == pytest.approx(whole.error, rel=1e-10)


def expected(shift, d):
    """Of N(0, I) and N(shift, I): moments of the inner products, by hand."""
    square = d * shift**2
    xx = 1 + 3 / d
    xy = 1 + 3 * (square + d) / d**2
    mean, variance, third = square / d, (2 * square + d) / d**2, 6 * square / d**3
    yy = (1 + mean) ** 3 + 3 * (1 + mean) * variance + third
    return xx + yy - 2 * xy


def test_unbiased_and_the_error_is_true():
    """Over many draws of two distributions: the true value on average, and the errors match the
    spread of the values."""
    draws = [kernel_distance(*pair(60, 80, 3, seed, shift=0.5)) for seed in range(300)]
    values = np.array([d.value for d in draws])
    assert values.mean() == pytest.approx(expected(0.5, 3), abs=4 * values.std() / 300**0.5)
    assert np.mean([d.error for d in draws]) == pytest.approx(values.std(), rel=0.2)


def test_two_draws_of_one_distribution_are_nothing_on_average():
    values = [kernel_distance(*pair(100, 100, 3, seed, shift=0.0)).value for seed in range(200)]
    assert abs(np.mean(values)) < 4 * np.std(values) / 200**0.5
    assert min(values) < 0


def test_one_subset_of_all_is_the_whole():
    x, y = pair(40, 40)
    found = kernel_distance_of_subsets(x, y, subsets=3, size=40)
    assert found.value == pytest.approx(kernel_distance(x, y).value, rel=1e-10)
    assert found.deviation < 1e-9


def test_too_large_a_subset_is_refused():
    with pytest.raises(DataError, match="subset of 100 cannot be drawn from 50"):
        kernel_distance_of_subsets(*pair(), subsets=2, size=100)
