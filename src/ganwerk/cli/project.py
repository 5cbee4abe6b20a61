"""ganwerk project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganwerk.cli.group import Command
from ganwerk.cli.options import (
    PATH,
    at_option,
    force_option,
    json_option,
    moved_data_option,
    run_argument,
)
from ganwerk.cli.output import answer
from ganwerk.cli.places import note_place


@click.command("project", cls=Command)
@run_argument
@click.argument("photo", type=PATH)
@click.option(
    "--steps", metavar="N", type=int, default=300, show_default=True, help="Steps of the descent."
)
@click.option(
    "--tries",
    metavar="N",
    type=int,
    default=512,
    show_default=True,
    help="Random pictures to begin from; the best go on.",
)
@click.option(
    "--tune",
    metavar="N",
    type=int,
    default=0,
    show_default=True,
    help="Then bend the generator itself towards PHOTO for N steps, some hundreds; "
    "written as a run of its own.",
)
@click.option(
    "--class",
    "classes",
    metavar="NAME",
    multiple=True,
    help="Look in this class only.  [default: in all, and between them]",
)
@click.option(
    "--noise/--no-noise",
    "own_noise",
    default=True,
    help="Fit the noise of the layers too, of a run with styles, or not.",
)
@click.option(
    "--backbone",
    type=click.Choice(["compact", "vgg16", "vgg19"]),
    default="compact",
    show_default=True,
    help="The network whose features are compared; vgg is fetched once.",
)
@click.option(
    "--film",
    type=click.Choice([".webp", ".mp4", ".gif"]),
    default=".webp",
    show_default=True,
    help="What kind of film shows the search.",
)
@click.option("--device", metavar="NAME", help="cpu, cuda, cuda:1 or mps.")
@click.option(
    "--out",
    metavar="DIR",
    type=PATH,
    help="Where all goes.  [default: projected/PHOTO in RUN]",
)
@moved_data_option
@at_option
@force_option
@json_option("what was found and written")
def command(
    run: Path, photo: Path, out: Path | None, data: str | None, as_json: bool, **how: Any,
) -> None:  # fmt: skip
    """Find what the generator of the folder RUN must be given to draw PHOTO.

    Writes the picture it found, the difference, a film of the search, and the place itself, which
    `ganwerk interpolate` and `ganwerk mix` take as a stop. Ctrl-C keeps the best so far.

    \b
    Examples:
      ganwerk project runs/mine photo.jpg
      ganwerk interpolate runs/mine --seeds runs/mine/projected/photo/place.safetensors,1,2
      ganwerk project runs/mine photo.jpg --tune 200 --out mine
      ganwerk interpolate mine/tuned --seeds mine/place.safetensors,1,2
    """
    from ganwerk.cli.bars import progress_bars
    from ganwerk.control.project import project

    if data is not None:
        note_place(run, data, as_json)
    with progress_bars(quiet=as_json) as progress:
        found = project(
            run, photo, out=out or run / "projected" / photo.stem, progress=progress, **how
        )
    before = f"; before tuning {found.found:.3f}" if found.tuned else ""
    lines = [
        f"Perceptual distance {found.perceptual:.3f}{before}; "
        f"of the best random picture {found.begun:.3f}.",
        f"{found.steps} steps in {found.seconds:.0f} seconds.",
    ]
    paths = (found.picture, found.residual, found.place, found.film, found.tuned)
    lines += [f"  {path}" for path in paths if path is not None]
    answer({"run": run} | vars(found), lines, as_json=as_json, warnings=found.warnings)
