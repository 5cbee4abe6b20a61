"""The doctor at a training: looks when it is due, writes that down, and says what it found."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ganwerk.doctor.course import Course
from ganwerk.doctor.finding import Finding
from ganwerk.doctor.verdict import FIRST_LOOKS, Doctor
from ganwerk.errors import DivergedError
from ganwerk.game.state import TrainState
from ganwerk.runtime.events import Found, Watcher
from ganwerk.training.exam import Examiner
from ganwerk.training.session import Session

OF_PICTURES = "GW1"
"""Findings on the given pictures: the health report has said them before the first step."""


class Attendance:
    """Watches one training process. The journal has all that it knows."""

    def __init__(self, session: Session, watch: Watcher) -> None:
        self.session, self.watch = session, watch
        self.examiner = Examiner(
            session.settings,
            session.recipe,
            session.state,
            session.pictures,
            session.feeder,
            session.pictures.at_hand(session.train),
            session.held_out,
            session.expected_rate,
        )
        self.doctor = Doctor(
            Course(
                health=session.pictures.health.to_dict(),
                settings=session.settings.model_dump(),
                total_images=int(session.state.horizon_images),
            )
        )
        rows = session.run.journal.rows()
        for row in rows:
            self.doctor.add(row)
        self._settle(rows)

    def _settle(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """What a treatment that began or was undone has changed, the journal does not say yet."""
        told = {row["code"]: row for row in rows if row.get("event") == "finding" and "code" in row}
        newest = {finding.code: finding for finding in self.doctor.found}
        for code in told.keys() & newest.keys():
            row, finding = told[code], newest[code]
            other = row.get("weight") != finding.weight if finding.lasts else False
            if row.get("over") is finding.lasts or other:
                self._say(finding)

    def due(self, state: TrainState) -> bool:
        return self.examiner.due(state)

    def look(self) -> None:
        """Look now. Raises DivergedError if a picture is not finite."""
        examiner, state, start = self.examiner, self.session.state, time.perf_counter()
        self._prepare()
        ready = time.perf_counter()
        found = examiner.look(state)
        over = time.perf_counter()
        row = {"event": "look", "images": state.images, "step": state.step,
               "cost_seconds": over - start}  # fmt: skip
        examiner.done(state, over - ready)
        self.add(row | found)

    def _prepare(self) -> None:
        """Before the first look: what real pictures score against real ones."""
        if self.examiner.ready:
            return
        null = self.examiner.null()
        if null:
            images = self.session.state.images
            self.add({"event": "null", "images": images, "n": self.examiner.n} | null)

    def scores(self, number: int) -> dict[str, float]:
        """What a look sees now in pictures whose inputs follow from `number` alone."""
        self._prepare()
        return self.examiner.look(self.session.state, number)

    def noise(self, name: str) -> float:
        """By how much a score differs among real pictures; 0 where that is not known."""
        self._prepare()
        return self.doctor.course.null.get(name, (0.0, 0.0))[1]

    def last_look(self) -> None:
        """At the end. A run too short for enough looks gets them now, each with fresh pictures, if
        that costs little of its time."""
        state, looks = self.session.state, self.doctor.course.looks
        if not self.examiner.begun and not self.examiner.affordable(state):
            return
        if not looks or looks[-1].images != state.images:
            self.look()
        while len(self.doctor.course.looks) < FIRST_LOOKS:
            self.look()

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a row into the journal, and what follows from it."""
        self.session.run.journal.append(row)
        self.consider(row)

    def consider(self, row: Mapping[str, Any]) -> None:
        """Take in a row that stands in the journal."""
        for finding in self.doctor.add(row):
            self._say(finding)

    def diverged(self, error: DivergedError) -> None:
        """The training ends with this."""
        row = {"event": "warning", "images": self.session.state.images, "diverged": True}
        self.add(row | {"message": error.message, "hint": error.hint})

    def _say(self, finding: Finding) -> None:
        images = self.session.state.images
        self.session.run.journal.append(
            {
                "event": "finding",
                "images": images,
                "code": finding.code,
                "name": finding.name,
                "weight": finding.weight,
                "text": finding.text,
                "since_images": finding.since_images,
                "sureness": finding.sureness,
                "over": not finding.lasts,
            }
        )
        if not finding.code.startswith(OF_PICTURES):
            self.watch(
                Found(
                    finding.code, finding.name, finding.weight, finding.measured, images,
                    not finding.lasts,
                )
            )  # fmt: skip


def attendance_of(session: Session, watch: Watcher) -> Attendance | None:
    """None if the doctor is not wanted."""
    return None if session.settings.run.doctor == "off" else Attendance(session, watch)
