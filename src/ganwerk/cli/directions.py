"""ganwerk directions."""

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


@click.command("directions")
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
@click.option(
    "--seeds",
    metavar="LIST",
    default="0-2",
    show_default=True,
    help="A row of each strip each: numbers of pictures, or files with places.",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where all goes.  [default: directions in RUN]",
)
@class_option
@truncation_option
@at_option
@force_option
@json_option("the directions and the files")
def command(
    run: Path, count: int, method: str, layers: str, strength: float, seeds: str, out: Path | None,
    classes: tuple[str, ...], truncation: float, at: str, force: bool, as_json: bool,
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
    wanted, when = parse_stops(seeds, "--seeds"), parse_at(at)
    from ganwerk.cli.bars import progress_bars
    from ganwerk.control.strips import directions

    with progress_bars(quiet=as_json) as progress:
        found = directions(
            run, count=count, method=method, layers=layers, strength=strength, stops=wanted,
            out=out or run / "directions", classes=classes, truncation=truncation, at=when,
            force=force, progress=progress,
        )  # fmt: skip
    importance = found.directions.importance.tolist()
    if as_json:
        say_json({"ok": True, "run": run, "method": method, "importance": importance,
                  "layers": [layer + 1 for layer in found.directions.layers],
                  "strips": found.strips, "places": found.places, "numbers": found.numbers,
                  "about": found.about, "warnings": found.warnings})  # fmt: skip
        return
    for warning in found.warnings:
        say(f"warning: {warning}")
    for path, share in zip(found.strips, importance, strict=True):
        say(f"  {path}  {share:.1%}")
    say(f"Numbers: {found.numbers}")
