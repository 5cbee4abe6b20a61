"""What takes minutes for a run, with its progress in lines of JSON: python -m ganwerk.web.worker
FOLDER, whose task.json says what and how."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganwerk.errors import GanwerkError
from ganwerk.values import Progress

TASK = "task.json"
SAY_SECONDS = 0.3


def emit(**facts: Any) -> None:
    print(json.dumps(facts, default=str), flush=True)


class Reporter:
    """Tells progress, not too often."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last > SAY_SECONDS or progress.done == progress.total:
            self._last = now
            emit(task=progress.task, done=progress.done, total=progress.total)


def project(run: Path, folder: Path, photo: str, **how: Any) -> dict[str, Any]:
    """The place of a photo, and what was found on the way."""
    from ganwerk.control.project import project as verb

    found = verb(run, folder / photo, out=folder, progress=Reporter(), **how)
    return {"perceptual": found.perceptual, "begun": found.begun, "steps": found.steps,
            "film": found.film.name, "warnings": found.warnings}  # fmt: skip


def film(run: Path, folder: Path, stops: list[str], name: str, **how: Any) -> dict[str, Any]:
    """A walk past some specs as a film, each kept as a place beside it."""
    from ganwerk.control.interpolate import interpolate
    from ganwerk.control.places import save_places
    from ganwerk.control.resolve import SpecResolver
    from ganwerk.control.spec import read
    from ganwerk.control.steered import Steered

    resolver = SpecResolver(Steered.open(run), run)
    paths = []
    for number, stop in enumerate(stops, 1):
        paths.append(folder / f"stop-{number:02d}.safetensors")
        save_places(paths[-1], resolver.place(read(stop)), {"run": str(run), "spec": stop})
    walked = interpolate(run, paths, out=folder / name, progress=Reporter(), **how)
    return {"film": walked.path.name, "seconds": walked.seconds, "warnings": walked.warnings}


TASKS: dict[str, Callable[..., dict[str, Any]]] = {"project": project, "film": film}


def main() -> int:
    import torch

    torch.set_num_threads(1)
    if hasattr(signal, "SIGTERM"):  # to end as after Ctrl-C: the best so far is kept
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(sys.argv[1])
    asked = json.loads((folder / TASK).read_bytes())
    try:
        done = TASKS[asked.pop("do")](Path(asked.pop("run")), folder, **asked)
    except GanwerkError as error:
        emit(error=error.message, hint=error.hint)
        return error.exit_code
    except KeyboardInterrupt:
        emit(error="It was stopped before it was done.", hint="Begin it again.")
        return 130
    emit(ok=True, **done)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
