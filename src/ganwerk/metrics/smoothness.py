"""Perceptual path length: how smoothly pictures change when their latents do."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ganwerk.errors import DataError
from ganwerk.metrics.inputs import Estimate

EPSILON = 1e-4
KEPT = (0.01, 0.99)
CHUNK = 64


def lerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """On the straight line from a (N, Z) to b, at t (N, 1)."""
    return a + (b - a) * t


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """On the great circle through the directions of a (N, Z) and b, with a length between theirs:
    Gaussian latents lie near a sphere, and the straight line leaves it. Shoemake 1985."""
    lengths = [x.norm(dim=1, keepdim=True) for x in (a, b)]
    u, v = a / lengths[0], b / lengths[1]
    angle = (u * v).sum(1, keepdim=True).clamp(-1, 1).acos()
    sine = angle.sin().clamp_min(1e-12)
    direction = (((1 - t) * angle).sin() * u + (t * angle).sin() * v) / sine
    return direction * lerp(lengths[0], lengths[1], t)


def path_length(
    draw: Callable[[Tensor, Tensor], Tensor],
    features: Callable[[Tensor], Tensor],
    latents: tuple[Tensor, Tensor],
    *,
    between: Callable[[Tensor, Tensor, Tensor], Tensor] = slerp,
    epsilon: float = EPSILON,
    seed: int = 0,
) -> Estimate:
    """E[ ||f(G(z(t))) - f(G(z(t + epsilon)))||^2 / epsilon^2 ] and its standard error.

    draw: latents (N, Z) and which paths they lie on (N,), which tells their classes, to pictures
    as floats: rounding to 8 bits would hide the small step.
    features: pictures to (N, D). latents: the two ends (N, Z) of each path. Karras et al. 2019, A
    style-based generator, section 4.1, in Z and with full paths; like there, the lowest and the
    highest hundredth are left out. The number belongs to that extractor alone.
    Raises DataError for fewer than ten paths, and if a picture is not finite.
    """
    a, b = latents
    if len(a) < 10 or a.shape != b.shape:
        raise DataError(
            f"{len(a)} and {len(b)} ends of paths were given; ten paths or more are needed.",
            "Draw more pictures.",
        )
    random = torch.Generator().manual_seed(seed)
    t = torch.rand(len(a), 1, generator=random, dtype=a.dtype).to(a.device)
    values = []
    for i in torch.arange(len(a)).split(CHUNK):
        ends = [features(draw(between(a[i], b[i], s[i]), i)).double() for s in (t, t + epsilon)]
        values.append((ends[0] - ends[1]).square().sum(1) / epsilon**2)
    lengths = torch.cat(values)
    if not bool(lengths.isfinite().all()):
        raise DataError(
            "A picture on the path is not finite.", "Use an earlier checkpoint: --at IMAGES."
        )
    low, high = (torch.quantile(lengths, q) for q in KEPT)
    kept = lengths[(lengths >= low) & (lengths <= high)]
    return Estimate(float(kept.mean()), float(kept.std() / math.sqrt(len(kept))))
