"""The measures, where their values are known."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.lab.mixture import MIXTURES, grid, ring
from ganwerk.lab.truth import reverse_kl, score, wasserstein2

RING = MIXTURES["ring"]


def at_modes(*modes, each=25):
    return RING.places()[list(modes)].repeat_interleave(each, 0)


def test_a_ring_closes_without_meeting_itself():
    """numpy's linspace(0, 2 pi, 8) would lay the eighth mode on the first."""
    places = ring(2.0, 0.02).places()
    torch.testing.assert_close(places.norm(dim=1), torch.full((8,), 2.0))
    apart = torch.cdist(places, places) + torch.eye(8) * 9
    torch.testing.assert_close(apart.min(1).values, torch.full((8,), 4 * math.sin(math.pi / 8)))


def test_a_grid_is_centred():
    places = grid(5, 2.0, 0.05).places()
    assert len(places) == 25 and places.mean(0).abs().max() == 0
    assert places.abs().max() == 4


@pytest.mark.parametrize("name", ["ring", "grid", "line"])
def test_data_scores_as_data(name):
    """Of a Gaussian in 2 dimensions 1 - exp(-4.5) lies within 3 deviations; on a line 0.9973."""
    mixture = MIXTURES[name]
    points = mixture.draw(20_000, torch.Generator().manual_seed(0))
    found = score(points, mixture)
    expected = {1: math.erf(3 / math.sqrt(2)), 2: 1 - math.exp(-4.5)}[mixture.dimensions]
    assert found.modes == found.full_modes == mixture.modes
    assert found.high_quality == pytest.approx(expected, abs=0.003)
    assert found.reverse_kl < 0.003


@given(st.sets(st.integers(0, 7), min_size=1))
def test_kept_modes_are_counted(kept):
    found = score(at_modes(*kept), RING)
    assert found.modes == found.full_modes == len(kept)
    assert found.high_quality == 1
    assert found.reverse_kl == pytest.approx(math.log(8 / len(kept)))


def test_one_stray_point_is_a_mode_but_no_full_one():
    points = torch.cat([at_modes(0), at_modes(3, each=1)])
    found = score(points, RING)
    assert (found.modes, found.full_modes) == (2, 1)


def test_three_deviations_are_the_border():
    centre = RING.places()[0]
    aside = torch.tensor([[0.0, 2.99], [0.0, 3.01]]) * RING.deviation
    assert score(centre + aside[:1], RING).modes == 1
    far = score(centre + aside[1:], RING)
    assert (far.modes, far.high_quality, far.reverse_kl) == (0, 0.0, None)


def test_reverse_kl_by_hand():
    assert reverse_kl(torch.tensor([1, 3])) == pytest.approx(
        0.25 * math.log(0.5) + 0.75 * math.log(1.5)
    )
    assert reverse_kl(torch.zeros(5, dtype=torch.int64)) is None


def test_the_density_integrates_to_one():
    mixture = MIXTURES["line"]
    x = torch.linspace(-6, 8, 4_001)
    total = torch.trapezoid(mixture.density(x[:, None]), x)
    assert float(total) == pytest.approx(1, abs=1e-4)


def test_wasserstein_of_a_shift_is_the_shift():
    a = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    shuffled = a[torch.randperm(200, generator=torch.Generator().manual_seed(1))]
    assert wasserstein2(a, shuffled + torch.tensor([3.0, 4.0])) == pytest.approx(5, abs=1e-5)
