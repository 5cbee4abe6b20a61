"""The families of networks: how each is made from settings, begins, and is drawn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from ganwerk.config import schema
from ganwerk.config.schema import Settings
from ganwerk.game.latents import Latents
from ganwerk.game.recipe import Draw, plain_draw
from ganwerk.game.styles import styled_draw
from ganwerk.nn import equalised, resnet
from ganwerk.nn.dcgan import DcganDiscriminator, DcganGenerator
from ganwerk.nn.init import INITIALISERS, Initialise
from ganwerk.nn.mlp import MlpDiscriminator, MlpGenerator
from ganwerk.nn.residual import ResidualDiscriminator
from ganwerk.nn.style import StyleGenerator
from ganwerk.values import PictureShape

Players = tuple[nn.Module, nn.Module]


def _by_setting(network: Any) -> Initialise:
    return INITIALISERS[network.init]


def _plain(latents: Latents, network: Any) -> Draw:
    return plain_draw(latents)


@dataclass(frozen=True, slots=True)
class Family:
    """make: settings and number of classes (0: unconditional) to both players. begin: how their
    weights begin, by the settings of the network. draw: how fakes are made in training."""

    make: Callable[[Settings, int], Players]
    begin: Callable[[Any], Initialise] = _by_setting
    draw: Callable[[Latents, Any], Draw] = _plain


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


def _resnet(settings: Settings, classes: int) -> Players:
    network = settings.network
    assert isinstance(network, schema.ResnetSettings)
    shape = shape_of(settings)
    generator = resnet.ResnetGenerator(
        shape,
        settings.latent.dim,
        classes,
        width=network.generator_width,
        max_width=network.max_width,
        blocks=network.generator_blocks,
    )
    discriminator = resnet.ResnetDiscriminator(
        shape,
        classes,
        width=network.discriminator_width,
        max_width=network.max_width,
        blocks=network.discriminator_blocks,
    )
    return generator, discriminator


def _style(settings: Settings, classes: int) -> Players:
    network = settings.network
    assert isinstance(network, schema.StyleSettings)
    shape = shape_of(settings)
    generator = StyleGenerator(
        shape,
        settings.latent.dim,
        classes,
        width=network.generator_width,
        max_width=network.max_width,
        style_size=network.style_size,
        mapping_layers=network.mapping_layers,
    )
    discriminator = ResidualDiscriminator(
        shape,
        classes,
        width=network.discriminator_width,
        max_width=network.max_width,
        group=network.group,
    )
    return generator, discriminator


def _mixing(latents: Latents, network: schema.StyleSettings) -> Draw:
    return styled_draw(latents, network.mixing)


FAMILIES: dict[str, Family] = {
    "mlp": Family(_mlp),
    "dcgan": Family(_dcgan),
    "resnet": Family(_resnet, begin=lambda network: resnet.begin),
    "style": Family(_style, begin=lambda network: equalised.begin, draw=_mixing),
}
