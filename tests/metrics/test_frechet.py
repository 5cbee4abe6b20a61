from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.errors import DataError
from ganwerk.metrics import (
    frechet_distance,
    frechet_distance_extrapolated,
    frechet_distance_of_moments,
    moments,
)
from ganwerk.metrics.frechet import Moments
from tests.metrics import references


def features(n, d, seed=0, shift=0.0, scale=1.0):
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(d, d)) / d**0.5
    return random.normal(size=(n, d)) @ mixing * scale + shift


@given(st.integers(0, 10_000), st.integers(2, 12))
def test_closed_form_of_diagonal_gaussians(seed, d):
    """|m - n|^2 + sum (s - t)^2, and quadratic in the scale of the features."""
    random = np.random.default_rng(seed)
    m, n, s, t = (torch.from_numpy(random.uniform(0.1, 3, d)) for _ in range(4))
    a, b = Moments(m, torch.diag(s**2), 9), Moments(n, torch.diag(t**2), 9)
    expected = float((m - n).square().sum() + (s - t).square().sum())
    assert frechet_distance_of_moments(a, b) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    a, b = Moments(3 * m, 9 * a.covariance, 9), Moments(3 * n, 9 * b.covariance, 9)
    assert frechet_distance_of_moments(a, b) == pytest.approx(9 * expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("n", "d"), [(200, 12), (60, 60), (30, 80), (2, 5)])
def test_as_scipy_computes_it(n, d):
    x, y = features(n, d), features(n + 7, d, seed=1, shift=0.2, scale=1.3)
    assert frechet_distance(x, y) == pytest.approx(references.frechet(x, y), rel=1e-6)


@given(st.integers(0, 10_000))
def test_of_a_set_to_itself_is_nothing_in_any_order(seed):
    for n, d in ((40, 6), (10, 30)):
        x = features(n, d, seed)
        y = x[np.random.default_rng(seed).permutation(n)]
        assert frechet_distance(x, y) < 1e-7 * np.trace(np.cov(x, rowvar=False))


def test_fewer_samples_than_features_both_ways_agree():
    x, y = features(20, 50), features(25, 50, seed=1)
    by_moments = frechet_distance_of_moments(moments(x), moments(y))
    assert frechet_distance(x, y) == pytest.approx(by_moments, rel=1e-6)


def test_computes_in_double_precision():
    x = features(100, 5).astype(np.float32) + np.float32(1e4)  # means that float32 would drown in
    found = moments(x)
    assert found.mean.dtype == found.covariance.dtype == torch.float64
    expected = np.cov(x.astype(np.float64), rowvar=False)
    np.testing.assert_allclose(found.covariance.numpy(), expected, rtol=1e-9, atol=1e-12)


def test_a_collapsed_generator_has_a_distance():
    x = features(50, 4)
    y = np.zeros((50, 4))
    expected = (x.mean(0) ** 2).sum() + np.trace(np.cov(x, rowvar=False))
    assert frechet_distance(x, y) == pytest.approx(expected)


def test_extrapolation_takes_the_bias_away():
    """Two samples of one distribution: the distance is all bias."""
    pairs = [(features(500, 8, seed), features(500, 8, seed + 100)) for seed in range(12)]
    plain = np.mean([frechet_distance(x, y) for x, y in pairs])
    endless = [frechet_distance_extrapolated(x, y) for x, y in pairs]
    values = np.array([e.value for e in endless])
    assert abs(values.mean()) < 0.2 * plain
    assert abs(values.mean()) < 4 * values.std() / len(values) ** 0.5
    assert 0.2 < np.mean([e.error for e in endless]) / values.std() < 5


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (np.ones((5, 3)), features(5, 3), "All 5 real pictures have the same features"),
        (features(1, 3), features(5, 3), "needs at least 2"),
        (features(5, 3), features(5, 4), "3 features and generated ones 4"),
        (features(5, 3), np.full((5, 3), np.nan), "not finite, first in row 0"),
        (features(5, 3), np.ones((5, 3), np.uint8), "of type uint8"),
        (features(5, 3), np.ones((5, 3, 1)), r"shape \(5, 3, 1\)"),
        (np.empty((0, 3)), features(5, 3), "There are 0 real features"),
    ],
)
def test_what_cannot_be_measured_is_refused(real, fake, message):
    with pytest.raises(DataError, match=message):
        frechet_distance(real, fake)
