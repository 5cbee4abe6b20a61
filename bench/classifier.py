"""A small classifier of MNIST, trained for the benchmark, as the judge of generated digits.

It gives the Fréchet distance of its features, FD[lenet], the histogram of the classes it sees, and
how often it sees the class that was asked for. Distances depend on its weights: compare only
figures with the same digest of weights.

Example: python -m bench.classifier --cache judge (trains it if it is not there; about a minute)
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from bench.common import add_data_option, data_folder, machine_line, parser, publish
from bench.record import machine, made, row
from ganwerk.data.cache import cache_home

LEAST_ACCURACY = 0.99
CLASSES = 10
SIDE = 28
EPOCHS = 5
BATCH = 128
SHIFT_PX = (
    2  # so that it does not know the training pictures by heart: their distance must be small
)
FILE = "lenet-mnist.safetensors"
FILES = {"train": "train", "test": "t10k"}

Pixels = NDArray[np.uint8]


class LeNet(nn.Module):
    """LeCun et al. 1998, with ReLU and maximum pooling: (B, 1, 28, 28) to logits (B, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        )  # fmt: skip
        self.hidden = nn.Sequential(nn.Linear(32 * 5 * 5, 120), nn.ReLU(), nn.Linear(120, 84))
        self.output = nn.Linear(84, CLASSES)

    def features(self, x: Tensor) -> Tensor:
        """What the distance is measured on: (B, 84) after the last ReLU."""
        return F.relu(self.hidden(self.convolutions(x)))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.output(self.features(x))
        return logits


