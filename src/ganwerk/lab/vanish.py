"""How much of D's opinion reaches G while D learns and G stands still.

Arjovsky and Bottou 2017, Towards principled methods for training GANs, figures 2 and 3: the better
D gets, the less the minimax game tells G.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganwerk.game.recipe import Recipe
from ganwerk.game.rounds import Critic
from ganwerk.game.state import TrainState
from ganwerk.lab import points
from ganwerk.lab.game import (
    DATA,
    JUDGE,
    in_groups,
    looking,
    moments,
    play,
    points_in_batches,
    seeded,
    verdicts,
)
from ganwerk.lab.method import parse
from ganwerk.lab.mixture import MIXTURES
from ganwerk.lab.setting import PointSetting
from ganwerk.lab.trial import Facts, Tell, Trial
from ganwerk.nn.types import Batch

FRAMES = 60
CELLS = 96
SHOWN = 64
LOOKED_AT = 2_048

SETTING = PointSetting(
    problem="ring",
    source="Arjovsky and Bottou 2017, figure 2, on points",
    steps=2_000,
    batch=256,
    latent_dim=2,
    d_rate=1e-3,
    beta1=0.0,
    beta2=0.99,
    d_scale=0.5,
    gain=1.6,
)
METHODS = (
    "loss=minimax",
    "loss=non-saturating",
    "loss=wasserstein+wgan-gp:weight=10",
)


def look(state: TrainState, rules: Recipe, batch: Batch) -> dict[str, NDArray[np.generic]]:
    """What D says, and what G hears of it: mean norms of the gradient of G's loss, by each point
    (times the number of points, so that it does not depend on it) and by all weights of G."""
    random = seeded(state.seed, JUDGE)
    with looking(state.g_net, state.d_net):
        fakes = rules.draw(state.g_net, batch, random)
        critic = Critic(state.d_net, state.d_group_size, rules.views, random)
        fake_logits = critic(fakes.scales, None)
        real_logits = critic((batch.images,), None)
    drawn = fakes.scales[-1]
    loss = rules.loss.generator(real_logits, fake_logits).mean()
    weights = list(state.g_net.parameters())
    at_points, *at_weights = torch.autograd.grad(loss, [drawn, *weights])
    at_points = at_points.flatten(1) * len(drawn)
    heard = torch.stack([g.square().sum() for g in at_weights]).sum().sqrt()
    value = rules.loss.value(real_logits, fake_logits).mean()
    right = 0.5 * ((real_logits > 0).float().mean() + (fake_logits < 0).float().mean())
    return {
        "g_gradient": heard.double().numpy(),
        "point_gradient": at_points.norm(dim=1).double().mean().numpy(),
        "value": value.detach().double().numpy(),
        "accuracy": right.double().numpy(),
        "undecided": _undecided(rules, real_logits, fake_logits).numpy(),
        "surface": surface(state).half().numpy(),
        "drawn": drawn.detach().flatten(1)[:SHOWN].half().numpy(),
        "arrows": -at_points[:SHOWN].float().numpy(),
    }


def _undecided(rules: Recipe, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The logit at which D would not know; where only differences count, the middle of both."""
    if rules.loss.boundary is not None:
        return torch.tensor(rules.loss.boundary)
    return (real_logits.mean() + fake_logits.mean()).detach() / 2


def surface(state: TrainState) -> Tensor:
    """D's logits on a square of points around the data: (CELLS, CELLS), first axis upwards."""
    reach = MIXTURES[SETTING.problem].reach
    ticks = torch.linspace(-reach, reach, CELLS)
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")
    grid = torch.stack([x, y], 2).view(-1, 2, 1, 1)
    return verdicts(state, grid).view(CELLS, CELLS)


def d_alone(state: TrainState) -> tuple[bool, bool]:
    """Whose turn it is, (D, G): never G's."""
    return True, False


def trial(base: PointSetting, text: str, seed: int, tell: Tell) -> Trial:
    """Train D alone, against a G that never learns. Raises ConfigError."""
    chosen = parse(text)
    setting = chosen.applied(base)
    mixture = MIXTURES[setting.problem]
    state, rules = points.game(setting, chosen, seed)
    rules = replace(rules, turns=d_alone)
    batches = points_in_batches(mixture, setting.batch, seed)
    count = in_groups(state, LOOKED_AT)
    sample = Batch(mixture.draw(count, seeded(seed, DATA))[:, :, None, None])
    looks = moments(setting.steps, FRAMES)
    start = time.perf_counter()
    seen = [look(state, rules, sample) for _ in play(state, rules, batches, looks, tell)]
    first, last = seen[0], seen[-1]
    facts: Facts = {
        "gradient_first": float(first["g_gradient"]),
        "gradient_last": float(last["g_gradient"]),
        "point_gradient_last": float(last["point_gradient"]),
        "value": float(last["value"]),
        "steps": setting.steps,
        "seconds": time.perf_counter() - start,
    }
    arrays = {name: np.stack([frame[name] for frame in seen]) for name in first}
    return Trial(facts, arrays | {"steps": np.array(looks)})
