"""The first GAN: two multi-layer perceptrons. Goodfellow et al. 2014."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from ganwerk.nn.layers import ConditionalLatent, Linear, LogitHead
from ganwerk.nn.types import Scales
from ganwerk.values import PictureShape

SLOPE = 0.2


def _stack(sizes: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [Linear(before, after), nn.LeakyReLU(SLOPE, inplace=True)]
    return nn.Sequential(*layers)


class MlpGenerator(nn.Module):
    """z (B, Z) through hidden layers of `widths` to pictures in (-1, 1) by tanh."""

    def __init__(
        self, shape: PictureShape, latent_dim: int, classes: int, widths: Sequence[int]
    ) -> None:
        super().__init__()
        self.latent_dim, self.shape = latent_dim, shape
        self.latent = ConditionalLatent(latent_dim, classes)
        self.hidden = _stack([self.latent.out_features, *widths])
        self.picture = Linear(widths[-1], shape.channels * shape.resolution**2)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Scales:
        flat = self.picture(self.hidden(self.latent(z, labels)))
        side = self.shape.resolution
        return (flat.to(z.dtype).tanh().view(-1, self.shape.channels, side, side),)


class MlpDiscriminator(nn.Module):
    """Pictures through hidden layers of `widths` to logits (B,)."""

    group_size = 1

    def __init__(self, shape: PictureShape, classes: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.hidden = _stack([shape.channels * shape.resolution**2, *widths])
        self.verdict = LogitHead(widths[-1], classes)

    def forward(self, scales: Scales, labels: Tensor | None = None) -> Tensor:
        logits: Tensor = self.verdict(self.hidden(scales[-1].flatten(1)), labels)
        return logits
