"""Mixtures of Gaussians: data whose density is known and whose every mode can be counted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Mixture:
    """Equal Gaussians around `centres`, points of N numbers, each with the standard deviation
    `deviation`.

    reach: half the side of the square, or half the length of the line, that shows all of it.
    """

    centres: tuple[tuple[float, ...], ...]
    deviation: float
    reach: float

    @property
    def modes(self) -> int:
        return len(self.centres)

    @property
    def dimensions(self) -> int:
        return len(self.centres[0])

    def places(self) -> Tensor:
        """The centres (K, N) float32."""
        return torch.tensor(self.centres)

    def draw(self, count: int, random: torch.Generator) -> Tensor:
        """`count` points (count, N) float32."""
        which = torch.randint(self.modes, (count,), generator=random)
        noise = torch.randn(count, self.dimensions, generator=random)
        return self.places()[which] + self.deviation * noise

    def density(self, points: Tensor) -> Tensor:
        """p(x) at points (M, N): (M,)."""
        squared = torch.cdist(points, self.places()).square() / self.deviation**2
        peak = (2 * math.pi) ** (-self.dimensions / 2) * self.deviation**-self.dimensions
        return peak * (-0.5 * squared).exp().mean(1)


def ring(radius: float, deviation: float, modes: int = 8) -> Mixture:
    """Modes at equal angles; the last one is not the first once more."""
    angles = [2 * math.pi * k / modes for k in range(modes)]
    centres = tuple((radius * math.cos(a), radius * math.sin(a)) for a in angles)
    return Mixture(centres, deviation, reach=1.5 * radius)


def grid(side: int, distance: float, deviation: float) -> Mixture:
    """side x side modes, `distance` apart, around the origin."""
    ticks = [distance * (k - (side - 1) / 2) for k in range(side)]
    centres = tuple((x, y) for x in ticks for y in ticks)
    return Mixture(centres, deviation, reach=distance * (side + 0.5) / 2)


MIXTURES: dict[str, Mixture] = {
    # Metz et al. 2017, Unrolled GANs, appendix A
    "ring": ring(2.0, 0.02),
    # Srivastava et al. 2017, VEEGAN, section 5.1; Lin et al. 2018, PacGAN, section 4.1
    "ring-1": ring(1.0, 0.01),
    "grid": grid(5, 2.0, 0.05),
    "line": Mixture(((1.0,),), 0.5, reach=3.0),
}
