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


def last_rows(
    journal: Path, events: Sequence[str], many: Sequence[str] = ()
) -> dict[str, list[Row]]:
    """The last row of each of `events`, and the last MOST_ROWS of each of `many`, oldest first; the
    events in the order in which these stand in the file. The rest of it is not read."""
    try:
        with open(journal, "rb") as file:
            if file.seek(0, 2) == 0:
                return {}
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                found = {event: _last(content, event, 1) for event in events}
                found |= {event: _last(content, event, MOST_ROWS) for event in many}
    except OSError:
        return {}
    ordered = sorted((rows[0][0], event) for event, rows in found.items() if rows)
    return {event: [row for _, row in reversed(found[event])] for _, event in ordered}


def _last(content: mmap.mmap, event: str, most: int) -> list[tuple[int, Row]]:
    """Where they stand and the rows, the last first. `content` is searched backwards."""
    word = b'{"event":"%s"' % event.encode()
    found: list[tuple[int, Row]] = []
    end = len(content)
    while len(found) < most and (at := content.rfind(word, 0, end)) >= 0:
        stop = content.find(b"\n", at)
        rows = parsed([content[at:stop]]) if stop >= 0 else []
        if rows and (at == 0 or content[at - 1 : at] == b"\n"):
            found.append((at, rows[0]))
        end = at
    return found
