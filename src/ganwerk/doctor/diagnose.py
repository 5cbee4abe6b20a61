"""The diagnosis of a run by its directory alone. Torch-free."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganwerk.doctor.course import Course, finite
from ganwerk.doctor.verdict import Diagnosis, Doctor
from ganwerk.errors import GanwerkError
from ganwerk.run import Run
from ganwerk.run.gaps import Gaps

GALLERY = {
    "doctor-alike.png": "Drawn pictures beside those that are most like them.",
    "doctor-copies.png": "Left what was drawn, right the training picture nearest to it.",
    "doctor-ignored.png": "Your pictures that are least like anything that is drawn.",
    "doctor-waiting.png": "Your pictures that the judge finds most real: drawn too rarely.",
    "doctor-attention.png": "The mean of your pictures and where the judge looks in them; the same "
    "of what is drawn. Bright at the border or in a corner: it has found a shortcut.",
}
"""Pictures that a closer look (doctor.deep) writes into the run, and what they show."""


def diagnose_run(run: Run, rows: Sequence[Mapping[str, Any]] | None = None) -> Diagnosis:
    """What can be said of a run: finished, stopped, broken off, or being trained in this moment.
    rows: those of its journal, where somebody has read them already.

    What is missing or damaged becomes a gap, not an error.
    """
    gaps = Gaps()
    nothing: dict[str, Any] = {}
    health = _table(gaps.read(lambda: run.data, nothing), "health")
    plan = _table(gaps.read(lambda: run.about, nothing), "plan")
    course = Course(
        health=health,
        settings=gaps.read(lambda: _settings(run), nothing),
        total_images=int(finite(plan.get("total_images")) or 0),
        gaps=gaps,
    )
    if rows is None:
        no_rows: list[dict[str, Any]] = []
        rows = gaps.read(lambda: run.journal.rows(), no_rows)
    if not rows:
        gaps.append(f"The run {run.path} has no journal: what happened in it is not known.")
    if run.journal.torn:
        gaps.append(f"{run.journal.torn} damaged lines of the journal were passed over.")
    if not health:
        gaps.append("The health report of the pictures is missing (data.json).")
    doctor = Doctor(course)
    for row in rows:
        doctor.add(row)
    return doctor.finish()


def diagnose(path: Path) -> Diagnosis:
    """Of the run in a folder. Raises RunError if there is none."""
    return diagnose_run(Run.open(path))


def _settings(run: Run) -> dict[str, Any]:
    try:
        return tomllib.loads(run.settings_toml)
    except tomllib.TOMLDecodeError as error:
        raise GanwerkError(f"{run.settings_path} is no TOML: {error}.") from error


def _table(values: Any, name: str) -> dict[str, Any]:
    found = values.get(name) if isinstance(values, dict) else None
    return found if isinstance(found, dict) else {}
