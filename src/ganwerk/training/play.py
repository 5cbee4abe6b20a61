"""The training loop: steps, and between them journal, pictures, checkpoints and a clean stop."""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass
from typing import Any, Protocol

from ganwerk.config import explain
from ganwerk.errors import DivergedError
from ganwerk.game.recipe import Recipe, add
from ganwerk.game.step import train_step
from ganwerk.run import Run
from ganwerk.runtime.events import SCORE, Ended, Judged, Pictured, Saved, Stepped, Watcher
from ganwerk.runtime.stopping import stopping
from ganwerk.sampling.sample import Sampler
from ganwerk.training import probe
from ganwerk.training.attend import Attendance, attendance_of
from ganwerk.training.board import Board
from ganwerk.training.fixed_seeds import FixedSeeds
from ganwerk.training.gauge import Gauge
from ganwerk.training.leaks import LeakWatch
from ganwerk.training.record import Recorder, check_weights
from ganwerk.training.session import Session
from ganwerk.training.several import lead_of

TELL_SECONDS = 0.5  # between two rows of the journal
COST_SHARE = 0.02  # of the time that checkpoints may take, and pictures too


@dataclass
class Clock:
    """When something that costs time is next due, so that it costs at most COST_SHARE of it.

    eager: at first more often, after 1, 3, 7 and 15 seconds where it costs as little: what is new
    changes fast.
    """

    every_seconds: float
    next_seconds: float
    eager: bool = False

    def due(self, seconds: float) -> bool:
        return seconds >= self.next_seconds

    def done(self, seconds: float, cost_seconds: float) -> None:
        every = min(self.every_seconds, 1 + seconds) if self.eager else self.every_seconds
        self.next_seconds = seconds + max(every, cost_seconds / COST_SHARE)


class Care(Protocol):
    """Who treats a training: each is told of a moment, and returns whether the player is to leave
    this game, because another one goes on."""

    def starts(self, player: Player) -> bool:
        """The first step is next."""

    def looked(self, player: Player) -> bool:
        """The pictures were looked at."""

    def over(self, player: Player) -> bool:
        """The window of the treatment on trial is over."""


def play(session: Session, watch: Watcher, care: Care | None = None) -> None:
    """Train until the budget is used up, somebody stops it or `care` wants another game.

    Ctrl-C and SIGTERM finish the step, save, and return. Raises DivergedError, MachineError; the
    last checkpoint stays.
    """
    recorder = Recorder(session.recipe.loss)
    recipe, attendance = add(session.recipe, observers=recorder), attendance_of(session, watch)
    if attendance is not None:
        recipe = add(recipe, observers=attendance.examiner)
    computing = probe.computing(session.choices)
    with stopping(session.stop), contextlib.closing(_board(session)) as board, computing:
        try:
            Player(session, recipe, recorder, attendance, board, watch, care).play()
        except DivergedError as error:
            if attendance is not None:
                attendance.diverged(error)
            raise


def _board(session: Session) -> Board:
    return Board(session.run.path / "tensorboard" if session.settings.run.tensorboard else None)


