"""The model of a step of several processes: values by hand."""

from __future__ import annotations

import pytest
from bench.scale import Model


def test_a_step_is_computing_and_two_sums():
    model = Model(fixed=0.01, each=0.002, latency=0.001, bytes_per_second=1e9, beside=1.5)
    assert model.step(16, 1, 4_000_000) == pytest.approx(0.01 + 16 * 0.002)
    # half the batch, slower beside another one; two hops, and half of the bytes twice
    expected = 1.5 * (0.01 + 8 * 0.002) + 2 * 0.001 + 0.004
    assert model.step(16, 2, 4_000_000) == pytest.approx(expected)
    assert model.step(64, 8, 0) == pytest.approx(1.5 * (0.01 + 8 * 0.002) + 6 * 0.001)
