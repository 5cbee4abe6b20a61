"""The families of networks: how each is made from settings, begins, and is drawn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from ganwerk.config import schema
from ganwerk.config.schema import Settings
from ganwerk.game.growth import Plan, all_scales, growing
from ganwerk.game.latents import LATENTS
from ganwerk.game.recipe import Remedy
from ganwerk.game.styles import styled
from ganwerk.nn import equalised, r3, resnet
from ganwerk.nn.adain import AdainGenerator
from ganwerk.nn.dcgan import DcganDiscriminator, DcganGenerator
from ganwerk.nn.grown import (
    GrowingDiscriminator,
    GrowingGenerator,
    MultiScaleDiscriminator,
    MultiScaleGenerator,
    ScalesDiscriminator,
    ScalesGenerator,
)
from ganwerk.nn.init import INITIALISERS, Initialise
from ganwerk.nn.mlp import MlpDiscriminator, MlpGenerator
from ganwerk.nn.residual import ResidualDiscriminator
from ganwerk.nn.sizes import Sizes, doublings
from ganwerk.nn.style import StyleGenerator
from ganwerk.values import PictureShape

Players = tuple[nn.Module, nn.Module]


def _by_setting(network: Any) -> Initialise:
    return INITIALISERS[network.init]


def _equalised(network: Any) -> Initialise:
    return equalised.begin


def _ordinary(settings: Settings) -> Remedy:
    return lambda recipe: recipe


@dataclass(frozen=True, slots=True)
class Family:
    """make: settings and number of classes (0: unconditional) to both players. begin: how their
    weights begin, by the settings of the network. game: what the family adds to the game."""

    make: Callable[[Settings, int], Players]
    begin: Callable[[Any], Initialise] = _by_setting
    game: Callable[[Settings], Remedy] = _ordinary


def shape_of(settings: Settings) -> PictureShape:
    return PictureShape(settings.data.resolution, settings.data.channels)


def _mlp(settings: Settings, classes: int) -> Players:
    network = settings.network
    assert isinstance(network, schema.MlpSettings)
    shape = shape_of(settings)
    return (
        MlpGenerator(shape, settings.latent.dim, classes, network.generator_widths),
        MlpDiscriminator(shape, classes, network.discriminator_widths),
    )


def _dcgan(settings: Settings, classes: int) -> Players:
    network = settings.network
    assert isinstance(network, schema.DcganSettings)
    shape = shape_of(settings)
    generator = DcganGenerator(
        shape,
        settings.latent.dim,
        classes,
        width=network.generator_width,
        max_width=network.max_width,
        norm=network.generator_norm,
        up=network.up,
    )
    discriminator = DcganDiscriminator(
        shape,
        classes,
        width=network.discriminator_width,
        max_width=network.max_width,
        norm=network.discriminator_norm,
        down=network.down,
        features=network.discriminator_features,
    )
    return generator, discriminator


def _sizes(settings: Settings) -> tuple[Sizes, Sizes]:
    """Of G and of D."""
    network: Any = settings.network
    shape, again = shape_of(settings), getattr(network, "recompute_px", 0)
    return (
        Sizes(shape, network.generator_width, network.max_width, again),
        Sizes(shape, network.discriminator_width, network.max_width, again),
    )


def _resnet(settings: Settings, classes: int) -> Players:
    network = settings.network
    assert isinstance(network, schema.ResnetSettings)
    of_g, of_d = _sizes(settings)
    return (
        resnet.ResnetGenerator(of_g, settings.latent.dim, classes, blocks=network.generator_blocks),
        resnet.ResnetDiscriminator(of_d, classes, blocks=network.discriminator_blocks),
    )


def _r3(settings: Settings, classes: int) -> Players:
    network = settings.network
    assert isinstance(network, schema.R3Settings)
    of_g, of_d = _sizes(settings)
    return (
        r3.R3Generator(of_g, settings.latent.dim, classes, blocks=network.blocks),
        r3.R3Discriminator(of_d, classes, blocks=network.blocks),
    )


def _style(settings: Settings, classes: int) -> Players:
    network = settings.network
    assert isinstance(network, schema.StyleSettings)
    (of_g, of_d), dim = _sizes(settings), settings.latent.dim
    mapped = {"style_size": network.style_size, "mapping_layers": network.mapping_layers}
    if network.generation == "first":
        return (
            AdainGenerator(of_g, dim, classes, **mapped),
            GrowingDiscriminator(of_d, classes, group=network.group),
        )
    return (
        StyleGenerator(of_g, dim, classes, **mapped),
        ResidualDiscriminator(of_d, classes, group=network.group),
    )


def _scales(
    generator: type[ScalesGenerator], discriminator: type[ScalesDiscriminator]
) -> Callable[[Settings, int], Players]:
    def make(settings: Settings, classes: int) -> Players:
        network = settings.network
        assert isinstance(network, schema.ScalesSettings)
        of_g, of_d = _sizes(settings)
        return (
            generator(of_g, settings.latent.dim, classes),
            discriminator(of_d, classes, group=network.group),
        )

    return make


def _growing(settings: Settings) -> Remedy:
    network = settings.network
    assert isinstance(network, schema.ProgressiveSettings)
    _, count = doublings(settings.data.resolution)
    return growing(
        Plan(
            count,
            network.growing,
            network.phase_images,
            network.stage_rates,
            network.stage_batches,
            settings.budget.batch,
        )
    )


def _all_scales(settings: Settings) -> Remedy:
    return all_scales(doublings(settings.data.resolution)[1])


def _styled(settings: Settings) -> Remedy:
    network = settings.network
    assert isinstance(network, schema.StyleSettings)
    latents = LATENTS[settings.latent.kind]
    return styled(latents, network.mixing, network.path_weight, network.path_every)


FAMILIES: dict[str, Family] = {
    "mlp": Family(_mlp),
    "dcgan": Family(_dcgan),
    "resnet": Family(_resnet, begin=lambda network: resnet.begin),
    "r3": Family(_r3, begin=lambda network: r3.begin),
    "style": Family(_style, _equalised, _styled),
    "progressive": Family(_scales(GrowingGenerator, GrowingDiscriminator), _equalised, _growing),
    "multi-scale": Family(
        _scales(MultiScaleGenerator, MultiScaleDiscriminator), _equalised, _all_scales
    ),
}
