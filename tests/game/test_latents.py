from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.game.latents import LATENTS, for_seeds, labels_for_seeds, step_seed, uniforms

seeds = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=20)


@pytest.mark.parametrize("kind", LATENTS)
@given(numbers=seeds)
def test_a_picture_number_is_its_latent_whatever_is_drawn_beside_it(kind, numbers):
    together = for_seeds(LATENTS[kind], numbers, 12)
    alone = torch.cat([for_seeds(LATENTS[kind], [n], 12) for n in numbers])
    assert torch.equal(together, alone)
    assert together.isfinite().all()


@pytest.mark.parametrize("source", ["counter", "generator"])
def test_moments(source):
    def z(kind):
        if source == "counter":
            return for_seeds(LATENTS[kind], range(4000), 32).double()
        return LATENTS[kind].draw(4000, 32, torch.Generator().manual_seed(5)).double()

    variance = {"gaussian": 1.0, "uniform": 1 / 3, "sphere": 1.0, "truncated": 0.7737}
    for kind, expected in variance.items():
        values = z(kind)
        assert values.mean().item() == pytest.approx(0, abs=0.01)
        assert values.var().item() == pytest.approx(expected, rel=0.02)
    assert z("uniform").abs().max() <= 1
    assert z("truncated").abs().max() <= 2
    norms = z("sphere").norm(dim=1)
    torch.testing.assert_close(norms, torch.full_like(norms, math.sqrt(32)), rtol=1e-5, atol=1e-5)


def test_counter_numbers_are_uniform_and_uncorrelated():
    u = uniforms(range(20_000), 8)
    assert u.min() >= 0
    assert u.max() < 1
    counts = np.histogram(u, bins=64, range=(0, 1))[0]
    expected = u.size / 64
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert chi_squared < 63 + 5 * math.sqrt(2 * 63)
    columns = np.corrcoef(u.T) - np.eye(8)
    neighbours = np.corrcoef(u[:-1, 0], u[1:, 0])[0, 1]
    assert np.abs(columns).max() < 5 / math.sqrt(20_000)
    assert abs(neighbours) < 5 / math.sqrt(20_000)


def test_streams_and_seeds_differ():
    first = uniforms(range(50), 4)
    assert not np.isin(first, uniforms(range(50), 4, stream=1)).any()
    assert len(np.unique(first)) == first.size


def test_draws_follow_from_the_generator():
    a, b = (LATENTS["gaussian"].draw(3, 4, torch.Generator().manual_seed(9)) for _ in range(2))
    assert torch.equal(a, b)


def test_classes_are_as_frequent_as_asked():
    labels = labels_for_seeds(range(20_000), [10, 30, 60])
    shares = torch.bincount(labels, minlength=3) / 20_000
    torch.testing.assert_close(shares, torch.tensor([0.1, 0.3, 0.6]), atol=0.012, rtol=0)


@given(st.integers(0, 2**62 - 1), st.integers(0, 2**40))
def test_step_seeds_fit_a_generator_and_differ(seed, step):
    value = step_seed(seed, step)
    assert 0 <= value < 2**63
    assert value != step_seed(seed, step + 1)
    torch.Generator().manual_seed(value)
