"""The networks of ganwerk as a tutorial would write them: torch.nn alone, default memory layout,
float32. The names of the parameters are ganwerk's, so that tests can show that both compute the
same function."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganwerk.config.schema import DcganSettings, ResnetSettings, Settings
from ganwerk.nn.dcgan import channels_at
from ganwerk.nn.sizes import doublings, widths_of

Players = tuple[nn.Module, nn.Module]
SLOPE = 0.2


class Latent(nn.Module):
    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, dim) if classes else None
        self.size = dim * 2 if classes else dim

    def forward(self, z: Tensor, labels: Tensor | None) -> Tensor:
        if self.embedding is None:
            return z
        joined: Tensor = torch.cat([z, self.embedding(labels)], 1)
        return joined


class LogitHead(nn.Module):
    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.psi = nn.Linear(features, 1)
        self.embedding = nn.Embedding(classes, features) if classes else None

    def forward(self, h: Tensor, labels: Tensor | None) -> Tensor:
        logits: Tensor = self.psi(h)[:, 0]
        if self.embedding is None:
            return logits
        likeness: Tensor = (h * self.embedding(labels)).sum(1)
        return logits + likeness / math.sqrt(h.shape[1])


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        branch: Tensor = self.second(F.leaky_relu(self.first(F.leaky_relu(x, SLOPE)), SLOPE))
        return x + branch


def _blocks(channels: int, count: int) -> list[nn.Module]:
    return [Block(channels) for _ in range(count)]


def _change(before: int, after: int) -> nn.Module:
    return nn.Conv2d(before, after, 1, bias=False) if before != after else nn.Identity()


class ResnetGenerator(nn.Module):
    def __init__(self, settings: Settings, net: ResnetSettings, classes: int) -> None:
        super().__init__()
        side = settings.data.resolution
        self.start, _ = doublings(side)
        widths = widths_of(side, net.generator_width, net.max_width)
        self.latent = Latent(settings.latent.dim, classes)
        self.first = nn.Linear(self.latent.size, widths[0] * self.start**2)
        stages: list[nn.Module] = [nn.Sequential(*_blocks(widths[0], net.generator_blocks))]
        for a, b in pairwise(widths):
            blocks = _blocks(b, net.generator_blocks)
            larger = nn.Upsample(scale_factor=2, mode="bilinear")
            stages.append(nn.Sequential(_change(a, b), larger, *blocks))
        self.stages = nn.Sequential(*stages)
        self.picture = nn.Conv2d(widths[-1], settings.data.channels, 1)

    def forward(self, z: Tensor, labels: Tensor | None) -> Tensor:
        h = self.first(self.latent(z, labels)).view(len(z), -1, self.start, self.start)
        picture: Tensor = self.picture(F.leaky_relu(self.stages(h), SLOPE))
        return picture


class ResnetDiscriminator(nn.Module):
    def __init__(self, settings: Settings, net: ResnetSettings, classes: int) -> None:
        super().__init__()
        side = settings.data.resolution
        start, _ = doublings(side)
        widths = widths_of(side, net.discriminator_width, net.max_width)[::-1]
        stages: list[nn.Module] = [nn.Conv2d(settings.data.channels, widths[0], 3, padding=1)]
        stages.append(nn.Sequential(*_blocks(widths[0], net.discriminator_blocks)))
        for a, b in pairwise(widths):
            blocks = _blocks(b, net.discriminator_blocks)
            stages.append(nn.Sequential(nn.AvgPool2d(2), _change(a, b), *blocks))
        self.stages = nn.Sequential(*stages)
        self.features = nn.Linear(widths[-1] * start**2, 256)
        self.verdict = LogitHead(256, classes)

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        h = self.features(F.leaky_relu(self.stages(x), SLOPE).flatten(1))
        logits: Tensor = self.verdict(F.leaky_relu(h, SLOPE), labels)
        return logits


def _normed(layer: nn.Module, channels: int, norm: str) -> list[nn.Module]:
    if norm == "spectral":
        raise ValueError("the plain networks have no spectral norm")
    return [layer, nn.BatchNorm2d(channels)] if norm == "batch" else [layer]


class UpsampledConv2d(nn.Conv2d):
    """Pixels doubled, then a convolution."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.interpolate(x, scale_factor=2))


