"""ganwerk sample."""

from __future__ import annotations

from pathlib import Path

import click

from ganwerk.cli.options import (
    at_option,
    class_option,
    json_option,
    parse_at,
    parse_seeds,
    run_argument,
    truncation_option,
)
from ganwerk.cli.output import say, say_json
from ganwerk.errors import ConfigError


@click.command("sample")
@run_argument
@click.option(
    "--seeds",
    metavar="LIST",
    default="0-63",
    show_default=True,
    help="The numbers of the pictures: 0-63,70,80-89. A number means the same picture each time.",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where the pictures go.  [default: samples in RUN, or beside an export]",
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
@class_option
@truncation_option
@at_option
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@json_option("what was written")
def command(
    run: Path, seeds: str, out: Path | None, grid: bool, image_format: str,
    classes: tuple[str, ...], truncation: float, at: str, force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Draw pictures with the generator of the folder RUN.

    Picture number 7 depends on the generator and on 7 alone, whatever else is drawn. RUN may be an
    export, too (see `ganwerk export`): then onnxruntime draws, which starts sooner.

    \b
    Examples:
      ganwerk sample runs/mine --grid
      ganwerk sample runs/mine --seeds 0-9999 --out pictures --format webp
      ganwerk sample runs/mine --class apple --class lemon --truncation 0.7
      ganwerk sample runs/mine/export --seeds 0-63 --grid
    """
    wanted, when = parse_seeds(seeds), parse_at(at)
    from ganwerk.cli.bars import progress_bars
    from ganwerk.publish.exported import is_export

    with progress_bars(quiet=as_json) as progress:
        if is_export(run):
            from ganwerk.publish.drawing import sample_export
            from ganwerk.sampling.wanted import Target

            if at != "latest":
                raise ConfigError(
                    f"{run} is an export and holds one generator; --at {at} chooses among the "
                    "checkpoints of a run.",
                    "Name the run instead, or leave out --at.",
                )
            drawn = sample_export(
                run, wanted, Target(out or run.with_name(f"{run.name}-samples"), image_format, grid,
                force), classes=classes, truncation=truncation, progress=progress,
            )  # fmt: skip
        else:
            from ganwerk.sampling.sample import sample

            drawn = sample(
                run, wanted, out=out or run / "samples", image_format=image_format, grid=grid,
                classes=classes, truncation=truncation, at=when, force=force, progress=progress,
            )  # fmt: skip
    if as_json:
        say_json({"ok": True, "run": run, "count": drawn.count,
                  "images_per_second": drawn.images_per_second, "paths": drawn.paths,
                  "warnings": drawn.warnings})  # fmt: skip
        return
    for warning in drawn.warnings:
        say(f"warning: {warning}")
    say(f"{drawn.count:,} pictures drawn, {drawn.images_per_second:,.0f} pictures/s.")
    for path in drawn.paths if len(drawn.paths) <= 3 else (drawn.paths[0], "...", drawn.paths[-1]):
        say(f"  {path}")
