"""The Fréchet distance of the benchmark against its closed form."""

from __future__ import annotations

import pytest
import torch
from bench.classifier import LeNet, Moments, as_input, frechet_distance, moments


def test_distance_to_itself_is_zero() -> None:
    x = torch.randn(500, 12, dtype=torch.float64)
    assert frechet_distance(moments(x), moments(x)) == pytest.approx(0, abs=1e-9)


def test_commuting_covariances_have_a_closed_form() -> None:
    """With covariances a R and b R it is |m|^2 + (sqrt a - sqrt b)^2 tr R."""
    root = torch.randn(6, 6, dtype=torch.float64)
    shared = root @ root.T
    mean = torch.arange(6, dtype=torch.float64)
    near = Moments(torch.zeros(6, dtype=torch.float64), 4 * shared, 100)
    far = Moments(mean, 9 * shared, 100)
    expected = float(mean.square().sum() + (2 - 3) ** 2 * shared.trace())
    assert frechet_distance(near, far) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(far, near) == pytest.approx(expected, rel=1e-9)


def test_distance_survives_a_feature_that_never_varies() -> None:
    x = torch.randn(300, 4)
    x[:, 2] = 0
    y = x + 1
    assert frechet_distance(moments(x), moments(y)) == pytest.approx(4, abs=1e-4)


def test_pictures_of_any_shape_become_inputs() -> None:
    grey = torch.zeros(2, 28, 28, dtype=torch.uint8).numpy()
    colour = torch.full((2, 32, 32, 3), 255, dtype=torch.uint8).numpy()
    assert float(as_input(grey).max()) == -1
    assert as_input(colour).shape == (2, 1, 28, 28)
    assert torch.allclose(as_input(colour), torch.ones(2, 1, 28, 28))
    assert LeNet()(as_input(colour)).shape == (2, 10)
