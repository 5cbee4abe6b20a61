from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.errors import DataError
from ganwerk.metrics import different_bins
from ganwerk.metrics.bins import assign_to_bins, bin_centres, bins_for, compare_bins
from tests.metrics import references


@given(st.integers(0, 1000), st.integers(2, 200), st.integers(2, 200))
def test_test_of_proportions_as_numpy_computes_it(seed, n, m):
    random = np.random.default_rng(seed)
    real, fake = random.integers(0, 6, n), random.integers(0, 5, m)
    found = compare_bins(torch.from_numpy(real), torch.from_numpy(fake), 6)
    np.testing.assert_allclose(found.z, references.bin_z(real, fake, 6), rtol=1e-9, atol=1e-12)
    assert found.different == pytest.approx((np.abs(references.bin_z(real, fake, 6)) > 3).mean())
    assert 0 <= found.divergence <= math.log(2)
    assert int(found.real.sum()) == n
    assert int(found.fake.sum()) == m


def clouds(counts, seed=0):
    """Ten far apart clouds with so many points each."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(7).normal(size=(10, 5)) * 100
    return np.concatenate([centres[i] + random.normal(size=(n, 5)) for i, n in enumerate(counts)])


def test_a_missing_kind_is_a_different_bin():
    real = clouds([100] * 10)
    assert different_bins(real, clouds([100] * 10, 1), 10).different == 0
    missing = different_bins(real, clouds([0] + [111] * 9, 1), 10)
    assert missing.different == 0.1
    assert float(missing.z.min()) < -8


def test_disjoint_sets_diverge_by_one_bit():
    found = compare_bins(torch.zeros(50).long(), torch.ones(50).long(), 2)
    assert found.divergence == pytest.approx(math.log(2))
    assert found.different == 1


def test_bins_are_the_nearest_middles_and_repeat():
    x = torch.from_numpy(clouds([30] * 10))
    centres = bin_centres(x, 10)
    np.testing.assert_array_equal(centres, bin_centres(x, 10))
    expected = references.distances(x.numpy(), centres).argmin(1)
    np.testing.assert_array_equal(assign_to_bins(x, centres), expected)


def test_number_of_bins_follows_the_number_of_pictures():
    assert [bins_for(n) for n in (10, 100, 500, 10_000)] == [2, 10, 50, 50]
    with pytest.raises(DataError, match="10 real pictures cannot be sorted into 20 bins"):
        different_bins(clouds([1] * 10), clouds([1] * 10), 20)
