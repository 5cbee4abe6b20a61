"""ganwerk sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganwerk import checks
from ganwerk.cli.group import Command
from ganwerk.cli.options import PATH, drawing_options, run_argument, seeds_option
from ganwerk.cli.output import answer
from ganwerk.errors import ConfigError
from ganwerk.values import ProgressCallback

if TYPE_CHECKING:
    from ganwerk.sampling.wanted import Sampled


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
@drawing_options("what was written")
def command(
    run: Path, seeds: tuple[int, ...], out: Path | None, grid: bool, image_format: str,
    as_json: bool, **how: Any,
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
    from ganwerk.cli.bars import progress_bars
    from ganwerk.publish.exported import is_export

    with progress_bars(quiet=as_json) as progress:
        if is_export(run):
            drawn = _of_export(run, seeds, out, image_format, grid, progress, **how)
        else:
            from ganwerk.sampling.sample import sample

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


def _of_export(
    run: Path, seeds: tuple[int, ...], out: Path | None, image_format: str, grid: bool,
    progress: ProgressCallback, *, at: str | int, force: bool, **how: Any,
) -> Sampled:  # fmt: skip
    from ganwerk.publish.drawing import sample_export
    from ganwerk.sampling.wanted import Target

    if at != "latest":
        raise ConfigError(
            f"{run} is an export and holds one generator; --at {at} chooses among the checkpoints "
            "of a run.",
            "Name the run instead, or leave out --at.",
        )
    target = Target(out or run.with_name(f"{run.name}-samples"), image_format, grid, force)
    return sample_export(run, seeds, target, progress=progress, **how)
