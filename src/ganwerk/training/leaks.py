"""Watching whether augmentation shows in what the generator draws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganwerk.config.remedies import AdaSettings, DiffAugmentSettings
from ganwerk.config.schema import Settings
from ganwerk.game.counters import step_seed
from ganwerk.game.leak import leak
from ganwerk.nn.types import Batch
from ganwerk.runtime.events import Warned, Watcher

MOST_REALS, MOST_HELD_OUT = 512, 256
PERSISTENT = 3
LEAK_STREAM = 2**62 + 1  # a counter no training step reaches
Indices = NDArray[np.int64]


class LeakWatch:
    """Looks at each new grid of pictures; warns of a transform that shows in three in a row."""

    def __init__(
        self,
        settings: Settings,
        take: Callable[[Indices], Batch],
        train: Indices,
        held_out: Indices,
    ) -> None:
        """take: the real pictures at these places; train, held_out: where they are."""
        remedies = [r for r in settings.remedy if isinstance(r, AdaSettings | DiffAugmentSettings)]
        self.transforms = sorted({name for r in remedies for name in r.policy} - {"noise"})
        self.seed, self.take = settings.run.seed, take
        spread = np.linspace(0, len(train) - 1, min(len(train), MOST_REALS)).astype(np.int64)
        self.train, self.held_out = train[spread], held_out[:MOST_HELD_OUT]
        self.in_a_row: dict[str, int] = {}

    def look(self, pictures: NDArray[np.uint8], watch: Watcher) -> dict[str, float]:
        """For the journal: leak_<transform>, the share of the pictures (N, H, W, C) that look as if
        it had changed them, for each transform of which that can be told."""
        if not self.transforms:
            return {}
        reals, held_out = self.take(self.train).images, self.take(self.held_out).images
        fakes = _as_batch(pictures).to(reals.device)
        random = torch.Generator(reals.device).manual_seed(step_seed(self.seed, LEAK_STREAM))
        found = {}
        for name in self.transforms:
            measured = leak(reals, held_out, fakes, name, random)
            if measured is None:
                continue
            found[f"leak_{name}"] = measured.share
            self.in_a_row[name] = self.in_a_row.get(name, 0) + 1 if measured.clear else 0
            if self.in_a_row[name] == PERSISTENT:
                watch(_warning(name, measured.share))
        return found


def _as_batch(pictures: NDArray[np.uint8]) -> Tensor:
    channels_first = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
    return torch.from_numpy(channels_first).float() / 127.5 - 1


def _warning(name: str, share: float) -> Warned:
    return Warned(
        f"The augmentation leaks: {share:.0%} of the generated pictures look as if '{name}' had "
        "changed them.",
        f"Leave '{name}' out of the remedy's policy, or lower the cap of ada.",
    )
