"""A game with points: what became of the generator, where the truth is known."""

from __future__ import annotations

import time
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from ganwerk.game.recipe import Recipe
from ganwerk.game.state import TrainState
from ganwerk.lab import nets
from ganwerk.lab.game import (
    REFERENCE,
    begin,
    generated,
    moments,
    play,
    points_in_batches,
    rules_of,
    seeded,
)
from ganwerk.lab.method import Method, parse
from ganwerk.lab.mixture import MIXTURES
from ganwerk.lab.setting import PointSetting
from ganwerk.lab.trial import Tell, Trial
from ganwerk.lab.truth import Score, score, wasserstein2

FRAMES = 48
JUDGED = 2_500  # points; Lin et al. 2018, PacGAN, section 4.1
KEPT = 1_000


def game(setting: PointSetting, chosen: Method, seed: int) -> tuple[TrainState, Recipe]:
    """Players before their first step, and the rules. Raises ConfigError."""
    dimensions = MIXTURES[setting.problem].dimensions
    g = nets.PointGenerator(
        setting.latent_dim, setting.g_widths, dimensions, setting.g_activation, setting.g_norm
    )
    d = nets.PointDiscriminator(dimensions, setting.d_widths, setting.d_activation, setting.d_scale)
    rules = rules_of(setting, chosen)

    def how(net: torch.nn.Module, random: torch.Generator) -> None:
        nets.begin(net, setting.init, setting.gain, random)

    return begin(setting, rules, seed, g, d, how), rules


def trial(base: PointSetting, text: str, seed: int, tell: Tell) -> Trial:
    """Play a game to its end, looking at the generator now and then.

    tell: is called with the share that is done. Raises ConfigError, DivergedError.
    """
    chosen = parse(text)
    setting = chosen.applied(base)
    mixture = MIXTURES[setting.problem]
    state, rules = game(setting, chosen, seed)
    batches = points_in_batches(mixture, setting.batch, seed)
    looks = moments(setting.steps, FRAMES)
    scores: list[Score] = []
    kept: list[Tensor] = []
    watched, start = 0.0, time.perf_counter()
    for _ in play(state, rules, batches, looks, tell):
        paused = time.perf_counter()
        points = generated(state, setting, JUDGED).flatten(1)
        scores.append(score(points, mixture))
        kept.append(points[:KEPT])
        watched += time.perf_counter() - paused
    seconds = time.perf_counter() - start - watched
    reference = mixture.draw(JUDGED, seeded(seed, REFERENCE))
    facts = asdict(scores[-1]) | {
        "w2": wasserstein2(points, reference),
        "steps": setting.steps,
        "seconds": seconds,
    }
    arrays = {
        "steps": np.array(looks, np.int64),
        "modes": np.array([s.modes for s in scores], np.int64),
        "high_quality": np.array([s.high_quality for s in scores]),
        "points": torch.stack(kept).half().numpy(),
    }
    return Trial(facts, arrays)
