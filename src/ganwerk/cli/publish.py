"""ganwerk publish."""

from __future__ import annotations

from pathlib import Path

import click

from ganwerk.cli.export import card_options
from ganwerk.cli.group import Command
from ganwerk.cli.options import PATH, at_option, json_option, run_argument
from ganwerk.cli.output import say, say_json
from ganwerk.errors import typed


@click.command("publish", cls=Command)
@run_argument
@click.argument("target", type=PATH)
@click.option(
    "--one-file",
    "single",
    is_flag=True,
    help="Make TARGET one HTML file, to be mailed and opened by double click.",
)
@click.option(
    "--runtime",
    metavar="FILE",
    type=PATH,
    help="onnxruntime-web as `npm pack` writes it.  [default: fetched with npm, once]",
)
@card_options
@at_option
@json_option("what was written")
def command(
    run: Path, target: Path, single: bool, runtime: Path | None, precision: str,
    title: str | None, licence: str, at: str | int, as_json: bool,
) -> None:  # fmt: skip
    """Make a web page that draws the pictures of the folder RUN in the visitor's browser.

    TARGET is a new or empty folder, or an earlier site, for any web host that sends files. RUN may
    be an export: then its card.md is shown as you edited it. The pictures have the numbers that
    they have here.

    \b
    Examples:
      ganwerk publish runs/mine site
      ganwerk publish runs/mine fruit.html --one-file
      ganwerk publish runs/mine site --title "New fruit" --licence "CC BY 4.0"
    """
    from ganwerk.cli.bars import progress_bars
    from ganwerk.publish.publish import publish

    with progress_bars(quiet=as_json) as progress:
        made = publish(
            run, target, single=single, runtime=runtime, precision=precision, at=at, title=title,
            licence=licence, progress=progress,
        )  # fmt: skip
    if as_json:
        say_json({"ok": True, "run": run, "target": made.target, "files": made.files,
                  "bytes": made.stored, "wire_bytes": made.wire,
                  "warnings": made.warnings})  # fmt: skip
        return
    for warning in made.warnings:
        say(f"warning: {warning}")
    loaded = f"a visitor loads {made.wire / 1e6:.1f} MB, packed"
    if single:
        say(f"Wrote {made.target}: {made.stored / 1e6:.1f} MB. Open it in a browser.")
        return
    say(f"Wrote {made.files} files into {made.target}: {made.stored / 1e6:.1f} MB; {loaded}.")
    say(f"Look at it: python -m http.server --directory {typed(made.target)}")
