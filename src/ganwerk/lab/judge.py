"""The classifier that says which digits a stacked picture shows, trained once and kept."""

from __future__ import annotations

from pathlib import Path

import safetensors
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganwerk.data.cache import cache_home, replacing
from ganwerk.errors import DataError
from ganwerk.values import Progress, ProgressCallback

LEAST_ACCURACY = 0.99
EPOCHS = 4
BATCH = 128
SHIFT_PX = 2
FILE = "lab/digits-judge-1.safetensors"


class Digits(nn.Module):
    """LeCun et al. 1998 with ReLU and maximum pooling: (B, 1, 28, 28) in [-1, 1] to (B, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        )  # fmt: skip
        self.verdict = nn.Sequential(nn.Linear(32 * 5 * 5, 120), nn.ReLU(), nn.Linear(120, 10))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.verdict(self.convolutions(x))
        return logits


@torch.inference_mode()
def read(judge: Digits, pictures: Tensor) -> Tensor:
    """The digits (B, C) int64 that a classifier sees in the channels of pictures (B, C, 28, 28)."""
    channels = pictures.flatten(0, 1)[:, None]
    seen = [judge(part).argmax(1) for part in channels.float().split(1_000)]
    return torch.cat(seen).view(pictures.shape[:2])


def open_judge(folder: Path | None = None) -> Digits | None:
    """The classifier that was kept, None if there is none (or a damaged one)."""
    path = (folder or cache_home(None)) / FILE
    judge = Digits()
    try:
        judge.load_state_dict(safetensors.torch.load(path.read_bytes()))
    except (OSError, safetensors.SafetensorError, RuntimeError):
        return None
    return judge.eval().requires_grad_(False)


def train_judge(
    images: Tensor, labels: Tensor, progress: ProgressCallback, folder: Path | None = None
) -> tuple[Digits, float]:
    """Train and keep the classifier, and measure it on the last sixth, which it never learns from.

    images: (N, 1, 28, 28) in [-1, 1]; labels (N,) int64. Returns it and the share it reads right.
    Raises DataError if that is below 99 %.
    """
    held = len(images) // 6
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        judge = Digits()
    random = torch.Generator().manual_seed(0)
    _fit(judge, images[:-held], labels[:-held], random, progress)
    judge.eval().requires_grad_(False)
    accuracy = float((read(judge, images[-held:])[:, 0] == labels[-held:]).double().mean())
    if accuracy < LEAST_ACCURACY:
        raise DataError(
            f"The classifier reads {accuracy:.1%} of the held-out digits right; 99 % are needed.",
            "Are these the digits of MNIST? Check the folder given with --data-root.",
        )
    with replacing((folder or cache_home(None)) / FILE) as file:
        file.write(safetensors.torch.save(judge.state_dict()))
    return judge, accuracy


def _fit(
    judge: Digits, x: Tensor, y: Tensor, random: torch.Generator, progress: ProgressCallback
) -> None:
    """Adam with a rate that falls along a cosine, on digits that are shifted a little."""
    adam = torch.optim.Adam(judge.parameters(), 2e-3)
    total = EPOCHS * (len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, total)
    for step in range(total):
        index = torch.randint(len(x), (BATCH,), generator=random)
        shift = torch.randint(-SHIFT_PX, SHIFT_PX + 1, (2,), generator=random).tolist()
        adam.zero_grad(set_to_none=True)
        F.cross_entropy(judge(x[index].roll(shift, (2, 3))), y[index]).backward()
        adam.step()
        schedule.step()
        if step % 50 == 0:
            progress(Progress("training the classifier", step, total, "steps"))
