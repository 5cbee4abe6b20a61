"""pixelpca64: the 64 principal components of the pixels. No weights, no download, instant."""

from __future__ import annotations

import torch
from torch import Tensor

from ganwerk.metrics.features.base import (
    Extractor,
    digest_of,
    fitted_to,
    notes_for,
    premultiplied,
)
from ganwerk.metrics.features.principal import components_for, principal_components
from ganwerk.metrics.inputs import Array, pictures_of

COMPONENTS = 64
SIDE = 32
MOST = 10_000


class PixelPca(Extractor):
    """Pixels in [0, 1] at 32 px or below, in the directions in which the real pictures differ.

    Measured to see one missing class of ten on MNIST with 1,000 pictures, but on natural colour
    pictures hardly half the classes missing: see docs/numbers.md.
    """

    resize = f"bilinear with antialiasing, down to {SIDE} px"

    def __init__(self, mean: Tensor, directions: Tensor, channels: int) -> None:
        """mean (P,), directions (P, D) float32."""
        self.mean, self.directions = mean.float(), directions.float()
        self.name = f"pixelpca{COMPONENTS}-v1"
        self.weights = digest_of({"mean": self.mean, "directions": self.directions})
        self.notes = notes_for(channels)
        kept = self.directions.shape[1]
        if kept < COMPONENTS:
            self.notes += (f"Only {kept} components: there are few pictures.",)

    @classmethod
    def fit(cls, real: Array) -> PixelPca:
        """From real pictures (N, C, H, W) uint8: all, or the first 10,000 evenly spread.

        Raises DataError as `inputs.pictures_of`.
        """
        x = pictures_of(real, "real pictures", 2)
        chosen = x[torch.linspace(0, len(x) - 1, min(len(x), MOST)).long()]
        flat = torch.cat([_flat(part.float()) for part in chosen.split(1000)])
        kept = components_for(len(flat), flat.shape[1], COMPONENTS)
        return cls(*principal_components(flat, kept), x.shape[1])

    def features(self, pictures: Tensor) -> Tensor:
        return (_flat(pictures) - self.mean) @ self.directions


def _flat(pictures: Tensor) -> Tensor:
    return fitted_to(premultiplied(pictures), SIDE).flatten(1) / 255
