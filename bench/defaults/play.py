"""One training of bench.defaults by the clock of the processor: ganwerk's, or the script's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.defaults.contenders import Contender
from bench.defaults.judge import Judge
from bench.defaults.rows import Pixels, Row
from bench.defaults.script import Script
from ganwerk.config import auto, build, load
from ganwerk.data import split
from ganwerk.game.latents import LATENTS, for_seeds, labels_for_seeds
from ganwerk.game.step import train_step
from ganwerk.run.pictures import grid, write_picture
from ganwerk.runtime import machine
from ganwerk.training import probe
from ganwerk.training.prepare import feeder_of, measured
from ganwerk.values import Origin

SHOWN = 64


class Settled:
    """A training of ganwerk: the same steps as `ganwerk train`, without run directory. Each layer
    computes as a measurement finds fastest, which is made before the clock runs."""

    def __init__(self, contender: Contender, row: Row, seed: int, seconds: float) -> None:
        px = int(row.train.images.shape[2])
        sets = (f"budget.minutes={seconds / 60}", f"run.seed={seed}", *contender.sets(px))
        draft = load.collect(preset=contender.preset, sets=sets, remedies=contender.remedies)
        draft.give("data.where", row.name, Origin("asked for"))
        facts = machine.facts("cpu")
        auto.decide(draft, row.train.facts(), facts)
        self.seconds = seconds
        labels = row.train.labels
        train, _ = split(len(row.train), labels, seed)
        self.settings, probed = measured(draft, row.classes, len(train), facts)
        self.feeder = feeder_of(self.settings, row.train, train)
        recipe = build.recipe(self.settings)
        self.state = build.state(
            self.settings, row.classes, torch.device("cpu"), horizon_images=1e9, by=recipe
        )
        self.recipe = recipe
        self.choices = probed.choices
        probe.apply_choices(self.state, self.choices)
        taught = labels if self.settings.data.conditional else None
        self.shares = None if taught is None else np.bincount(taught[train]).tolist()

    @property
    def images(self) -> int:
        return self.state.images

    def step(self, used: float) -> tuple[float, float]:
        """used: processor seconds so far. Returns the losses of D and G."""
        if self.state.images:
            rate = self.state.images / used
            self.state.horizon_images = self.state.images + max(self.seconds - used, 0) * rate
        with probe.computing(self.choices):
            result = train_step(self.state, self.feeder.batch, self.recipe)
        return float(result.d_loss), float(result.g_loss)

    @torch.no_grad()
    def draw(self, count: int) -> tuple[Pixels, NDArray[np.int64] | None]:
        net = self.state.ema.net
        seeds = range(count)
        z = for_seeds(LATENTS[self.settings.latent.kind], seeds, self.settings.latent.dim)
        labels = None if self.shares is None else labels_for_seeds(seeds, self.shares)
        parts = []
        for start in range(0, count, 250):
            part = slice(start, start + 250)
            images = net(z[part], None if labels is None else labels[part])[-1]
            parts.append(images.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8))
        pixels = np.ascontiguousarray(torch.cat(parts).numpy())
        return pixels, None if labels is None else labels.numpy()


def stem_of(row: str, name: str, seed: int, points: Sequence[float]) -> str:
    """What the files of a training are called."""
    return f"{row}-{name}-{seed}-{'-'.join(f'{point:g}' for point in points)}"


def play(
    name: str, contender: Contender, judge: Judge, seed: int, points: Sequence[float], out: Path
) -> None:
    """Train for the last of `points` (processor seconds), measure at each. Writes losses, a grid
    for each point and at last what was measured into `out`."""
    torch.set_num_threads(1)
    machine.keep_freed_memory()
    row = judge.row
    make: Callable[..., Any] = Script if contender.preset is None else Settled
    game = make(contender, row, seed, points[-1])
    stem = stem_of(row.name, name, seed, points)
    out.mkdir(parents=True, exist_ok=True)
    found, losses, used = [], [], 0.0
    for point in points:
        while used < point:
            begun = time.process_time()
            losses.append(game.step(used))
            used += time.process_time() - begun
        pixels, labels = game.draw(judge.n)
        found.append({"contender": name, "row": row.name, "seed": seed, "seconds": point,
                      "images": game.images, "d_loss_highest": max(d for d, _ in losses),
                      **judge.measure(pixels, labels)})  # fmt: skip
        shown = grid(pixels[:SHOWN].transpose(0, 2, 3, 1), 8)
        write_picture(out / f"{stem}-at-{point:g}.png", shown)
    (out / f"{stem}-losses.json").write_text(json.dumps([[round(x, 4) for x in p] for p in losses]))
    beside = out / f"{stem}.part"
    beside.write_text(json.dumps(found, indent=1))
    beside.rename(out / f"{stem}.json")
