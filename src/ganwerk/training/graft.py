"""The weights of another run that a training begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ganwerk import checks
from ganwerk.config import build, explain
from ganwerk.config.load import Base
from ganwerk.config.schema import Settings
from ganwerk.game.state import TrainState
from ganwerk.run import Checkpoint, Run
from ganwerk.runtime.pictures import absolute
from ganwerk.runtime.settings import settings_at
from ganwerk.training.transplant import Classes, Tensors, adapted, differences, refuse

TAKEN = ("network", "latent", "game", "remedy", "optimiser", "schedule", "average")
"""Tables of settings that are those of the other run."""
TAKEN_PARTS = ("growth",)
"""Parts with a memory that is about the networks, not about the game: how far they have grown."""
TAKEN_KEYS = ("data.resolution", "data.channels", "data.fit", "budget.batch", "run.precision")


@dataclass(frozen=True)
class Source:
    """The run to begin with: its checkpoint, settings and classes."""

    run: Run
    settings: Settings
    checkpoint: Checkpoint
    warnings: tuple[str, ...] = ()

    @classmethod
    def open(cls, path: Path, at: str | int) -> Source:
        """Raises RunError, CheckpointError."""
        run = Run.open(path)
        checkpoint = run.load(checks.at(at))
        settings, warnings = settings_at(run, checkpoint.meta)
        return cls(run, settings, checkpoint, warnings)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.run.learned.class_names if self.settings.data.conditional else ()

    @property
    def name(self) -> str:
        return f"{self.run.path} at {self.checkpoint.images:,} images"

    def base(self, freeze: int) -> Base:
        """Its settings, but for what depends on pictures, machine and time."""
        freeze = checks.whole(freeze, "--freeze", least=0)
        origins = self.run.origins
        values = {
            key: value
            for key, value in explain.flat(self.settings).items()
            if (key.split(".")[0] in TAKEN or key in TAKEN_KEYS)
            # What augmentation may do was decided from the old pictures
            and not (key.endswith(".policy") and origins.get(key, "").startswith("auto"))
        }
        if not self.settings.data.conditional:
            values["data.conditional"] = False
        values["transfer.run"] = absolute(str(self.run.path))
        values["transfer.images"] = self.checkpoint.images
        values["transfer.freeze"] = freeze
        return Base(values, self.settings.preset, f"run {self.name}")


@dataclass(frozen=True)
class Graft:
    """All weights in the shapes of the new networks."""

    g: Tensors
    d: Tensors
    averaged: Tensors
    parts: dict[str, Tensors]
    classes: Classes

    def __call__(self, state: TrainState) -> None:
        """Give them to a training before its first step."""
        state.g_net.load_state_dict(self.g)
        state.d_net.load_state_dict(self.d)
        state.ema.net.load_state_dict(self.averaged)
        for name, tensors in self.parts.items():
            if name in state.parts and tensors:
                state.parts[name].load_state_dict(tensors)


def graft(source: Source, settings: Settings, class_names: Sequence[str]) -> Graft:
    """The weights of `source` for a training with these settings and classes.

    Raises ConfigError if networks differ in more than their classes."""
    after = class_names if settings.data.conditional else ()
    classes = Classes(source.classes, tuple(after))
    g_net, d_net = build.players(settings, len(classes.after), torch.device("cpu"))
    state = source.checkpoint.state
    g = adapted(g_net, _under(state, "g."), classes)
    d = adapted(d_net, _under(state, "d."), classes)
    averaged = adapted(g_net, source.checkpoint.weights, classes)
    differing = [f"G {line}" for line in differences(g_net, g)]
    differing += [f"D {line}" for line in differences(d_net, d)]
    refuse(differing, str(source.run.path), classes)
    parts = {name: _under(state, f"part.{name}.") for name in TAKEN_PARTS}
    return Graft(g, d, averaged, parts, classes)


def _under(tensors: dict[str, Tensor], prefix: str) -> Tensors:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
