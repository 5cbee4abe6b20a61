"""ganwerk interpolate."""

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


@click.command("interpolate")
@run_argument
@click.option(
    "--seeds",
    metavar="LIST",
    default="0-3",
    show_default=True,
    help="The stops, in order: numbers of pictures and files that `ganwerk project` wrote: "
    "1,5,photo.safetensors,1",
)
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
    type=click.Path(path_type=Path),
    help="A film (.mp4, .webp, .gif) or a strip of pictures (.png).  [default: walk.mp4 in RUN]",
)
@click.option(
    "--size", "side_px", metavar="PX", type=int,
    help="Side of a frame.  [default: small pictures are enlarged to 256 px]",
)  # fmt: skip
@class_option
@truncation_option
@at_option
@force_option
@json_option("what was written")
def command(
    run: Path, seeds: str, seconds: float, rate: float, loop: bool, out: Path | None,
    side_px: int | None, classes: tuple[str, ...], truncation: float, at: str, force: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Walk from picture to picture of the folder RUN, as a film.

    Every frame is a picture of its own, drawn by the generator; nothing is blended.

    \b
    Examples:
      ganwerk interpolate runs/mine --seeds 1,5,9,1 --seconds 6 --out walk.mp4
      ganwerk interpolate runs/mine --seeds 0-4 --class lemon --out strip.png
    """
    stops, when = parse_stops(seeds, "--seeds"), parse_at(at)
    from ganwerk.cli.bars import progress_bars
    from ganwerk.control.interpolate import interpolate

    with progress_bars(quiet=as_json) as progress:
        walked = interpolate(
            run, stops, out=out or run / "walk.mp4", seconds=seconds, rate=rate, loop=loop,
            side_px=side_px, classes=classes, truncation=truncation, at=when, force=force,
            progress=progress,
        )  # fmt: skip
    if as_json:
        say_json({"ok": True, "run": run, "path": walked.path, "frames": walked.frames,
                  "seconds": walked.seconds, "warnings": walked.warnings})  # fmt: skip
        return
    for warning in walked.warnings:
        say(f"warning: {warning}")
    length = f", {walked.seconds:.1f} seconds" if walked.seconds else ""
    say(f"Wrote {walked.path}: {walked.frames:,} pictures{length}.")
