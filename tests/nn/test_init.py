from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganwerk.nn.init import INITIALISERS, dcgan, fan_in, he, smooth
from ganwerk.nn.layers import Conv2d, ConvTranspose2d, Linear


def test_fan_in():
    assert fan_in(Linear(7, 3)) == 7
    assert fan_in(Conv2d(4, 8, 3)) == 36
    assert fan_in(Conv2d(4, 8, 3, groups=2)) == 18
    assert fan_in(ConvTranspose2d(4, 8, 4, 2, 1)) == 16


def test_he_keeps_the_scale_of_activations():
    """Second moment through ten layers of LeakyReLU 0.2 stays within a factor of two."""
    net = nn.Sequential(*(m for _ in range(10) for m in (Linear(256, 256), nn.LeakyReLU(0.2))))
    he(net, torch.Generator().manual_seed(0))
    out = net(torch.randn(512, 256, generator=torch.Generator().manual_seed(1)))
    assert 0.5 < out.square().mean().item() < 2


def test_dcgan_weights_have_the_published_deviation():
    net = nn.Sequential(Conv2d(64, 64, 4), nn.BatchNorm2d(64))
    dcgan(net, torch.Generator().manual_seed(0))
    assert net[0].weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert net[0].bias.abs().max() == 0
    assert net[1].weight.mean().item() == pytest.approx(1, abs=0.01)


def test_torch_default_is_what_torch_does():
    net = Linear(400, 400)
    INITIALISERS["torch"](net, torch.Generator().manual_seed(0))
    theirs = nn.Linear(400, 400)
    bound = 1 / math.sqrt(400)
    assert net.weight.abs().max() <= bound
    assert net.weight.std().item() == pytest.approx(theirs.weight.std().item(), rel=0.02)


def test_a_layer_under_spectral_norm_is_initialised_too():
    layer = spectral_norm(Conv2d(8, 8, 3))
    he(layer, torch.Generator().manual_seed(0))
    before = layer.parametrizations.weight.original.clone()
    he(layer, torch.Generator().manual_seed(1))
    assert not torch.equal(before, layer.parametrizations.weight.original)


def within(weight: torch.Tensor) -> torch.Tensor:
    """The kernel of 3x3 whose four shifted copies add up to one of 4x4."""
    small = torch.zeros(*weight.shape[:2], 4, 4, dtype=weight.dtype)
    for y in range(3):
        for x in range(3):
            small[..., y, x] = (
                weight[..., y, x] - small[..., y - 1, x] - small[..., y, x - 1]
                - small[..., y - 1, x - 1]
            )  # fmt: skip
    return small[..., :3, :3]


def test_smooth_begins_as_pixels_doubled_or_halved_beside_a_convolution_of_3x3():
    up = nn.ConvTranspose2d(5, 7, 4, 2, 1, dtype=torch.float64)
    down = nn.Conv2d(5, 7, 4, 2, 1, dtype=torch.float64)
    smooth(nn.Sequential(up, down), torch.Generator().manual_seed(0))
    x = torch.randn(2, 5, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    larger = F.interpolate(x, scale_factor=2, mode="nearest")
    kernel = within(up.weight).transpose(0, 1).flip(2, 3)
    torch.testing.assert_close(up(x), F.conv2d(larger, kernel, padding=1), rtol=0, atol=1e-12)
    same = 4 * F.avg_pool2d(F.conv2d(x, within(down.weight), padding=1), 2)
    torch.testing.assert_close(down(x), same, rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", [nn.Conv2d, nn.ConvTranspose2d])
def test_smooth_has_the_gain_of_he_for_even_areas(make):
    """Inside, away from the padding: the deviation over 4,096 channels of the answer to ones."""
    answers = []
    for begin in (he, smooth):
        layer = make(16, 4096, 4, 2, 1)
        begin(layer, torch.Generator().manual_seed(0))
        inner = layer(torch.ones(1, 16, 8, 8))[0, :, 1:-1, 1:-1]
        answers.append(inner)
    # he's differs from one pixel to the next of a transposed convolution; its deviation does not
    assert answers[0].std().item() == pytest.approx(answers[1].std().item(), rel=0.05)
    assert answers[1].std(dim=(1, 2)).max().item() < 1e-5


def test_smooth_leaves_other_layers_as_he_draws_them():
    nets = [nn.Sequential(Linear(4, 4), Conv2d(4, 4, 3), nn.Conv2d(4, 4, 4, 2, 1)) for _ in "ab"]
    for net, begin in zip(nets, (he, smooth), strict=True):
        begin(net, torch.Generator().manual_seed(3))
    assert torch.equal(nets[0][0].weight, nets[1][0].weight)
    assert torch.equal(nets[0][1].weight, nets[1][1].weight)
    assert not torch.equal(nets[0][2].weight, nets[1][2].weight)