class Player:
    """The loop's bookkeeping."""

    def __init__(
        self,
        session: Session,
        recipe: Recipe,
        recorder: Recorder,
        attendance: Attendance | None,
        board: Board,
        watch: Watcher,
        care: Care | None = None,
    ) -> None:
        self.session, self.recipe, self.recorder = session, recipe, recorder
        self.attendance, self.board, self.watch, self.care = attendance, board, watch, care
        settings, seconds = session.settings.run, session.state.seconds
        self.checkpoints = Clock(
            settings.checkpoint_minutes * 60, seconds + settings.checkpoint_minutes * 60
        )
        self.drawing = Clock(settings.picture_seconds, 0.0, eager=True)
        self.grid = FixedSeeds(session)
        indices = session.pictures.at_hand(session.feeder.sampler.indices)
        self.leaks = LeakWatch(session.settings, session.feeder.take, indices, session.held_out)
        self.gauge = _gauge(session, self.grid.sampler)
        self.best_saving = Clock(0.0, 0.0)
        self.best_score = _best_so_far(session.run, session.state.images)
        self.judged = (-1, math.inf)
        self.saved_images = session.state.images or -1  # resumed from a checkpoint, which stays
        self.proven, self.zero, self.told = False, 0.0, 0.0
        self.lead = lead_of(session)

    def play(self) -> None:
        state, budget = self.session.state, self.session.budget
        if not state.images:
            self.grid.draw_reals()
            self._save()
        if self.care is not None and self.care.starts(self):
            return
        self.zero, self.told = time.perf_counter() - state.seconds, state.seconds
        told_images = state.images
        while budget.used(state) < 1 and not self._stops():
            self._steps()
            state.seconds = self._now()
            if self._trial_over(state.images):
                return
            reached = self.gauge is not None and self.gauge.reached(state.images)
            if reached or state.seconds - self.told >= TELL_SECONDS:
                self._tell(state.images - told_images, state.seconds - self.told)
                if self._maintain():
                    return
                self.told, told_images = state.seconds, state.images
                state.seconds = self._now()
        if state.images > told_images:
            self._tell(state.images - told_images, max(state.seconds - self.told, 1e-9))
        if budget.used(state) >= 1 and self._trial_over(math.inf):
            return
        self._end("stopped" if budget.used(state) < 1 else "finished")

    def _now(self) -> float:
        """Seconds of training."""
        return time.perf_counter() - self.zero

    def _steps(self) -> None:
        """One step, or with several processes those until something happens between two."""
        session, state = self.session, self.session.state
        budget, trial, doctor = session.budget, session.trial, self.attendance
        batch = session.feeder.batch if doctor is None else doctor.examiner.batch

        def step() -> None:
            train_step(state, batch, self.recipe)

        def due() -> bool:
            over = budget.unit == "seconds" and self._now() >= budget.end
            return over or self._now() - self.told >= TELL_SECONDS or session.stop.is_set()

        known = [budget.end if budget.unit == "images" else math.inf]
        known += [trial.until_images] if trial else []
        known += self.gauge.ahead if self.gauge is not None else []
        if self.lead.steps(step, due, min(known)):
            session.stop.set()
        if not self.proven:
            session.begun()
            self.proven = True

    def _stops(self) -> bool:
        """A checkpoint that others need is not written over."""
        return self.session.stop.is_set() and not self._on_protected()

    def _on_protected(self) -> bool:
        trial, images = self.session.trial, self.session.state.images
        return trial is not None and images in trial.protected and images != self.saved_images

    def _trial_over(self, images: float) -> bool:
        """Whether another game goes on, because a treatment was tried long enough and undone."""
        trial = self.session.trial
        if self.care is None or trial is None or images < trial.until_images:
            return False
        return self.care.over(self)

    def _tell(self, images: int, seconds: float) -> None:
        """A row of the journal, and word to the watcher."""
        session, state = self.session, self.session.state
        measured = self.recorder.take(state) | self.lead.measures(seconds)
        rate = images / seconds
        measured["images_per_second"] = rate
        state.horizon_images = session.budget.horizon_images(
            state.images, state.seconds, session.expected_rate
        )
        row = {
            "event": "step",
            "step": state.step,
            "images": state.images,
            "seconds": state.seconds,
        }
        session.run.journal.append(row | measured)
        self.board.scalars(measured, state.images)
        total = int(state.horizon_images)
        left = max(total - state.images, 0) / max(state.images / max(state.seconds, 1e-9), 1e-9)
        self.watch(Stepped(state.step, state.images, total, state.seconds, left, rate, measured))

    def _maintain(self) -> bool:
        """Pictures, looks and checkpoints that are due. Returns whether another game goes on."""
        state, looked = self.session.state, False
        if self.drawing.due(state.seconds):
            start = time.perf_counter()
            self._draw()
            self.drawing.done(state.seconds, time.perf_counter() - start)
        if self.gauge is not None and self.gauge.due(state):
            start = time.perf_counter()
            score = self._judge(self.gauge)
            self.gauge.done(state, time.perf_counter() - start)
            free = not self._on_protected()
            if score < self.best_score and free and self.best_saving.due(state.seconds):
                start = time.perf_counter()
                self._save(score)
                self.best_saving.done(state.seconds, time.perf_counter() - start)
        if self.attendance is not None and self.attendance.due(state):
            self.attendance.look()
            looked = True
        if self.checkpoints.due(state.seconds) and not self._on_protected():
            start = time.perf_counter()
            if self.saved_images != state.images:  # again would take the mark of the best away
                self._save()
            self.checkpoints.done(state.seconds, time.perf_counter() - start)
        return looked and self.care is not None and self.care.looked(self)

    def _draw(self) -> None:
        state = self.session.state
        path, extra = self.grid.draw(), self.grid.held_out_logits()
        extra |= self.leaks.look(self.grid.newest, self.watch)
        row = {"event": "picture", "images": state.images, "file": path.name}
        self.session.run.journal.append(row | extra)
        self.board.picture(path, state.images)
        self.watch(Pictured(state.images, path))

    def _judge(self, gauge: Gauge) -> float:
        """Measure the averaged generator; the score is better when lower."""
        state, start = self.session.state, time.perf_counter()
        found = gauge.measure()
        seconds = time.perf_counter() - start
        floors = {name: floor.mean for name, floor in found.floors.items()}
        row = {"event": "measure", "images": state.images, "n": found.n, "cost_seconds": seconds}
        self.session.run.journal.append(
            row | found.values | {f"floor {name}": value for name, value in floors.items()}
        )
        self.board.scalars(found.values, state.images)
        score = found.values[SCORE]
        self.judged = state.images, score
        self.watch(Judged(state.images, found.values, floors, score < self.best_score))
        return score

    def look_for(self, treatment: int) -> dict[str, float]:
        """What is measured before and after a treatment, by name: of the same pictures both times,
        whatever was looked at in between."""
        if self.attendance is not None:
            return self.attendance.scores(treatment)
        if self.gauge is None:
            return {}
        found = self.gauge.measure().values
        return found | {"distance": found[SCORE]}

    def noise(self, name: str) -> float:
        """By how much real pictures differ in it from others; 0 where that is not known."""
        if self.attendance is not None:
            return self.attendance.noise(name)
        if self.gauge is None:
            return 0.0
        floors = self.gauge.measure().floors
        name = SCORE if name == "distance" else name
        return floors[name].deviation if name in floors else 0.0

    def save_now(self) -> None:
        """The checkpoint of this moment, with the budget that the run has now."""
        session, images = self.session, self.session.state.images
        if self.saved_images == images and not session.prolonged:
            return
        marked = [info for info in session.run.checkpoints() if info.best and info.images == images]
        noted = marked[0].meta or {} if marked else {}
        self._save(float(noted[SCORE]) if _is_score(noted.get(SCORE)) else None)

    def _save(self, score: float | None = None) -> None:
        """score: of this very moment, if it is the best so far."""
        session, state = self.session, self.session.state
        check_weights(state)
        self.lead.agree()
        best: dict[str, Any] = {}
        if score is not None:
            self.best_score = score
            best = {"best": True, SCORE: score}
        path = session.run.save(
            state.images,
            state.weights(),
            state.tensors(),
            {
                "step": state.step,
                "counters": state.counters(),
                "budget": {"unit": session.budget.unit, "end": session.budget.end},
                "settings": explain.to_toml(session.settings),
                **({"treatment": session.treated} if session.treated else {}),
                **best,
            },
            keep=session.settings.run.keep_checkpoints,
            protected=session.trial.protected if session.trial else (),
        )
        session.run.journal.append({"event": "checkpoint", "images": state.images})
        self.saved_images = state.images
        self.watch(Saved(state.images, path))

    def _end(self, reason: str) -> None:
        state = self.session.state
        if self.saved_images != state.images:
            self._draw()
            if self.attendance is not None:
                self.attendance.last_look()
            gauge = self.gauge
            score = math.inf
            if gauge is not None and gauge.begun:
                known, score = self.judged
                score = score if known == state.images else self._judge(gauge)
            self._save(score if score < self.best_score else None)
        row = {"event": "end", "reason": reason, "images": state.images, "seconds": state.seconds}
        self.session.run.journal.append(row)
        if self.attendance is not None:
            self.attendance.consider(row)
        self.watch(Ended(reason, state.images, state.seconds, self.session.run.path))


def _gauge(session: Session, sampler: Sampler) -> Gauge | None:
    """None if it was not asked for, or with too few pictures to measure anything against."""
    settings = session.settings.run
    train = session.pictures.at_hand(session.train)
    if not (settings.measure and Gauge.possible(train)):
        return None
    images = session.pictures.images
    gauge = Gauge(
        sampler, images, train, settings.seed, session.expected_rate, session.supervision.stations
    )
    gauge.measured_images = session.state.images
    return gauge


def _best_so_far(run: Run, images: int) -> float:
    """The score of the marked checkpoint that is still there, as the training itself measured it.

    `ganwerk evaluate --every-checkpoint` marks by numbers of its own, which do not compare; if it
    marked one that the training had not measured, the lowest score so far is what counts. Rows
    beyond `images` are of a future that a killed training lost.
    """
    marked = {info.images for info in run.checkpoints() if info.best}
    rows = [row for row in run.journal.rows("measure") if row["images"] <= images]
    of_marked = [row for row in rows if row["images"] in marked]
    scores = [float(row[SCORE]) for row in of_marked or rows if _is_score(row.get(SCORE))]
    return min(scores, default=math.inf) if marked else math.inf


def _is_score(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
