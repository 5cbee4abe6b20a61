"""Methods by problems: every method plays every problem, over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ganwerk.errors import ConfigError, did_you_mean
from ganwerk.lab import experiments
from ganwerk.lab.figures import compare as drawing
from ganwerk.lab.figures import ink
from ganwerk.lab.pool import Task, play_all
from ganwerk.lab.presets import GRID, RING, STACKED, Preset
from ganwerk.lab.setting import GameSetting
from ganwerk.lab.stacked import StackedSetting
from ganwerk.lab.table import Mean, summary
from ganwerk.lab.trial import Trial
from ganwerk.lab.verbs import Experiment, Games, check, longer, occupy
from ganwerk.run.files import to_json, write_bytes
from ganwerk.values import ProgressCallback

PROBLEMS: dict[str, tuple[Experiment, Mapping[str, Preset]]] = {
    "ring": (experiments.RING, RING),
    "grid": (experiments.GRID, GRID),
    "stacked": (experiments.STACKED, STACKED),
}
METHODS = (
    "plain", "unrolled:steps=5", "balance:speed=0.2,every=4",
    "two-rates:generator=1,discriminator=20", "packing:size=2", "r1:weight=0.1",
)  # fmt: skip
MODES = {"ring": 8, "ring-1": 8, "grid": 25, "stacked": 1_000}


@dataclass(frozen=True)
class Problem:
    """A named setting of an experiment: 'ring:collapse'."""

    name: str
    experiment: Experiment
    setting: GameSetting

    @property
    def modes(self) -> int:
        return MODES[self.setting.problem]


@dataclass(frozen=True)
class Compared:
    """means[problem][method][fact]."""

    folder: Path
    figures: tuple[Path, ...]
    problems: tuple[Problem, ...]
    means: dict[str, dict[str, dict[str, Mean]]]


def problem(text: str, steps: int | None = None, data_root: Path | None = None) -> Problem:
    """'ring:collapse', or 'ring' for its first preset. data_root: where MNIST's files are.

    Raises ConfigError.
    """
    name, _, preset = text.partition(":")
    if name not in PROBLEMS:
        raise ConfigError(f"There is no problem '{name}'.", did_you_mean(name, PROBLEMS))
    experiment, presets = PROBLEMS[name]
    preset = preset or next(iter(presets))
    if preset not in presets:
        raise ConfigError(
            f"The problem '{name}' has no preset '{preset}'.", did_you_mean(preset, presets)
        )
    setting = presets[preset].setting
    if isinstance(setting, StackedSetting):
        setting = replace(setting, data_root=str(data_root or ""))
    return Problem(f"{name}:{preset}", experiment, longer(setting, steps))


def compare(
    problems: Sequence[Problem],
    methods: Sequence[str],
    seeds: int,
    out: Path,
    processes: int,
    progress: ProgressCallback,
) -> Compared:
    """Play all games that are not played yet, then sum up and draw.

    Raises ConfigError for a method that cannot be or a problem that is named twice, RunError for a
    folder that holds something else.
    """
    names = [each.name for each in problems]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(
            f"The problem '{twice}' is named twice.", "Name each once; --seeds repeats the games."
        )
    for each in problems:
        check(each.experiment, each.setting, methods)
    occupy(out, "compare")
    tasks = [
        Task(each.experiment.play, each.setting, each.name.replace(":", "-"), text, seed)
        for seed in range(seeds)  # seeds outermost: a table that was stopped early is a whole one
        for each in problems
        for text in methods
    ]
    trials = play_all(tasks, out / "games", processes, progress)
    games = _sorted(problems, methods, tasks, trials)
    means = {name: summary(found) for name, found in games.items()}
    figure = out / "compare.png"
    ink.write_png(figure, drawing.dots(games, {each.name: each.modes for each in problems}))
    write_bytes(out / "result.json", to_json(means), durable=False)
    return Compared(out, (figure,), tuple(problems), means)


def _sorted(
    problems: Sequence[Problem], methods: Sequence[str], tasks: Sequence[Task],
    trials: Sequence[Trial],
) -> dict[str, Games]:  # fmt: skip
    games: dict[str, dict[str, list[Trial]]] = {
        each.name: {text: [] for text in methods} for each in problems
    }
    names = {each.name.replace(":", "-"): each.name for each in problems}
    for task, trial in zip(tasks, trials, strict=True):
        games[names[task.problem]][task.method].append(trial)
    return {name: dict(found) for name, found in games.items()}
