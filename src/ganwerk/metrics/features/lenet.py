"""lenet-mnist: a small classifier of handwritten digits, shipped with ganwerk.

Made by bench/lenet.py, from the classifier that bench/classifier.py trains. Its numbers compare
only with numbers of the same weights.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from ganwerk.errors import DataError
from ganwerk.metrics.features.base import Extractor, as_grey, digest_of, notes_for

SIDE = 28
CLASSES = 10
FEATURES = 84
FILE = Path(__file__).with_name("lenet-mnist-v1.safetensors")
SHIPPED = "6a37ae43c1e8b172"
SURE, SURE_SHARE, LEAST_SHARE = 0.99, 0.8, 0.02


class LeNet(nn.Module):
    """LeCun et al. 1998, with ReLU and maximum pooling: (N, 1, 28, 28) in [-1, 1] to logits."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        )  # fmt: skip
        self.hidden = nn.Sequential(nn.Linear(32 * 5 * 5, 120), nn.ReLU(), nn.Linear(120, FEATURES))
        self.output = nn.Linear(FEATURES, CLASSES)

    def embed(self, x: Tensor) -> Tensor:
        """(N, 84) after the last ReLU: what distances are measured on."""
        return F.relu(self.hidden(self.convolutions(x)))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.output(self.embed(x))
        return logits


def as_input(pictures: Tensor) -> Tensor:
    """(N, C, H, W) in [0, 255] to (N, 1, 28, 28) in [-1, 1]."""
    x = as_grey(pictures)
    if x.shape[2:] != (SIDE, SIDE):
        x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", antialias=True)
    return x / 127.5 - 1


@torch.inference_mode()
def are_digits(pictures: Tensor) -> bool:
    """Whether these pictures (N, C, H, W) uint8 look like MNIST's digits: the classifier is sure of
    four in five, and sees each of the ten among them. Of MNIST it is sure of 94 in 100."""
    shares = DigitNet(pictures.shape[1]).net(as_input(pictures.float())).softmax(1)
    sure = shares.amax(1) > SURE
    counts = shares[sure].argmax(1).bincount(minlength=CLASSES)
    return bool(sure.float().mean() > SURE_SHARE and counts.min() > LEAST_SHARE * len(pictures))


class DigitNet(Extractor):
    """Features of the digit classifier. Of use for digits alone."""

    name = "lenet-mnist-v1"
    resize = f"bilinear with antialiasing, to {SIDE} px"

    def __init__(self, channels: int, file: Path = FILE) -> None:
        """Raises DataError if the file holds other weights than those that were shipped."""
        tensors = load_file(file)
        self.weights = digest_of(tensors)
        if self.weights != SHIPPED:
            raise DataError(
                f"{file} holds other weights ({self.weights}) than ganwerk was shipped with "
                f"({SHIPPED}).",
                "Install ganwerk anew.",
            )
        self.net = LeNet()
        self.net.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
        self.net.eval().requires_grad_(False)
        self.notes = notes_for(channels, grey=True)

    def features(self, pictures: Tensor) -> Tensor:
        return self.net.embed(as_input(pictures))
