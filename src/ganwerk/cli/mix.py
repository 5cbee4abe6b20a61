"""ganwerk mix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganwerk.checks import Stop
from ganwerk.cli.group import Command
from ganwerk.cli.options import PATH, drawing_options, run_argument, seeds_option
from ganwerk.cli.output import answer


@click.command("mix", cls=Command)
@run_argument
@seeds_option(
    "--rows", "1-4", "The pictures on the left: numbers and files that `ganwerk project` wrote."
)
@seeds_option("--columns", "5-10", "The pictures at the top, whose styles are put in.")
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
    type=PATH,
    help="Where the sheet goes (.png, .webp).  [default: mix-LAYERS.png in RUN]",
)
@drawing_options("what was written")
def command(
    run: Path, rows: tuple[Stop, ...], columns: tuple[Stop, ...], layers: str, out: Path | None,
    as_json: bool, **how: Any,
) -> None:  # fmt: skip
    """Mix the styles of pictures of the folder RUN.

    Each picture of the sheet is that of its row, with some layers in the style of its column.
    Coarse layers (up to 8 px) decide pose and shape, fine ones (from 64 px on) colours and details.

    \b
    Examples:
      ganwerk mix runs/mine --rows 1-4 --columns 5-10 --layers coarse
      ganwerk mix runs/mine --rows photo.safetensors --columns 5-10 --layers 7-10
    """
    from ganwerk.cli.bars import progress_bars
    from ganwerk.control.mix import mix

    with progress_bars(quiet=as_json) as progress:
        mixed = mix(
            run, rows, columns, layers=layers, out=out or run / f"mix-{layers}.png",
            progress=progress, **how,
        )  # fmt: skip
    given = ", ".join(map(str, mixed.layers))
    answer(
        {"run": run, "path": mixed.path, "layers": mixed.layers, "warnings": mixed.warnings},
        [f"Wrote {mixed.path}: layers {given} from the columns, all others from the rows."],
        as_json=as_json, warnings=mixed.warnings,
    )  # fmt: skip
