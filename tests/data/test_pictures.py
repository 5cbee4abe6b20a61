"""What the automatic settings are told of the pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.data.pictures import SAMPLED, variance_of


@given(st.integers(1, 9), st.sampled_from([1, 3, 4]), st.integers(0, 2**32 - 1))
def test_the_variance_is_that_of_the_values_in_minus_one_to_one(count, channels, seed):
    images = np.random.default_rng(seed).integers(0, 256, (count, channels, 4, 4), dtype=np.uint8)
    expected = (images / 127.5 - 1).var(0).sum()
    assert variance_of(images) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_equal_pictures_do_not_vary():
    assert variance_of(np.full((5, 3, 4, 4), 77, np.uint8)) == pytest.approx(0, abs=1e-9)


def test_many_pictures_are_sampled_evenly():
    count = 3 * SAMPLED
    images = np.zeros((count, 1, 1, 1), np.uint8)
    images[count // 2 :] = 255
    assert variance_of(images) == pytest.approx(1, rel=1e-3)
