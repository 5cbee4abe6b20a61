"""Scores what was kept: each run's diagnosis beside what the oracle says of it."""

from __future__ import annotations

import math
import statistics
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.doctor.cases import BROKEN
from bench.doctor.oracle import WAYS, Truth, truth
from bench.doctor.play import CASES, Job
from ganwerk.doctor.course import Course
from ganwerk.doctor.verdict import Diagnosis, Doctor

BROKEN_NAMES = {case.name for case in BROKEN}
FIRST = 2
"""The right finding must be among so many."""
AS_TURNED_OUT = {"one picture", "one per class", "kinds lost", "classes mixed", "stopped"}
"""Ways of failing that a finding says in these very words: it is right, whatever was meant."""


@dataclass(frozen=True)
class Scored:
    """A run: what it was meant to be, what the oracle says, what the doctor says. begun: the share
    of the run from which on a right finding stood until the end, None if there is none. test:
    whether it was played when all rules and limits stood."""

    job: Job
    truth: Truth
    diagnosis: Diagnosis
    begun: float | None
    right: frozenset[str]
    tutorial: bool = False
    test: bool = True

    @property
    def broken(self) -> bool:
        return bool(self.truth.failed)

    @property
    def named(self) -> bool:
        """Whether a right finding is among the first."""
        return any(f.code in self.right for f in self.diagnosis.lasting[:FIRST])

    @property
    def alarmed(self) -> bool:
        """Whether a finding of weight 'act' was ever made."""
        return any(f.weight == "act" for f in self.diagnosis.findings)

    @property
    def passed(self) -> bool:
        """Whether such a finding was made, and none was left at the end."""
        return self.alarmed and all(f.weight != "act" for f in self.diagnosis.lasting)

    @property
    def delay(self) -> float | None:
        """Share of the run from the oracle's onset to the finding; below 0 if the doctor was first.
        None if there was none."""
        return None if self.begun is None else self.begun - self.truth.onset


def course_of(kept: dict[str, Any]) -> Course:
    return Course(
        health=kept["health"],
        settings=tomllib.loads(kept["settings"]),
        total_images=int(kept["about"]["plan"]["total_images"]),
    )


def rows_of(kept: dict[str, Any]) -> list[dict[str, Any]]:
    """The journal of a run. What stopped it is a row of its own."""
    rows: list[dict[str, Any]] = [row for row in kept["rows"] if row["event"] != "finding"]
    looks = [i for i, row in enumerate(rows) if row["event"] == "look"]
    if len(looks) > 1 and rows[looks[-1]]["images"] == rows[looks[-2]]["images"]:
        del rows[looks[-1]]  # the same moment again, as the version that was played did
    if kept["stopped"] and not any(row.get("diverged") for row in rows):
        last = max((row.get("images", 0) for row in rows), default=0)
        rows.append({"event": "warning", "images": last, "diverged": True,
                     "message": kept["stopped"]})  # fmt: skip
    return rows


def diagnosed(kept: dict[str, Any], right: Collection[str]) -> tuple[Diagnosis, float | None]:
    """The diagnosis, and the share of the run from which on one of the `right` findings stood,
    not always the same one: a judge that wins becomes a rate that is too low. None: none did."""
    doctor = Doctor(course_of(kept))
    begun = None
    for row in rows_of(kept):
        doctor.add(row)
        standing = {finding.code for finding in doctor.diagnosis().lasting}
        if not standing & set(right):
            begun = None
        elif begun is None:
            begun = _progress(row, doctor.course)
    diagnosis = doctor.finish()
    if begun is None and {f.code for f in diagnosis.lasting} & set(right):
        begun = 1.0
    return diagnosis, begun


def _progress(row: dict[str, Any], course: Course) -> float:
    """How far the run was at this row of its journal; what is known before its first image, 0."""
    if "progress" in row:
        return float(row["progress"])
    total = course.total_images or course.images
    return min(1.0, row.get("images", 0) / total) if total else 0.0


def length_of(kept: dict[str, Any]) -> int:
    """The images that a plain run of its kind was given."""
    total = int(kept["about"]["plan"]["total_images"])
    return round(total / CASES[kept["job"][0]].images)


