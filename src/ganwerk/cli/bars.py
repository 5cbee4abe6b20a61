"""Progress of long tasks on stderr, so that stdout holds results only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from ganwerk.cli.output import on_terminal
from ganwerk.cli.watch import PlainProgress
from ganwerk.values import ProgressCallback, ignore_progress


@contextmanager
def progress_bars(quiet: bool) -> Iterator[ProgressCallback]:
    """Bars on a terminal, which vanish at the end; a line every few seconds elsewhere."""
    if quiet:
        yield ignore_progress
    elif on_terminal(sys.stderr):
        from ganwerk.cli.live import Bars, terminal

        bars = Bars(terminal(stderr=True))
        try:
            yield bars
        finally:
            bars.close()
    else:
        yield PlainProgress(lambda line: click.echo(line, err=True))
