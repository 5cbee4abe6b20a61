"""Every preset's networks can be traced once and then compute any batch."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import nn
from torch.export import Dim, export

from ganwerk.config import auto, build, load
from ganwerk.config.load import preset_names
from ganwerk.nn.groups import group_size_of
from ganwerk.nn.layers import can_be_matrix
from ganwerk.nn.types import Styled
from ganwerk.values import DataFacts, MachineFacts, Origin, PictureShape

CPU = MachineFacts("cpu", "a processor", 2, 8 << 30, 6 << 30)
SIZES = ["network.generator_width=8", "network.discriminator_width=8", "network.max_width=16"]
LAYERS = ["network.generator_widths=[8]", "network.discriminator_widths=[8]"]
TRACED, COMPUTED = 5, (1, 3, 8)
STYLED = ["stylegan", "stylegan-first"]


@cache
def players(preset: str, classes: int):
    data = DataFacts(300, PictureShape(16, 3), tuple("abc"[:classes]), (100,) * classes)
    sets = ["budget.batch=16", "run.precision=float32", "latent.dim=8"]
    sets += LAYERS if preset == "listing" else SIZES
    sets += ["data.conditional=true"] if classes else []
    draft = load.collect(preset=preset, sets=sets)
    draft.give("data.where", "somewhere", Origin("asked for"))
    auto.decide(draft, data, CPU)
    nets = build.players(load.settle(draft), classes, torch.device("cpu"))
    return [net.eval().requires_grad_(False) for net in nets]


class Part(nn.Module):
    """One method of a network, as a network."""

    def __init__(self, net: nn.Module, method: str) -> None:
        super().__init__()
        self.net, self.method = net, method

    def forward(self, *given):
        return getattr(self.net, self.method)(*given)


def latents(count):
    return torch.randn(count, 8, generator=torch.Generator().manual_seed(count))


def labels(count):
    return torch.arange(count) % 3


def pictures(count):
    return (torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(count)),)


def traced_once_computes_all(net, *inputs):
    """inputs: functions from a number of samples to a tensor or a tuple of them."""
    given = tuple(make(TRACED) for make in inputs)
    shapes = torch.utils._pytree.tree_map(lambda tensor: {0: Dim.DYNAMIC}, given)
    traced = export(Part(net, "forward"), given, dynamic_shapes=(shapes,)).module()
    for count in COMPUTED:
        given = tuple(make(count) for make in inputs)
        torch.testing.assert_close(traced(*given), net(*given))


@pytest.mark.parametrize("preset", preset_names())
def test_generators_with_classes(preset):
    g, _ = players(preset, 3)
    traced_once_computes_all(g, latents, labels)


@pytest.mark.parametrize("preset", [name for name in preset_names() if name not in STYLED])
def test_generators_without_classes(preset):
    g, _ = players(preset, 0)
    traced_once_computes_all(g, latents)


@pytest.mark.parametrize("preset", STYLED)
def test_generators_with_styles_in_two_halves(preset):
    g, _ = players(preset, 0)

    def styles(count):
        shape = (count, g.style_layers, g.style_size)
        return torch.randn(shape, generator=torch.Generator().manual_seed(count))

    traced_once_computes_all(Part(g, "mapping"), latents)
    traced_once_computes_all(Part(g, "synthesis"), styles)


def test_no_generator_with_styles_is_left_out():
    styled = [name for name in preset_names() if isinstance(players(name, 0)[0], Styled)]
    assert styled == STYLED


@pytest.mark.parametrize("preset", ["auto", "listing", "r3", "wgan-gp"])
def test_discriminators(preset):
    """Those that judge each sample alone: groups are counted when a network is traced. And without
    `halve`: torch 2.15 cannot trace its operation with a batch of any size."""
    _, d = players(preset, 3)
    assert group_size_of(d) == 1
    traced_once_computes_all(d, pictures, labels)


@pytest.mark.parametrize("preset", ["auto", "dcgan"])
def test_convolutions_as_matrix_products(preset, monkeypatch):
    g, _ = players(preset, 0)
    layers = [layer for layer in g.modules() if can_be_matrix(layer)]
    assert layers
    for layer in layers:
        monkeypatch.setattr(layer, "as_matrix", True)
    traced_once_computes_all(g, latents)


def test_shares_of_classes():
    g, _ = players("auto", 3)

    def shares(count):
        return torch.rand(count, 3, generator=torch.Generator().manual_seed(count)).softmax(1)

    traced_once_computes_all(g, latents, shares)
