"""ganwerk report."""

from __future__ import annotations

from pathlib import Path

import click

from ganwerk.cli.group import Command
from ganwerk.cli.options import PATH, json_option, moved_data_option, run_argument
from ganwerk.cli.output import say, say_json
from ganwerk.cli.places import note_place


@click.command("report", cls=Command)
@run_argument
@click.option(
    "--out",
    metavar="FILE",
    type=PATH,
    help="Where the page goes.  [default: report.html in RUN]",
)
@moved_data_option
@json_option("the facts of the page instead of writing it (with --out: as well)")
def command(run: Path, out: Path | None, data: str | None, as_json: bool) -> None:
    """Write one HTML file about the training in the folder RUN; it opens in any browser, offline.

    It shows how the same pictures got better, real ones beside generated ones, the losses against
    what is normal, and every setting with its origin. A training may still be running.

    \b
    Examples:
      ganwerk report runs/mine
      ganwerk report runs/mine --out mine.html
    """
    from ganwerk.report import report_facts, write_report

    if data is not None:
        note_place(run, data, as_json)
    path = None if as_json and out is None else write_report(run, out)
    if as_json:
        say_json({"ok": True, "run": run, "report": path, "facts": report_facts(run)})
    else:
        say(f"Wrote {path}. Open it in a browser.")