def mnist(data: Path, part: str) -> tuple[Pixels, NDArray[np.int64]]:
    """Pictures (N, 28, 28) and labels of 'train' or 'test'."""
    folder = data_folder(data, "mnist") / "mnist"
    images = gzip.decompress((folder / f"{FILES[part]}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / f"{FILES[part]}-labels-idx1-ubyte.gz").read_bytes())
    pixels = np.frombuffer(images, np.uint8, offset=16).reshape(-1, SIDE, SIDE)
    return pixels, np.frombuffer(labels, np.uint8, offset=8).astype(np.int64)


def as_input(pictures: Pixels) -> Tensor:
    """(N, H, W) or (N, H, W, C) uint8 to (N, 1, 28, 28) in [-1, 1]: grey, resized if need be."""
    x = torch.from_numpy(np.array(pictures, np.float32))
    x = x.mean(3)[:, None] if x.dim() == 4 else x[:, None]
    if x.shape[2:] != (SIDE, SIDE):
        x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", antialias=True)
    return x / 127.5 - 1


def _train(data: Path) -> LeNet:
    images, labels = mnist(data, "train")
    x, y = as_input(images), torch.from_numpy(labels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = LeNet()
    random = torch.Generator().manual_seed(0)
    adam = torch.optim.Adam(net.parameters(), 2e-3)
    steps = EPOCHS * (len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    for epoch in range(EPOCHS):
        print(f"Training the judge: epoch {epoch + 1} of {EPOCHS}", flush=True)
        order = torch.randperm(len(x), generator=random)
        for index in order[: len(x) // BATCH * BATCH].split(BATCH):
            adam.zero_grad(set_to_none=True)
            down, right = torch.randint(-SHIFT_PX, SHIFT_PX + 1, (2,), generator=random).tolist()
            shifted = x[index].roll((down, right), (2, 3))
            F.cross_entropy(net(shifted), y[index]).backward()
            adam.step()
            schedule.step()
    return net.eval().requires_grad_(False)


@dataclass(frozen=True)
class Moments:
    """Mean (F,) and covariance (F, F) of features, float64, and of how many pictures."""

    mean: Tensor
    covariance: Tensor
    count: int


def moments(features: Tensor) -> Moments:
    x = features.double()
    return Moments(x.mean(0), torch.cov(x.T), len(x))


def frechet_distance(a: Moments, b: Moments) -> float:
    """||m_a - m_b||^2 + tr(A + B - 2 (A B)^(1/2)). Heusel et al. 2017, equation 6.

    The trace of (A B)^(1/2) is that of (A^(1/2) B A^(1/2))^(1/2), which is symmetric.
    """
    values, vectors = torch.linalg.eigh(a.covariance)
    root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ b.covariance @ root).clamp_min(0).sqrt().sum()
    traces = a.covariance.trace() + b.covariance.trace() - 2 * cross
    return float((a.mean - b.mean).square().sum() + traces)


class Judge:
    """The classifier with the moments of MNIST's 10,000 test pictures."""

    def __init__(self, net: LeNet, data: Path) -> None:
        self.net = net
        pictures, labels = mnist(data, "test")
        features, seen = self.look(pictures)
        self.real = moments(features)
        self.accuracy = float((seen.numpy() == labels).mean())
        digest = hashlib.blake2b(digest_size=8)
        for _, tensor in sorted(net.state_dict().items()):
            digest.update(tensor.contiguous().numpy().tobytes())
        self.digest = digest.hexdigest()

    @torch.inference_mode()
    def look(self, pictures: Pixels) -> tuple[Tensor, Tensor]:
        """Features (N, 84) and the class that is seen (N,)."""
        features = torch.cat([self.net.features(x) for x in as_input(pictures).split(500)])
        return features, self.net.output(features).argmax(1)

    def score(self, pictures: Pixels, asked: Tensor | None = None, seed: int = 0) -> dict[str, Any]:
        """FD[lenet] with all that it depends on, the classes seen, the share that was asked for.

        asked: the class (N,) that each picture should show. seed: the first of the samples'.
        """
        features, seen = self.look(pictures)
        shares = torch.bincount(seen, minlength=CLASSES) / len(seen) * 100
        result: dict[str, Any] = {
            "FD[lenet]": frechet_distance(moments(features), self.real),
            "n_real": self.real.count,
            "n_fake": len(pictures),
            "extractor": "lenet",
            "weights": self.digest,
            "judge_accuracy": self.accuracy,
            "seed": seed,
            "class_percent": [round(share, 2) for share in shares.tolist()],
        }
        if asked is not None:
            result["asked_percent"] = float((seen == asked).double().mean() * 100)
        return result


def default_cache() -> Path:
    """Beside ganwerk's own cache."""
    return cache_home(None) / "bench"


def judge(data: Path, cache: Path) -> Judge:
    """The classifier from `cache`, trained first if it is not there.

    Raises ValueError if it tells fewer than 99 % of the test pictures right.
    """
    net, path = LeNet(), cache / FILE
    if path.is_file():
        net.load_state_dict(load_file(path))
    else:
        net = _train(data)
    made = Judge(net.eval().requires_grad_(False), data)
    if made.accuracy < LEAST_ACCURACY:
        raise ValueError(f"the judge tells {made.accuracy:.2%} of the test pictures right")
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        save_file(net.state_dict(), path, {"format": "pt", "epochs": str(EPOCHS)})
    return made


def add_cache_option(to: argparse.ArgumentParser) -> None:
    kept = "where the classifier is kept (default: beside ganwerk's cache)"
    to.add_argument("--cache", type=Path, default=default_cache(), metavar="DIR", help=kept)


def main() -> None:
    options = parser(__doc__)
    add_data_option(options)
    add_cache_option(options)
    given = options.parse_args()
    here = machine("cpu")
    print(machine_line(here), flush=True)
    start = time.perf_counter()
    found = judge(given.data, given.cache)
    train, _ = mnist(given.data, "train")
    floor = found.score(train[:10_000])
    print(f"The judge tells {found.accuracy:.2%} of the test pictures right; weights "
          f"{found.digest}; ready after {time.perf_counter() - start:.0f} s.")  # fmt: skip
    print(f"FD[lenet] of 10,000 training pictures, the best one can hope for: "
          f"{floor['FD[lenet]']:.3f}")  # fmt: skip
    words = {"judge": found.digest}
    told = row(
        "10,000 training pictures", words, fd=floor["FD[lenet]"],
        accuracy_percent=100 * found.accuracy,
    )  # fmt: skip
    publish(given, made("classifier", "floor", [told], here), {"real_against_real": floor})


if __name__ == "__main__":
    main()
