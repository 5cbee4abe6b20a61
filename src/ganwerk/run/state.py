"""How a run stands: is it being trained, did it end, and how."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from ganwerk.run.files import from_json

Row = Mapping[str, Any]

QUIET_SECONDS = 600
"""A training that has written nothing for so long is not taken for a running one."""


class State(StrEnum):
    WAITING = "not started"
    RUNNING = "running"
    STOPPED = "stopped"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"


def state_of(folder: Path, rows: Sequence[Row]) -> State:
    """How the run in `folder` stands, by its journal and by who holds its lock."""
    turns = [row for row in rows if row.get("event") in ("start", "resume", "end")]
    if turns and turns[-1]["event"] == "end":
        return State.FINISHED if turns[-1].get("reason") == "finished" else State.STOPPED
    if _written_lately(folder) and _holder_lives(folder / "lock"):
        return State.RUNNING
    return State.INTERRUPTED if rows else State.WAITING


def _written_lately(folder: Path) -> bool:
    try:
        quiet = time.time() - (folder / "journal.jsonl").stat().st_mtime
    except OSError:
        return False
    return quiet < QUIET_SECONDS


def _holder_lives(lock: Path) -> bool:
    """Whether the process that wrote itself into the lock file is still there.

    Looking is all: trying the lock could make a training that starts in this moment fail. A process
    on another machine cannot be seen and is believed.
    """
    import psutil

    try:
        holder = from_json(lock.read_bytes())
        if holder["host"] != platform.node():
            return True
        process = psutil.Process(int(holder["pid"]))
        older = process.create_time() <= datetime.fromisoformat(holder["started"]).timestamp() + 2
        return bool(older and process.status() != psutil.STATUS_ZOMBIE)
    except (OSError, ValueError, TypeError, LookupError, OverflowError, psutil.Error):
        return False
