"""Perceptrons for points. A point of N numbers is a picture of N channels and one pixel, so that
everything made for pictures works on points: Scales of shape (B, N, 1, 1), in any range."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from ganwerk.lab.setting import known
from ganwerk.nn.init import INITIALISERS, Initialise
from ganwerk.nn.layers import Linear, LogitHead
from ganwerk.nn.types import Scales

MAXOUT_PIECES = 5  # Lin et al. 2018, PacGAN, appendix: 5 linear pieces


class Maxout(nn.Module):
    """The largest of each 5 neighbours: (B, 5 F) to (B, F). Goodfellow et al. 2013, Maxout."""

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(1, (-1, MAXOUT_PIECES)).amax(2)


Beginning = Callable[[nn.Module, float, torch.Generator], None]
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky": lambda: nn.LeakyReLU(0.2),
    "tanh": nn.Tanh,
    "maxout": Maxout,
}


def _hidden(sizes: Sequence[int], activation: str, norm: bool) -> nn.Sequential:
    """Linear layers of these sizes, each followed by an activation."""
    pieces = MAXOUT_PIECES if activation == "maxout" else 1
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers.append(Linear(before, after * pieces))
        if norm:
            layers.append(nn.BatchNorm1d(after * pieces))
        layers.append(known(ACTIVATIONS, "activation", activation)())
    return nn.Sequential(*layers)


class PointGenerator(nn.Module):
    """z (B, Z) to points (B, N, 1, 1), unbounded.

    norm: batch normalisation before each activation.
    """

    def __init__(
        self,
        latent_dim: int,
        widths: Sequence[int],
        dimensions: int,
        activation: str = "relu",
        norm: bool = False,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.hidden = _hidden([latent_dim, *widths], activation, norm)
        self.point = Linear(widths[-1], dimensions)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Scales:
        return (self.point(self.hidden(z))[:, :, None, None],)


class PointDiscriminator(nn.Module):
    """Points (B, N, 1, 1) times `scale` to logits (B,)."""

    group_size = 1

    def __init__(
        self, dimensions: int, widths: Sequence[int], activation: str = "relu", scale: float = 1.0
    ) -> None:
        super().__init__()
        self.scale = scale
        self.hidden = _hidden([dimensions, *widths], activation, norm=False)
        self.verdict = LogitHead(widths[-1], classes=0)

    def forward(self, scales: Scales, labels: Tensor | None = None) -> Tensor:
        features = self.hidden(scales[-1].flatten(1) * self.scale)
        logits: Tensor = self.verdict(features, labels)
        return logits


def begin(net: nn.Module, how: str, gain: float, random: torch.Generator) -> None:
    """First weights from `random`: 'orthogonal' matrices times gain with zero biases (Saxe et al.
    2014), or one of the ways that pictures' networks begin. Raises ConfigError."""
    known(BEGINNINGS, "init", how)(net, gain, random)


@torch.no_grad()
def _orthogonal(net: nn.Module, gain: float, random: torch.Generator) -> None:
    for module in net.modules():
        if isinstance(module, nn.Linear):
            nn.init.orthogonal_(begun(module), gain, generator=random)
            if module.bias is not None:
                module.bias.zero_()


def _of_pictures(how: Initialise) -> Beginning:
    return lambda net, gain, random: how(net, random)


BEGINNINGS: dict[str, Beginning] = {
    "orthogonal": _orthogonal,
    **{name: _of_pictures(how) for name, how in INITIALISERS.items()},
}


def begun(module: nn.Module) -> Tensor:
    """The tensor that a layer's weight is computed from: spectral norm keeps an original."""
    parametrised = getattr(module, "parametrizations", None)
    weight = module.weight if parametrised is None else parametrised.weight.original
    assert isinstance(weight, Tensor)
    return weight
