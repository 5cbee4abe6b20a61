"""A game with points: from a setting, a method and a seed to what the generator became."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganwerk.config import build
from ganwerk.errors import DivergedError
from ganwerk.game.latents import LATENTS, draw, step_seed
from ganwerk.game.losses import LOSSES
from ganwerk.game.optimisers import Adam
from ganwerk.game.recipe import Recipe, add, claim, plain_draw
from ganwerk.game.schedules import DECAYS, Rate
from ganwerk.game.state import TrainState
from ganwerk.game.step import train_step
from ganwerk.lab import method
from ganwerk.lab.mixture import MIXTURES, Mixture
from ganwerk.lab.nets import PointDiscriminator, PointGenerator, begin
from ganwerk.lab.setting import Setting
from ganwerk.lab.trial import Tell, Trial
from ganwerk.lab.truth import Score, score, wasserstein2
from ganwerk.nn.ema import Ema
from ganwerk.nn.types import Batch

FRAMES = 48
JUDGED = 2_500  # points; Lin et al. 2018, PacGAN, section 4.1
KEPT = 1_000
TELL_EVERY = 50
# Counters of random streams that no training step reaches (WEIGHTS as config.build has it).
WEIGHTS, DATA, JUDGE, REFERENCE = 2**62, 2**61, 2**60, 2**59

def seeded(seed: int, stream: int) -> torch.Generator:
    """The random numbers of one purpose in a run with this seed."""
    return torch.Generator().manual_seed(step_seed(seed, stream))


def game(setting: Setting, chosen: method.Method, seed: int) -> tuple[TrainState, Recipe]:
    """Players before their first step, and the recipe. Raises ConfigError."""
    dimensions = MIXTURES[setting.problem].places().shape[1]
    g = PointGenerator(
        setting.latent_dim, setting.g_widths, dimensions, setting.g_activation, setting.g_norm
    )
    d = PointDiscriminator(dimensions, setting.d_widths, setting.d_activation, setting.d_scale)
    random = seeded(seed, WEIGHTS)
    for net in (g, d):
        begin(net, setting.init, setting.gain, random)
    state = TrainState(
        g_net=g,
        d_net=d,
        ema=Ema(g, setting.average_images, ramp=0.05),
        g_optimiser=Adam(g.parameters(), setting.g_rate, setting.beta1, setting.beta2),
        d_optimiser=Adam(d.parameters(), setting.d_rate, setting.beta1, setting.beta2),
        seed=seed,
        device=torch.device("cpu"),
        horizon_images=float(setting.steps * setting.d_steps * setting.batch),
    )
    return state, recipe(setting, chosen)


def recipe(setting: Setting, chosen: method.Method) -> Recipe:
    """The game's rules with the method's remedies. Raises ConfigError for a clash."""
    made = claim(
        Recipe(),
        by="the setting",
        loss=LOSSES[setting.loss],
        draw=plain_draw(LATENTS[setting.latent]),
        d_steps=setting.d_steps,
        g_steps=setting.g_steps,
        reuse_fakes=setting.reuse_fakes,
    )
    for remedy in chosen.remedies:
        made = build.REMEDIES[remedy.kind](remedy)(made)
    rate = Rate(
        DECAYS[setting.decay], setting.hold, setting.floor, setting.g_rate, setting.d_rate
    )
    return add(made, schedules=rate)


def batches(mixture: Mixture, count: int, seed: int) -> Callable[[int], Batch]:
    """Batch i of the run with this seed."""
    random = torch.Generator()

    def batch(index: int) -> Batch:
        random.manual_seed(step_seed(seed, DATA + index))
        return Batch(mixture.draw(count, random)[:, :, None, None])

    return batch


@torch.no_grad()
def generated(state: TrainState, setting: Setting, count: int, seed: int) -> Tensor:
    """`count` points (count, N) of the averaged generator, the same latents each time."""
    z = draw(LATENTS[setting.latent], count, setting.latent_dim, seeded(seed, JUDGE))
    points: Tensor = state.ema.net(z)[-1].flatten(1)
    if not bool(points.isfinite().all()):
        raise DivergedError(
            f"The generator's points stopped being numbers before step {state.step:,}.",
            "Lower the learning rates, or choose a steadier method.",
        )
    return points


def trial(base: Setting, text: str, seed: int, tell: Tell) -> Trial:
    """Play a game to its end, looking at the generator now and then.

    tell: is called with the share that is done. Raises ConfigError, DivergedError.
    """
    chosen = method.parse(text)
    setting = chosen.applied(base)
    mixture = MIXTURES[setting.problem]
    state, rules = game(setting, chosen, seed)
    next_batch = batches(mixture, setting.batch, seed)
    looks = {round(setting.steps * k / FRAMES) for k in range(FRAMES + 1)}
    steps: list[int] = []
    scores: list[Score] = []
    kept: list[Tensor] = []
    start = time.perf_counter()
    watching = 0.0
    for step in range(setting.steps + 1):
        if step in looks:
            looked = time.perf_counter()
            points = generated(state, setting, JUDGED, seed)
            steps.append(step)
            scores.append(score(points, mixture))
            kept.append(points[:KEPT])
            watching += time.perf_counter() - looked
        if step < setting.steps:
            train_step(state, next_batch, rules)
        if step % TELL_EVERY == 0:
            tell(step / setting.steps)
    seconds = time.perf_counter() - start - watching
    reference = mixture.draw(JUDGED, seeded(seed, REFERENCE))
    facts = asdict(scores[-1]) | {
        "w2": wasserstein2(points, reference),
        "steps": setting.steps,
        "seconds": seconds,
    }
    return Trial(facts, _arrays(steps, scores, kept))


def _arrays(
    steps: list[int], scores: list[Score], kept: list[Tensor]
) -> dict[str, NDArray[np.generic]]:
    return {
        "steps": np.array(steps, np.int64),
        "modes": np.array([s.modes for s in scores], np.int64),
        "high_quality": np.array([s.high_quality for s in scores]),
        "points": torch.stack(kept).half().numpy(),
    }
