"""selfsup64: a small network that learned on the user's own pictures what makes them differ.

It is shown two altered views of each picture, cut, recoloured, mirrored, and has to find which two
belong together among all others of the batch (SimCLR, Chen et al. 2020, A simple framework for
contrastive learning of visual representations). What survives the alterations is what is in the
picture, which is what pixels do not tell. Training is in work/selfsup.py; here are the pure parts.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganwerk.metrics.features.base import (
    Extractor,
    digest_of,
    fitted_to,
    notes_for,
    premultiplied,
)
from ganwerk.nn.layers import Conv2d

COMPONENTS = 64
SIDE = 32
VIEW = 24  # px of a view: smaller views cost half as much, and the net is blind to size
WIDTH = 32
PROJECTION = 128
TEMPERATURE = 0.2
LEAST_AREA = 0.2
RECIPE = 1
"""Goes up when the same pictures would give another network."""


class SmallNet(nn.Module):
    """(N, C, H, W) in [-1, 1] to (N, 8 x 32). Normalised only where the maps are small: on a
    processor, normalising large maps takes longer than the convolutions."""

    def __init__(self, channels: int, width: int = WIDTH) -> None:
        super().__init__()
        plan = [(1, 1), (2, 2), (2, 1), (4, 2), (4, 1), (8, 2)]
        layers: list[nn.Module] = []
        before = channels
        for place, (factor, stride) in enumerate(plan):
            after = factor * width
            layers.append(Conv2d(before, after, 3, stride=stride, padding=1))
            if place >= 3:
                layers.append(nn.BatchNorm2d(after))
            layers.append(nn.ReLU())
            before = after
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.BatchNorm1d(before), nn.Linear(before, before), nn.BatchNorm1d(before), nn.ReLU(),
            nn.Linear(before, PROJECTION),
        )  # fmt: skip

    def embed(self, x: Tensor) -> Tensor:
        """What distances are measured on, (N, 256) of length 1."""
        maps = self.body(x.contiguous(memory_format=torch.channels_last))
        return F.normalize(maps.float().mean((2, 3)), dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """What the game of pairs is played with, (N, 128) of length 1."""
        maps = self.body(x.contiguous(memory_format=torch.channels_last))
        return F.normalize(self.head(maps.float().mean((2, 3))), dim=1)


def begin(net: SmallNet, random: torch.Generator) -> None:
    """Weights by He et al. 2015, from the given generator alone."""
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                inputs = module.weight[0].numel()
                module.weight.normal_(0, math.sqrt(2 / inputs), generator=random)
                if module.bias is not None:
                    module.bias.zero_()


def pairing_loss(first: Tensor, second: Tensor) -> Tensor:
    """(2 N,) how badly each view finds its other half; first, second: (N, D) of length 1.

    The normalised temperature-scaled cross entropy of SimCLR, equation 1.
    """
    z = torch.cat([first, second])
    count = len(first)
    similar = z @ z.T / TEMPERATURE
    similar = similar.masked_fill(torch.eye(2 * count, dtype=torch.bool), -math.inf)
    other = torch.arange(2 * count).roll(count)
    return F.cross_entropy(similar, other, reduction="none")


def altered(x: Tensor, random: torch.Generator, *, mirror: bool) -> Tensor:
    """A view of each picture, (N, C, H, W) in [-1, 1] to (N, C, 24, 24): a random part of at least
    a fifth of it, mirrored half of the time, lighter or darker, with other colours or none."""
    x = _cut(x, random, mirror)
    return _recoloured(x, random)


def _uniform(low: float, high: float, shape: tuple[int, ...], random: torch.Generator) -> Tensor:
    return torch.empty(shape).uniform_(low, high, generator=random)


def _cut(x: Tensor, random: torch.Generator, mirror: bool) -> Tensor:
    n = len(x)
    side = _uniform(math.log(LEAST_AREA), 0, (n,), random).exp().sqrt()
    aspect = _uniform(-math.log(4 / 3) / 2, math.log(4 / 3) / 2, (n,), random).exp()
    wide, high = (side * aspect).clamp(max=1), (side / aspect).clamp(max=1)
    right, down = _uniform(-1, 1, (n,), random), _uniform(-1, 1, (n,), random)
    turned = torch.where(_uniform(0, 1, (n,), random) < 0.5, -1.0, 1.0) if mirror else 1.0
    place = torch.zeros(n, 2, 3)
    place[:, 0, 0], place[:, 0, 2] = wide * turned, right * (1 - wide)
    place[:, 1, 1], place[:, 1, 2] = high, down * (1 - high)
    corners = F.affine_grid(place, [n, x.shape[1], VIEW, VIEW], align_corners=False)
    return F.grid_sample(x, corners, align_corners=False, padding_mode="reflection")


def _recoloured(x: Tensor, random: torch.Generator) -> Tensor:
    n, channels = x.shape[:2]

    def gain(width: float, per_channel: int = 1) -> Tensor:
        drawn = _uniform(-width, width, (n, per_channel, 1, 1), random)
        return 1 + drawn * (_uniform(0, 1, (n, 1, 1, 1), random) < 0.8)

    if channels == 3:
        grey = x.mean(1, keepdim=True)
        x = (grey + (x - grey) * gain(0.4)) * gain(0.15, 3)
        plain = _uniform(0, 1, (n, 1, 1, 1), random) < 0.2
        x = torch.where(plain, x.mean(1, keepdim=True), x)
    mean = x.mean((1, 2, 3), keepdim=True)
    return (mean + (x - mean) * gain(0.4)) * gain(0.4)


def as_input(pictures: Tensor) -> Tensor:
    """(N, C, H, W) in [0, 255] to at most 32 px in [-1, 1]."""
    return fitted_to(premultiplied(pictures), SIDE) / 127.5 - 1


class SelfSupervised(Extractor):
    """Features of a trained `SmallNet`, in their principal directions."""

    resize = f"bilinear with antialiasing, down to {SIDE} px"

    def __init__(self, net: SmallNet, mean: Tensor, directions: Tensor, channels: int) -> None:
        """mean (256,), directions (256, D) float32."""
        self.net = net.eval().requires_grad_(False)
        for module in self.net.modules():
            if isinstance(module, Conv2d):
                module.compute = None  # exact: small steps between pictures must not be rounded
        self.mean, self.directions = mean.float(), directions.float()
        self.name = f"selfsup{COMPONENTS}-v{RECIPE}"
        self.weights = digest_of(self.tensors())
        self.notes = notes_for(channels)

    def tensors(self) -> dict[str, Tensor]:
        """All there is to save."""
        parts = {"mean": self.mean, "directions": self.directions}
        return parts | {f"net.{name}": tensor for name, tensor in self.net.state_dict().items()}

    @classmethod
    def of(cls, tensors: dict[str, Tensor], channels: int) -> SelfSupervised:
        """From what `tensors` gave. Raises KeyError or RuntimeError for other things."""
        net = SmallNet(channels)
        net.load_state_dict(
            {k.removeprefix("net."): v for k, v in tensors.items() if k.startswith("net.")}
        )
        return cls(net, tensors["mean"], tensors["directions"], channels)

    def features(self, pictures: Tensor) -> Tensor:
        return (self.net.embed(as_input(pictures)) - self.mean) @ self.directions
