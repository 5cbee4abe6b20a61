"""The report: one HTML file that shows a run to somebody who was not there.

Opens offline in any browser and works at any time: before the first picture, while training runs,
after a crash, at the end. It reads the run directory and nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganwerk.report.facts import gather, summary
from ganwerk.report.page import page
from ganwerk.run import Run, make_folder
from ganwerk.run.files import write_bytes

__all__ = ["report_facts", "write_report"]


def write_report(run: Path, out: Path | None = None) -> Path:
    """Write the report of the run at `run` and return where it is.

    out: the file, or an existing folder to put report.html into; None is RUN/report.html. An older
    report there is replaced in one step.
    Raises RunError if there is no run, MachineError if the file cannot be written.
    """
    opened = Run.open(run)
    target = opened.report_path if out is None else Path(out)
    if target.is_dir():
        target = target / opened.report_path.name
    content = page(gather(opened)).encode("utf-8", errors="replace")
    make_folder(target.parent)
    write_bytes(target, content, durable=False)
    return target


def report_facts(run: Path) -> dict[str, Any]:
    """What the report says, without its pictures and curves, as values that JSON can hold.

    Raises RunError if there is no run.
    """
    return summary(gather(Run.open(run)))
