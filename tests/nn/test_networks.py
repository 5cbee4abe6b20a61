"""All families, for all kinds of pictures: shapes, ranges, labels that matter, gradients."""

from __future__ import annotations

import itertools

import pytest
import torch

from ganwerk.errors import ConfigError
from ganwerk.nn import resnet
from ganwerk.nn.dcgan import DcganDiscriminator, DcganGenerator, channels_at
from ganwerk.nn.init import he
from ganwerk.nn.layers import Conv2d, UpsampledConv2d
from ganwerk.nn.mlp import MlpDiscriminator, MlpGenerator
from ganwerk.nn.sizes import Sizes, allowed_resolutions, doublings
from ganwerk.nn.types import Discriminator, Generator
from ganwerk.values import PictureShape


def mlp(shape, classes):
    return MlpGenerator(shape, 8, classes, [16, 16]), MlpDiscriminator(shape, classes, [16, 16])


def dcgan(shape, classes, **options):
    g = {k: options[k] for k in ("up",) if k in options} | {"norm": options.get("g_norm", "batch")}
    d = {k: options[k] for k in ("down",) if k in options} | {"norm": options.get("d_norm", "none")}
    return (
        DcganGenerator(shape, 8, classes, width=8, max_width=16, **g),
        DcganDiscriminator(shape, classes, width=8, max_width=16, **d),
    )


def residual(shape, classes):
    return (
        resnet.ResnetGenerator(Sizes(shape, 4, 16), 8, classes),
        resnet.ResnetDiscriminator(Sizes(shape, 4, 16), classes, features=16),
    )


FAMILIES = {"mlp": mlp, "dcgan": dcgan, "resnet": residual}


def begin(*nets):
    random = torch.Generator().manual_seed(1)
    for net in nets:
        he(net, random)
    return nets


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("channels", "classes"), list(itertools.product([1, 3, 4], [0, 3])))
def test_shapes(family, channels, classes):
    shape = PictureShape(16, channels)
    g, d = begin(*FAMILIES[family](shape, classes))
    labels = torch.tensor([0, 1, 2, 0]) if classes else None
    scales = g(torch.randn(4, 8), labels)
    assert len(scales) == 1
    assert scales[-1].shape == (4, channels, 16, 16)
    assert scales[-1].dtype == torch.float32
    assert d(scales, labels).shape == (4,)
    assert isinstance(g, Generator)
    assert isinstance(d, Discriminator)


@pytest.mark.parametrize("family", FAMILIES)
def test_labels_change_what_is_drawn_and_what_is_judged(family):
    g, d = begin(*FAMILIES[family](PictureShape(16, 1), 2))
    z = torch.randn(2, 8)
    zero, one = torch.zeros(2, dtype=torch.int64), torch.ones(2, dtype=torch.int64)
    g.eval()
    assert not torch.allclose(g(z, zero)[-1], g(z, one)[-1])
    x = (torch.randn(2, 1, 16, 16),)
    assert not torch.allclose(d(x, zero), d(x, one))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_weight_takes_a_gradient(family):
    g, d = begin(*FAMILIES[family](PictureShape(16, 3), 2))
    labels = torch.tensor([0, 1, 0, 1])
    if family == "resnet":  # the zero-initialised half hides the other half at the very start
        for block in (m for net in (g, d) for m in net.modules() if isinstance(m, resnet.Block)):
            torch.nn.init.normal_(block.second.weight, 0, 0.1)
    d(g(torch.randn(4, 8), labels), labels).square().sum().backward()
    without = [n for net in (g, d) for n, p in net.named_parameters() if p.grad is None]
    assert without == []


