"""The objective: gradients, tiles, regions."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ganwerk.style.backbones import ARCHITECTURES, COMPACT, VGG19, Encoder, architecture
from ganwerk.style.losses import STYLE_SCALES
from ganwerk.style.objective import Objective, Region, StylePicture
from ganwerk.style.recipe import Recipe
from tests.style.conftest import TINY

BASE = Recipe(
    content_layers=TINY.content_layers, style_layers=TINY.style_layers, layer_weights=(1, 2, 0.5),
    tv_weight=0.1,
)  # fmt: skip


def objective(encoder, photo, painting, tile_px=None, regions=None, **changes):
    regions = regions or [Region([StylePicture(painting)])]
    return Objective(replace(BASE, **changes), encoder, photo, regions, tile_px)


def noisy(photo, seed=0):
    random = torch.Generator().manual_seed(seed)
    noise = torch.rand(photo.shape, dtype=photo.dtype, generator=random)
    return (0.7 * photo + 0.3 * noise).clamp(0.01, 0.99)


def slope(function, picture, direction, step=1e-7):
    """Of the total loss along a direction, by central differences."""
    above = function(picture + step * direction)[0].total
    return (above - function(picture - step * direction)[0].total) / (2 * step)


@pytest.mark.parametrize("statistic", ["gram", "moments", "sliced"])
@pytest.mark.parametrize("unit", [1.0, 255.0])
def test_the_gradient_is_that_of_the_total(encoder, photo, painting, statistic, unit):
    function = objective(encoder, photo, painting, statistic=statistic, unit=unit)
    picture = noisy(photo) * unit
    _, gradient = function(picture)
    direction = torch.randn(
        photo.shape, dtype=photo.dtype, generator=torch.Generator().manual_seed(1)
    )
    expected = slope(function, picture, direction, 1e-7 * unit)
    assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("style_scale", STYLE_SCALES)
def test_published_scales_have_right_gradients_too(encoder, photo, painting, style_scale):
    function = objective(
        encoder, photo, painting, statistic="gram", style_scale=style_scale, patch_weight=0.0,
        strength=None, content_weight=0.3, style_weight=2.0, content_scale="half-sum",
        variation="absolute",
    )  # fmt: skip
    picture = noisy(photo)
    _, gradient = function(picture)
    direction = torch.randn(
        photo.shape, dtype=photo.dtype, generator=torch.Generator().manual_seed(2)
    )
    expected = slope(function, picture, direction)
    assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("statistic", ["gram", "moments", "sliced"])
@pytest.mark.parametrize("masked", [False, True])
def test_tiles_are_exact(encoder, photo, painting, statistic, masked):
    mask = torch.linspace(0, 1, 60, dtype=torch.float64).expand(52, 60) if masked else None
    regions = [Region([StylePicture(painting)], mask)]
    whole = objective(encoder, photo, painting, None, regions, statistic=statistic)
    tiled = objective(encoder, photo, painting, 20, regions, statistic=statistic)
    assert len(tiled.tiles) == 9
    picture = noisy(photo)
    (losses, gradient), (other, pieces) = whole(picture, 4), tiled(picture, 4)
    if statistic != "sliced":  # draws its positions tile by tile
        assert other.total == pytest.approx(losses.total, rel=1e-9)
    torch.testing.assert_close(pieces, gradient, rtol=1e-7, atol=1e-12)


def test_zero_at_the_photo_and_at_the_painting(encoder, photo, painting):
    losses, _ = objective(encoder, photo, painting)(photo)
    assert losses.content == 0
    assert losses.style > 0
    losses, _ = objective(encoder, painting, painting, patch_weight=0.0)(painting)
    assert losses.style == pytest.approx(0, abs=1e-5)


def test_a_region_pulls_only_where_its_mask_is(encoder, photo, painting):
    mask = torch.zeros(52, 60, dtype=torch.float64)
    mask[:, :16] = 1
    regions = [Region([StylePicture(painting)], mask)]
    function = objective(encoder, photo, painting, None, regions, tv_weight=0.0, strength=1.0)
    gradient = function(photo)[1].abs().sum((0, 1))
    reach = encoder.halo_px
    assert float(gradient[:, :16].sum()) > 0
    assert float(gradient[:, 16 + reach + 8 :].sum()) == 0


def test_two_styles_with_weights_differ_from_one(encoder, photo, painting):
    other = painting.flip(1) * 0.5
    both = [Region([StylePicture(painting, 3.0), StylePicture(other, 1.0)])]
    function = objective(encoder, photo, painting, None, both, patch_weight=0.0)
    alone = objective(encoder, photo, painting, patch_weight=0.0)
    assert function(photo)[0].style != pytest.approx(alone(photo)[0].style, rel=1e-3)


def receptive_field_by_gradient(made, layer):
    """Of a chain of ones: what reaches the middle of the layer."""
    ones = {}
    for name, (before, after) in made.shapes().items():
        ones[f"{name}.weight"] = torch.full((after, before, 3, 3), 1 / (9 * before))
        ones[f"{name}.bias"] = torch.zeros(after)
    side = 16 * 24
    picture = torch.full((1, 3, side, side), 0.9).requires_grad_()
    found = Encoder(made, ones, [layer])(picture)[layer]
    found[0, 0, found.shape[2] // 2, found.shape[3] // 2].backward()
    return int((picture.grad[0, 0].abs().sum(0) > 0).sum())


@pytest.mark.parametrize("layer", ["relu1_2", "relu2_1", "relu3_2", "relu5_1"])
def test_receptive_fields_are_what_the_gradient_sees(layer):
    slim = replace(COMPACT, widths=(2, 2, 2, 2, 2))
    assert COMPACT.receptive_field_px(layer) == receptive_field_by_gradient(slim, layer)


def test_published_figures_of_vgg19():
    """189.3 GFLOP forward at 512 px; relu5_1 sees 156 px."""
    assert VGG19.multiply_adds(512, 512, "relu5_1") == pytest.approx(94.67e9, rel=0.001)
    assert VGG19.receptive_field_px("relu5_1") == 156
    assert VGG19.named("block4_conv2") == VGG19.named("conv4_2") == "relu4_2"


def test_vgg_is_torchvision_s():
    """Same weights, same features as torchvision's own network."""
    from torchvision.models.vgg import cfgs, make_layers

    from ganwerk.style.backbones import MEAN, STD

    torch.manual_seed(0)
    theirs = make_layers(cfgs["E"]).eval()
    made = ARCHITECTURES["vgg19"]
    numbers = [i for i, layer in enumerate(theirs) if isinstance(layer, torch.nn.Conv2d)]
    ours = {
        f"{name}.{part}": getattr(theirs[number], part)
        for name, number in zip(made.shapes(), numbers, strict=True)
        for part in ("weight", "bias")
    }
    x = torch.rand(1, 3, 32, 32)
    encode = Encoder(made, ours, ["relu4_2"], pooling="max", padding="zeros")
    standard = (x - torch.tensor(MEAN).reshape(1, 3, 1, 1)) / torch.tensor(STD).reshape(1, 3, 1, 1)
    torch.testing.assert_close(encode(x)["relu4_2"], theirs[:23](standard), rtol=1e-4, atol=1e-5)


def test_names_of_backbones():
    assert architecture("vgg19-random").name == "vgg19"
