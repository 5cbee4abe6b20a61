"""The evidence of a run: what was seen of it look by look, and what is known of its pictures.

Read from the rows of a journal and the tables of a run directory, whichever of them there are: a
run of an earlier version has less, which is said.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]
MEASURED = {"FD[pixelpca64-v1]": "distance", "precision": "precision", "coverage": "coverage"}
"""What earlier versions measured while training, and what it is called in a look."""

FREEDOM = 19
"""Twenty draws of real pictures against real ones."""
TESTS, LOOKS, RUNS = 12, 50, 100
LIMIT = statistics.NormalDist().inv_cdf(1 - 0.5 / (TESTS * LOOKS * RUNS))
"""Beyond it, up or down, a real score lies once in a hundred runs of fifty looks at twelve scores
(Bonferroni): 4.8 deviations."""


def finite(value: object) -> float | None:
    """A finite number below 10^15, or None: anybody may have written into a journal."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e15 else None


@dataclass(frozen=True, slots=True)
class Look:
    """values: what was seen after so many images, by name."""

    images: int
    values: Mapping[str, float]

    def get(self, name: str) -> float | None:
        """A finite number, or None where it was not seen."""
        return finite(self.values.get(name))


@dataclass
class Course:
    """What is known of a run. It grows row by row while a training is watched.

    null: mean and deviation of each score of real pictures against real ones; n: how many of each.
    health: of data.json. settings: nested tables of run.toml. total_images: the budget; 0 if not
    known. born: the progress at which the game that is looked at began, above 0 where the run began
    again. ended: the reason of the last 'end', '' while it runs or if it broke off. diverged: what
    was not finite, ''. gaps: what could not be read, in words.
    """

    looks: list[Look] = field(default_factory=list)
    null: dict[str, tuple[float, float]] = field(default_factory=dict)
    n: int = 0
    health: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    total_images: int = 0
    images: int = 0
    born: float = 0.0
    ended: str = ""
    diverged: str = ""
    gaps: list[str] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Take in a row of the journal; of any version, whatever is in it."""
        event, images = row.get("event"), int(finite(row.get("images")) or 0)
        self.images = max(self.images, images)
        if event == "null":
            self._bands(row)
        elif event == "look":
            self.looks.append(Look(images, row))
        elif event == "measure" and not self.n:
            self._measured(row)
        elif event == "warning" and row.get("diverged"):
            self.diverged = str(row.get("message", "a number is not finite"))
        elif event == "end":
            self.ended = str(row.get("reason", ""))
        elif event in ("resume", "start"):
            self.ended = self.diverged = ""

    def _bands(self, row: Row) -> None:
        for name, pair in row.items():
            known = [finite(part) for part in pair] if isinstance(pair, list) else []
            match known:
                case [float(mean), float(deviation)]:
                    self.null[name] = mean, deviation
        self.n = int(finite(row.get("n")) or 0)
        self.looks = [look for look in self.looks if "n" not in look.values]

    def _measured(self, row: Row) -> None:
        """A look of an earlier version: of its three scores the floors are known, and taken to vary
        by a twentieth."""
        values = {new: row[old] for old, new in MEASURED.items() if old in row}
        for old, new in MEASURED.items():
            floor = finite(row.get(f"floor {old}"))
            if floor is not None:
                self.null[new] = floor, abs(floor) / 20
        self.looks.append(Look(int(finite(row.get("images")) or 0), values | {"n": 0.0}))

    def progress(self, i: int) -> float:
        """From 0 to 1: how far the run was at look i."""
        told = self.looks[i].get("progress")
        if told is not None:
            return min(1.0, max(0.0, told))
        total = self.total_images or self.images
        return min(1.0, self.looks[i].images / total) if total else 1.0

    def age(self, i: int) -> float:
        """The share of the run that the weights of look i had learned for."""
        return self.progress(i) - self.born

    def begin_again(self) -> None:
        """Another game goes on in the same run: nothing was seen of it yet."""
        self.born = self.progress(len(self.looks) - 1) if self.looks else 0.0
        self.looks = []

    def value(self, name: str, i: int) -> float | None:
        return self.looks[i].get(name)

    def share(self, name: str, i: int) -> float | None:
        """A score over what real pictures score; None where one of them is not known."""
        value, band = self.value(name, i), self.null.get(name)
        return value / band[0] if value is not None and band and band[0] > 0 else None

    def deviations(self, name: str, i: int) -> float | None:
        """How far a score lies above what real pictures score, as the normal deviate that is as
        rare: their deviation was measured too, so it is Student's t (Wallace 1959, Bounds on normal
        approximations to Student's and the chi-square distributions)."""
        value, band = self.value(name, i), self.null.get(name)
        if value is None or band is None:
            return None
        t = (value - band[0]) / max(band[1], 1e-3 * max(1.0, abs(band[0])))
        root = math.sqrt(FREEDOM * math.log1p(t * t / FREEDOM))
        return math.copysign(root * (8 * FREEDOM + 1) / (8 * FREEDOM + 3), t)

    def outside(self, name: str, i: int) -> bool:
        """Whether a score lies beyond what real pictures score in one of a hundred whole runs.
        What real ones score is not known of some runs: then it is taken to."""
        deviations = self.deviations(name, i)
        return deviations is None or abs(deviations) > LIMIT

    def series(self, name: str, until: int) -> list[float]:
        """The values seen up to look `until`, oldest first."""
        found = (self.value(name, i) for i in range(until + 1))
        return [value for value in found if value is not None]

    def recent(self, name: str, until: int, count: int) -> list[float]:
        """The last `count` values seen up to look `until`, oldest first."""
        found: list[float] = []
        for i in range(until, -1, -1):
            value = self.value(name, i)
            if value is not None:
                found.append(value)
            if len(found) == count:
                break
        return found[::-1]

    def ago(self, i: int, share: float) -> int | None:
        """The last look that lies so much of the run, or more, before look i; None if none does."""
        latest = self.progress(i) - share
        return next((k for k in range(i - 1, -1, -1) if self.progress(k) <= latest), None)

    def setting(self, key: str) -> Any:
        """A setting by its dotted key; None if it is not known."""
        here: Any = self.settings
        for part in key.split("."):
            if not isinstance(here, Mapping):
                return None
            here = here.get(part)
        return here

    def counted(self, name: str) -> int:
        """A number of the health report, or how long its list is; 0 if it is not known."""
        value = self.health.get(name)
        return len(value) if isinstance(value, list | tuple) else int(finite(value) or 0)
