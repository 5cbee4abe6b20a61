"""ganwerk treatments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganwerk.cli.group import Command
from ganwerk.cli.options import json_option, run_argument
from ganwerk.cli.output import answer

if TYPE_CHECKING:
    from ganwerk.doctor.tried import Tried


@click.command("treatments", cls=Command)
@run_argument
@json_option("the treatments")
def command(run: Path, as_json: bool) -> None:
    """List what was tried on the training in the folder RUN: measured before and after, kept or
    undone. A training may still be running.

    \b
    Examples:
      ganwerk treatments runs/mine
      ganwerk treatments runs/mine --json
    """
    from ganwerk.doctor.tried import tried
    from ganwerk.run import Run

    found = tried(Run.open(run).journal.rows("treatment"))
    lines = [line for one in found for line in _lines(one)]
    nothing = ["No treatment was tried. `ganwerk train PICTURES --doctor treat` tries what the "
               "doctor advises."]  # fmt: skip
    answer({"run": run, "treatments": found}, lines or nothing, as_json=as_json)


def _lines(one: Tried) -> list[str]:
    back = f", from the checkpoint at {one.from_images:,}" if one.from_images < one.images else ""
    then = f"{_value(one.after)} after"
    if one.outcome == "on trial":
        then = f"judged at {one.until_images:,} images"
    return [
        f"{one.number}  {one.code}  {one.name}: {one.outcome}",
        f"   {one.words}",
        f"   begun at {one.images:,} images{back}",
        *(f"   {change}" for change in one.changes),
        f"   {one.signal} {_value(one.before)} before, {then}",
        *([f"   {one.reason}"] if one.reason else []),
    ]


def _value(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"
