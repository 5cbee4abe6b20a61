"""ganwerk mix."""

from __future__ import annotations

from pathlib import Path

import click

from ganwerk.cli.options import (
    at_option,
    class_option,
    force_option,
    json_option,
    parse_at,
    parse_stops,
    run_argument,
    truncation_option,
)
from ganwerk.cli.output import say, say_json


@click.command("mix")
@run_argument
@click.option(
    "--rows",
    metavar="LIST",
    default="1-4",
    show_default=True,
    help="The pictures on the left: numbers and files that `ganwerk project` wrote.",
)
@click.option(
    "--columns",
    metavar="LIST",
    default="5-10",
    show_default=True,
    help="The pictures at the top, whose styles are put in.",
)
@click.option(
    "--layers",
    metavar="WHICH",
    default="coarse",
    show_default=True,
    help="What is taken from the columns: coarse, middle, fine, or numbers from 1 on: 2-5.",
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where the sheet goes (.png, .webp).  [default: mix-LAYERS.png in RUN]",
)
@class_option
@truncation_option
@at_option
@force_option
@json_option("what was written")
def command(
    run: Path, rows: str, columns: str, layers: str, out: Path | None, classes: tuple[str, ...],
    truncation: float, at: str, force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Mix the styles of pictures of the folder RUN.

    Each picture of the sheet is that of its row, with some layers in the style of its column.
    Coarse layers (up to 8 px) decide pose and shape, fine ones (from 64 px on) colours and details.

    \b
    Examples:
      ganwerk mix runs/mine --rows 1-4 --columns 5-10 --layers coarse
      ganwerk mix runs/mine --rows photo.safetensors --columns 5-10 --layers 7-10
    """
    left, top = parse_stops(rows, "--rows"), parse_stops(columns, "--columns")
    when = parse_at(at)
    from ganwerk.cli.bars import progress_bars
    from ganwerk.control.mix import mix

    with progress_bars(quiet=as_json) as progress:
        mixed = mix(
            run, left, top, layers=layers, out=out or run / f"mix-{layers}.png", classes=classes,
            truncation=truncation, at=when, force=force, progress=progress,
        )  # fmt: skip
    if as_json:
        say_json({"ok": True, "run": run, "path": mixed.path, "layers": mixed.layers,
                  "warnings": mixed.warnings})  # fmt: skip
        return
    for warning in mixed.warnings:
        say(f"warning: {warning}")
    given = ", ".join(map(str, mixed.layers))
    say(f"Wrote {mixed.path}: layers {given} from the columns, all others from the rows.")
