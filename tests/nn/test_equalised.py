"""Equalised learning rates and pixel norm against direct formulas."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from ganwerk.game.optimisers import Adam
from ganwerk.nn.equalised import EqualConv2d, EqualLinear, NormalisedLatent, PixelNorm, begin


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_a_convolution_is_its_weights_times_a_constant():
    layer = EqualConv2d(6, 4, 3, padding=1, gain=1.5).double()
    x = torch.randn(2, 6, 5, 5, dtype=torch.float64)
    wanted = F.conv2d(x, layer.weight * 1.5 / math.sqrt(6 * 9), layer.bias, padding=1)
    torch.testing.assert_close(layer(x), wanted)


def test_a_matrix_product_is_its_weights_times_a_constant():
    layer = EqualLinear(6, 4, gain=2.0, rate=0.1, start=1.0).double()
    begin(layer, torch.Generator().manual_seed(0))
    x = torch.randn(3, 6, dtype=torch.float64)
    wanted = x @ (layer.weight * 2 * 0.1 / math.sqrt(6)).T + 1.0
    torch.testing.assert_close(layer(x), wanted)


@pytest.mark.parametrize(("width", "rate"), [(4, 1.0), (4096, 1.0), (1024, 0.01)])
def test_layers_begin_with_unit_variance_out(width, rate):
    layer = EqualLinear(width, 512, rate=rate)
    begin(layer, torch.Generator().manual_seed(1))
    out = layer(torch.randn(64, width))
    assert float(out.detach().std()) == pytest.approx(1.0, rel=0.15)


def moved(width, rate=1.0):
    """How far one step of Adam moves the effective weights, in parts of their deviation."""
    layer = EqualLinear(width, 8, bias=False, rate=rate)
    begin(layer, torch.Generator().manual_seed(1))
    before = layer.weight.detach() * layer.scale
    layer(torch.randn(16, width)).square().mean().backward()
    Adam(layer.parameters(), 1e-2, 0.0, 0.99).step()
    after = layer.weight.detach() * layer.scale
    return float((after - before).abs().mean() / before.std())


def test_adam_moves_wide_and_narrow_layers_alike_and_slow_ones_slower():
    assert moved(8) == pytest.approx(moved(2048), rel=0.2)
    assert moved(2048, rate=0.01) == pytest.approx(0.01 * moved(2048), rel=0.05)


def test_pixel_norm():
    x = torch.randn(2, 5, 3, 3, dtype=torch.float64)
    found = PixelNorm()(x)
    for b, i, j in ((0, 0, 0), (1, 2, 1)):
        length = math.sqrt(sum(float(v) ** 2 for v in x[b, :, i, j]) / 5 + 1e-8)
        torch.testing.assert_close(found[b, :, i, j], x[b, :, i, j] / length)


def test_latents_and_labels_stay_of_one_size():
    latent = NormalisedLatent(6, 3)
    with torch.no_grad():
        latent.embedding.weight.mul_(100)
    found = latent(7 * torch.randn(4, 6), torch.tensor([0, 1, 2, 0]))
    for half in found.detach().chunk(2, dim=1):
        torch.testing.assert_close(half.square().mean(1), torch.ones(4))


def test_shares_of_a_class_are_that_class_and_half_of_two_lies_between():
    latent = NormalisedLatent(6, 3)
    z = torch.randn(3, 6)
    classes = latent(z, torch.tensor([0, 1, 2]))
    torch.testing.assert_close(latent(z, torch.eye(3)), classes)
    half = latent(z, torch.tensor([[0.5, 0.5, 0.0]] * 3))[0, 6:]
    wanted = latent.embedding.weight[:2].mean(0)
    torch.testing.assert_close(half, wanted / (wanted.square().mean() + 1e-8).sqrt())
