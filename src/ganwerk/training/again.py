"""The same command again: torchrun starts all processes anew when one has died, and what they did
before goes on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ganwerk.errors import RunError
from ganwerk.run import Run
from ganwerk.scale.launch import launch_name, restarted
from ganwerk.training.prepare import Budget


def launch_note(more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a run notes of who started it: nothing, where that was not torchrun."""
    name = launch_name()
    return {"launch": name} | dict(more or {}) if name else {}


def made_before(out: Path | None) -> Path | None:
    """The run that this command made before it was started again. out: where it was to be made."""
    if not restarted():
        return None
    for place in [out] if out else sorted(Path("runs").glob("*")):
        with suppress(RunError):
            if Run.open(place).about.get("launch") == launch_name():
                return place
    return None


def prolonged_before(run: Run) -> Budget | None:
    """The budget that this command gave the run before it was started again."""
    rows = run.journal.rows("resume") if restarted() else []
    given = [row for row in rows if row.get("launch") == launch_name()]
    return Budget(str(given[-1]["unit"]), float(given[-1]["end"])) if given else None
