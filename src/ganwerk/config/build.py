"""From settings to objects: the only place that turns names into networks, losses, optimisers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from ganwerk.config import schema
from ganwerk.config.schema import Settings
from ganwerk.game.latents import LATENTS, step_seed
from ganwerk.game.losses import LOSSES
from ganwerk.game.optimisers import Adam, Optimiser
from ganwerk.game.penalties import PENALTIES
from ganwerk.game.recipe import Recipe, Remedy, add, claim, plain_draw
from ganwerk.game.schedules import DECAYS, Clip, Rate
from ganwerk.game.state import TrainState
from ganwerk.nn import resnet
from ganwerk.nn.dcgan import DcganDiscriminator, DcganGenerator
from ganwerk.nn.ema import Ema
from ganwerk.nn.init import INITIALISERS
from ganwerk.nn.mlp import MlpDiscriminator, MlpGenerator
from ganwerk.values import PictureShape

Players = tuple[nn.Module, nn.Module]
WEIGHT_STREAM = 2**62  # a counter no training step reaches


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


NETWORKS: dict[str, Callable[[Settings, int], Players]] = {
    "mlp": _mlp,
    "dcgan": _dcgan,
    "resnet": _resnet,
}


def players(settings: Settings, class_count: int, device: torch.device) -> Players:
    """Generator and discriminator with their first weights, which follow from the seed alone."""
    classes = class_count if settings.data.conditional else 0
    generator, discriminator = NETWORKS[settings.network.kind](settings, classes)
    begin = INITIALISERS.get(getattr(settings.network, "init", ""), resnet.begin)
    random = torch.Generator().manual_seed(step_seed(settings.run.seed, WEIGHT_STREAM))
    for net in (generator, discriminator):
        begin(net, random)
        net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        net.train()
    return generator, discriminator


def _penalty(settings: schema.PenaltySettings) -> Remedy:
    penalty = PENALTIES[settings.kind](settings.weight, settings.every)
    fading = replace(penalty, fade=settings.fade)
    return lambda recipe: add(recipe, d_penalties=fading)


def _clip(settings: schema.ClipSettings) -> Remedy:
    return lambda recipe: add(recipe, constraints=Clip(settings.bound))


REMEDIES: dict[str, Callable[[Any], Remedy]] = {
    "r1": _penalty,
    "r2": _penalty,
    "wgan-gp": _penalty,
    "dragan": _penalty,
    "weight-clip": _clip,
}


def recipe(settings: Settings) -> Recipe:
    """The game of these settings. Raises ConfigError if two remedies exclude each other."""
    made = claim(
        Recipe(),
        by="the settings",
        loss=LOSSES[settings.game.loss],
        draw=plain_draw(LATENTS[settings.latent.kind]),
        d_steps=settings.game.d_steps,
        g_steps=settings.game.g_steps,
        reuse_fakes=settings.game.reuse_fakes,
    )
    for remedy in settings.remedy:
        made = REMEDIES[remedy.kind](remedy)(made)
    rate = Rate(
        DECAYS[settings.schedule.kind],
        settings.schedule.hold,
        settings.schedule.floor,
        settings.optimiser.generator_rate,
        settings.optimiser.discriminator_rate,
    )
    return add(made, schedules=rate)


def _adam(net: nn.Module, rate: float, s: schema.OptimiserSettings) -> Optimiser:
    return Adam(net.parameters(), rate, s.beta1, s.beta2)


def _rmsprop(net: nn.Module, rate: float, s: schema.OptimiserSettings) -> Optimiser:
    return torch.optim.RMSprop(net.parameters(), lr=rate, alpha=s.beta2, momentum=s.beta1)


def _sgd(net: nn.Module, rate: float, s: schema.OptimiserSettings) -> Optimiser:
    return torch.optim.SGD(net.parameters(), lr=rate, momentum=s.beta1)


Make = Callable[[nn.Module, float, schema.OptimiserSettings], Optimiser]
OPTIMISERS: dict[str, Make] = {"adam": _adam, "rmsprop": _rmsprop, "sgd": _sgd}


def state(
    settings: Settings, class_count: int, device: torch.device, horizon_images: float
) -> TrainState:
    """A training before its first step."""
    generator, discriminator = players(settings, class_count, device)
    make = OPTIMISERS[settings.optimiser.kind]
    return TrainState(
        g_net=generator,
        d_net=discriminator,
        ema=Ema(generator, settings.average.half_life_images, settings.average.ramp),
        g_optimiser=make(generator, settings.optimiser.generator_rate, settings.optimiser),
        d_optimiser=make(discriminator, settings.optimiser.discriminator_rate, settings.optimiser),
        seed=settings.run.seed,
        device=device,
        horizon_images=horizon_images,
    )
