"""One training of bench.defaults, by the clock of the processor: settings of ganwerk, or the script."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.defaults.judge import Judge
from bench.defaults.rows import Pixels, Row
from bench.defaults.script import Script
from ganwerk.config import auto, build, load
from ganwerk.data import Feeder, Sampler, split
from ganwerk.game.latents import for_seeds, labels_for_seeds
from ganwerk.game.step import train_step
from ganwerk.run.pictures import grid, write_picture
from ganwerk.runtime import machine
from ganwerk.values import Origin

SHOWN = 64
PLANNED_SHARE = 0.1
"""Of the time, in which the speed is measured that the schedule of the rest follows."""


@dataclass(frozen=True)
class Contender:
    """preset and sets: settings of ganwerk; no preset: the sixty-line script."""

    name: str
    preset: str | None
    sets: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()


class Settled:
    """A training of ganwerk: the same steps as `ganwerk train`, without run directory."""

    def __init__(self, contender: Contender, row: Row, seed: int, seconds: float) -> None:
        sets = (f"budget.minutes={seconds / 60}", f"run.seed={seed}", *contender.sets)
        draft = load.collect(
            preset=contender.preset, sets=sets, remedies=contender.remedies
        )
        draft.give("data.where", row.name, Origin("asked for"))
        facts = machine.facts("cpu")
        auto.decide(draft, row.train.facts(), facts)
        self.settings = load.settle(draft)
        self.seconds = seconds
        labels = row.train.labels
        train, _ = split(len(row.train), labels, seed)
        self.feeder = Feeder(
            row.train,
            Sampler(train, self.settings.budget.batch, seed),
            mirror=self.settings.data.mirror,
            seed=seed,
            with_labels=self.settings.data.conditional,
        )
        recipe = build.recipe(self.settings)
        self.state = build.state(
            self.settings, row.classes, torch.device("cpu"), horizon_images=1e9, by=recipe
        )
        self.recipe = recipe
        counts = np.bincount(labels[train]) if labels is not None else None
        self.shares = None if counts is None or not self.settings.data.conditional else counts

    @property
    def images(self) -> int:
        return self.state.images

    def step(self, used: float) -> dict[str, float]:
        """used: processor seconds so far."""
        if self.state.images:
            rate = self.state.images / used
            self.state.horizon_images = self.state.images + max(self.seconds - used, 0) * rate
        result = train_step(self.state, self.feeder.batch, self.recipe)
        return {"d_loss": float(result.d_loss), "g_loss": float(result.g_loss)}

    @torch.no_grad()
    def draw(self, count: int) -> tuple[Pixels, NDArray[np.int64] | None]:
        net = self.state.ema.net
        seeds = range(count)
        z = for_seeds(_latents(self.settings), seeds, self.settings.latent.dim)
        labels = None if self.shares is None else labels_for_seeds(seeds, self.shares)
        parts = []
        for start in range(0, count, 250):
            part = slice(start, start + 250)
            images = net(z[part], None if labels is None else labels[part])[-1]
            parts.append(images.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8))
        pixels = np.ascontiguousarray(torch.cat(parts).numpy())
        return pixels, None if labels is None else labels.numpy()


def _latents(settings: Any) -> Any:
    from ganwerk.game.latents import LATENTS

    return LATENTS[settings.latent.kind]


def play(
    contender: Contender, row: Row, judge: Judge, seed: int, points: Sequence[float], out: Path
) -> list[dict[str, Any]]:
    """Train for the last of `points` (processor seconds), measure at each. Writes the journal and
    a grid for each point into `out`."""
    torch.set_num_threads(1)
    machine.keep_freed_memory()
    make: Callable[..., Any] = Script if contender.preset is None else Settled
    game = make(contender, row, seed, points[-1])
    found, losses, used = [], [], 0.0
    for point in points:
        while used < point:
            begun = time.process_time()
            losses.append(game.step(used))
            used += time.process_time() - begun
        pixels, labels = game.draw(judge.n)
        measured = judge.measure(pixels, labels)
        d_losses = [loss["d_loss"] for loss in losses]
        found.append({"contender": contender.name, "row": row.name, "seed": seed,
                      "seconds": point, "images": game.images, "d_loss_highest": max(d_losses),
                      **measured})  # fmt: skip
        _write(out, contender, row, seed, point, found, pixels, losses)
    return found


def _write(
    out: Path, contender: Contender, row: Row, seed: int, point: float,
    found: list[dict[str, Any]], pixels: Pixels, losses: list[dict[str, float]],
) -> None:  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    stem = f"{row.name}-{contender.name}-{seed}"
    (out / f"{stem}.json").write_text(json.dumps(found, indent=1))
    curve = [[round(loss["d_loss"], 4), round(loss["g_loss"], 4)] for loss in losses]
    (out / f"{stem}-losses.json").write_text(json.dumps(curve))
    shown = grid(pixels[:SHOWN].transpose(0, 2, 3, 1), 8)
    write_picture(out / f"{stem}-{point:g}.png", shown)
