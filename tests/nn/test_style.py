"""Generators with styles: layers against slow direct formulas, and what steering relies on."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from ganwerk.nn.adain import AdainGenerator, AdaptiveNorm
from ganwerk.nn.channels import noisy_activation
from ganwerk.nn.equalised import ROOT2, begin
from ganwerk.nn.residual import DeviationMap, ResidualDiscriminator
from ganwerk.nn.sizes import Sizes
from ganwerk.nn.style import ModulatedConv, StyledConv, StyleGenerator
from ganwerk.nn.types import Discriminator, Styled
from ganwerk.values import PictureShape

SIZES = {"width": 4, "max_width": 16}


def generator(kind=StyleGenerator, channels=3, classes=0, side=16, **changed):
    sizes = Sizes(PictureShape(side, channels), **(SIZES | changed))
    net = kind(sizes, 6, classes, style_size=8, mapping_layers=2)
    begin(net, torch.Generator().manual_seed(3))
    return net


BOTH = pytest.mark.parametrize("kind", [StyleGenerator, AdainGenerator])


def published(layer, x, style):
    """Each sample with a weight of its own: modulated, then divided by its norm."""
    s = layer.affine(style)
    out = []
    for picture, factors in zip(x, s, strict=True):
        weight = layer.conv.weight * layer.conv.scale * factors[None, :, None, None]
        if layer.demodulate:
            weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        out.append(F.conv2d(picture[None], weight, padding=layer.conv.padding))
    return torch.cat(out)


@pytest.mark.parametrize("demodulate", [True, False])
def test_modulated_convolution_is_the_published_one(demodulate):
    layer = ModulatedConv(5, 7, 8, demodulate=demodulate).double()
    begin(layer, torch.Generator().manual_seed(0))
    x, style = torch.randn(3, 5, 6, 6).double(), torch.randn(3, 8).double()
    y, d = layer(x, style)
    torch.testing.assert_close(y if d is None else y * d, published(layer, x, style))


def test_demodulated_features_have_unit_variance():
    layer = ModulatedConv(64, 64, 8)
    begin(layer, torch.Generator().manual_seed(0))
    with torch.no_grad():
        y, d = layer(torch.randn(8, 64, 16, 16), 5 * torch.randn(8, 8))
    assert (y * d)[:, :, 2:-2, 2:-2].std() == pytest.approx(1.0, rel=0.1)


def test_a_styled_layer_is_convolution_noise_bias_and_a_gain():
    layer = StyledConv(4, 6, 8, 5, up=False).double()
    begin(layer, torch.Generator().manual_seed(0))
    with torch.no_grad():
        layer.noise.strength.fill_(0.3)
        layer.bias.normal_()
    x, style = torch.randn(2, 4, 5, 5).double(), torch.randn(2, 8).double()
    noise = torch.randn(2, 1, 5, 5).double()
    sums = published(layer.modulated, x, style) * ROOT2 + 0.3 * noise + layer.bias[:, None, None]
    torch.testing.assert_close(layer(x, style, noise), F.leaky_relu(sums, 0.2))


def test_adaptive_norm_sets_mean_and_deviation():
    norm = AdaptiveNorm(5, 8).double()
    begin(norm, torch.Generator().manual_seed(0))
    x, style = 3 * torch.randn(2, 5, 7, 7).double() + 2, torch.randn(2, 8).double()
    scale, shift = norm.affine(style).chunk(2, dim=1)
    wanted = F.instance_norm(x, eps=1e-8) * (scale + 1)[..., None, None] + shift[..., None, None]
    torch.testing.assert_close(norm(x, style), wanted)


def test_the_deviation_map_is_the_published_number():
    x = torch.randn(8, 3, 4, 4, dtype=torch.float64)
    found = DeviationMap(4)(x)
    assert found.shape == (8, 4, 4, 4)
    for first in (0, 4):
        number = (x[first : first + 4].var(0, correction=0) + 1e-8).sqrt().mean()
        torch.testing.assert_close(found[first : first + 4, 3], number.expand(4, 4, 4))


@BOTH
@pytest.mark.parametrize(("channels", "classes"), [(1, 0), (3, 3), (4, 0)])
def test_shapes_and_the_protocol(kind, channels, classes):
    net = generator(kind, channels, classes)
    assert isinstance(net, Styled)
    labels = torch.tensor([0, 1, 2]) if classes else None
    z = torch.randn(3, 6)
    (picture,) = net(z, labels)
    assert picture.shape == (3, channels, 16, 16)
    styles = net.mapping(z, labels)
    assert styles.shape == (3, net.style_size)
    assert len(net.style_resolutions) == net.style_layers
    assert list(net.style_resolutions) == sorted(net.style_resolutions)
    assert net.style_resolutions[-1] == 16
    (again,) = net.synthesis(styles[:, None].expand(-1, net.style_layers, -1))
    torch.testing.assert_close(again, picture)


@BOTH
def test_a_picture_does_not_depend_on_its_neighbours(kind):
    net, z = generator(kind), torch.randn(4, 6)
    torch.testing.assert_close(net(z)[0][2:3], net(z[2:3])[0])


@BOTH
def test_noise_is_fixed_unless_it_is_given(kind):
    net, z = generator(kind), torch.randn(2, 6)
    for module in net.modules():
        if hasattr(module, "strength"):
            torch.nn.init.constant_(module.strength, 0.5)
    styles = net.mapping(z)[:, None].expand(-1, net.style_layers, -1)
    fresh = net.fresh_noise(2, torch.Generator().manual_seed(1))
    assert [tuple(n.shape) for n in fresh] == [(2, 1, s, s) for s in net.style_resolutions]
    torch.testing.assert_close(net.synthesis(styles), net.synthesis(styles))
    assert not torch.allclose(net.synthesis(styles)[0], net.synthesis(styles, fresh)[0])
    fixed = tuple(n for name, n in net.named_buffers() if name.endswith("fixed"))
    torch.testing.assert_close(net.synthesis(styles, fixed), net.synthesis(styles))


@BOTH
def test_each_layer_takes_its_own_style(kind):
    net = generator(kind)
    styles = torch.randn(1, net.style_layers, net.style_size)
    (before,) = net.synthesis(styles)
    for layer in range(net.style_layers):
        other = styles.clone()
        other[:, layer] += 1
        assert not torch.allclose(net.synthesis(other)[0], before), layer


@BOTH
def test_every_weight_takes_a_gradient(kind):
    net = generator(kind, classes=2)
    judge = ResidualDiscriminator(Sizes(PictureShape(16, 3), 4, 16), 2, group=2)
    begin(judge, torch.Generator().manual_seed(0))
    assert isinstance(judge, Discriminator)
    labels = torch.tensor([0, 1, 1, 0])
    judge(net(torch.randn(4, 6), labels), labels).square().sum().backward()
    for player in (net, judge):
        without = [n for n, p in player.named_parameters() if p.grad is None or not p.grad.any()]
        assert without == []


@pytest.mark.parametrize("side", [16, 24, 128])
def test_recomputed_stages_give_the_same_numbers(side):
    """Pictures, first and second derivatives."""
    kept, again = (generator(side=side, recompute_px=px) for px in (0, 16))
    assert any(again.recompute) and not any(kept.recompute)
    z, found = torch.randn(2, 6), []
    for net in (kept, again):
        styles = net.mapping(z)[:, None].expand(-1, net.style_layers, -1)
        (picture,) = net.synthesis(styles)
        (slope,) = torch.autograd.grad(picture.square().sum(), styles, create_graph=True)
        weights = [p for n, p in net.named_parameters() if "affine" in n]
        seconds = torch.autograd.grad(slope.square().sum(), weights)
        found.append([picture.detach(), slope.detach(), *seconds])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def test_a_judge_that_recomputes_judges_alike():
    pictures, found = torch.randn(4, 3, 16, 16), []
    for px in (0, 8):
        net = ResidualDiscriminator(Sizes(PictureShape(16, 3), 4, 16, recompute_px=px), 0, group=2)
        begin(net, torch.Generator().manual_seed(0))
        leaf = pictures.clone().requires_grad_(True)
        logits = net((leaf,))
        (slope,) = torch.autograd.grad(logits.sum(), leaf, create_graph=True)
        slope.square().sum().backward()
        found.append([logits.detach(), *(p.grad for p in net.parameters() if p.grad is not None)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def compute_in_half(net, sides, least):
    """Stages of `least` px and above compute in bfloat16."""
    for stage, side in zip(net.stages, sides, strict=True):
        for module in stage.modules():
            if hasattr(module, "compute"):
                module.compute = torch.bfloat16 if side >= least else None


def test_losses_in_half_precision_are_near():
    """In bfloat16 on the highest resolutions, and on all, they agree with float32 to a
    hundredth."""
    net = generator(side=32, width=16, max_width=32)
    judge = ResidualDiscriminator(Sizes(PictureShape(32, 3), 16, 32), 0)
    begin(judge, torch.Generator().manual_seed(0))
    z, losses = torch.randn(16, 6), []
    for least in (1000, 16, 0):
        compute_in_half(net, (4, 8, 16, 32), least)
        compute_in_half(judge, (32, 16, 8), least)
        losses.append(F.softplus(-judge(net(z))).mean().item())
    assert len(set(losses)) == 3
    assert losses[1:] == pytest.approx([losses[0]] * 2, rel=0.01)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_noise_bias_and_activation(dtype):
    x = torch.randn(2, 5, 4, 4).to(dtype).contiguous(memory_format=torch.channels_last)
    noise, bias, strength = torch.randn(2, 1, 4, 4), torch.randn(5), torch.tensor(0.3)
    sums = x.double() + 0.3 * noise.double() + bias.double()[:, None, None]
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    found = noisy_activation(x, noise.to(wide), strength.to(wide), bias.to(wide), 0.2)
    near = 1e-6 if dtype == torch.float64 else 0.02
    torch.testing.assert_close(found.double(), F.leaky_relu(sums, 0.2), rtol=near, atol=near)
    assert found.is_contiguous(memory_format=torch.channels_last)
