"""Networks with a picture at every resolution."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from ganwerk.errors import ConfigError
from ganwerk.nn.equalised import begin
from ganwerk.nn.groups import Packed
from ganwerk.nn.grown import (
    GrowingDiscriminator,
    GrowingGenerator,
    MultiScaleDiscriminator,
    MultiScaleGenerator,
    faded,
    pyramid,
)
from ganwerk.nn.sizes import Sizes
from ganwerk.nn.types import Discriminator, Generator
from ganwerk.values import PictureShape


def pair(generator, discriminator, side=32, channels=3, classes=0):
    shape = PictureShape(side, channels)
    g = generator(Sizes(shape, 4, 16), 6, classes)
    d = discriminator(Sizes(shape, 4, 16), classes, group=2)
    for net in (g, d):
        begin(net, torch.Generator().manual_seed(2))
    return g, d


def growing(**options):
    return pair(GrowingGenerator, GrowingDiscriminator, **options)


def all_scales(**options):
    return pair(MultiScaleGenerator, MultiScaleDiscriminator, **options)


@pytest.mark.parametrize("make", [growing, all_scales])
@pytest.mark.parametrize(("channels", "classes", "side"), [(1, 0, 16), (3, 3, 28), (4, 0, 32)])
def test_shapes(make, channels, classes, side):
    g, d = make(side=side, channels=channels, classes=classes)
    assert isinstance(g, Generator)
    assert isinstance(d, Discriminator)
    labels = torch.tensor([0, 1, 2, 0]) if classes else None
    scales = g(torch.randn(4, 6), labels)
    assert scales[-1].shape == (4, channels, side, side)
    assert d(scales, labels).shape == (4,)


def test_a_picture_at_every_resolution_and_all_are_judged():
    g, d = all_scales()
    scales = g(torch.randn(4, 6))
    assert [s.shape[2] for s in scales] == [4, 8, 16, 32]
    before = d(scales)
    for i in range(4):
        other = list(scales)
        other[i] = other[i] + 1
        assert not torch.allclose(d(tuple(other)), before), i


@pytest.mark.parametrize("make", [growing, all_scales])
def test_every_weight_takes_a_gradient(make):
    g, d = make()
    for net in (g, d):
        if hasattr(net, "grow"):
            net.grow(2.5)
    d(g(torch.randn(4, 6))).square().sum().backward()
    used = [p.grad is not None and bool(p.grad.any()) for n in (g, d) for p in n.parameters()]
    if make is all_scales:
        assert all(used)
        return
    idle = {n for net in (g, d) for n, p in net.named_parameters() if p.grad is None}
    assert {n.rsplit(".", 1)[0] for n in idle} == {
        "pictures.0", "pictures.1", "entries.0.0", "entries.1.0",
    }  # fmt: skip


@pytest.mark.parametrize("level", [0.0, 1.0, 2.0])
def test_a_level_draws_as_coarsely_as_its_stage(level):
    g, d = growing()
    g.grow(level)
    d.grow(level)
    (picture,) = g(torch.randn(2, 6))
    block = 2 ** (3 - int(level))
    coarse = F.avg_pool2d(picture, block)
    torch.testing.assert_close(F.interpolate(coarse, scale_factor=float(block)), picture)
    torch.testing.assert_close(d((picture,)), d((faded(picture, 3 - int(level), 1.0),)))


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_fading_in_begins_where_the_stage_before_ended(stage):
    g, d = growing()
    z, x = torch.randn(2, 6), torch.randn(2, 3, 32, 32)
    found = []
    for level in (stage - 1.0, stage - 1 + 1e-9, stage - 0.5, float(stage)):
        g.grow(level)
        d.grow(level)
        found.append((g(z)[0], d((x,))))
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close((found[1][0] + found[3][0]) / 2, found[2][0])


def test_the_level_is_saved_with_the_weights():
    g, _ = growing()
    g.grow(1.25)
    other, _ = growing()
    other.load_state_dict(g.state_dict())
    assert other.level == 1.25
    assert g.state_dict().keys() == other.state_dict().keys()


def test_pyramid_and_fade():
    x = torch.rand(2, 3, 16, 16)
    scales = pyramid(x, 3)
    assert [s.shape[2] for s in scales] == [4, 8, 16]
    torch.testing.assert_close(scales[0], F.avg_pool2d(x, 4))
    torch.testing.assert_close(faded(x, 0, 1.0), x)
    half = faded(x, 1, 0.5)
    fine, coarse = F.avg_pool2d(x, 2), F.avg_pool2d(x, 4)
    wanted = 0.5 * (fine + F.interpolate(coarse, scale_factor=2.0))
    torch.testing.assert_close(half, F.interpolate(wanted, scale_factor=2.0))


@pytest.mark.parametrize("make", [growing, all_scales])
def test_packing_is_refused(make):
    _, d = make()
    with pytest.raises(ConfigError, match="an entry for each resolution"):
        Packed(d, 2)
