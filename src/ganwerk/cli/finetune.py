"""ganwerk finetune."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganwerk import checks
from ganwerk.cli.group import Command
from ganwerk.cli.options import at_option, json_option, read_by, run_argument
from ganwerk.cli.settings import settings_of, settings_options


@click.command("finetune", cls=Command)
@run_argument
@click.argument("data", callback=read_by(checks.pictures))
@click.option(
    "--freeze",
    metavar="N",
    type=int,
    default=0,
    show_default=True,
    help="Keep so many of D's lowest layers as they are; with few pictures 2 to 4 help.",
)
@settings_options
@at_option
@click.option("--dry-run", is_flag=True, help="Only say what would be trained, and what it takes.")
@json_option("one object per event, the last one about the run,")
def command(
    run: Path, data: str, freeze: int, out: Path | None, remedies: tuple[str, ...],
    sets: tuple[str, ...], at: str | int, dry_run: bool, as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Train on the pictures in DATA, beginning with what the folder RUN has learned.

    Few pictures suffice, and it is faster than from the start. The settings are those of RUN, which
    stays as it is. Classes of the same name are kept, others are learned anew.

    \b
    Examples:
      ganwerk finetune runs/fruits cats
      ganwerk finetune runs/fruits cats --freeze 3 --minutes 10 --out runs/cats
    """
    flags = settings_of(options)
    from ganwerk.cli.watch import show_plan, unplanned, watching
    from ganwerk.training.finetune import finetune, plan
    from ganwerk.training.prepare import Request

    request = Request(where=data, remedies=remedies, flags=flags, sets=sets, out=out)
    with watching(as_json) as screen:
        if dry_run:
            planned = plan(run, request, at=at, freeze=freeze, watch=unplanned(screen))
            show_plan(planned, as_json=as_json)
        else:
            screen.done(finetune(run, request, at=at, freeze=freeze, watch=screen))
