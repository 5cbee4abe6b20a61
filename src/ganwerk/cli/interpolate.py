"""ganwerk interpolate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganwerk.checks import Stop
from ganwerk.cli.group import Command
from ganwerk.cli.options import PATH, drawing_options, run_argument, seeds_option
from ganwerk.cli.output import answer


@click.command("interpolate", cls=Command)
@run_argument
@seeds_option(
    "--seeds", "0-3",
    "The stops, in order: numbers of pictures and files that `ganwerk project` wrote: "
    "1,5,photo.safetensors,1",
)  # fmt: skip
@click.option(
    "--seconds", metavar="X", type=float, default=6.0, show_default=True, help="How long it takes."
)
@click.option(
    "--rate", metavar="N", type=float, default=25.0, show_default=True, help="Frames per second."
)
@click.option(
    "--loop/--no-loop", default=True, show_default=True, help="Walk back to the first stop, or not."
)
@click.option(
    "--out",
    metavar="FILE",
    type=PATH,
    help="A film (.mp4, .webp, .gif) or a strip of pictures (.png).  [default: walk.mp4 in RUN]",
)
@click.option(
    "--size", "side_px", metavar="PX", type=int,
    help="Side of a frame.  [default: small pictures are enlarged to 256 px]",
)  # fmt: skip
@drawing_options("what was written")
def command(
    run: Path, seeds: tuple[Stop, ...], out: Path | None, as_json: bool, **how: Any,
) -> None:  # fmt: skip
    """Walk from picture to picture of the folder RUN, as a film.

    Every frame is a picture of its own, drawn by the generator; nothing is blended.

    \b
    Examples:
      ganwerk interpolate runs/mine --seeds 1,5,9,1 --seconds 6 --out walk.mp4
      ganwerk interpolate runs/mine --seeds 0-4 --class lemon --out strip.png
    """
    from ganwerk.cli.bars import progress_bars
    from ganwerk.control.interpolate import interpolate

    with progress_bars(quiet=as_json) as progress:
        walked = interpolate(run, seeds, out=out or run / "walk.mp4", progress=progress, **how)
    length = f", {walked.seconds:.1f} seconds" if walked.seconds else ""
    answer(
        {"run": run, "path": walked.path, "frames": walked.frames, "seconds": walked.seconds,
         "warnings": walked.warnings},
        [f"Wrote {walked.path}: {walked.frames:,} pictures{length}."],
        as_json=as_json, warnings=walked.warnings,
    )  # fmt: skip
