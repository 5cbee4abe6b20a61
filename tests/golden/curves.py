"""The first losses of each preset."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ganwerk.config import auto, build, load
from ganwerk.config.schema import Settings
from ganwerk.game.step import train_step
from ganwerk.nn.types import Batch
from ganwerk.values import DataFacts, MachineFacts, Origin, PictureShape

STEPS = 10
DATA = DataFacts(1000, PictureShape(16, 1), ("a", "b", "c"), (400, 300, 300))
CPU = MachineFacts("cpu", "a processor", 2, 8 << 30, 6 << 30)
NARROW = ["network.generator_width=8", "network.discriminator_width=8", "network.max_width=16"]


def settings_of(preset: str, *more: str, remedies: Sequence[str] = ()) -> Settings:
    """A narrow network on the blobs. more: settings as 'a.b=value'."""
    sets = ["budget.batch=16", "run.precision=float32"]  # convolutions in the type of their weights
    sets += NARROW if preset != "listing" else []
    draft = load.collect(preset=preset, remedies=remedies, sets=[*sets, *more])
    draft.give("data.where", "blobs", Origin("asked for"))
    auto.decide(draft, DATA, CPU)
    return load.settle(draft)


def curve(preset: str, steps: int = STEPS) -> list[list[float]]:
    """[loss of D, loss of G] of the first steps on blobs whose place depends on their class."""
    settings = settings_of(preset)
    state = build.state(settings, 3, torch.device("cpu"), horizon_images=16 * STEPS)
    recipe = build.recipe(settings)
    found = []
    for _ in range(steps):
        report = train_step(state, lambda i: blobs(i, settings.data.conditional), recipe)
        found.append([report.d_loss.item(), report.g_loss.item()])
    return found


def blobs(number: int, labelled: bool) -> Batch:
    random = torch.Generator().manual_seed(number)
    labels = torch.randint(3, (16,), generator=random)
    centre = 4.0 * labels[:, None] + 3 + torch.rand(16, 1, generator=random)
    at = torch.arange(16.0)
    line = torch.exp(-((at - centre) ** 2) / 8)
    images = 2 * line[:, None, :, None] * line[:, None, None, :] - 1
    return Batch(images, labels if labelled else None)
