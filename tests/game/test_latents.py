from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.game.counters import step_seed, uniforms
from ganwerk.game.latents import LATENTS, for_seeds, labels_for_seeds, spherical

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


@given(st.integers(0, 10**6), st.floats(0, 1))
def test_the_arc_keeps_the_length_and_the_plane(seed, share):
    random = torch.Generator().manual_seed(seed)
    a, b = torch.randn(2, 16, generator=random, dtype=torch.float64)
    a, b = 4 * a / a.norm(), 4 * b / b.norm()
    point = spherical(a, b, torch.tensor([share], dtype=torch.float64))[0]
    assert point.norm().item() == pytest.approx(4)
    angle = math.acos(float(a.dot(b)) / 16)
    assert math.acos(min(1, float(a.dot(point)) / 16)) == pytest.approx(share * angle, abs=1e-6)


def test_the_arc_ends_where_it_should_and_survives_parallel_ends():
    a, b = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    ends = spherical(a, b, torch.tensor([0.0, 1.0]))
    assert torch.equal(ends, torch.stack([a, b]))
    for other in (a, 2 * a, -a):
        found = spherical(a, other, torch.tensor([0.0, 0.5, 1.0]))
        torch.testing.assert_close(found[1], (a + other) / 2)
    assert spherical(a, torch.zeros(8), torch.tensor([0.0, 0.5, 1.0])).isfinite().all()


@pytest.mark.parametrize("kind", LATENTS)
def test_settled_latents_are_possible_ones(kind):
    latents = LATENTS[kind]
    z = for_seeds(latents, range(9), 5)
    torch.testing.assert_close(latents.settle(z), z)
    far = latents.settle(10 * z)
    limit = {"uniform": 1.0, "truncated": 2.0, "sphere": math.sqrt(5)}.get(kind, 100.0)
    assert far.abs().max() <= limit + 1e-6
