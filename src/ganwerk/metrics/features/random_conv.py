"""randconv64: a small convolutional network that nobody trained, its weights fixed by a seed."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganwerk.metrics.features.base import (
    BATCH,
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
WIDTHS = (32, 64, 128)
CELLS = 4  # the last maps are averaged over 4 x 4 cells
SEED = 20_261_122
MOST = 10_000


def random_network(channels: int) -> nn.Sequential:
    """3 x 3 convolutions with stride 2, orthogonal weights; the same on every machine."""
    layers: list[nn.Module] = []
    random = torch.Generator().manual_seed(SEED)
    before = channels
    for width in WIDTHS:
        layer = nn.utils.skip_init(nn.Conv2d, before, width, 3, stride=2, padding=1, bias=False)
        with torch.no_grad():
            drawn = torch.randn(max(width, before * 9), min(width, before * 9), generator=random)
            rows = torch.linalg.qr(drawn).Q
            rows = rows if len(rows) == width else rows.T
            layer.weight.copy_(rows.reshape(width, before, 3, 3) * 2**0.5)
        layers += [layer, nn.ReLU()]
        before = width
    return nn.Sequential(*layers).eval().requires_grad_(False)


class RandomConv(Extractor):
    """The principal components of a random network's maps: a little blind to small shifts."""

    resize = f"bilinear with antialiasing, down to {SIDE} px"

    def __init__(self, mean: Tensor, directions: Tensor, channels: int) -> None:
        """mean (P,), directions (P, D) float32."""
        self.mean, self.directions = mean.float(), directions.float()
        self.network = random_network(channels)
        self.name = f"randconv{COMPONENTS}-v1"
        parts = {"mean": self.mean, "directions": self.directions}
        self.weights = digest_of(parts | dict(self.network.state_dict()))
        self.notes = notes_for(channels)

    @classmethod
    @torch.inference_mode()
    def fit(cls, real: Array) -> RandomConv:
        """From real pictures (N, C, H, W) uint8. Raises DataError as `inputs.pictures_of`."""
        x = pictures_of(real, "real pictures", 2)
        network = random_network(x.shape[1])
        chosen = x[torch.linspace(0, len(x) - 1, min(len(x), MOST)).long()]
        maps = torch.cat([_maps(network, part.float()) for part in chosen.split(BATCH)])
        kept = components_for(len(maps), maps.shape[1], COMPONENTS)
        return cls(*principal_components(maps, kept), x.shape[1])

    def features(self, pictures: Tensor) -> Tensor:
        return (_maps(self.network, pictures) - self.mean) @ self.directions


def _maps(network: nn.Module, pictures: Tensor) -> Tensor:
    x = fitted_to(premultiplied(pictures), SIDE) / 127.5 - 1
    return F.adaptive_avg_pool2d(network(x), CELLS).flatten(1)
