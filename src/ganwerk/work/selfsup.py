"""Teaching the small network of `selfsup64` on the user's own pictures, once."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ganwerk.errors import DivergedError
from ganwerk.game.optimisers import Adam
from ganwerk.metrics.features.base import BATCH
from ganwerk.metrics.features.contrast import (
    COMPONENTS,
    SelfSupervised,
    SmallNet,
    altered,
    as_input,
    begin,
    pairing_loss,
)
from ganwerk.metrics.features.principal import components_for, principal
from ganwerk.metrics.inputs import Array, pictures_of
from ganwerk.nn.layers import Conv2d
from ganwerk.values import Progress, ProgressCallback, ignore_progress
from ganwerk.work import machine

IMAGES = 200_000
PAIRS = 256
RATE = 1e-3
WARM_STEPS = 50
FITTED = 10_000
SEED = 0


def teach(
    real: Array,
    *,
    mirror: bool,
    images: int = IMAGES,
    progress: ProgressCallback = ignore_progress,
) -> SelfSupervised:
    """Train on pictures (N, C, H, W) uint8 until `images` of them were shown, two views of each.

    mirror: whether a mirrored picture means the same. Raises DataError for pictures that are none,
    DivergedError if the loss stops being finite.
    """
    x = pictures_of(real, "real pictures", 16)
    random = torch.Generator().manual_seed(SEED)
    net = SmallNet(x.shape[1])
    begin(net, random)
    if machine.facts("cpu").bf16_units:
        for module in net.modules():
            if isinstance(module, Conv2d):
                module.compute = torch.bfloat16
    adam = Adam(net.parameters(), RATE, 0.9, 0.99)
    pairs = min(PAIRS, len(x))
    steps = max(1, images // pairs)
    for step in range(steps):
        adam.param_groups[0]["lr"] = _rate(step, steps)
        _step(net, adam, x, pairs, random, mirror, step)
        if step % 10 == 0 or step == steps - 1:
            progress(Progress("learning to see", (step + 1) * pairs, steps * pairs, "pictures"))
    return _fitted(net, x)


def _rate(step: int, steps: int) -> float:
    return RATE * min(1.0, (step + 1) / WARM_STEPS) * 0.5 * (1 + math.cos(math.pi * step / steps))


def _step(
    net: SmallNet, adam: Adam, x: Tensor, pairs: int, random: torch.Generator, mirror: bool,
    step: int,
) -> None:  # fmt: skip
    chosen = torch.randperm(len(x), generator=random)[:pairs]
    batch = as_input(x[chosen].float())
    views = torch.cat([altered(batch, random, mirror=mirror) for _ in range(2)])
    first, second = net(views).split(pairs)
    loss = pairing_loss(first, second).mean()
    if not bool(loss.isfinite()):
        raise DivergedError(
            f"The network of the features selfsup64 diverged in step {step + 1}.",
            "Use other features: --features pixelpca64 or randconv64.",
        )
    gradients = torch.autograd.grad(loss, adam.parameters)
    for parameter, gradient in zip(adam.parameters, gradients, strict=True):
        parameter.grad = gradient
    adam.step()


@torch.inference_mode()
def _fitted(net: SmallNet, x: Tensor) -> SelfSupervised:
    """The trained network with the directions in which its features of the pictures differ."""
    net.eval()
    for module in net.modules():
        if isinstance(module, Conv2d):
            module.compute = None
    chosen = x[torch.linspace(0, len(x) - 1, min(len(x), FITTED)).long()]
    found = torch.cat([net.embed(as_input(part.float())) for part in chosen.split(BATCH)])
    mean, directions = principal(found, components_for(len(found), found.shape[1], COMPONENTS))
    return SelfSupervised(net, mean, directions, x.shape[1])