def twins(everything: Sequence[dict[str, Any]]) -> dict[tuple[str, str, int], float]:
    """The distance that a healthy plain run reaches, by set, network and length."""
    found: dict[tuple[str, str, int], list[float]] = {}
    for kept in everything:
        job = Job(*kept["job"])
        if job.case == "plain" and kept.get("oracle") and not kept["stopped"]:
            key = job.data, job.network, length_of(kept)
            found.setdefault(key, []).append(kept["oracle"][-1]["distance"])
    return {key: statistics.median(values) for key, values in found.items()}


def scored(everything: Sequence[dict[str, Any]]) -> list[Scored]:
    """All runs that can be judged: those whose set and network have a healthy twin."""
    known = twins(everything)
    made = []
    for kept in everything:
        if "failed" in kept:
            continue
        job = Job(*kept["job"])
        twin = known.get((job.data, job.network, length_of(kept)))
        if twin is None:
            continue
        true = truth(kept["oracle"], twin, bool(kept["stopped"]))
        right = set(CASES[job.case].codes) - {"GW102"}  # said of the number alone
        for way in true.failed if job.case not in BROKEN_NAMES else ():
            right |= set(WAYS[way])
        for way in {*true.failed, *true.near} & AS_TURNED_OUT:
            right |= set(WAYS[way])  # so it turned out, or may have, whatever was meant
        diagnosis, begun = diagnosed(kept, right)
        alarm = tutorial_alarms(kept)
        test = kept.get("part", "test") == "test"
        made.append(Scored(job, true, diagnosis, begun, frozenset(right), alarm, test))
    return made


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """A 95 % interval of a share. Wilson 1927, Probable inference."""
    if not of:
        return 0.0, 1.0
    share = hits / of
    middle = share + z * z / (2 * of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    low, high = middle - half, middle + half
    return max(0.0, low / (1 + z * z / of)), min(1.0, high / (1 + z * z / of))


@dataclass(frozen=True)
class Summary:
    """Counts of a part."""

    broken: int
    named: int
    healthy: int
    silent: int
    passed: int
    doubtful: int
    survived: int
    delays: tuple[float, ...]
    confusion: Counter[tuple[str, str]]
    tutorial_right: int
    tutorial_silent: int


def summary(runs: Iterable[Scored]) -> Summary:
    runs = list(runs)
    clear = [run for run in runs if not run.truth.doubtful]
    broken = [run for run in clear if run.broken]
    healthy = [run for run in clear if not run.broken]
    confusion: Counter[tuple[str, str]] = Counter()
    for run in clear:
        meant = "+".join(run.truth.failed) or "healthy"
        first = run.diagnosis.lasting[0].code if run.diagnosis.lasting else "nothing"
        confusion[meant, first] += 1
    return Summary(
        broken=len(broken),
        named=sum(run.named for run in broken),
        healthy=len(healthy),
        silent=sum(not run.alarmed for run in healthy),
        passed=sum(run.passed for run in healthy),
        doubtful=len(runs) - len(clear),
        survived=sum(run.job.case in BROKEN_NAMES for run in healthy),
        delays=tuple(run.delay for run in broken if run.named and run.delay is not None),
        confusion=confusion,
        tutorial_right=sum(run.tutorial for run in broken),
        tutorial_silent=sum(not run.tutorial for run in healthy),
    )


def tutorial_alarms(kept: dict[str, Any]) -> bool:
    """The rule of most tutorials: something is wrong where D is right in over 95 of 100 cases, or
    in fewer than 55, in three of the last four looks."""
    looks = [row for row in kept["rows"] if row["event"] == "look"][-4:]
    return sum(not 0.55 <= row.get("d_right", 0.7) <= 0.95 for row in looks) >= 3


def line(run: Scored) -> str:
    """One run in a line, for whoever sets thresholds."""
    findings = " ".join(
        f"{f.code}{'' if f.lasts else '-'}({f.weight[0]})" for f in run.diagnosis.findings[:5]
    )
    true = "+".join(run.truth.failed) or ("doubtful" if run.truth.doubtful else "healthy")
    mark = "ok " if (run.named if run.broken else not run.alarmed) else "BAD"
    mark = "-- " if run.truth.doubtful else mark
    return f"{mark} {run.job.name:44s} {true:34s} {findings}"
