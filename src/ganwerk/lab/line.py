"""The game on a line, as figure 1 of the first GAN paper draws it: Goodfellow et al. 2014."""

from __future__ import annotations

import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganwerk.game.counters import SMALLEST
from ganwerk.game.losses import LOSSES
from ganwerk.game.state import TrainState
from ganwerk.lab import points
from ganwerk.lab.game import (
    REFERENCE,
    generated,
    in_groups,
    looking,
    moments,
    play,
    points_in_batches,
    seeded,
    verdicts,
)
from ganwerk.lab.method import parse
from ganwerk.lab.mixture import MIXTURES, Mixture
from ganwerk.lab.setting import PointSetting
from ganwerk.lab.trial import Facts, Tell, Trial

FRAMES = 60
CELLS = 301
JUDGED = 20_000
ARROWS = 25
BANDWIDTH = 0.06  # of the estimate of p_g, in the units of x

SETTING = PointSetting(
    problem="line",
    source="Goodfellow et al. 2014, Generative adversarial nets, figure 1",
    latent_dim=1,
    latent="uniform",
    g_widths=(32, 32),
    d_widths=(48, 48),
    g_activation="tanh",
    d_activation="leaky",
    gain=1.4,
    batch=256,
    steps=1_200,
    d_steps=3,
    g_rate=5e-4,
    d_rate=3e-3,
    beta1=0.0,
    beta2=0.99,
    average_images=20_000,
    decay="cosine",
    hold=0.2,
)


def axis(mixture: Mixture) -> Tensor:
    """Where the curves are measured: (CELLS,)."""
    return torch.linspace(-mixture.reach, mixture.reach, CELLS)


def estimated_density(samples: Tensor, mixture: Mixture) -> NDArray[np.float64]:
    """p_g at the axis, from samples (N,), by a Gaussian kernel."""
    at = axis(mixture).double()
    step = float(at[1] - at[0])
    edge = mixture.reach + step / 2
    counts = torch.histc(samples.double(), CELLS, -edge, edge).numpy()
    kernel = np.exp(-0.5 * (np.arange(-60, 61) * step / BANDWIDTH) ** 2)
    smooth: NDArray[np.float64] = np.convolve(counts, kernel / kernel.sum(), "same")
    return smooth / (len(samples) * step)


@torch.no_grad()
def look(state: TrainState, setting: PointSetting) -> dict[str, NDArray[np.generic]]:
    """One frame: D and p_g along the axis, where some z go, and the value of the game."""
    mixture = MIXTURES[setting.problem]
    count = in_groups(state, JUDGED)
    fake = generated(state, setting, count)
    real = mixture.draw(count, seeded(state.seed, REFERENCE))
    with looking(state.d_net):
        real_logits = state.d_net((real[:, :, None, None],))
        fake_logits = state.d_net((fake,))
    value = LOSSES[setting.loss].value(real_logits, fake_logits).mean()
    z = torch.linspace(-1 + SMALLEST, 1 - SMALLEST, ARROWS)[:, None]
    apart = fake.flatten().sort().values - real.flatten().sort().values
    return {
        "d": verdicts(state, axis(mixture)[:, None, None, None]).sigmoid().numpy(),
        "p_g": estimated_density(fake.flatten(), mixture),
        "x_of_z": state.ema.net(z)[-1].flatten().numpy(),
        "value": value.double().numpy(),
        "d_real": real_logits.sigmoid().double().mean().numpy(),
        "d_error": (real_logits.sigmoid() - 0.5).abs().double().mean().numpy(),
        "w2": apart.square().mean().sqrt().numpy(),
    }


def trial(base: PointSetting, text: str, seed: int, tell: Tell) -> Trial:
    """Play the game, keeping what `look` sees. Raises ConfigError, DivergedError."""
    chosen = parse(text)
    setting = chosen.applied(base)
    state, rules = points.game(setting, chosen, seed)
    batches = points_in_batches(MIXTURES[setting.problem], setting.batch, seed)
    looks = moments(setting.steps, FRAMES)
    start = time.perf_counter()
    seen = [look(state, setting) for _ in play(state, rules, batches, looks, tell)]
    facts: Facts = {name: float(seen[-1][name]) for name in ("value", "d_real", "d_error", "w2")}
    facts |= {"steps": setting.steps, "seconds": time.perf_counter() - start}
    arrays = {name: np.stack([frame[name] for frame in seen]) for name in seen[0]}
    return Trial(facts, arrays | {"steps": np.array(looks)})
