"""The grid of pictures by which one sees the generator learn, and D's word on held-out pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ganwerk.data import Pictures
from ganwerk.nn.layers import matrix_products
from ganwerk.run import grid
from ganwerk.sampling.sample import Sampler
from ganwerk.training.session import Session

MOST_COLUMNS = 16
PROBE_HELD_OUT = 256


class FixedSeeds:
    """The same pictures again and again, so that one sees the generator learn."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.sampler = Sampler(
            session.state.ema.net,
            session.settings,
            session.pictures.class_names,
            session.pictures.health.class_counts,
            session.state.device,
        )
        classes = len(self.sampler.class_names)
        self.columns = columns_for(classes)
        self.seeds = list(range(self.columns * 8))
        self.labels = torch.arange(len(self.seeds)) % self.columns % classes if classes else None
        self.newest: NDArray[np.uint8]

    def draw(self) -> Path:
        """Write the grid of this moment. One class per column, if there are classes."""
        path = self.session.run.grid_path(self.session.state.images)
        with matrix_products(bfloat16=False):  # as `ganwerk sample` draws them
            self.newest = self.sampler.draw(self.seeds, labels=self.labels)
        self.session.run.write_picture(path, grid(self.newest, self.columns))
        return path

    def draw_reals(self) -> None:
        """Write a grid of real training pictures to compare with."""
        pictures = self.session.pictures
        chosen = self._reals(pictures)
        reals = np.ascontiguousarray(pictures.images[chosen].transpose(0, 2, 3, 1))
        run = self.session.run
        run.write_picture(run.pictures_path / "real.png", grid(reals, self.columns))

    def _reals(self, pictures: Pictures) -> NDArray[np.int64]:
        random = np.random.default_rng(self.session.settings.run.seed)
        near = pictures.near
        everything = random.permutation(len(pictures if near is None else near)).astype(np.int64)
        if near is not None:
            everything = near[everything]
        if self.labels is None or pictures.labels is None:
            return np.resize(everything, len(self.seeds))
        chosen = np.empty(len(self.seeds), np.int64)
        for label in range(len(pictures.class_names)):
            places = np.flatnonzero(self.labels.numpy() == label)
            of_class = everything[pictures.labels[everything] == label]
            chosen[places] = np.resize(of_class, len(places))
        return chosen

    @torch.no_grad()
    def held_out_logits(self) -> dict[str, float]:
        """What D says of pictures it has never seen: the honest half of its judgement."""
        if not len(self.held_out_indices):
            return {}
        net = self.session.state.d_net
        batch = self.session.feeder.take(self.held_out_indices)
        was_training = net.training
        net.eval()  # no statistics of a norm may move
        logits = net(self.session.recipe.to_scales(batch.images), batch.labels)
        net.train(was_training)
        return {"held_out_logit": float(logits.float().mean())}

    @property
    def held_out_indices(self) -> NDArray[np.int64]:
        return self.session.held_out[:PROBE_HELD_OUT]


def columns_for(classes: int) -> int:
    """Columns of the grid: a multiple of the number of classes near 8, so that each has its own."""
    if not 2 <= classes <= MOST_COLUMNS:
        return 8
    return classes * max(1, round(8 / classes))
