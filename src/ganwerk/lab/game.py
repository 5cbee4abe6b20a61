"""From a setting, a method and a seed to a game that can be played."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ganwerk.errors import DivergedError
from ganwerk.game.counters import step_seed
from ganwerk.game.latents import LATENTS
from ganwerk.game.losses import LOSSES
from ganwerk.game.optimisers import Adam, Optimiser, Sgd
from ganwerk.game.recipe import Average, Recipe, adapt, claim, plain_draw
from ganwerk.game.remedies import apply_remedies, remedy_of
from ganwerk.game.schedules import DECAYS, Rate
from ganwerk.game.start import check_groups, start
from ganwerk.game.state import TrainState
from ganwerk.game.step import train_step
from ganwerk.lab.method import Method
from ganwerk.lab.mixture import Mixture
from ganwerk.lab.setting import GameSetting, known
from ganwerk.lab.trial import Tell
from ganwerk.nn.types import Batch

# Counters of random streams that no training step reaches.
WEIGHTS, DATA, JUDGE, REFERENCE = 2**62, 2**61, 2**60, 2**59
TELL_EVERY = 20
DRAWN_AT_ONCE = 5_000

Begin = Callable[[nn.Module, torch.Generator], None]
OPTIMISERS: dict[str, Callable[[nn.Module, float, GameSetting], Optimiser]] = {
    "adam": lambda net, rate, s: Adam(net.parameters(), rate, s.beta1, s.beta2),
    "sgd": lambda net, rate, s: Sgd(net.parameters(), rate, s.beta1),
}


def seeded(seed: int, stream: int) -> torch.Generator:
    """The random numbers of one purpose in a game with this seed."""
    return torch.Generator().manual_seed(step_seed(seed, stream))


def rules_of(setting: GameSetting, chosen: Method) -> Recipe:
    """The game's rules with the method's remedies. Raises ConfigError for a clash."""
    made = Recipe(
        loss=known(LOSSES, "loss", setting.loss),
        draw=plain_draw(known(LATENTS, "latent", setting.latent)),
        reuse_fakes=setting.reuse_fakes,
        rates=(Rate(known(DECAYS, "decay", setting.decay), setting.hold, setting.floor),),
    )
    if setting.d_steps > 1 or setting.g_steps > 1:
        made = claim(made, by="d_steps", d_steps=setting.d_steps, g_steps=setting.g_steps)
    return apply_remedies(made, map(remedy_of, chosen.remedies))


def begin(
    setting: GameSetting, rules: Recipe, seed: int, g_net: nn.Module, d_net: nn.Module, how: Begin
) -> TrainState:
    """A game before its first step. how: draws the first weights of a network.

    Raises ConfigError if a remedy cannot change D as it must, or if D compares groups of samples
    into which the batch cannot be divided.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(step_seed(seed, WEIGHTS))  # for what a layer draws when it is made
        d_net = adapt(rules, d_net)
    hint = "Add +batch={nearest} to the method, or change the group."
    check_groups(d_net, setting.batch, hint)
    random = seeded(seed, WEIGHTS)
    for net in (g_net, d_net):
        how(net, random)
    make = known(OPTIMISERS, "optimiser", setting.optimiser)
    return start(
        rules,
        g_net,
        d_net,
        lambda net, rate: make(net, rate, setting),
        g_rate=setting.g_rate,
        d_rate=setting.d_rate,
        seed=seed,
        horizon_images=float(setting.steps * rules.d_steps * setting.batch),
        average=Average(setting.average_images, ramp=0.05),
    )


def points_in_batches(mixture: Mixture, count: int, seed: int) -> Callable[[int], Batch]:
    """Batch i of the game with this seed: `count` points of the data."""
    random = torch.Generator()

    def batch(index: int) -> Batch:
        random.manual_seed(step_seed(seed, DATA + index))
        return Batch(mixture.draw(count, random)[:, :, None, None])

    return batch


def moments(steps: int, frames: int) -> list[int]:
    """The steps to look at: the first, the last and those between, in `frames` equal parts."""
    return sorted({round(steps * part / frames) for part in range(frames + 1)})


def play(
    state: TrainState,
    rules: Recipe,
    next_batch: Callable[[int], Batch],
    looks: list[int],
    tell: Tell,
) -> Iterator[int]:
    """Train, pausing before each step in `looks` (rising), which it yields."""
    for until in looks:
        while state.step < until:
            train_step(state, next_batch, rules)
            if state.step % TELL_EVERY == 0:
                tell(state.step / looks[-1])
        yield until


@contextmanager
def looking(*nets: nn.Module) -> Iterator[None]:
    """Networks that are only looked at: neither running means nor singular vectors move."""
    before = [net.training for net in nets]
    for net in nets:
        net.eval()
    try:
        yield
    finally:
        for net, was_training in zip(nets, before, strict=True):
            net.train(was_training)


@torch.no_grad()
def verdicts(state: TrainState, points: Tensor) -> Tensor:
    """D's logit (N,) at each of N points (N, C, 1, 1).

    A D that compares samples sees so many copies of the point as it compares.
    """
    copies = max(1, state.d_group_size)
    with looking(state.d_net):
        logits: Tensor = state.d_net((points.repeat_interleave(copies, 0),))
    return logits.view(len(points), -1).mean(1)


def in_groups(state: TrainState, count: int) -> int:
    """The largest number of samples up to `count` that D's groups divide."""
    return count - count % max(1, state.d_group_size)


@torch.no_grad()
def generated(state: TrainState, setting: GameSetting, count: int) -> Tensor:
    """`count` samples of the averaged generator, from the same latents each time.

    Raises DivergedError if they are no numbers.
    """
    random = seeded(state.seed, JUDGE)
    z = LATENTS[setting.latent].draw(count, setting.latent_dim, random)
    samples = torch.cat([state.ema.net(part)[-1] for part in z.split(DRAWN_AT_ONCE)])
    if not bool(samples.isfinite().all()):
        raise DivergedError(
            f"What the generator draws stopped being numbers before step {state.step:,}.",
            "Lower the learning rates (--method g_rate=...), or choose a steadier method.",
        )
    return samples
