"""Telling a run where its pictures are now."""

from __future__ import annotations

from pathlib import Path

import click

from ganwerk.errors import printable


def note_place(run: Path, data: str, quiet: bool) -> None:
    """Compare the pictures in `data` with those that the run learned from, and note the place.

    Raises DataError, RunError."""
    from ganwerk.cli.bars import progress_bars
    from ganwerk.run import Run
    from ganwerk.runtime.events import Preparing
    from ganwerk.runtime.pictures import relocate

    with progress_bars(quiet=quiet) as progress:
        warnings = relocate(
            Run.open(run),
            data,
            lambda event: progress(event.progress) if isinstance(event, Preparing) else None,
        )
    for warning in warnings:
        click.echo(printable(f"warning: {warning}"), err=True)
