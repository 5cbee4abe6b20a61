"""What the discriminators of a run's checkpoints say of pictures, and where they look."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganwerk.config import build
from ganwerk.config.schema import Settings
from ganwerk.data import Pictures
from ganwerk.game.recipe import Recipe
from ganwerk.run import Checkpoint, Run
from ganwerk.runtime.settings import settings_at

BATCH = 64
BORDER = 16
"""The border is one of so many parts of a side, at least a pixel."""
Pixels = NDArray[np.uint8]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Judge:
    """D of a checkpoint, as it was trained."""

    net: nn.Module
    recipe: Recipe
    conditional: bool

    def logits(self, images: Tensor, labels: Tensor | None) -> Tensor:
        """(N,) of pictures (N, C, H, W) in [-1, 1], or one for each pack of them."""
        return torch.cat([
            self.net(self.recipe.to_scales(images[s]), None if labels is None else labels[s])
            .flatten().float()
            for s in (slice(start, start + BATCH) for start in range(0, len(images), BATCH))
        ])  # fmt: skip


def judges(run: Run, classes: int, at: list[int] | None = None) -> Iterator[Judge]:
    """Of all sound checkpoints, or of those after `at` images, the oldest first. Treatments may
    have changed what D is from one to the next."""
    for info in run.checkpoints():
        if not info.damage and (at is None or info.images in at):
            checkpoint = run.load(info.images)
            yield _judge(checkpoint, settings_at(run, checkpoint.meta)[0], classes)


def _judge(checkpoint: Checkpoint, settings: Settings, classes: int) -> Judge:
    recipe = build.recipe(settings)
    state = build.state(settings, classes, torch.device("cpu"), 1.0, recipe)
    of_d = {k[2:]: v for k, v in checkpoint.state.items() if k.startswith("d.")}
    state.d_net.load_state_dict(of_d)
    return Judge(state.d_net.eval(), recipe, settings.data.conditional)


@torch.no_grad()
def most_real(run: Run, pictures: Pictures, train: Indices) -> Indices | None:
    """Training pictures in the order in which D finds them real, at all checkpoints that are kept:
    the first are drawn too rarely (Lee et al. 2021, Self-diagnosing GAN). None for a D that judges
    packs."""
    images = _scaled(pictures.images[train])
    verdicts = []
    for judge in judges(run, len(pictures.class_names)):
        verdict = judge.logits(images, _labels(judge, pictures, train))
        if len(verdict) == len(images):
            verdicts.append((verdict - verdict.mean()) / verdict.std().clamp_min(1e-9))
    if not verdicts:
        return None
    ranked: Indices = train[torch.stack(verdicts).mean(0).argsort(descending=True).numpy()]
    return ranked


@dataclass(frozen=True)
class Attention:
    """sheet: (4, C, H, W) uint8: the mean of the real pictures, where D looks in them, the mean of
    the drawn ones, where it looks in those. border_share: of what it looks at in real ones, in the
    outermost pixels; border_area: what these are of the area."""

    sheet: Pixels
    border_share: float
    border_area: float


def attention(
    run: Run, pictures: Pictures, train: Indices, drawn: Pixels, drawn_labels: Tensor | None
) -> Attention | None:
    """Where the newest D looks: the size of its gradient at each pixel, the mean over pictures
    (Simonyan et al. 2014, Deep inside convolutional networks, section 3). None for a run of which
    the generator alone is left."""
    sound = [info.images for info in run.checkpoints() if not info.damage]
    judge = next(judges(run, len(pictures.class_names), sound[-1:]), None)
    if judge is None:
        return None
    real = np.ascontiguousarray(pictures.images[train])
    maps = [
        _saliency(judge, _scaled(real), _labels(judge, pictures, train)),
        _saliency(judge, _scaled(drawn), drawn_labels if judge.conditional else None),
    ]
    channels, side = real.shape[1], real.shape[2]
    width = max(1, side // BORDER)
    inner = maps[0][width : side - width, width : side - width]
    tiles = [_mean(real), _heat(maps[0], channels), _mean(drawn), _heat(maps[1], channels)]
    return Attention(
        sheet=np.stack(tiles),
        border_share=float(1 - inner.sum() / maps[0].sum().clamp_min(1e-30)),
        border_area=1 - inner.numel() / maps[0].numel(),
    )


def _saliency(judge: Judge, images: Tensor, labels: Tensor | None) -> Tensor:
    """(H, W): the largest of the channels, the mean over pictures."""
    images = images.requires_grad_(True)
    (gradient,) = torch.autograd.grad(judge.logits(images, labels).sum(), images)
    return gradient.abs().amax(1).mean(0)


def _mean(images: Pixels) -> Pixels:
    return images.mean(0).round().astype(np.uint8)


def _heat(values: Tensor, channels: int) -> Pixels:
    """(C, H, W), white where it is largest; nothing of it is seen through."""
    grey = (255 * values / values.max().clamp_min(1e-30)).round().numpy().astype(np.uint8)
    found = np.repeat(grey[None], channels, 0)
    if channels in (2, 4):
        found[-1] = 255
    return found


def _scaled(images: Pixels) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(images)).float() / 127.5 - 1


def _labels(judge: Judge, pictures: Pictures, train: Indices) -> Tensor | None:
    known = pictures.labels if judge.conditional else None
    return None if known is None else torch.from_numpy(known[train])
