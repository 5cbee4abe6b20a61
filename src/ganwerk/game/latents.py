"""Where G's inputs come from.

A latent distribution says how to draw from a torch generator, for training, and how a vector of
uniform numbers becomes a latent, for sampling, where picture number s needs a counter instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganwerk.game.counters import SMALLEST, classes_for_seeds, uniforms

TRUNCATION = 2.0  # standard deviations; Brock et al. 2019, BigGAN, section 3.1

Draw = Callable[[int, int, torch.Generator], Tensor]
Between = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Latents:
    """A distribution of latents, given twice.

    of_uniform: uniform numbers (B, Z) in (0, 1) to latents (B, Z).
    draw: count, dim and a generator to latents (count, dim) float32 on the generator's device.
    between: the way from one latent to another, see `spherical` and `straight`.
    to_middle: whether latents nearer to 0 are typical of the distribution too, so that shrinking
    them gives the more ordinary pictures (Brock et al. 2019, section 3.1).
    settle: the nearest latents (N, Z) that the distribution can give.
    """

    of_uniform: Callable[[Tensor], Tensor]
    draw: Draw
    between: Between
    to_middle: bool = True
    settle: Callable[[Tensor], Tensor] = torch.clone


def straight(a: Tensor, b: Tensor, shares: Tensor) -> Tensor:
    """a (Z,) where the share is 0, b (Z,) where it is 1, the chord between them: (N, Z)."""
    return torch.lerp(a, b, shares[:, None])


def spherical(a: Tensor, b: Tensor, shares: Tensor) -> Tensor:
    """The great arc from a (Z,) to b (Z,) at shares (N,) from 0 to 1, as (N, Z).

    White 2016 (Sampling generative networks, section 2.1). A Gaussian in many dimensions lies close
    to a sphere; the chord would pass through its empty inside. Vectors of other lengths keep theirs
    at both ends. Parallel and opposite ones have no arc of their own and take the chord.
    """
    cosine = (a / a.norm().clamp_min(1e-12)).dot(b / b.norm().clamp_min(1e-12)).clamp(-1, 1)
    angle = torch.acos(cosine)
    if float(angle.sin()) < 1e-4:
        return straight(a, b, shares)
    t = shares[:, None]
    arc = (((1 - t) * angle).sin() * a + (t * angle).sin() * b) / angle.sin()
    # The ends themselves, to the last bit
    return torch.where(t == 0, a, torch.where(t == 1, b, arc))


def _by_quantile(
    of_uniform: Callable[[Tensor], Tensor], between: Between, largest: float
) -> Latents:
    def draw(count: int, dim: int, random: torch.Generator) -> Tensor:
        u = torch.rand(count, dim, generator=random, device=random.device)
        return of_uniform(u.clamp_min(SMALLEST))

    return Latents(of_uniform, draw, between, settle=lambda z: z.clamp(-largest, largest))


def _normal(count: int, dim: int, random: torch.Generator) -> Tensor:
    """Four times as fast as quantiles of uniform numbers."""
    return torch.randn(count, dim, generator=random, device=random.device)


def _on_sphere(z: Tensor) -> Tensor:
    """On the sphere of radius sqrt(Z), where almost all of a Gaussian's mass lies."""
    return z * (math.sqrt(z.shape[1]) / z.norm(dim=1, keepdim=True))


def _truncated(u: Tensor) -> Tensor:
    """A Gaussian conditioned on |z| <= 2 in each coordinate."""
    low = 0.5 * math.erfc(TRUNCATION / math.sqrt(2))
    return torch.special.ndtri(low + u * (1 - 2 * low))


LATENTS: dict[str, Latents] = {
    "gaussian": Latents(torch.special.ndtri, _normal, spherical),
    "uniform": _by_quantile(lambda u: 2 * u - 1, straight, 1.0),  # an arc would leave the cube
    "sphere": Latents(
        lambda u: _on_sphere(torch.special.ndtri(u)),
        lambda count, dim, random: _on_sphere(_normal(count, dim, random)),
        spherical,
        to_middle=False,
        settle=_on_sphere,
    ),
    "truncated": _by_quantile(_truncated, spherical, TRUNCATION),
}


def for_seeds(latents: Latents, seeds: Sequence[int], dim: int, stream: int = 0) -> Tensor:
    """The latents (len(seeds), dim) of the pictures with these numbers.

    Row i depends on seeds[i], dim and stream alone. Seeds are whole numbers from 0 to 2**63 - 1.
    """
    return latents.of_uniform(torch.from_numpy(uniforms(seeds, dim, stream)).clamp_min(SMALLEST))


def labels_for_seeds(seeds: Sequence[int], shares: Sequence[float]) -> Tensor:
    """A class (len(seeds),) int64 for each picture number, drawn with the given shares."""
    return torch.from_numpy(classes_for_seeds(seeds, shares))
