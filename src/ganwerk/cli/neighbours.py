"""ganwerk neighbours."""

from __future__ import annotations

from pathlib import Path

import click

from ganwerk import checks
from ganwerk.cli.group import Command
from ganwerk.cli.options import (
    PATH,
    at_option,
    force_option,
    json_option,
    moved_data_option,
    read_by,
    run_argument,
)
from ganwerk.cli.output import answer


@click.command("neighbours", cls=Command)
@run_argument
@click.option(
    "--count", metavar="N", default="1000", show_default=True, help="Pictures to draw and look up.",
    callback=read_by(checks.drawn),
)  # fmt: skip
@click.option(
    "--pairs", metavar="N", type=int, default=24, show_default=True, help="Pairs to show."
)
@click.option(
    "--features",
    metavar="NAME",
    default="pixelpca64",
    show_default=True,
    help="In what to measure nearness; see ganwerk evaluate.",
)
@moved_data_option
@at_option
@click.option(
    "--out",
    metavar="FILE",
    type=PATH,
    help="Where the picture goes.  [default: neighbours.png in RUN]",
)
@force_option
@json_option("the pairs and the tests")
def command(
    run: Path, count: int, pairs: int, features: str, data: str | None, at: str | int,
    out: Path | None, force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Show pictures of the folder RUN beside the training pictures nearest to them.

    The suspiciously near ones come first: left what was drawn, right the real picture. A generator
    that copies shows the same picture twice.

    \b
    Examples:
      ganwerk neighbours runs/mine
      ganwerk neighbours runs/mine --count 5000 --pairs 40 --features selfsup64
    """
    from ganwerk.cli.bars import progress_bars
    from ganwerk.evaluation.extractors import ExtractorOptions
    from ganwerk.evaluation.neighbours import neighbours

    with progress_bars(quiet=as_json) as progress:
        found = neighbours(
            run, count=count, pairs=pairs, features=features, at=at, data=data, out=out,
            force=force, wishes=ExtractorOptions(progress=progress),
        )  # fmt: skip
    facts = {"run": run, "pairs": found.pairs, "copies": found.copies.to_dict(),
             "path": found.path, "warnings": found.warnings}  # fmt: skip
    lines = [
        found.copies.sentence(),
        "Nearest pairs (closeness: distance over the mean of the 50 nearest; a copy has 0):",
        *(f"  picture {pair.seed:6}  {pair.nearest}  closeness {pair.closeness:.2f}"
          for pair in found.pairs[:8]),
        f"Wrote {found.path}: left drawn, right the nearest training picture.",
    ]  # fmt: skip
    answer(facts, lines, as_json=as_json, warnings=found.warnings)
