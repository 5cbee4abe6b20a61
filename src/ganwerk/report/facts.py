"""What a run has to tell, gathered once from its directory; parts that are missing are named."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ganwerk.config.explain import Explained, explain
from ganwerk.config.load import from_toml
from ganwerk.config.schema import Settings
from ganwerk.doctor.diagnose import diagnose_run
from ganwerk.doctor.verdict import Diagnosis
from ganwerk.errors import typed
from ganwerk.game.equilibrium import EQUILIBRIA
from ganwerk.report.curves import treatments
from ganwerk.report.wording import duration, images, speed
from ganwerk.run import CheckpointInfo, Run
from ganwerk.run.files import plain
from ganwerk.run.gaps import Gaps
from ganwerk.run.state import Row, State, state_of

_RECENT_ROWS = 20
_NOT_MEASURED = frozenset({"event", "step", "images", "seconds"})


@dataclass(frozen=True, slots=True)
class Facts:
    """A run as the report tells it.

    gaps: what could not be read, in words. grids: images seen and file of each grid, oldest first.
    """

    run: Run
    state: State
    rows: tuple[Row, ...]
    about: dict[str, Any]
    health: dict[str, Any]
    settings: Settings | None
    explained: tuple[Explained, ...]
    checkpoints: tuple[CheckpointInfo, ...]
    grids: tuple[tuple[int, Path], ...]
    gaps: tuple[str, ...]
    now: str
    diagnosis: Diagnosis

    def of(self, event: str) -> list[Row]:
        return [row for row in self.rows if row.get("event") == event]

    def table(self, name: str) -> dict[str, Any]:
        """A table of about.json; empty if it is missing."""
        found = self.about.get(name)
        return found if isinstance(found, dict) else {}

    @property
    def images(self) -> int:
        """Images seen so far."""
        return int(max((number(row, "images") or 0 for row in self.rows), default=0))

    @property
    def seconds(self) -> float:
        """Time spent training."""
        return max((number(row, "seconds") or 0.0 for row in self.rows), default=0.0)

    @property
    def total_images(self) -> int:
        """The budget; 0 if unknown."""
        return int(number(self.table("plan"), "total_images") or 0)

    @property
    def images_per_second(self) -> float:
        """Of late while training runs, else over all of it; 0 if unknown."""
        recent = [number(row, "images_per_second") for row in self.of("step")[-_RECENT_ROWS:]]
        known = sorted(value for value in recent if value)
        late = known[len(known) // 2] if known else 0.0
        overall = self.images / self.seconds if self.seconds else 0.0
        return (late or overall) if self.state is State.RUNNING else (overall or late)

    @property
    def loss(self) -> str:
        """The name of the loss; '' if unknown."""
        if self.settings is not None:
            return self.settings.game.loss
        return str(self.table("plan").get("loss", ""))

    @property
    def resumed(self) -> tuple[float, ...]:
        """The images from which it was resumed."""
        marks = (number(row, "from_images") for row in self.of("resume"))
        return tuple(dict.fromkeys(mark for mark in marks if mark is not None))

    @property
    def treated(self) -> tuple[tuple[float, str], ...]:
        """Where treatments began, and what came of each."""
        return treatments(self.of("treatment"))

    def keys(self, event: str) -> list[str]:
        """What rows of this event hold, in the order in which it first came."""
        return list(dict.fromkeys(key for row in self.of(event) for key in row))

    def series(self, key: str) -> tuple[list[float], list[float]]:
        """Images and values of a key, from rows of steps, pictures and measures."""
        rows = (*self.of("step"), *self.of("picture"), *self.of("measure"))
        pairs = ((number(row, "images"), number(row, key)) for row in rows)
        sound = sorted((at, value) for at, value in pairs if at is not None and value is not None)
        return [at for at, _ in sound], [value for _, value in sound]

    @property
    def real_path(self) -> Path:
        """The grid of real pictures, which may not be there yet."""
        return self.run.pictures_path / "real.png"


def number(row: Row, key: str) -> float | None:
    """A finite number of a row, or None."""
    value = row.get(key)
    sound = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if sound and value is not None else None


def gather(run: Run) -> Facts:
    """Read everything once. What is missing or damaged becomes a gap, not an error."""
    gaps = Gaps()
    about = run.about
    rows: Sequence[Row] = gaps.read(run.journal.rows, [])
    if run.journal.torn:
        gaps.append(f"{run.journal.torn} damaged lines of the journal were passed over.")
    nothing: dict[str, Any] = {}
    origins = gaps.read(lambda: run.origins, nothing)
    settings = gaps.read(lambda: _settings(run), None)
    health = gaps.read(lambda: run.data, nothing).get("health")
    return Facts(
        run=run,
        state=state_of(run.path, rows),
        rows=tuple(rows),
        about=about,
        health=health if isinstance(health, dict) else {},
        settings=settings,
        explained=tuple(explain(settings, origins)) if settings else (),
        checkpoints=tuple(gaps.read(run.checkpoints, [])),
        grids=tuple(_grids(run, rows)),
        gaps=tuple(gaps),
        now=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        diagnosis=diagnose_run(run, rows),
    )


def _settings(run: Run) -> Settings | None:
    return from_toml(run.settings_toml, str(run.settings_path))


def _grids(run: Run, rows: Sequence[Row]) -> list[tuple[int, Path]]:
    """The grids that are there. The journal knows which of them a resume has left behind."""
    told = {number(row, "images") for row in rows if row.get("event") == "picture"}
    found = sorted(
        (int(path.stem.removeprefix("grid-")), path)
        for path in run.pictures_path.glob("grid-*.png")
        if path.stem.removeprefix("grid-").isdecimal()
    )
    return [(count, path) for count, path in found if not told or count in told]


def verdict(facts: Facts) -> str:
    """How the run stands, in a sentence or two."""
    seen, total = facts.images, facts.total_images
    count = f"{seen:,} of {total:,} images" if total > seen else images(seen)
    tail = f" in {duration(facts.seconds)}" if facts.seconds else ""
    tail += f", {speed(facts.images_per_second)}" if facts.images_per_second else ""
    sentences = {
        State.WAITING: "Nothing has been trained yet.",
        State.RUNNING: f"In training: {count} seen{tail}{_time_left(facts)}.",
        State.STOPPED: f"Stopped after {count}{tail}. {_from_where(facts)}",
        State.FINISHED: f"Finished after {images(seen)}{tail}.",
        State.INTERRUPTED: f"Broken off after {count}{tail}: killed, crashed or out of power. "
        f"{_from_where(facts)}",
    }
    return sentences[facts.state]


def _time_left(facts: Facts) -> str:
    left, pace = facts.total_images - facts.images, facts.images_per_second
    return f"; about {duration(left / pace)} left" if left > 0 and pace else ""


def _from_where(facts: Facts) -> str:
    sound = [info.images for info in facts.checkpoints if not info.damage]
    if not sound:
        return "No checkpoint was saved by then."
    return f"It can go on from the checkpoint at {images(sound[-1])}."


def commands(facts: Facts) -> list[tuple[str, str]]:
    """How to go on: what it does, and what to type."""
    run = typed(facts.run.path)
    going_on = {
        State.FINISHED: ("Train 20 minutes more", f"ganwerk resume {run} --minutes 20"),
        State.RUNNING: ("Go on, should it stop", f"ganwerk resume {run}"),
    }
    return [
        going_on.get(facts.state, ("Go on training", f"ganwerk resume {run}")),
        ("Draw pictures", f"ganwerk sample {run} --seeds 0-63 --out out/ --grid"),
        ("Write this report anew", f"ganwerk report {run}"),
        ("See every setting and its origin", f"ganwerk config explain {run}"),
    ]


def warnings(facts: Facts) -> list[tuple[str, str]]:
    """Message and hint of each warning, the same one only once, then what could not be read."""
    told = [(str(row.get("message", "")), str(row.get("hint", ""))) for row in facts.of("warning")]
    return [*dict.fromkeys(told), *((gap, "") for gap in facts.gaps)]


def latest(facts: Facts) -> dict[str, float]:
    """The last value of each thing that steps measure."""
    found: dict[str, float] = {}
    for row in facts.of("step"):
        measured = {key: number(row, key) for key in row if key not in _NOT_MEASURED}
        found |= {key: value for key, value in measured.items() if value is not None}
    return found


def summary(facts: Facts) -> dict[str, Any]:
    """The facts as JSON values."""
    rest = EQUILIBRIA.get(facts.loss)
    values: dict[str, Any] = {
        "run": str(facts.run.path),
        "name": facts.run.name,
        "state": str(facts.state),
        "verdict": verdict(facts),
        "created": facts.about.get("created"),
        "images": facts.images,
        "total_images": facts.total_images or None,
        "seconds": facts.seconds,
        "images_per_second": facts.images_per_second or None,
        "loss": facts.loss or None,
        "equilibrium": rest and {"d_loss": rest.d, "g_loss": rest.g, "value": rest.value},
        "latest": latest(facts),
        "resumed_at_images": [row.get("from_images") for row in facts.of("resume")],
        "grids": [{"images": count, "file": str(path)} for count, path in facts.grids],
        "health": facts.health,
        "settings": [asdict(line) for line in facts.explained],
        "plan": facts.table("plan"),
        "machine": facts.table("machine"),
        "choices": facts.table("choices"),
        "checkpoints": [
            {
                "images": info.images,
                "path": str(info.path),
                "size_bytes": info.size_bytes,
                "created": info.created,
                "best": info.best,
                "damage": info.damage,
            }
            for info in facts.checkpoints
        ],
        "warnings": [{"message": message, "hint": hint} for message, hint in warnings(facts)],
        "diagnosis": facts.diagnosis.to_dict(),
        "commands": [{"does": does, "command": command} for does, command in commands(facts)],
    }
    result: dict[str, Any] = plain(_finite(values))
    return result


def _finite(value: Any) -> Any:
    """`value` with None for every number that JSON has no word for."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
