from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganwerk.nn.init import INITIALISERS, dcgan, fan_in, he
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
