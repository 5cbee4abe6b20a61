"""Works of minutes that the page starts, each in a folder of its own: a film, a projection, a style
transfer.

The folder is all there is of it: job.json tells what was begun, said.jsonl what it said since. A
work goes on without the server and without the page, and is seen again by whoever looks.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from ganwerk.errors import RunError
from ganwerk.run.files import disk_errors, from_json, to_json, write_bytes
from ganwerk.web.launches import ask_to_stop, lives, session

JOB, SAID = "job.json", "said.jsonl"
LAST_BYTES = 1 << 14
MOST_LISTED = 60
KEY = re.compile(r"[a-z0-9-]{1,60}")

_children: list[subprocess.Popen[bytes]] = []


def make(parent: Path, kind: str) -> Path:
    """A new folder for a work, called by the time. Raises MachineError."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    folder = parent / f"{kind}-{stamp}-{secrets.token_hex(2)}"
    with disk_errors(folder):
        folder.mkdir(parents=True)
    return folder


def find(parent: Path, key: str) -> Path:
    """The folder of a work. Raises RunError for what is none."""
    folder = parent / key
    if not KEY.fullmatch(key) or not folder.is_dir():
        raise RunError("There is no such work here (any more).", "Begin it again.")
    return folder


def begin(folder: Path, argv: Sequence[str], command: str, **about: Any) -> None:
    """Start a process whose words go into the folder. command: what a user would type.
    Raises MachineError."""
    _children[:] = [child for child in _children if child.poll() is None]
    environment = os.environ | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    with disk_errors(folder), open(folder / SAID, "wb") as said:
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment, **session()
        )
    _children.append(child)
    told = {"pid": child.pid, "started": time.time(), "command": command, **about}
    write_bytes(folder / JOB, to_json(told), durable=False)


def standing(folder: Path) -> dict[str, Any]:
    """How a work stands: its command, the last that it told, and its state: waiting, running,
    stopped, finished or failed, with error and hint."""
    try:
        job = from_json((folder / JOB).read_bytes())
    except (OSError, ValueError):
        return {"key": folder.name, "state": "waiting"}
    for child in _children:
        child.poll()  # so that one that has ended is no zombie
    told = _told(folder / SAID)
    last = told[-1] if told else {}
    found = {"key": folder.name, **job, "told": last}
    del found["pid"]
    if lives(int(job["pid"]), float(job["started"])):
        return found | {"state": "running"}
    if last.get("ok"):
        return found | {"state": "finished"}
    if last.get("event") == "stopped":
        return found | {"state": "stopped"}
    error = last.get("error") or "It ended before it was done."
    return found | {"state": "failed", "error": error, "hint": last.get("hint", "Begin it again.")}


def _told(said: Path) -> list[dict[str, Any]]:
    """Its last words that are objects of JSON."""
    found: list[dict[str, Any]] = []
    with suppress(OSError), open(said, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - LAST_BYTES))
        for line in file.read().splitlines():
            with suppress(ValueError):
                value = json.loads(line)
                if isinstance(value, dict):
                    found.append(value)
    return found


def stop(folder: Path) -> None:
    """Ask it to end; it keeps what it has. Raises RunError if it has ended."""
    job = from_json((folder / JOB).read_bytes())
    if not lives(int(job["pid"]), float(job["started"])):
        raise RunError("This work has ended already.")
    ask_to_stop(int(job["pid"]))


def listed(parent: Path) -> list[dict[str, Any]]:
    """The newest works in a folder, the newest first."""
    folders = [path for path in parent.glob("*") if (path / JOB).is_file()]
    folders.sort(key=lambda path: -(path / JOB).stat().st_mtime)
    return [standing(path) for path in folders[:MOST_LISTED]]
