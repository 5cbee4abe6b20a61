"""ganwerk directions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganwerk.checks import Stop
from ganwerk.cli.group import Command
from ganwerk.cli.options import PATH, drawing_options, run_argument, seeds_option
from ganwerk.cli.output import answer


@click.command("directions", cls=Command)
@run_argument
@click.option(
    "--count", metavar="N", type=int, default=8, show_default=True, help="How many to find."
)
@click.option(
    "--method",
    type=click.Choice(["factorise", "pca"]),
    default="factorise",
    show_default=True,
    help="From the weights that take the style, or by principal components of styles (without "
    "styles, of pictures).",
)
@click.option(
    "--layers",
    metavar="WHICH",
    default="all",
    show_default=True,
    help="What is moved, of a run with styles: all, coarse, middle, fine, or numbers: 2-5.",
)
@click.option(
    "--strength",
    metavar="X",
    type=float,
    default=3.0,
    show_default=True,
    help="How far the strips go, in standard deviations.",
)
@seeds_option(
    "--seeds", "0-2", "A row of each strip each: numbers of pictures, or files with places."
)
@click.option(
    "--out",
    metavar="DIR",
    type=PATH,
    help="Where all goes.  [default: directions in RUN]",
)
@drawing_options("the directions and the files")
def command(
    run: Path, method: str, seeds: tuple[Stop, ...], out: Path | None, as_json: bool, **how: Any,
) -> None:  # fmt: skip
    """Find directions along which the pictures of the folder RUN change most.

    Nobody says what a direction means: look at its strip. In the middle is the picture as it is,
    to the left and right the same moved along the direction. Beside each strip lies a file with
    the places of its first row, which `ganwerk interpolate` walks through.

    \b
    Examples:
      ganwerk directions runs/mine --count 8
      ganwerk directions runs/mine --method pca --layers coarse --class lemon
      ganwerk directions runs/mine --seeds runs/mine/projected/photo/place.safetensors
      ganwerk interpolate runs/mine --seeds runs/mine/directions/direction-03.safetensors
    """
    from ganwerk.cli.bars import progress_bars
    from ganwerk.control.strips import directions

    with progress_bars(quiet=as_json) as progress:
        found = directions(
            run, method=method, stops=seeds, out=out or run / "directions", progress=progress,
            **how,
        )  # fmt: skip
    importance = found.directions.importance.tolist()
    facts = {"run": run, "method": method, "importance": importance,
             "layers": [layer + 1 for layer in found.directions.layers], "strips": found.strips,
             "places": found.places, "numbers": found.numbers, "about": found.about,
             "warnings": found.warnings}  # fmt: skip
    lines = [f"  {path}  {share:.1%}" for path, share in zip(found.strips, importance, strict=True)]
    lines.append(f"Numbers: {found.numbers}")
    answer(facts, lines, as_json=as_json, warnings=found.warnings)
