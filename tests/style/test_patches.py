"""Patches: matching against brute force, and what is drawn where."""

from __future__ import annotations

import pytest
import torch

from ganwerk.style import patches
from ganwerk.style.patches import SIDE_PX, Pull, bank_of, match, nearest


def test_nearest_by_hand():
    random = torch.Generator().manual_seed(0)
    queries = torch.rand(30, 4, generator=random, dtype=torch.float64)
    coded = torch.rand(20, 4, generator=random, dtype=torch.float64)
    distances = torch.cdist(queries, coded) ** 2
    expected = (distances / (0.1 + distances.amin(0))).argmin(1)
    assert torch.equal(nearest(queries, coded, 0.1), expected)


def test_a_picture_of_the_style_s_patches_is_at_its_goal(painting):
    """Every patch of the painting is in the bank, so the pull leaves it where it is."""
    bank = bank_of([(painting, None, 1.0)])
    assert len(bank.patches) == (64 - SIDE_PX + 1) ** 2
    pull = match(painting, bank, None, 0)
    assert pull.loss(painting, bank.variance) == pytest.approx(0, abs=1e-3)
    assert float(pull.weights.min()) == 1


def test_the_gradient_is_that_of_the_loss(photo, painting):
    bank = bank_of([(painting, None, 1.0)])
    pull = match(photo, bank, None, 3)
    picture = photo.clone().requires_grad_()
    value = ((picture - pull.target).square() * pull.weights).sum()
    (expected,) = torch.autograd.grad(value / (photo.numel() * bank.variance), picture)
    torch.testing.assert_close(pull.gradient(photo, bank.variance), expected)
    assert 0 < pull.loss(photo, bank.variance) < 5


def test_a_mask_chooses_patches_and_places(photo, painting):
    half = painting.clone()
    half[..., 32:] = 2.0  # never to be seen
    mask = torch.zeros(64, 64, dtype=torch.float64)
    mask[:, : 32 - SIDE_PX] = 1
    bank = bank_of([(half, mask, 1.0)])
    assert float(bank.patches.max()) <= 1
    where = torch.zeros(photo.shape[-2:], dtype=torch.float64)
    where[:10] = 1
    pull = match(photo, bank, where, 0)
    gradient = pull.gradient(photo, bank.variance)
    assert float(gradient[..., 10:, :].abs().sum()) == 0
    assert float(gradient[..., :10, :].abs().sum()) > 0


def test_a_line_along_the_edge_gives_the_patches_that_it_covers(painting):
    marked = painting.clone()
    marked[..., :2] = 5.0
    line = torch.zeros(64, 64, dtype=torch.float64)
    line[:, :2] = 1
    bank = bank_of([(marked, line, 1.0)])
    # Only the first two columns of places hold half as much of the line as the best
    assert len(bank.patches) == 2 * (64 - SIDE_PX + 1)
    assert bool((bank.patches.amax(1) == 5).all())
    nowhere = bank_of([(painting, torch.zeros(64, 64, dtype=torch.float64), 1.0)])
    assert len(nowhere.patches) == (64 - SIDE_PX + 1) ** 2


def test_shares_divide_the_bank(painting):
    large = torch.rand(1, 3, 200, 200, dtype=torch.float64)
    bank = bank_of([(large, None, 0.75), (painting + 5, None, 0.25)])
    other = int((bank.patches.mean(1) > 3).sum())
    assert other / len(bank.patches) == pytest.approx(0.25, abs=0.01)


def test_a_flat_style_is_no_division_by_zero(photo):
    flat = torch.full((1, 3, 40, 40), 0.5, dtype=torch.float64)
    bank = bank_of([(flat, None, 1.0)])
    pull = match(photo, bank, None, 0)
    assert isinstance(pull, Pull)
    assert pull.loss(photo, bank.variance) < float("inf")


def test_strips_of_a_large_picture_change_nothing(photo, painting, monkeypatch):
    bank = bank_of([(painting, None, 1.0)])
    whole = match(photo, bank, None, 3)
    monkeypatch.setattr(patches, "STRIP", 60)
    found = match(photo, bank, None, 3)
    torch.testing.assert_close(found.target, whole.target)
    assert torch.equal(found.weights, whole.weights)
