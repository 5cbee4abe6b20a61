"""The end of a journal: what was added since an offset, and the last row of a kind."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganwerk.run.files import from_json

Row = dict[str, Any]

MOST_BYTES = 1 << 18
"""Read at once; the rest follows in the next moment."""

MOST_ROWS = 100


def rows_after(journal: Path, offset: int, most: int = MOST_BYTES) -> tuple[list[Row], int]:
    """Rows that begin at `offset` or later, and the offset behind the last whole line of them.

    An offset beyond the end means that the file was replaced: (no rows, -1). Damaged lines are
    passed over. A journal that is not there has no rows.
    """
    try:
        with open(journal, "rb") as file:
            size = file.seek(0, 2)
            if offset > size:
                return [], -1
            file.seek(offset)
            content = file.read(most)
            while b"\n" not in content and (more := file.read(most)):
                content += more
    except FileNotFoundError:
        return [], 0 if offset == 0 else -1
    whole = content[: content.rfind(b"\n") + 1]
    return parsed(whole.splitlines()), offset + len(whole)


def parsed(lines: Sequence[bytes]) -> list[Row]:
    """The rows of lines; what is no row is passed over."""
    rows = []
    for line in lines:
        try:
            row = from_json(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("event"), str):
            rows.append(row)
    return rows


class LastRows:
    """The last row of each of `events` in a journal, and the last MOST_ROWS of each of `many`. Each
    part of the file is searched once, from its end, and not read as a whole."""

    def __init__(self, journal: Path, events: Sequence[str], many: Sequence[str] = ()) -> None:
        self.journal = journal
        self._most = dict.fromkeys(events, 1) | dict.fromkeys(many, MOST_ROWS)
        self._searched = 0
        self._found: dict[str, list[tuple[int, Row]]] = {}

    def now(self) -> dict[str, list[Row]]:
        """By event, oldest first; the events in the order in which their last rows stand there."""
        try:
            with open(self.journal, "rb") as file:
                size = file.seek(0, 2)
                if size < self._searched:  # another journal stands there
                    self._searched, self._found = 0, {}
                if size > self._searched:
                    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                        self._search(content)
        except OSError:
            pass
        ordered = sorted((rows[-1][0], event) for event, rows in self._found.items() if rows)
        return {event: [row for _, row in self._found[event]] for _, event in ordered}

    def _search(self, content: mmap.mmap) -> None:
        end = content.rfind(b"\n", self._searched) + 1  # a torn line waits for its end
        for event, most in self._most.items():
            news = _last(content, event, most, self._searched, end)
            self._found[event] = [*self._found.get(event, []), *news][-most:]
        self._searched = max(end, self._searched)


def _last(content: mmap.mmap, event: str, most: int, start: int, end: int) -> list[tuple[int, Row]]:
    """Where they stand and the rows, oldest first, of the part from `start` to `end`."""
    word = b'{"event":"%s"' % event.encode()
    found: list[tuple[int, Row]] = []
    while len(found) < most and (at := content.rfind(word, start, end)) >= 0:
        rows = parsed([content[at : content.find(b"\n", at)]])
        if rows and (at == 0 or content[at - 1 : at] == b"\n"):
            found.append((at, rows[0]))
        end = at
    found.reverse()
    return found
