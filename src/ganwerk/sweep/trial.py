"""One trial: a training for each seed, begun, resumed where it was left, or ended early."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from pathlib import Path

from ganwerk.errors import CheckpointError, ConfigError, DataError, DivergedError
from ganwerk.run import Run
from ganwerk.runtime.events import SCORE, Ended, Event, Judged, Planned, Watcher
from ganwerk.sweep.study import ERROR, FLOOR, Taken, Trials
from ganwerk.sweep.vary import with_values
from ganwerk.training.standing import standing_of
from ganwerk.training.train import Supervision, resume, train


class Stopped(Exception):
    """Somebody asked for a clean stop: the trial is left to be resumed."""


@dataclass(frozen=True)
class Score:
    """mean over the seeds that were played, error: its standard error (None for one seed)."""

    mean: float
    error: float | None

    @classmethod
    def of(cls, values: list[float]) -> Score:
        several = len(values) > 1
        error = statistics.stdev(values) / math.sqrt(len(values)) if several else None
        return cls(statistics.fmean(values), error)


def play(trials: Trials, taken: Taken, watch: Watcher) -> str:
    """Train the trial's runs and tell the outcome: 'complete', 'pruned', 'diverged' or 'refused'.

    Raises Stopped, DataError and what else keeps every training from starting.
    """
    scores = []
    try:
        for place, seed in enumerate(trials.folder.definition.seeds):
            ended = _One(trials, taken, seed, watch, first=place == 0).play()
            if ended is None:
                trials.tell(taken, None, "worse than half of the others at the same images")
                return "pruned"
            scores.append(ended)
    except DivergedError as error:
        trials.tell(taken, None, error.message)
        return "diverged"
    except ConfigError as error:
        trials.tell(taken, None, error.message, failed=True)
        return "refused"
    score = Score.of(scores)
    taken.trial.set_user_attr(ERROR, score.error)
    trials.tell(taken, score.mean)
    return "complete"


class _One:
    """One run of a trial. first: its curve decides whether the trial is ended early."""

    def __init__(
        self, trials: Trials, taken: Taken, seed: int, watch: Watcher, *, first: bool
    ) -> None:
        self.trials, self.taken, self.seed = trials, taken, seed
        self.watch, self.first = watch, first
        self.path = trials.folder.run(taken.number, seed)
        self.pruned, self.reason = False, ""
        self.supervision = Supervision()

    def play(self) -> float | None:
        """The score at the end; None if it was ended early. Raises Stopped."""
        if (self.path / "about.json").exists():
            found = _finished(self.path)
            if found is not None:
                return found
            self._go_on()
        else:
            self._begin()
        if self.pruned:
            return None
        if self.reason != "finished":
            raise Stopped
        return self._score()

    def _begin(self) -> None:
        folder = self.trials.folder
        asked = with_values(folder.definition.request(folder.path), self.taken.values)
        flags = {**asked.flags, "run.seed": (self.seed, f"--seeds {self.seed}")}
        train(replace(asked, flags=flags, out=self.path, steady=True), self._hear, self.supervision)

    def _go_on(self) -> None:
        resume(self.path, watch=self._hear, supervision=self.supervision)

    def _hear(self, event: Event) -> None:
        self.watch(event)
        if isinstance(event, Planned):
            self.supervision.stations = self.trials.stations(event.plan.total_images)
        if isinstance(event, Ended):
            self.reason = event.reason
        if isinstance(event, Judged) and self.first and not self.pruned:
            self.taken.trial.set_user_attr(FLOOR, event.floors[SCORE])
            passed = [s for s in self.supervision.stations if s <= event.images]
            score = event.values[SCORE]
            if passed and math.isfinite(score):
                self.pruned = self.trials.report(self.taken, passed[-1], score)
                if self.pruned:
                    self.supervision.stop.set()

    def _score(self) -> float:
        found = _finished(self.path)
        if found is None:
            raise DataError(
                "There are too few pictures to measure a training against: a sweep needs 160.",
                "Add pictures.",
            )
        return found


def _finished(path: Path) -> float | None:
    """What a run scored at its end; None if it is not there yet."""
    run = Run.open(path)
    try:
        standing = standing_of(run.load("latest"))
    except CheckpointError:
        return None
    counters, budget = standing.counters, standing.budget
    used = counters.seconds if budget.unit == "seconds" else counters.images
    scores = [row[SCORE] for row in run.journal.rows("measure") if row["images"] <= counters.images]
    return float(scores[-1]) if scores and used >= budget.end else None
