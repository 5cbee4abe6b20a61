"""ganwerk neighbours."""

from __future__ import annotations

from pathlib import Path

import click

from ganwerk.cli.options import at_option, json_option, moved_data_option, parse_at, run_argument
from ganwerk.cli.options import count as whole_number
from ganwerk.cli.output import say, say_json


@click.command("neighbours")
@run_argument
@click.option(
    "--count", metavar="N", default="1000", show_default=True, help="Pictures to draw and look up."
)
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
    type=click.Path(path_type=Path),
    help="Where the picture goes.  [default: neighbours.png in RUN]",
)
@click.option("--force", is_flag=True, help="Overwrite a file that exists.")
@json_option("the pairs and the tests")
def command(
    run: Path, count: str, pairs: int, features: str, data: str | None, at: str,
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
    number, when = whole_number(count, "--count"), parse_at(at)
    from ganwerk.cli.bars import progress_bars
    from ganwerk.evaluation.extractors import Wishes
    from ganwerk.evaluation.neighbours import neighbours

    with progress_bars(quiet=as_json) as progress:
        found = neighbours(
            run, count=number, pairs=pairs, features=features, at=when, data=data, out=out,
            force=force, wishes=Wishes(progress=progress),
        )  # fmt: skip
    if as_json:
        say_json({"ok": True, "run": run, "pairs": found.pairs, "copies": found.copies.to_dict(),
                  "path": found.path, "warnings": found.warnings})  # fmt: skip
        return
    for warning in found.warnings:
        say(f"warning: {warning}")
    say(found.copies.sentence())
    say("Nearest pairs (closeness: distance over the mean of the 50 nearest; a copy has 0):")
    for pair in found.pairs[:8]:
        say(f"  picture {pair.seed:6}  {pair.nearest}  closeness {pair.closeness:.2f}")
    say(f"Wrote {found.path}: left drawn, right the nearest training picture.")
