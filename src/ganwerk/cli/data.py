"""ganwerk data: what the pictures are, before they are trained on."""

from __future__ import annotations

from pathlib import Path

import click

from ganwerk import checks
from ganwerk.cli.group import Group
from ganwerk.cli.options import data_root_option, json_option, read_by
from ganwerk.cli.output import COLOURS, say, say_json
from ganwerk.errors import typed


@click.group("data", cls=Group)
def command() -> None:
    """Look at pictures before training.

    \b
    Example:
      ganwerk data check pictures
    """


@command.command("check", short_help="Say whether pictures are fit for training.")
@click.argument("path", callback=read_by(checks.local))
@data_root_option
@json_option("everything that was measured")
def check(path: str, data_root: Path | None, as_json: bool) -> None:
    """Say whether the pictures in PATH are fit for training.

    Counts, sizes, unreadable files by name, copies, single-coloured pictures, balance of the
    classes, whether mirroring is safe, which resolution is advised. Nothing is changed.

    \b
    Examples:
      ganwerk data check pictures
      ganwerk data check mnist --data-root ../data
    """
    from ganwerk.cli.bars import progress_bars
    from ganwerk.data.load import scan

    with progress_bars(quiet=as_json) as progress:
        report = scan(path, root=data_root, progress=progress)
    lines = report.lines()
    if as_json:
        say_json({"ok": True, "health": report.to_dict(), "lines": lines})
        return
    for line in lines:
        say(f"{line.severity:8} {line.text}", COLOURS[line.severity])
    say()
    say(f"Train on them: ganwerk train {typed(path)}")
