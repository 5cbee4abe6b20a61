from __future__ import annotations

import pytest
import torch
from torch import nn

from ganwerk.errors import ConfigError
from ganwerk.nn.dcgan import DcganDiscriminator
from ganwerk.nn.mlp import MlpDiscriminator
from ganwerk.nn.resnet import ResnetDiscriminator, begin
from ganwerk.nn.sizes import Sizes
from ganwerk.nn.spectral import SpectralNorm, normalise_spectrum
from ganwerk.values import PictureShape

SHAPE = PictureShape(16, 3)
NETS = {
    "mlp": lambda: MlpDiscriminator(SHAPE, 0, (8, 6)),
    "strided": lambda: DcganDiscriminator(SHAPE, 0, width=4, max_width=8, down="strided"),
    "resnet": lambda: ResnetDiscriminator(Sizes(SHAPE, 4, 8), 0, features=6),
}


def layers_of(net):
    return [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


@pytest.mark.parametrize("name", NETS)
def test_every_layer_stretches_by_one(name):
    torch.manual_seed(0)
    net = normalise_spectrum(NETS[name](), iterations=5)
    begin(net, torch.Generator().manual_seed(0))
    for _ in range(30):
        net((torch.rand(4, 3, 16, 16),))
    assert len(layers_of(net)) >= 3
    for layer in layers_of(net):
        largest = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2).item()
        zero = not layer.parametrizations.weight.original.any()
        assert largest == pytest.approx(0 if zero else 1, abs=0.02)


def test_against_torch():
    """The same weights by torch's own, from the same singular vectors."""
    torch.manual_seed(0)
    weight = torch.randn(5, 3, 2, 2)
    mine = SpectralNorm(weight, 1)
    theirs = nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 5, 2))
    with torch.no_grad():
        theirs.parametrizations.weight.original.copy_(weight)
        theirs.parametrizations.weight[0]._u.copy_(mine.left)
        theirs.parametrizations.weight[0]._v.copy_(mine.right)
    for _ in range(3):
        torch.testing.assert_close(mine(weight), theirs.weight.detach(), rtol=1e-5, atol=1e-6)


def test_gradients():
    torch.manual_seed(0)
    weight = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    layer = SpectralNorm(weight, 1).double().eval()
    assert torch.autograd.gradcheck(layer, weight)


def test_a_weight_of_zeros_stays_and_learns():
    weight = torch.zeros(4, 3, requires_grad=True)
    layer = SpectralNorm(weight, 1)
    out = layer(weight)
    assert not out.any()
    out.sum().backward()
    assert torch.equal(weight.grad, torch.ones(4, 3))
    assert layer.left.isfinite().all()
    torch.testing.assert_close(layer.left.norm(), torch.tensor(1.0))


def test_outside_training_nothing_moves():
    net = normalise_spectrum(NETS["mlp"](), 1).eval()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    net((torch.rand(2, 3, 16, 16),))
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


def test_twice_is_an_error():
    normed = DcganDiscriminator(SHAPE, 0, width=4, max_width=8, norm="spectral")
    with pytest.raises(ConfigError, match="has spectral norm already"):
        normalise_spectrum(normed, 1)


@pytest.mark.parametrize("name", NETS)
def test_one_pass_iterates_once(name, monkeypatch):
    net = normalise_spectrum(NETS[name](), 1)
    calls = []
    plain = SpectralNorm._iterate
    monkeypatch.setattr(
        SpectralNorm, "_iterate", lambda self, *given: (calls.append(id(self)), plain(self, *given))
    )
    net((torch.rand(2, 3, 16, 16),))
    assert len(calls) == len(set(calls)) == len(layers_of(net))
