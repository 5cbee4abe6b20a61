"""How different two pictures look: features of a frozen network, compared.

Zhang et al. 2018 (The unreasonable effectiveness of deep features, equation 1) without its learned
weights: in each layer the features of a place, as a vector over the channels, are brought to length
one; the squared difference is averaged over the places, then over the layers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ganwerk.errors import ConfigError, did_you_mean
from ganwerk.style.backbones import COMPACT, Encoder, architecture, compact_weights
from ganwerk.values import ProgressCallback, ignore_progress

BACKBONES = ("compact", "vgg16", "vgg19")
LAYERS = {
    "compact": ("relu1_2", "relu2_2", "relu3_2", "relu4_2", "relu5_1"),
    "vgg16": ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"),
    "vgg19": ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4"),
}
SMALLEST_PX, LARGEST_PX = 64, 256
"""The sides that the network looks at: smaller pictures are enlarged, larger ones reduced."""

Features = list[Tensor]


class Perception:
    """Looks at pictures of a run and says how different they are."""

    def __init__(self, encoder: Encoder, layers: tuple[str, ...]) -> None:
        self.encoder, self.layers = encoder, layers

    @classmethod
    def by(
        cls, backbone: str, device: torch.device, progress: ProgressCallback = ignore_progress
    ) -> Perception:
        """backbone: 'compact' comes with the package; 'vgg16' and 'vgg19' are fetched once.

        Raises ConfigError, MachineError and DataError where they cannot be."""
        if backbone not in BACKBONES:
            raise ConfigError(
                f"There is no backbone '{backbone}'.", did_you_mean(backbone, BACKBONES)
            )
        made = architecture(backbone)
        if made is COMPACT:
            weights = compact_weights()
        else:
            from ganwerk.stylisation.weights import published

            weights = published(made, progress)
        layers = LAYERS[backbone]
        return cls(Encoder(made, weights, layers, device=device), layers)

    def features(self, pictures: Tensor) -> Features:
        """Of pictures (N, C, H, W) in [-1, 1], C 1, 3 or 4 (shown on white): a layer (N, F, h, w)
        each, of unit length over F."""
        side = min(max(pictures.shape[-1], SMALLEST_PX), LARGEST_PX)
        colours = on_white(pictures)
        if pictures.shape[-1] != side:
            colours = F.interpolate(colours, (side, side), mode="bicubic", antialias=True)
        found = self.encoder(colours)
        return [F.normalize(found[layer].float(), dim=1, eps=1e-6) for layer in self.layers]

    def distance(self, pictures: Tensor, goal: Features) -> Tensor:
        """(N,) of pictures (N, C, H, W) from others' features (1 or N): 0 alike, at most 2."""
        parts = [
            (mine - theirs).square().sum(1).mean((1, 2))
            for mine, theirs in zip(self.features(pictures), goal, strict=True)
        ]
        return torch.stack(parts).mean(0)


def on_white(pictures: Tensor) -> Tensor:
    """(N, C, H, W) in [-1, 1] as colours (N, 3, H, W) in [0, 1], clear parts on white."""
    pictures = pictures / 2 + 0.5
    if pictures.shape[1] == 4:
        colours, alpha = pictures[:, :3], pictures[:, 3:].clamp(0, 1)
        return colours * alpha + (1 - alpha)
    return pictures.expand(-1, 3, -1, -1)
