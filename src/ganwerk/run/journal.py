"""The diary of a run: one JSON object a line, only ever appended to."""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ganwerk.errors import DivergedError, RunError
from ganwerk.run.files import NotFiniteError, disk_errors, from_json, patiently, plain

EVENTS = (
    "start", "resume", "step", "picture", "measure", "null", "look", "finding", "checkpoint",
    "warning", "treatment", "end",
)  # fmt: skip
"""What a row can be about; its `event`."""

_REPEATABLE = ("step", "picture", "measure", "look", "finding", "checkpoint")
_NEEDED = {"resume": ("from_images",), "step": ("step", "images")} | {
    event: ("images",) for event in ("picture", "measure", "look", "null", "finding", "checkpoint")
}
_NEEDED["treatment"] = ("images", "number")
_ALWAYS_TOLD = ("treatment", "warning")
_DIGITS = 6
_LARGEST = 2**63


class Journal:
    """journal.jsonl of a run.

    One process appends, under the lock of the run; any number may read at the same time. A line is
    written by one system call, so that a kill leaves whole lines; what a power cut tears is
    skipped by readers and never glued to the next line.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._descriptor: int | None = None
        self._torn = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def torn(self) -> int:
        """How many damaged lines, other than the last, the latest `rows()` skipped."""
        return self._torn

    def append(self, row: Mapping[str, Any]) -> None:
        """Add one row. Floats are rounded to 6 significant digits.

        row: `event` (one of EVENTS), what that event needs (step: step, images; picture, measure
        and checkpoint: images; treatment: images, number; resume: from_images), and anything else
        that JSON can hold.
        Raises DivergedError for a number that is not finite, MachineError if the disk refuses the
        line (which then is not there at all), RunError if somebody took the file away,
        ValueError for a row outside the vocabulary.
        """
        line = _encode(row)
        self._refuse_gone()
        with disk_errors(self.path, needed_bytes=len(line)):
            descriptor = self._open()
            written = os.write(descriptor, line)
            if written < len(line):
                # A disk that fills up takes the first part: take it back, so the row is all or none
                os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def flush(self) -> None:
        """Wait until all rows would survive a power cut. Raises MachineError."""
        if self._descriptor is not None:
            with disk_errors(self.path):
                os.fsync(self._descriptor)

    def close(self) -> None:
        """Flush and let go of the file; a later `append` opens it again. Raises MachineError."""
        if self._descriptor is not None:
            try:
                self.flush()
            finally:
                os.close(self._descriptor)
                self._descriptor = None

    def rows(self, event: str | None = None) -> list[dict[str, Any]]:
        """The history as one continuous story, oldest first; only rows of `event` if given.

        What a resume repeats counts once: step, picture and checkpoint rows beyond the images from
        which a later resume went on are left out. A missing journal is an empty one.
        Raises MachineError if the file exists but cannot be read.
        """
        with disk_errors(self.path, "read"):
            try:
                text = patiently(self.path.read_bytes).decode("utf-8", errors="replace")
            except FileNotFoundError:
                text = ""
        found, self._torn = _parse(text)
        told = _continuous(found)
        return told if event is None else [row for row in told if row.get("event") == event]

    def _refuse_gone(self) -> None:
        """Rows for a file that was removed or moved would be lost without a word."""
        if self._descriptor is None:
            return
        try:
            there = os.path.samestat(os.stat(self.path), os.fstat(self._descriptor))
        except FileNotFoundError:
            there = False
        except OSError:  # a drive that stumbles: the next write will tell
            return
        if not there:
            raise gone(self.path.parent)

    def _open(self) -> int:
        """The descriptor to append with; the first call puts a torn last line to rest."""
        if self._descriptor is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            descriptor = os.open(self.path, flags, 0o666)
            size = os.fstat(descriptor).st_size
            if size > 0:
                os.lseek(descriptor, size - 1, os.SEEK_SET)
                if os.read(descriptor, 1) != b"\n":
                    os.write(descriptor, b"\n")
            self._descriptor = descriptor
        return self._descriptor


def _encode(row: Mapping[str, Any]) -> bytes:
    """One line with its newline. Raises as `Journal.append` says."""
    event = row.get("event")
    if event not in EVENTS:
        raise ValueError(f"a journal row cannot be about {event!r}; possible: {', '.join(EVENTS)}")
    missing = [key for key in _NEEDED.get(event, ()) if key not in row]
    if missing:
        raise ValueError(f"a journal row about '{event}' needs {', '.join(missing)}")
    try:
        content = plain(row, digits=_DIGITS)
    except NotFiniteError as error:
        when = f"step {row['step']}" if "step" in row else f"the row '{event}'"
        raise diverged(error, when) from error
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return f"{text}\n".encode()


def diverged(error: NotFiniteError, when: str) -> DivergedError:
    """The error for a measured number that is not finite, `when` being e.g. 'step 12'."""
    return DivergedError(
        f"{error.key} is {error.value} in {when}: the training has diverged.",
        "The last checkpoint stands before it. Train anew with a lower learning rate or a stronger "
        "gradient penalty.",
    )


def gone(run: Path) -> RunError:
    """The error for a run whose folder is no longer where it was."""
    return RunError(
        f"The run {run} was removed or moved while it was being trained.",
        "Nothing more was written. If it was moved, go on where it is now: ganwerk resume RUN",
    )


def _parse(text: str) -> tuple[list[dict[str, Any]], int]:
    """The rows of a journal's text, and how many damaged lines stand before the last one."""
    *lines, last = text.split("\n")
    rows = _decode_at_once(lines)
    torn = 0
    if rows is None:
        rows = [row for row in map(_decode, lines) if row is not None]
        torn = sum(map(bool, lines)) - len(rows)
    # The last line has no newline yet: torn, or in this moment being written. Not damage.
    row = _decode(last)
    if row is not None:
        rows.append(row)
    return rows, torn


