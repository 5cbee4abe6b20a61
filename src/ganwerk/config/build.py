"""From settings to objects: the only place that turns names into networks, losses, optimisers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from ganwerk.config import schema
from ganwerk.config.families import FAMILIES, Players
from ganwerk.config.schema import Settings
from ganwerk.game.counters import step_seed
from ganwerk.game.latents import LATENTS
from ganwerk.game.losses import LOSSES
from ganwerk.game.optimisers import Adam, Optimiser, Sgd
from ganwerk.game.recipe import Average, Recipe, adapt, add, claim, plain_draw
from ganwerk.game.remedies import apply_remedies, remedy_of
from ganwerk.game.schedules import DECAYS, Rate
from ganwerk.game.start import check_groups, check_parts, start
from ganwerk.game.state import TrainState
from ganwerk.game.team import Alone
from ganwerk.game.transfer import frozen
from ganwerk.nn.init import Undrawn

WEIGHT_STREAM = 2**62  # a counter no training step reaches


def players(settings: Settings, class_count: int, device: torch.device) -> Players:
    """Generator and discriminator with their first weights, which follow from the seed alone.

    Raises ConfigError if remedies ask for what the discriminator cannot be.
    """
    seed = step_seed(settings.run.seed, WEIGHT_STREAM)
    family = FAMILIES[settings.network.kind]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # for what a layer draws when it is made (spectral norm)
        generator, discriminator = _made(settings, class_count)
    hint = "Add --batch {nearest}, or change the group or pack of the remedy."
    check_groups(discriminator, settings.budget.batch, hint)
    begin = family.begin(settings.network)
    random = torch.Generator().manual_seed(seed)
    for net in (generator, discriminator):
        begin(net, random)
        net.to(device).to(memory_format=torch.channels_last)
        net.train()
    return generator, discriminator


def _made(settings: Settings, class_count: int) -> Players:
    classes = class_count if settings.data.conditional else 0
    generator, discriminator = FAMILIES[settings.network.kind].make(settings, classes)
    return generator, adapt(recipe(settings), discriminator)


def weight_counts(settings: Settings, class_count: int) -> tuple[int, int]:
    """How many weights generator and discriminator have; no memory is taken for them.

    Raises OverflowError for more than there are bytes to address."""
    try:
        with torch.device("meta"), Undrawn():
            nets = _made(settings, class_count)
    except RuntimeError as error:
        if "overflow" not in str(error).lower():
            raise
        raise OverflowError(str(error)) from error
    generator, discriminator = (sum(p.numel() for p in net.parameters()) for net in nets)
    return generator, discriminator


def recipe(settings: Settings) -> Recipe:
    """The game of these settings. Raises ConfigError if two remedies exclude each other."""
    schedule, game = settings.schedule, settings.game
    made = Recipe(
        loss=LOSSES[game.loss],
        draw=plain_draw(LATENTS[settings.latent.kind]),
        reuse_fakes=game.reuse_fakes,
        rates=(Rate(DECAYS[schedule.kind], schedule.hold, schedule.floor, schedule.warmup_images),),
    )
    made = FAMILIES[settings.network.kind].game(settings)(made)
    if settings.transfer is not None:
        made = add(made, d_changes=frozen(settings.transfer.freeze))
    if game.d_steps > 1 or game.g_steps > 1:
        made = claim(made, by="game.d_steps", d_steps=game.d_steps, g_steps=game.g_steps)
    return apply_remedies(made, map(remedy_of, settings.remedy))


def _adam(net: nn.Module, rate: float, s: schema.OptimiserSettings) -> Optimiser:
    return Adam(net.parameters(), rate, s.beta1, s.beta2)


def _rmsprop(net: nn.Module, rate: float, s: schema.OptimiserSettings) -> Optimiser:
    return torch.optim.RMSprop(net.parameters(), lr=rate, alpha=s.beta2, momentum=s.beta1)


def _sgd(net: nn.Module, rate: float, s: schema.OptimiserSettings) -> Optimiser:
    return Sgd(net.parameters(), rate, s.beta1)


Make = Callable[[nn.Module, float, schema.OptimiserSettings], Optimiser]
OPTIMISERS: dict[str, Make] = {"adam": _adam, "rmsprop": _rmsprop, "sgd": _sgd}


def state(
    settings: Settings,
    class_count: int,
    device: torch.device,
    horizon_images: float,
    by: Recipe | None = None,
) -> TrainState:
    """A training before its first step. by: the recipe it will be played by, whose memories are
    saved with it; None makes one, for a training that is thrown away."""
    by = by or recipe(settings)
    generator, discriminator = players(settings, class_count, device)
    check_parts(by, discriminator, settings.budget.batch, settings.budget.parts)
    make = OPTIMISERS[settings.optimiser.kind]
    made = start(
        by,
        generator,
        discriminator,
        lambda net, rate: make(net, rate, settings.optimiser),
        g_rate=settings.optimiser.generator_rate,
        d_rate=settings.optimiser.discriminator_rate,
        seed=settings.run.seed,
        horizon_images=horizon_images,
        average=Average(settings.average.half_life_images, settings.average.ramp),
        device=device,
    )
    made.team = Alone(settings.budget.parts)
    return made
