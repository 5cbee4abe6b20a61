"""The verb: take trials until none is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ganwerk.errors import ConfigError
from ganwerk.runtime.events import Watcher, nobody
from ganwerk.runtime.memory import machine_errors
from ganwerk.runtime.pictures import absolute
from ganwerk.sweep import vary
from ganwerk.sweep.directory import Definition, Folder, require_optuna
from ganwerk.sweep.results import Outcome, Row, gather, keep
from ganwerk.sweep.study import Taken, Trials
from ganwerk.sweep.trial import Stopped, play
from ganwerk.training.prepare import stem_of

REFUSED_IN_A_ROW = 5


@dataclass(frozen=True)
class Began:
    """A trial begins here, or goes on after another process left it. total: of the sweep."""

    taken: Taken
    total: int


@dataclass(frozen=True)
class Done:
    """A trial is over. row: what came of it; best: the best so far."""

    row: Row
    total: int
    best: Row | None


Told = Callable[[Began | Done], None]


def place_of(definition: Definition) -> Path:
    """The folder of a sweep for which nobody named one: the same command means the same folder."""
    return Path("sweeps") / stem_of(definition.data)


def make(path: Path | None, definition: Definition, file: Path | None = None) -> Folder:
    """The folder of this sweep, new or joined. file: where the text of the settings comes from.

    Raises GanwerkError before anything is written."""
    require_optuna()
    definition = definition.model_copy(update={"data": absolute(definition.data)})
    path = path or place_of(definition)
    varied = [vary.parse(text) for text in definition.vary]
    vary.check(varied, replace(definition.request(path), file=file))
    return Folder.make(path, definition)


def sweep(folder: Folder, told: Told = lambda _: None, watch: Watcher = nobody) -> Outcome:
    """Train trials until all are done or taken by other processes. Ctrl-C ends it cleanly: its
    trial is resumed by whoever comes next.

    Raises GanwerkError for what keeps every trial from starting.
    """
    trials = Trials(folder)
    total, refused, stopped = folder.definition.trials, 0, False
    with machine_errors():
        while not stopped:
            with trials.take() as taken:
                if taken is None:
                    break
                told(Began(taken, total))
                try:
                    ended = play(trials, taken, watch)
                except Stopped:
                    stopped = True
                    break
            outcome = gather(trials)
            row = next(row for row in outcome.rows if row.number == taken.number + 1)
            told(Done(row, total, outcome.best))
            refused = refused + 1 if ended == "refused" else 0
            if refused >= REFUSED_IN_A_ROW and outcome.best is None:
                raise ConfigError(f"No trial can be trained; the last one: {row.why}",
                                  "Vary within what fits together.")  # fmt: skip
    outcome = gather(trials, stopped)
    keep(outcome, trials.varied)
    return outcome