def _decode_at_once(lines: list[str]) -> list[dict[str, Any]] | None:
    """The rows of sound lines; None if one is damaged. A third faster than line by line."""
    try:
        rows: list[Any] = from_json(f"[{','.join(lines)}]", finite=False)
    except ValueError:
        return None
    sound = len(rows) == len(lines) and all(map(_sound, rows))
    return rows if sound else None


def _decode(line: str) -> dict[str, Any] | None:
    try:
        row = from_json(line, finite=False)
    except ValueError:
        return None
    return row if _sound(row) else None


def _sound(row: Any) -> bool:
    """Whether it is a row with the numbers that its event needs. By hand: there may be 100,000."""
    if not isinstance(row, dict) or not isinstance(row.get("event"), str):
        return False
    return all(_number(row.get(key)) for key in _NEEDED.get(row["event"], ()))


def _number(value: Any) -> bool:
    # Also false for NaN, and for True, which is an int
    return type(value) in (int, float) and 0 <= value < _LARGEST


def _continuous(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`rows` without what a later resume did again, and without what treatments did that were
    undone."""
    kept: list[dict[str, Any]] = []
    limit = math.inf
    for row in reversed(_without_undone(rows)):
        event = row.get("event")
        if event == "resume":
            limit = min(limit, row.get("from_images", limit))
        elif event in _REPEATABLE and row.get("images", 0) > limit:
            continue
        kept.append(row)
    kept.reverse()
    return kept


def _without_undone(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`rows` as if treatments that were undone had never been, but for what tells of them."""
    told: list[dict[str, Any]] = []
    begun: dict[int, int] = {}
    for row in rows:
        if row.get("event") == "treatment":
            if row.get("state") == "begun":
                begun[row["number"]] = len(told)
            elif row.get("state") == "undone" and row["number"] in begun:
                at = begun.pop(row["number"])
                told[at:] = [
                    other
                    for other in told[at:]
                    if other.get("event") in _ALWAYS_TOLD and not other.get("diverged")
                ]
        told.append(row)
    return told
