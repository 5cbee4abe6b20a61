"""ganwerk evaluate."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from ganwerk import checks
from ganwerk.cli.group import Command
from ganwerk.cli.options import (
    PATH,
    at_option,
    data_root_option,
    json_option,
    moved_data_option,
    read_by,
)
from ganwerk.cli.output import say, say_json
from ganwerk.errors import ConfigError

OF_RUNS = {
    "data": "--data",
    "at": "--at",
    "every_checkpoint": "--every-checkpoint",
    "split": "--split",
}
OF_PLACES = {"resolution": "--resolution", "data_root": "--data-root"}


@click.command("evaluate", cls=Command)
@click.argument("what", callback=read_by(checks.pictures))
@click.argument("other", required=False, callback=read_by(checks.pictures))
@click.option(
    "--features",
    metavar="LIST",
    default="auto",
    show_default=True,
    help="In what to measure, with commas between: pixelpca64, randconv64, selfsup64 (learns from "
    "your pictures first), lenet-mnist (digits), inception-2015, dinov2-s, -b, -l, -g; auto: the "
    "first, with selfsup64 for colours and lenet-mnist for digits.",
)
@click.option("--fid", is_flag=True, help="Also FID, KID and IS: the features inception-2015.")
@click.option(
    "--weights",
    metavar="FILE",
    type=PATH,
    help="The weight file of inception-2015, if it is not in the cache.",
)
@click.option("--run-hub-code", is_flag=True, help="Let torch.hub download and run DINOv2's code.")
@click.option(
    "--count", metavar="N", callback=read_by(checks.drawn),
    help="Pictures of each kind.  [default: 5k, or half the real ones]",
)  # fmt: skip
@click.option(
    "--split",
    type=click.Choice(["train", "held-out"]),
    default="train",
    show_default=True,
    help="Which real pictures to compare a run with.",
)
@moved_data_option
@at_option
@click.option(
    "--every-checkpoint", is_flag=True, help="Measure all checkpoints; mark and keep the best."
)
@click.option("--extrapolate", is_flag=True, help="Also FD as with endlessly many pictures.")
@click.option("--resolution", metavar="PX", type=int, help="Compare two folders at this size.")
@data_root_option
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Which real pictures are drawn.",
)
@click.option(
    "--out",
    metavar="DIR",
    type=PATH,
    help="Where the numbers and the figure go.  [default: evaluations in RUN; none for folders]",
)
@json_option("the numbers with all they depend on")
def command(
    what: str, other: str | None, features: str, fid: bool, weights: Path | None,
    run_hub_code: bool, count: int | None, split: str, data: str | None, at: str | int,
    every_checkpoint: bool, extrapolate: bool, resolution: int | None, data_root: Path | None,
    seed: int, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure how good pictures are: those of the run WHAT, or those in OTHER against WHAT.

    Each number stands beside its error, and beside what real pictures score against other real
    pictures: nobody can do better than that. How to read them: docs/numbers.md.

    \b
    Examples:
      ganwerk evaluate runs/mine
      ganwerk evaluate runs/mine --features auto,randconv64 --count 10k
      ganwerk evaluate runs/mine --every-checkpoint
      ganwerk evaluate real_pictures other_pictures --resolution 64
    """
    names = checks.names(features, "--features", ",")
    if fid and "inception-2015" not in names:
        names = (*names, "inception-2015")
    _refuse_idle(other is not None, every_checkpoint)
    from ganwerk.cli.bars import progress_bars
    from ganwerk.cli.scores import course_lines, evaluation_lines
    from ganwerk.evaluation import evaluate as work
    from ganwerk.evaluation.evaluation_files import default_folder, write
    from ganwerk.evaluation.extractors import ExtractorOptions

    with progress_bars(quiet=as_json) as progress:
        wanted = work.Wanted(
            features=names, count=count, split="held-out" if split == "held-out" else "train",
            seed=seed, extrapolate=extrapolate,
            wishes=ExtractorOptions(weights, run_hub_code, progress=progress),
        )  # fmt: skip
        found: work.Evaluation | work.CheckpointScores
        if other is not None:
            found = work.evaluate_places(what, other, wanted, resolution=resolution, root=data_root)
        elif every_checkpoint:
            found = work.evaluate_checkpoints(Path(what), wanted, data=data)
        else:
            found = work.evaluate_run(Path(what), wanted, at, data=data)
    folder = out or (None if other is not None else default_folder(Path(what)))
    paths = write(found, folder) if folder else ()
    if as_json:
        say_json({"ok": True, **found.to_dict(), "paths": paths})
        return
    lines = (
        course_lines(found) if isinstance(found, work.CheckpointScores) else evaluation_lines(found)
    )
    for line in (*lines, *(f"Wrote {path}" for path in paths)):
        say(line)


def _refuse_idle(two_folders: bool, every_checkpoint: bool) -> None:
    """Raises ConfigError for an option that was given and would change nothing."""
    idle = OF_RUNS if two_folders else OF_PLACES
    given = [flag for name, flag in idle.items() if _was_given(name)]
    if given and two_folders:
        raise ConfigError(
            f"{given[0]} chooses something of a run, and here two places are compared.",
            f"Leave out {given[0]}, or name a run alone: ganwerk evaluate RUN {given[0]} ...",
        )
    if given:
        raise ConfigError(
            f"{given[0]} is for comparing two places; a run has its pictures and their size.",
            f"Leave out {given[0]}, or name two places: ganwerk evaluate REAL OTHER {given[0]} ...",
        )
    if every_checkpoint and _was_given("at"):
        raise ConfigError(
            "--at names one checkpoint, and --every-checkpoint measures all.",
            "Keep one of the two.",
        )


def _was_given(name: str) -> bool:
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE
