"""Trainings that were started from the page: each a command in a session of its own.

What such a command says goes to a file beside the runs, so that the page knows what happens before
there is a run, and why a training ended, also after the server was started anew. The first lines of
the file tell the command and its process, the rest is what it would print on a terminal.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganwerk.errors import RunError
from ganwerk.run.files import disk_errors, from_json
from ganwerk.web.commands import argv, command_line
from ganwerk.web.run_table import id_of

FOLDER = ".ganwerk"
"""Inside a folder of runs; hidden, so that no run can have its name."""

FIRST_BYTES, LAST_BYTES = 1 << 18, 1 << 15
MOST_LINES = 60
NICENESS = 5
"""Of a training: it still gets every core that nobody else asks for."""


@dataclass(frozen=True)
class Launch:
    """What the log of a started training tells. run: its folder. command: what was started last;
    first: what made the run. lines: what it said last."""

    log: Path
    run: Path
    command: str
    first: str
    pid: int
    started: float
    lines: tuple[str, ...] = ()

    @property
    def alive(self) -> bool:
        return lives(self.pid, self.started)

    @property
    def error(self) -> dict[str, str] | None:
        """The error that ended it, if it told one: a sentence and a hint."""
        for place in range(len(self.lines) - 1, -1, -1):
            if self.lines[place].startswith("error: "):
                rest = self.lines[place + 1 :]
                hints = [text.removeprefix("hint: ") for text in rest if text.startswith("hint: ")]
                message = self.lines[place].removeprefix("error: ")
                return {"message": message, "hint": "\n".join(hints)}
        return None

    @property
    def last_words(self) -> str:
        return next((text for text in reversed(self.lines) if text.strip()), "")


class Launches:
    """Starts trainings, and knows those that were started in some folders of runs."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)
        self._children: list[subprocess.Popen[bytes]] = []
        self._read: dict[Path, tuple[tuple[int, int], Launch]] = {}

    def start(self, arguments: Sequence[str], run: Path) -> Launch:
        """Run `ganwerk ARGUMENTS` for the run at `run`. Raises MachineError, RunError."""
        log = _log(run)
        known = self.log_of(run)
        if known is not None and known.alive:
            raise RunError(f"{run.name} is being trained already.", "See it in the list of runs.")
        command, started = command_line(arguments), time.time()
        first = known.first if known is not None and arguments[0] == "resume" else command
        began = {"run": run.name, "command": command, "first": first, "started": started}
        with disk_errors(log):
            log.parent.mkdir(parents=True, exist_ok=True)
            with open(log, "wb", buffering=0) as file:
                file.write(f"{json.dumps(began)}\n".encode())
                child = subprocess.Popen(
                    argv(arguments), stdin=subprocess.DEVNULL, stdout=file, stderr=file, **session()
                )
                file.write(f"{json.dumps({'pid': child.pid})}\n".encode())
        yields(child.pid)
        self._children.append(child)
        return Launch(log, run, command, first, child.pid, started)

    def log_of(self, run: Path) -> Launch | None:
        """What is known of the training of `run` that was started here last."""
        return self._known(_log(run))

    def all(self) -> list[Launch]:
        """Every launch that left a log, as it stands."""
        self._children = [child for child in self._children if child.poll() is None]
        logs = [log for folder in self._folders for log in sorted((folder / FOLDER).glob("*.log"))]
        return [launch for launch in map(self._known, logs) if launch is not None]

    def forget(self, run: Path) -> None:
        """Drop the log of a training that is over."""
        known = self.log_of(run)
        if known is not None and not known.alive:
            known.log.unlink(missing_ok=True)

    def forget_id(self, run: str) -> None:
        """The same by the id that the run would have had."""
        for launch in self.all():
            if id_of(launch.run) == run:
                self.forget(launch.run)

    def _known(self, log: Path) -> Launch | None:
        try:
            seen = os.stat(log)
        except OSError:
            return None
        mark = (seen.st_size, seen.st_mtime_ns)
        kept = self._read.get(log)
        if kept is None or kept[0] != mark:
            made = _told(log)
            if made is None:
                return None
            self._read[log] = kept = (mark, made)
        return kept[1]


def _log(run: Path) -> Path:
    return run.parent / FOLDER / f"{run.name}.log"


def session() -> dict[str, Any]:
    """A process that neither the end nor the Ctrl-C of this one reaches."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return {"creationflags": flags}
    return {"start_new_session": True}


def yields(pid: int) -> None:
    """Let a process that has just begun wait for those whom somebody is looking at, as far as the
    system knows how: the page's pictures are drawn before the next step of a training."""
    import psutil

    low = psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else NICENESS
    with suppress(psutil.Error, OSError):
        psutil.Process(pid).nice(low)
    with suppress(OSError):  # Linux weighs sessions against each other, processes within them
        Path(f"/proc/{pid}/autogroup").write_text(str(NICENESS))


def lives(pid: int, started: float) -> bool:
    """Whether this very process, begun about then, is still at work."""
    import psutil

    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) < 60
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def ask_to_stop(pid: int) -> None:
    """It saves and ends. Raises RunError if there is nothing to stop."""
    if sys.platform == "win32":
        number = signal.CTRL_BREAK_EVENT
    else:
        number = signal.SIGTERM
    try:
        os.kill(pid, number)
    except OSError as error:
        raise RunError(
            f"The training (pid {pid}) cannot be stopped from here: {error.strerror}.",
            "Stop it where it was started, with Ctrl-C.",
        ) from error


def holder(path: Path) -> int:
    """The process that trains the run. Raises RunError if it is not on this machine."""
    try:
        holder = from_json((path / "lock").read_bytes())
        pid, host = int(holder["pid"]), str(holder["host"])
    except (OSError, ValueError, LookupError, TypeError):
        raise RunError(f"Nobody knows which process trains {path.name}.") from None
    if host != platform.node():
        raise RunError(f"{path.name} is trained on {host}.", f"Stop it there: kill {pid}")
    return pid


def _told(log: Path) -> Launch | None:
    """The launch that a log tells of; None for what is no log (yet)."""
    try:
        with open(log, "rb") as file:
            first = file.read(FIRST_BYTES)
            file.seek(max(0, os.fstat(file.fileno()).st_size - LAST_BYTES))
            last = file.read()
        head = from_json(first.splitlines()[0])
        processes = [line for line in first.splitlines() if line.startswith(b'{"pid"')]
        pid = int(from_json(processes[0])["pid"])
        run = log.parent.parent / str(head["run"])
        command, started = str(head["command"]), float(head["started"])
        made_by = str(head.get("first", command))
    except (OSError, ValueError, LookupError, TypeError):
        return None
    lines = [text for text in last.decode("utf-8", "replace").splitlines() if text[:1] != "{"]
    return Launch(log, run, command, made_by, pid, started, tuple(lines[-MOST_LINES:]))
