"""Transfer learning: a training that begins with the weights of another run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganwerk import checks
from ganwerk.config import build, explain, load
from ganwerk.config.load import Base
from ganwerk.config.schema import Settings
from ganwerk.game.state import TrainState
from ganwerk.run import Checkpoint, Run
from ganwerk.runtime.events import Plan, Warned, Watcher, nobody
from ganwerk.runtime.memory import machine_errors
from ganwerk.training.prepare import Prepared, Request, prepare
from ganwerk.training.train import begin
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

    @classmethod
    def open(cls, path: Path, at: str | int) -> Source:
        """Raises RunError, CheckpointError."""
        run = Run.open(path)
        settings = load.from_toml(run.settings_toml, str(run.settings_path))
        return cls(run, settings, run.load(checks.at(at)))

    @property
    def classes(self) -> tuple[str, ...]:
        names = self.run.about["data"]["class_names"]
        return tuple(names) if self.settings.data.conditional else ()

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
        values["transfer.run"] = str(self.run.path)
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


def finetune(
    path: Path,
    request: Request,
    *,
    at: str | int = "latest",
    freeze: int = 0,
    watch: Watcher = nobody,
) -> Path:
    """Train on other pictures from where the run `path` stands. Returns the new run directory.

    Both networks and the average come from its checkpoint `at`, the settings too unless the request
    says otherwise; optimisers, schedules and whatever remedies remember begin anew. freeze: so many
    of D's lowest layers stay as they are (game.transfer). Classes: see training.transplant.
    Raises GanwerkError, ConfigError with the list of shapes that differ; nothing is made unless
    the training can start.
    """
    with machine_errors():
        source, ready = _prepared(path, request, at, freeze, watch)
        graft = _graft(source, ready)
        return begin(ready, watch, graft, _origin(source, graft, freeze))


def plan(
    path: Path,
    request: Request,
    *,
    at: str | int = "latest",
    freeze: int = 0,
    watch: Watcher = nobody,
) -> Plan:
    """What `finetune` would do, without making anything."""
    source, ready = _prepared(path, request, at, freeze, watch, anew=True)
    _graft(source, ready)
    return ready.plan


def _prepared(
    path: Path, request: Request, at: str | int, freeze: int, watch: Watcher, anew: bool = False
) -> tuple[Source, Prepared]:
    source = Source.open(path, at)
    for damaged, reason in source.checkpoint.skipped:
        watch(Warned(f"The checkpoint {damaged} cannot be used: {reason}.",
                     f"Beginning with {source.checkpoint.path}."))  # fmt: skip
    return source, prepare(replace(request, base=source.base(freeze)), watch, anew)


def _graft(source: Source, ready: Prepared) -> Graft:
    """Raises ConfigError if networks differ in more than their classes."""
    settings = ready.settings
    after = ready.pictures.class_names if settings.data.conditional else ()
    classes = Classes(source.classes, tuple(after))
    g_net, d_net = build.players(settings, len(classes.after), torch.device("cpu"))
    state = source.checkpoint.state
    g = adapted(g_net, _under(state, "g."), classes)
    d = adapted(d_net, _under(state, "d."), classes)
    averaged = adapted(g_net, source.checkpoint.weights, classes)
    differing = [f"G {line}" for line in differences(g_net, g)]
    differing += [f"D {line}" for line in differences(d_net, d)]
    refuse(differing, str(source.run.path))
    parts = {name: _under(state, f"part.{name}.") for name in TAKEN_PARTS}
    return Graft(g, d, averaged, parts, classes)


def _under(tensors: dict[str, Tensor], prefix: str) -> Tensors:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _origin(source: Source, graft: Graft, freeze: int) -> dict[str, Any]:
    return {
        "run": str(source.run.path),
        "images": source.checkpoint.images,
        "freeze": freeze,
        "classes_kept": list(graft.classes.kept),
        "classes_new": list(graft.classes.new),
    }
