"""ganwerk sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganwerk import checks
from ganwerk.cli.group import Command
from ganwerk.cli.options import PATH, drawing_options, run_argument, seeds_option
from ganwerk.cli.output import answer


@click.command("sample", cls=Command)
@run_argument
@seeds_option(
    "--seeds", "0-63",
    "The numbers of the pictures: 0-63,70,80-89. A number means the same picture each time.",
    checks.seeds,
)  # fmt: skip
@click.option(
    "--out",
    metavar="DIR",
    type=PATH,
    help="Where the pictures go.  [default: samples in RUN]",
)
@click.option("--grid", is_flag=True, help="One sheet with all pictures instead of one file each.")
@click.option(
    "--format",
    "image_format",
    type=click.Choice(["png", "webp", "npz"]),
    default="png",
    show_default=True,
    help="npz is one file with all pictures.",
)
@drawing_options("what was written")
def command(
    run: Path, seeds: tuple[int, ...], out: Path | None, grid: bool, image_format: str,
    as_json: bool, **how: Any,
) -> None:  # fmt: skip
    """Draw pictures with the generator of the folder RUN.

    Picture number 7 depends on the generator and on 7 alone, whatever else is drawn.

    \b
    Examples:
      ganwerk sample runs/mine --grid
      ganwerk sample runs/mine --seeds 0-9999 --out pictures --format webp
      ganwerk sample runs/mine --class apple --class lemon --truncation 0.7
    """
    from ganwerk.cli.bars import progress_bars
    from ganwerk.sampling.sample import sample

    with progress_bars(quiet=as_json) as progress:
        drawn = sample(
            run, seeds, out=out or run / "samples", image_format=image_format, grid=grid,
            progress=progress, **how,
        )  # fmt: skip
    few = drawn.paths if len(drawn.paths) <= 3 else (drawn.paths[0], "...", drawn.paths[-1])
    pace = f"{drawn.images_per_second:,.0f} pictures/s"
    facts = {"run": run, "count": drawn.count, "images_per_second": drawn.images_per_second,
             "paths": drawn.paths, "warnings": drawn.warnings}  # fmt: skip
    lines = [f"{drawn.count:,} pictures drawn, {pace}.", *(f"  {path}" for path in few)]
    answer(facts, lines, as_json=as_json, warnings=drawn.warnings)
