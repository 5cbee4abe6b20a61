"""ganwerk draw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganwerk.cli.group import Command
from ganwerk.cli.options import PATH, at_option, force_option, json_option, run_argument
from ganwerk.cli.output import answer


@click.command("draw", cls=Command)
@run_argument
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True)
@click.option(
    "--out",
    metavar="PATH",
    type=PATH,
    help="A file (.png, .webp), or a folder.  [default: drawn.png in RUN; drawn for several]",
)
@at_option
@force_option
@json_option("what was written")
def command(run: Path, specs: tuple[str, ...], out: Path | None, as_json: bool, **how: Any) -> None:
    """Draw single pictures of the folder RUN, steered in any way.

    A SPEC is what the page of `ganwerk serve` shows and copies: parts joined by &, in quotes.
    seed=5 or place=NAME (which the run keeps), class=NAME or shares, class=NAME:SHARE; truncation,
    mix=SEED:LAYERS, move=DIRECTION:AMOUNT.

    \b
    Examples:
      ganwerk draw runs/mine 'seed=5&class=lemon:0.3&class=apple:0.7' --out half.png
      ganwerk draw runs/mine 'seed=5&truncation=0.7&mix=9:fine&move=1:2.5'
      ganwerk draw runs/mine 'place=photo&move=2:-3'
    """
    from ganwerk.control.resolve import draw

    usual = run / ("drawn.png" if len(specs) == 1 else "drawn")
    drawn = draw(run, specs, out=out or usual, **how)
    facts = {"run": run, "paths": drawn.paths, "warnings": drawn.warnings}
    answer(facts, [f"Wrote {path}" for path in drawn.paths], as_json=as_json,
           warnings=drawn.warnings)  # fmt: skip
