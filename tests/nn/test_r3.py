"""R3GAN at full size: the published blocks, start and counts."""

from __future__ import annotations

import pytest
import torch

from ganwerk.nn import r3
from ganwerk.nn.sizes import Sizes
from ganwerk.nn.types import Discriminator, Generator
from ganwerk.values import PictureShape


def pair(side=16, channels=3, classes=0, **options):
    shape = PictureShape(side, channels)
    sizes = Sizes(shape, 8, 16, **options)
    g = r3.R3Generator(sizes, 6, classes)
    d = r3.R3Discriminator(sizes, classes)
    for net in (g, d):
        r3.begin(net, torch.Generator().manual_seed(2))
    return g, d


@pytest.mark.parametrize(("channels", "classes", "side"), [(1, 0, 16), (3, 3, 28), (4, 0, 32)])
def test_shapes(channels, classes, side):
    g, d = pair(side, channels, classes)
    assert isinstance(g, Generator)
    assert isinstance(d, Discriminator)
    labels = torch.tensor([0, 1, 2, 0]) if classes else None
    scales = g(torch.randn(4, 6), labels)
    assert scales[-1].shape == (4, channels, side, side)
    assert d(scales, labels).shape == (4,)


def test_blocks_begin_as_the_identity():
    g, _ = pair()
    x = torch.randn(2, 16, 4, 4)
    block = next(m for m in g.modules() if isinstance(m, r3.Bottleneck))
    torch.testing.assert_close(block(x), x)


def test_published_sizes():
    """FFHQ at 64 px: 768 channels in four stages, 384 in the last, 96 groups of 16, 2 blocks."""
    with torch.device("meta"):
        shape = PictureShape(64, 3)
        g = r3.R3Generator(Sizes(shape, 384, 768), 64, 0)
    blocks = [m for m in g.modules() if isinstance(m, r3.Bottleneck)]
    assert [b.wide.in_channels for b in blocks] == [768] * 8 + [384] * 2
    assert {b.grouped.in_channels // b.grouped.groups for b in blocks} == {16}
    assert blocks[0].grouped.groups == 96
    assert g.basis.shape == (768, 4, 4)


def test_recomputed_stages_give_the_same_numbers():
    found = []
    for px in (0, 8):
        g, d = pair(recompute_px=px)
        for block in (m for n in (g, d) for m in n.modules() if isinstance(m, r3.Bottleneck)):
            torch.nn.init.constant_(block.narrow.weight, 0.02)
        picture = g(torch.randn(4, 6, generator=torch.Generator().manual_seed(1)))[0]
        seen = picture.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(d((seen,)).sum(), seen, create_graph=True)
        (slope.square().sum() + d((picture,)).sum()).backward()
        found.append([p.grad for n in (g, d) for p in n.parameters()])
    for one, other in zip(*found, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one, other)
