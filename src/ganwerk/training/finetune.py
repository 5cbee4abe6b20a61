"""Transfer learning: a training that begins with the weights of another run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ganwerk.runtime.events import Plan, Warned, Watcher, nobody
from ganwerk.runtime.memory import machine_errors
from ganwerk.runtime.pictures import absolute
from ganwerk.training.graft import Graft, Source, graft
from ganwerk.training.prepare import Prepared, Request, prepare
from ganwerk.training.several import led
from ganwerk.training.train import begin, restarted


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

    def begun() -> Path:
        source, ready = _prepared(path, request, at, freeze, watch)
        weights = graft(source, ready.settings, ready.pictures.class_names)
        return begin(ready, watch, weights, _origin(source, weights, freeze))

    with machine_errors():
        return led(lambda: restarted(request, watch) or begun())


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
    graft(source, ready.settings, ready.pictures.class_names)
    return ready.plan


def _prepared(
    path: Path, request: Request, at: str | int, freeze: int, watch: Watcher, anew: bool = False
) -> tuple[Source, Prepared]:
    source = Source.open(path, at)
    for damaged, reason in source.checkpoint.skipped:
        watch(Warned(f"The checkpoint {damaged} cannot be used: {reason}.",
                     f"Beginning with {source.checkpoint.path}."))  # fmt: skip
    for warning in source.warnings:
        watch(Warned(warning))
    return source, prepare(replace(request, base=source.base(freeze)), watch, anew)


def _origin(source: Source, weights: Graft, freeze: int) -> dict[str, Any]:
    return {
        "run": absolute(str(source.run.path)),
        "images": source.checkpoint.images,
        "freeze": freeze,
        "classes_kept": list(weights.classes.kept),
        "classes_new": list(weights.classes.new),
    }
