"""What one can do in the laboratory: an experiment is played, drawn and summed up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganwerk.errors import ConfigError, RunError
from ganwerk.lab import method
from ganwerk.lab.figures import ink
from ganwerk.lab.pool import Task, play_all
from ganwerk.lab.setting import GameSetting
from ganwerk.lab.table import Column, Mean, summary
from ganwerk.lab.trial import Tell, Trial
from ganwerk.run.files import from_json, to_json, write_bytes
from ganwerk.run.pictures import make_folder
from ganwerk.values import ProgressCallback

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Games = Mapping[str, Sequence[Trial]]
"""By the text of the method, one trial per seed."""
Pixels = NDArray[np.uint8]
MARK = "experiment.json"


@dataclass(frozen=True)
class Experiment:
    """One kind of game and how it is shown.

    play: one game. build: everything but the play, to find mistakes before any process is begun.
    draw, animate: the figure, and frames of the animation (frame_ms apart) of some games.
    """

    name: str
    play: Callable[[Any, str, int, Tell], Trial]
    build: Callable[[Any, method.Method, int], object]
    columns: tuple[Column, ...]
    draw: Callable[[Games, Any], Figure]
    animate: Callable[[Games, Any], Iterable[Pixels]]
    frame_ms: int = 100


@dataclass(frozen=True)
class Request:
    """What is asked for. processes: how many games are played at once."""

    setting: GameSetting
    methods: tuple[str, ...]
    seeds: int
    out: Path
    processes: int
    moving: bool = True


@dataclass(frozen=True)
class Outcome:
    """Where the figures are, and the numbers: means[method][fact]."""

    experiment: str
    folder: Path
    figures: tuple[Path, ...]
    columns: tuple[Column, ...]
    means: dict[str, dict[str, Mean]]


def run(experiment: Experiment, request: Request, progress: ProgressCallback) -> Outcome:
    """Play what is not played yet, then draw everything anew.

    Raises ConfigError for a method that cannot be, RunError for a folder that holds something else,
    DivergedError.
    """
    check(experiment, request.setting, request.methods)
    occupy(request.out, experiment.name)
    games = played(experiment, request, progress)
    figures = [request.out / f"{experiment.name}.png"]
    ink.write_png(figures[0], experiment.draw(games, request.setting))
    if request.moving:
        figures.append(request.out / f"{experiment.name}.webp")
        ink.write_moving(
            figures[1], experiment.animate(games, request.setting), experiment.frame_ms
        )
    outcome = Outcome(
        experiment.name, request.out, tuple(figures), experiment.columns, summary(games)
    )
    write_bytes(request.out / "result.json", to_json(outcome.means), durable=False)
    return outcome


def check(experiment: Experiment, setting: GameSetting, methods: Sequence[str]) -> None:
    """Build each game once. Raises ConfigError."""
    if len(set(methods)) < len(methods):
        raise ConfigError("A method is named twice.", "Name each once; --seeds repeats the games.")
    for text in methods:
        chosen = method.parse(text)
        experiment.build(chosen.applied(setting), chosen, 0)


def occupy(folder: Path, name: str) -> None:
    """Make the folder of an experiment, or go on with it. Raises RunError, MachineError."""
    mark = folder / MARK
    try:
        found = from_json(mark.read_bytes())["experiment"]
    except (OSError, ValueError, KeyError, TypeError):  # absent, damaged or something else
        found = None
    if folder.exists() and found != name and (not folder.is_dir() or any(folder.iterdir())):
        what = f"the experiment '{found}'" if found else "something else"
        raise RunError(f"{folder} holds {what}.", "Choose another folder with --out.")
    make_folder(folder)
    write_bytes(mark, to_json({"experiment": name}), durable=False)


def played(experiment: Experiment, request: Request, progress: ProgressCallback) -> Games:
    """All games of the request, from the folder where they lie there."""
    tasks = [
        Task(experiment.play, request.setting, experiment.name, text, seed)
        for text in request.methods
        for seed in range(request.seeds)
    ]
    trials = play_all(tasks, request.out / "games", request.processes, progress)
    games: dict[str, list[Trial]] = {text: [] for text in request.methods}
    for task, trial in zip(tasks, trials, strict=True):
        games[task.method].append(trial)
    return games


def longer(setting: GameSetting, steps: int | None) -> GameSetting:
    """The setting with another number of steps, if one is given."""
    return setting if steps is None else replace(setting, steps=steps)