def _doubling(a: int, b: int, net: DcganSettings) -> nn.Module:
    if net.up == "transposed":
        return nn.ConvTranspose2d(a, b, 4, 2, 1)
    return UpsampledConv2d(a, b, 3, padding=1)


class DcganGenerator(nn.Module):
    def __init__(self, settings: Settings, net: DcganSettings, classes: int) -> None:
        super().__init__()
        side, channels = settings.data.resolution, settings.data.channels
        self.start, count = doublings(side)
        sizes = [self.start * 2**i for i in range(count + 1)]
        widths = [channels_at(s, side, net.generator_width, net.max_width) for s in sizes]
        self.latent = Latent(settings.latent.dim, classes)
        self.first = nn.Linear(self.latent.size, widths[0] * self.start**2)
        norm = [nn.BatchNorm2d(widths[0])] if net.generator_norm == "batch" else []
        self.enter = nn.Sequential(*norm, nn.ReLU())
        grown = widths if net.up == "upsample" else widths[:-1]
        self.stages = nn.Sequential(*(self._stage(a, b, net) for a, b in pairwise(grown)))
        last = nn.Conv2d(grown[-1], channels, 3, padding=1)
        self.picture = last if net.up == "upsample" else _doubling(grown[-1], channels, net)

    @staticmethod
    def _stage(a: int, b: int, net: DcganSettings) -> nn.Sequential:
        if net.up == "upsample":
            layers = _normed(nn.Conv2d(a, b, 3, padding=1), b, net.generator_norm)
            layers.insert(0, nn.Upsample(scale_factor=2))
        else:
            layers = _normed(_doubling(a, b, net), b, net.generator_norm)
        return nn.Sequential(*layers, nn.ReLU())

    def forward(self, z: Tensor, labels: Tensor | None) -> Tensor:
        h = self.first(self.latent(z, labels)).view(len(z), -1, self.start, self.start)
        picture: Tensor = self.picture(self.stages(self.enter(h)))
        return picture.tanh()


class DcganDiscriminator(nn.Module):
    def __init__(self, settings: Settings, net: DcganSettings, classes: int) -> None:
        super().__init__()
        side = settings.data.resolution
        start, count = doublings(side)
        sizes = [start * 2**i for i in reversed(range(count + 1))]
        widths = [channels_at(s, side, net.discriminator_width, net.max_width) for s in sizes]
        norm = net.discriminator_norm
        first = "none" if norm == "batch" else norm
        channels = settings.data.channels
        stages: list[nn.Module] = []
        if net.down == "strided":
            for i, (a, b) in enumerate(pairwise([channels, *widths[1:]])):
                layers = _normed(nn.Conv2d(a, b, 4, 2, 1), b, norm if i else first)
                stages.append(nn.Sequential(*layers, nn.LeakyReLU(SLOPE)))
        else:
            layers = _normed(nn.Conv2d(channels, widths[0], 3, padding=1), widths[0], first)
            stages.append(nn.Sequential(*layers, nn.LeakyReLU(SLOPE)))
            for a, b in pairwise(widths):
                layers = _normed(nn.Conv2d(a, b, 3, padding=1), b, norm)
                stages.append(nn.Sequential(*layers, nn.LeakyReLU(SLOPE), nn.AvgPool2d(2)))
        self.stages = nn.Sequential(*stages)
        flat, features = widths[-1] * start**2, net.discriminator_features
        hidden = [nn.Linear(flat, features), nn.LeakyReLU(SLOPE)] if features else []
        self.hidden = nn.Sequential(*hidden)
        self.verdict = LogitHead(features or flat, classes)

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        logits: Tensor = self.verdict(self.hidden(self.stages(x).flatten(1)), labels)
        return logits


def players(settings: Settings, classes: int) -> Players:
    """The convolutional networks of these settings. Raises ValueError for others."""
    net = settings.network
    if isinstance(net, ResnetSettings):
        return ResnetGenerator(settings, net, classes), ResnetDiscriminator(settings, net, classes)
    if isinstance(net, DcganSettings):
        return DcganGenerator(settings, net, classes), DcganDiscriminator(settings, net, classes)
    raise ValueError(f"no plain network of kind {net.kind}")
