"""A run in a few facts: what a card of the page shows, and what tells whether it changed."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ganwerk.errors import GanwerkError
from ganwerk.run import Run
from ganwerk.run.making import ABOUT
from ganwerk.run.state import State, state_of
from ganwerk.web.launches import Launch, Launches
from ganwerk.web.run_table import RunTable, id_of
from ganwerk.web.tail import LastRows, Row

_TURNS = ("start", "resume", "end")
_SHOWN = ("step", "measure", "picture")
_FINDINGS = "finding"
_WEIGHTS = ("act", "watch", "note")

Mark = tuple[Any, ...]


class Cards:
    """Cards of all runs, and of trainings that are not runs yet; made anew where files changed."""

    def __init__(self, runs: RunTable, launches: Launches) -> None:
        self._runs, self._launches = runs, launches
        self._made: dict[Path, tuple[Mark, dict[str, Any], LastRows]] = {}

    def all(self) -> dict[str, dict[str, Any]]:
        """By id, the facts of each as JSON values."""
        places = self._runs.all()
        cards = {run: self._of(path) for run, path in places.items()}
        kept = set(places.values())
        self._made = {path: made for path, made in list(self._made.items()) if path in kept}
        for launch in self._launches.all():
            if launch.run not in kept:
                cards[id_of(launch.run)] = _begun(launch)
        return cards

    def _of(self, path: Path) -> dict[str, Any]:
        mark = _mark(path)
        known = self._made.get(path)
        if known is not None and known[0] == mark:
            return known[1] | _standing(path, known[1])
        fresh = LastRows(path / "journal.jsonl", (*_TURNS, *_SHOWN), (_FINDINGS,))
        rows = known[2] if known is not None else fresh
        card = _card(path, rows.now())
        self._made[path] = (mark, card, rows)
        return card


def _begun(launch: Launch) -> dict[str, Any]:
    """A training that has made no run yet: it prepares, or it came to nothing."""
    alive = launch.alive
    error = launch.error or {"message": launch.last_words or "It ended without a word.", "hint": ""}
    moment = datetime.fromtimestamp(launch.started, UTC).isoformat(timespec="seconds")
    return {
        "id": id_of(launch.run),
        "name": launch.run.name,
        "folder": launch.run.parent.name,
        "state": "starting" if alive else "failed",
        "created": moment,
        "images": 0,
        "total_images": 0,
        "command": launch.command,
        "pid": launch.pid,
        "said": launch.last_words,
        "trouble": "" if alive else error["message"],
        "hint": "" if alive else error["hint"],
    }


def _mark(path: Path) -> Mark:
    """What changes with the files of a run."""
    marks: list[Any] = []
    for name in ("journal.jsonl", ABOUT, "lock"):
        with suppress(OSError):
            seen = os.stat(path / name)
            marks.append((name, seen.st_size, seen.st_mtime_ns))
    return tuple(marks)


def _standing(path: Path, card: dict[str, Any]) -> dict[str, Any]:
    """A process may die without a word: a run that is training is looked at each time."""
    if card["state"] != State.RUNNING:
        return {}
    return {"state": str(state_of(path, [card["turn"]]))}


def _card(path: Path, last: dict[str, list[Row]]) -> dict[str, Any]:
    try:
        about, trouble = Run.open(path).about, ""
    except GanwerkError as error:
        about, trouble = {}, error.message
    findings = lasting(last.pop(_FINDINGS, []))
    rows = {event: found[-1] for event, found in last.items()}
    turn = _turn(rows)
    step, plan = rows.get("step", {}), table(about, "plan")
    images = max((int(count(row.get("images"))) for row in rows.values()), default=0)
    seconds = count(step.get("seconds"))
    total = count(plan.get("total_images"))
    share = _share(path, images, seconds) or (images / total if total > images else None)
    return {
        "id": id_of(path),
        "name": path.name,
        "folder": path.parent.name,
        "state": str(state_of(path, [turn] if turn else [])),
        "turn": turn,
        "trouble": trouble,
        "created": about.get("created"),
        "images": images,
        "total_images": int(total),
        "seconds": seconds,
        "share": share,
        "left_seconds": seconds / share - seconds if share else None,
        "images_per_second": count(step.get("images_per_second")),
        "measure": rows.get("measure"),
        "grid": newest_grid(path),
        "findings": findings,
        "plan": {key: plan.get(key) for key in ("data", "pictures", "resolution", "channels",
                 "classes", "conditional", "preset", "network", "loss")},
    }  # fmt: skip


def _share(path: Path, images: int, seconds: float) -> float | None:
    """How much of its budget is used, from 0 to 1, by the newest checkpoint, which says how much
    there is; None where nobody knows, and where a resume has prolonged it since."""
    try:
        known = [info.meta for info in Run(path).checkpoints() if info.meta]
        budget = known[-1]["budget"]
        used = seconds if budget["unit"] == "seconds" else images
        share = float(used / budget["end"])
        return share if share < 1 else None
    except (GanwerkError, LookupError, TypeError, ValueError, ArithmeticError):
        return None


def _turn(rows: dict[str, Row]) -> Row | None:
    """What happened last to the training as a whole."""
    turns = [row for event, row in rows.items() if event in _TURNS]
    return turns[-1] if turns else None


def lasting(rows: list[Row]) -> list[Row]:
    """Of rows of findings, oldest first, the newest of each kind that is not over, the gravest
    first."""
    newest = {str(row.get("code")): row for row in rows}
    kept = [row for row in newest.values() if not row.get("over")]
    grave = {weight: place for place, weight in enumerate(_WEIGHTS)}
    return sorted(kept, key=lambda row: grave.get(str(row.get("weight")), len(_WEIGHTS)))


def table(about: dict[str, Any], name: str) -> dict[str, Any]:
    """A table of about.json; empty if it is missing."""
    found = about.get(name)
    return found if isinstance(found, dict) else {}


def count(value: object) -> float:
    """A number of a file that anybody may have written; 0 for anything else."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0


def grids(path: Path) -> list[int]:
    """Images seen at each grid that is there, in order."""
    found = []
    with suppress(OSError), os.scandir(path / "pictures") as entries:
        for entry in entries:
            stem, ending = os.path.splitext(entry.name)
            number = stem.removeprefix("grid-")
            if ending == ".png" and stem != number and number.isdecimal():
                found.append(int(number))
    return sorted(found)


def newest_grid(path: Path) -> int | None:
    """Images seen at the newest grid, None without one."""
    found = grids(path)
    return found[-1] if found else None
