"""The numbers of a journal in columns, kept while a run is looked at and read on as it grows."""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Collection, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from ganwerk.report.curves import treatments
from ganwerk.web.tail import Row, rows_after

MOST_HISTORIES = 4
"""Kept at once; the others are read again when they are looked at."""

MOST_TOLD = 1_000
"""Rows kept as they are, of each kind that is shown as such."""

CHUNK_BYTES = 1 << 20
_COUNTERS = frozenset({"step", "images", "seconds", "n", "cost_seconds"})
_MEASURED = ("step", "picture", "measure")
_TOLD = ("start", "resume", "end", "measure", "warning", "finding", "treatment", "checkpoint")

_ALWAYS = ("warning", "treatment")

Column = tuple["array[float]", "array[float]"]
Snapshot = tuple[dict[str, Column], dict[float, None], dict[str, deque[Row]]]


class History:
    """One journal. It has what `ganwerk.report.curves.plots` asks for; loss: the name of it."""

    def __init__(self, path: Path, loss: str) -> None:
        self.path, self.loss = path, loss
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self.offset = 0
        self._columns: dict[str, Column] = {}
        self._keys: dict[str, dict[str, None]] = {}
        self._resumed: dict[float, None] = {}
        self._told: dict[str, deque[Row]] = {}
        self._before: dict[float, Snapshot] = {}
        self.latest: dict[str, Row] = {}

    def read_on(self) -> None:
        """Take in what was added to the file."""
        with self._lock:
            while True:
                rows, offset = rows_after(self.path, self.offset, CHUNK_BYTES)
                if offset < 0:
                    self._forget()
                    continue
                for row in rows:
                    self._take(row)
                if offset == self.offset:
                    return
                self.offset = offset

    def _take(self, row: Row) -> None:
        event = row["event"]
        self.latest[event] = row
        if event == "resume":
            self._go_back(_number(row.get("from_images")))
        if event in _MEASURED:
            self._measure(event, row)
        if event in _TOLD:
            self._told.setdefault(event, deque(maxlen=MOST_TOLD)).append(row)
        if event == "treatment":
            self._treat(row)

    def _treat(self, row: Row) -> None:
        """One that is undone leaves nothing but what tells of it."""
        number = _number(row.get("number")) or 0
        if row.get("state") == "begun":
            self._before[number] = deepcopy((self._columns, self._resumed, self._told))
        elif number in self._before:
            before = self._before.pop(number)
            if row.get("state") == "undone":
                told = {event: self._told[event] for event in _ALWAYS if event in self._told}
                self._columns, self._resumed, self._told = before
                self._told |= told

    def _measure(self, event: str, row: Row) -> None:
        images = _number(row.get("images"))
        if images is None:
            return
        keys = self._keys.setdefault(event, {})
        for key, given in row.items():
            value = _number(given)
            if value is None or key in _COUNTERS:
                continue
            keys[key] = None
            at, values = self._columns.setdefault(key, (array("d"), array("d")))
            if at and images < at[-1]:  # of a journal that somebody put together
                continue
            at.append(images)
            values.append(value)

    def _go_back(self, images: float | None) -> None:
        """A resume does again what came after `images`."""
        if images is None:
            return
        self._resumed[images] = None
        for at, values in self._columns.values():
            kept = bisect_right(at, images)
            del at[kept:], values[kept:]
        for event, rows in self._told.items():
            if event not in ("start", "resume", "end", *_ALWAYS):
                kept_rows = [r for r in rows if (_number(r.get("images")) or 0) <= images]
                self._told[event] = deque(kept_rows, maxlen=MOST_TOLD)

    @property
    def resumed(self) -> tuple[float, ...]:
        return tuple(self._resumed)

    @property
    def treated(self) -> tuple[tuple[float, str], ...]:
        return treatments(self.told("treatment"))

    def keys(self, event: str) -> Collection[str]:
        return self._keys.get(event, {}).keys()

    def series(self, key: str) -> tuple[Sequence[float], Sequence[float]]:
        return self._columns.get(key, (array("d"), array("d")))

    def told(self, event: str) -> list[Row]:
        """The rows of an event, of the kinds that are kept."""
        return list(self._told.get(event, ()))


class Between:
    """The part of a history from `first` to `last` images, both included."""

    def __init__(self, history: History, first: float, last: float) -> None:
        self._history, self._first, self._last = history, first, last
        self.loss = history.loss

    @property
    def resumed(self) -> tuple[float, ...]:
        return tuple(at for at in self._history.resumed if self._first <= at <= self._last)

    @property
    def treated(self) -> tuple[tuple[float, str], ...]:
        return tuple(one for one in self._history.treated if self._first <= one[0] <= self._last)

    def keys(self, event: str) -> Collection[str]:
        return self._history.keys(event)

    def series(self, key: str) -> tuple[Sequence[float], Sequence[float]]:
        at, values = self._history.series(key)
        begin = max(0, bisect_right(at, self._first) - 1)
        end = bisect_right(at, self._last) + 1
        return at[begin:end], values[begin:end]


class Histories:
    """Those that were looked at last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, History] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, journal: Path, loss: str) -> History:
        """The history of a journal, up to date."""
        with self._lock:
            history = self._kept.setdefault(journal, History(journal, loss))
            self._kept.move_to_end(journal)
            while len(self._kept) > MOST_HISTORIES:
                self._kept.popitem(last=False)
        history.loss = loss
        history.read_on()
        return history


def _number(value: Any) -> float | None:
    """Rows are read as finite numbers; True is none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