@pytest.mark.parametrize(
    ("up", "down", "g_norm", "d_norm"),
    list(
        itertools.product(
            ["transposed", "folded", "upsample"],
            ["strided", "pool"],
            ["batch", "none"],
            ["batch", "spectral", "none"],
        )
    ),
)
def test_every_variant_of_dcgan(up, down, g_norm, d_norm):
    g, d = begin(*dcgan(PictureShape(28, 1), 0, up=up, down=down, g_norm=g_norm, d_norm=d_norm))
    picture = g(torch.randn(2, 8))[-1]
    assert picture.shape == (2, 1, 28, 28)
    assert picture.abs().max() <= 1
    assert d((picture,)).shape == (2,)
    assert d.group_size == (0 if d_norm == "batch" else 1)


def test_spectral_norm_bounds_every_layer():
    _, d = dcgan(PictureShape(16, 1), 0, d_norm="spectral")
    for _ in range(200):  # the power iteration converges while D is used
        d((torch.randn(2, 1, 16, 16),))
    d.eval()
    layers = [m for m in d.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    norms = [torch.linalg.matrix_norm(m.weight.flatten(1), 2).item() for m in layers]
    assert norms == pytest.approx([1.0] * len(norms), rel=0.02)


@pytest.mark.parametrize("resolution", allowed_resolutions())
def test_every_allowed_resolution_is_drawn(resolution):
    shape = PictureShape(resolution, 1)
    g = resnet.ResnetGenerator(Sizes(shape, 1, 2), 4, 0)
    d = DcganDiscriminator(shape, 0, width=2, max_width=2)
    picture = g(torch.randn(1, 4))[-1]
    assert picture.shape[-1] == resolution
    assert d((picture,)).shape == (1,)


def test_doublings_are_exact():
    for resolution in allowed_resolutions():
        start, count = doublings(resolution)
        assert start * 2**count == resolution
        assert 4 <= start <= 7
        assert count >= 2


@pytest.mark.parametrize("resolution", [15, 100, 260, 0, 17])
def test_other_resolutions_are_refused_with_the_nearest_that_work(resolution):
    with pytest.raises(ConfigError, match=f"{resolution} px") as caught:
        doublings(resolution)
    assert "nearest sizes" in caught.value.hint


def test_channels_follow_the_published_dcgan():
    assert [channels_at(s, 64, 64, 512) for s in (4, 8, 16, 32, 64)] == [512, 256, 128, 64, 32]


def test_a_residual_network_starts_as_its_skip_path():
    """With the second convolution at zero, every block is the identity."""
    _, d = residual(PictureShape(16, 1), 0)
    resnet.begin(d, torch.Generator().manual_seed(0))
    block = next(m for m in d.modules() if isinstance(m, resnet.Block))
    x = torch.randn(1, block.first.in_channels, 4, 4)
    assert torch.equal(block(x), x)


def test_first_weights_follow_from_the_seed():
    nets = [residual(PictureShape(16, 1), 3)[0] for _ in range(3)]
    for net, seed in zip(nets, (1, 1, 2), strict=True):
        resnet.begin(net, torch.Generator().manual_seed(seed))
    states = [torch.cat([p.flatten() for p in n.parameters()]) for n in nets]
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


@pytest.mark.parametrize("norm", ["batch", "spectral"])
def test_folded_or_in_two_steps_the_stages_of_a_generator_draw_the_same(norm):
    folded, steps = (
        DcganGenerator(PictureShape(16, 3), 8, 0, width=8, max_width=16, up=up, norm=norm).double()
        for up in ("folded", "upsample")
    )
    he(folded, torch.Generator().manual_seed(0))
    ours = [m for m in folded.stages.modules() if isinstance(m, UpsampledConv2d)]
    theirs = [m for m in steps.stages.modules() if isinstance(m, Conv2d)]
    assert len(theirs) == len(ours) + 1  # one is at full resolution
    for one, other in zip(ours, theirs, strict=False):
        other.load_state_dict(one.state_dict())
    h = torch.randn(2, 16, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    short = steps.stages[: len(folded.stages)]
    torch.testing.assert_close(folded.stages(h), short(h), rtol=0, atol=1e-10)
