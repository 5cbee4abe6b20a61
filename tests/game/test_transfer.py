"""Which layers are low, and that frozen ones get no gradient."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganwerk.errors import ConfigError
from ganwerk.game.transfer import frozen, low_layers
from ganwerk.nn.dcgan import DcganDiscriminator
from ganwerk.nn.grown import MultiScaleDiscriminator
from ganwerk.nn.mlp import MlpDiscriminator
from ganwerk.nn.resnet import ResnetDiscriminator
from ganwerk.nn.sizes import Sizes
from ganwerk.values import PictureShape

SHAPE = PictureShape(16, 1)


@pytest.mark.parametrize(
    ("net", "first", "count"),
    [
        (DcganDiscriminator(SHAPE, 0, width=8, features=4), "stages.0.0.weight", 4),
        (MlpDiscriminator(SHAPE, 0, (8, 8)), "hidden.0.weight", 2),
        (ResnetDiscriminator(Sizes(SHAPE, 8, 8), 0), "stages.0.weight", 5),
        (MultiScaleDiscriminator(Sizes(SHAPE, 8, 8), 0), "entries.2.0.weight", 3),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, nn.Module) else None,
)
def test_low_is_what_the_picture_enters_first(net, first, count):
    low = low_layers(net)
    assert len(low) == count
    names = {id(parameter): name for name, parameter in net.named_parameters()}
    assert names[id(next(low[0].parameters()))] == first
    known = [id(p) for layer in low for p in layer.parameters()]
    assert len(known) == len(set(known))
    assert not [i for i in known if names[i].startswith("verdict")]
    assert low_layers(nn.Sequential(net)) == low or isinstance(net, MultiScaleDiscriminator)


def test_what_is_frozen_gets_no_gradient_and_the_picture_does():
    net = frozen(2).apply(DcganDiscriminator(SHAPE, 0, width=8))
    learning = {name for name, p in net.named_parameters() if p.requires_grad}
    assert "stages.1.0.weight" not in learning
    assert "stages.2.0.weight" in learning
    picture = torch.rand(2, 1, 16, 16).requires_grad_()
    net((picture,)).sum().backward()
    assert picture.grad.abs().sum() > 0
    assert net.stages[0][0].weight.grad is None


def test_no_more_than_there_are():
    net = DcganDiscriminator(SHAPE, 0, width=8)
    with pytest.raises(ConfigError, match="4 layers of D cannot be frozen: it has 3") as caught:
        frozen(4).apply(net)
    assert "--freeze 3" in caught.value.hint
    assert all(p.requires_grad for p in net.parameters())
