"""The DCGAN of a common tutorial in plain PyTorch, to see what happens without ganwerk.

Networks, initialisation, optimisers and loop follow PyTorch's own DCGAN tutorial (Radford et al.
2016): 64 channels, batch norm in both networks, Adam 2e-4 with betas 0.5 and 0.999, BCELoss, no
penalty, no average. The batch is 64. Only the numbers it writes down are more than the tutorial's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from ganwerk.run import grid, to_uint8, write_picture

BATCH, LATENT, WIDTH, SIDE = 64, 100, 64, 64
RATE, BETAS = 2e-4, (0.5, 0.999)
SHOWN = 64
TELL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Row:
    """What one step measured. Logits are means over the batch, before the sigmoid."""

    step: int
    images: int
    seconds: float
    d_loss: float
    g_loss: float
    real_logit: float
    fake_logit: float
    d_accuracy: float


@dataclass
class Story:
    """All steps of a training, and where its grids are."""

    rows: list[Row] = field(default_factory=list)
    grids: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return {"rows": [asdict(row) for row in self.rows], "grids": self.grids}


def generator() -> nn.Module:
    layers: list[nn.Module] = []
    before = LATENT
    for after, stride, padding in ((8, 1, 0), (4, 2, 1), (2, 2, 1), (1, 2, 1)):
        layers += [
            nn.ConvTranspose2d(before, WIDTH * after, 4, stride, padding, bias=False),
            nn.BatchNorm2d(WIDTH * after),
            nn.ReLU(True),
        ]
        before = WIDTH * after
    return nn.Sequential(*layers, nn.ConvTranspose2d(WIDTH, 3, 4, 2, 1, bias=False), nn.Tanh())


def discriminator() -> nn.Module:
    """Without the tutorial's last layer, the sigmoid, which is applied outside."""
    layers: list[nn.Module] = [nn.Conv2d(3, WIDTH, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)]
    for before, after in ((1, 2), (2, 4), (4, 8)):
        layers += [
            nn.Conv2d(WIDTH * before, WIDTH * after, 4, 2, 1, bias=False),
            nn.BatchNorm2d(WIDTH * after),
            nn.LeakyReLU(0.2, True),
        ]
    return nn.Sequential(*layers, nn.Conv2d(WIDTH * 8, 1, 4, 1, 0, bias=False), nn.Flatten(0))


def begin(module: nn.Module) -> None:
    """The tutorial's first weights."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def pictures(folder: Path) -> DataLoader[Any]:
    transform = transforms.Compose(
        [
            transforms.Resize(SIDE),
            transforms.CenterCrop(SIDE),
            transforms.ToTensor(),
            transforms.Normalize((0.5,) * 3, (0.5,) * 3),
        ]
    )
    return DataLoader(ImageFolder(str(folder), transform), BATCH, shuffle=True)


class Tutorial:
    """Both players and one step of them."""

    def __init__(self, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.g, self.d = generator().apply(begin), discriminator().apply(begin)
        self.g_adam = torch.optim.Adam(self.g.parameters(), RATE, BETAS)
        self.d_adam = torch.optim.Adam(self.d.parameters(), RATE, BETAS)
        self.criterion = nn.BCELoss()
        self.fixed = torch.randn(SHOWN, LATENT, 1, 1)

    def step(self, real: Tensor) -> dict[str, float]:
        ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
        self.d.zero_grad()
        real_logits = self.d(real)
        real_loss = self.criterion(real_logits.sigmoid(), ones)
        real_loss.backward()
        fake = self.g(torch.randn(len(real), LATENT, 1, 1))
        fake_logits = self.d(fake.detach())
        fake_loss = self.criterion(fake_logits.sigmoid(), zeros)
        fake_loss.backward()
        self.d_adam.step()

        self.g.zero_grad()
        g_loss = self.criterion(self.d(fake).sigmoid(), ones)
        g_loss.backward()
        self.g_adam.step()
        right = torch.cat([real_logits > 0, fake_logits <= 0]).float().mean()
        return {
            "d_loss": (real_loss + fake_loss).item(),
            "g_loss": g_loss.item(),
            "real_logit": real_logits.mean().item(),
            "fake_logit": fake_logits.mean().item(),
            "d_accuracy": right.item(),
        }

    @torch.no_grad()
    def draw(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The grid of the fixed latents, drawn as the tutorial draws it: in training mode."""
        return grid(to_uint8(self.g(self.fixed)))


def due(epoch: int) -> bool:
    """After which epochs a grid is kept: 1, 2, 4, 8, 16 ..."""
    return epoch & (epoch - 1) == 0


def run(folder: Path, out: Path, minutes: float, say: Callable[[str], None]) -> Story:
    """Train for `minutes` (at least one step) and write grids into `out`."""
    player, story, loader = Tutorial(), Story(), pictures(folder)
    started = told = time.perf_counter()
    epoch = images = 0

    def keep(name: str) -> None:
        write_picture(out / name, player.draw())
        story.grids.append(name)

    while True:
        for real, _ in loader:
            measured = player.step(real)
            images, now = images + len(real), time.perf_counter()
            step = len(story.rows) + 1
            story.rows.append(Row(step, images, now - started, **measured))
            if now - told >= TELL_SECONDS:
                told = now
                say(as_text(story.rows[-1], minutes))
            if now - started >= minutes * 60:
                keep("grid.png")
                return story
        epoch += 1
        if due(epoch):
            keep(f"grid-epoch-{epoch:04d}.png")


def as_text(row: Row, minutes: float) -> str:
    return (
        f"  {row.seconds / 60:.1f} of {minutes:g} min, {row.images:,} images: loss of D "
        f"{row.d_loss:.4f}, of G {row.g_loss:.2f}, D right {row.d_accuracy:.0%}"
    )
