"""ganwerk export."""

from __future__ import annotations

from pathlib import Path

import click

from ganwerk.cli.group import Command
from ganwerk.cli.options import PATH, at_option, json_option, run_argument
from ganwerk.cli.output import say, say_json
from ganwerk.errors import typed


def card_options(command: click.decorators.FC) -> click.decorators.FC:
    """--precision, --title, --licence: what `export` and `publish` share."""
    for option in (
        click.option("--licence", metavar="TEXT", default="", help="A line for the card: who may "
                     "use the pictures and the generator, and how."),
        click.option("--title", metavar="TEXT", help="What the generator is called.  "
                     "[default: the name of RUN]"),
        click.option("--precision", type=click.Choice(["float16", "float32"]), default="float16",
                     show_default=True, help="Of the stored weights; all is computed in float32."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command("export", cls=Command)
@run_argument
@click.option(
    "--out",
    metavar="DIR",
    type=PATH,
    help="Where the files go: a new folder, or an earlier export.  [default: export in RUN]",
)
@card_options
@at_option
@json_option("what was written")
def command(
    run: Path, out: Path | None, precision: str, title: str | None, licence: str, at: str | int,
    as_json: bool,
) -> None:  # fmt: skip
    """Write the generator of the folder RUN as files that need neither ganwerk nor torch.

    styles.onnx and picture.onnx are the network, space.json all else that one must know to draw,
    card.md what it learned from and how good it is. What onnxruntime draws with them is compared
    with torch before anything is written.

    \b
    Examples:
      ganwerk export runs/mine
      ganwerk export runs/mine --precision float32 --out generator
      ganwerk sample runs/mine/export --seeds 0-63 --grid
    """
    from ganwerk.cli.bars import progress_bars
    from ganwerk.publish.export import export
    from ganwerk.run.files import human_bytes

    with progress_bars(quiet=as_json) as progress:
        made = export(
            run, out=out, precision=precision, at=at, title=title, licence=licence,
            progress=progress,
        )  # fmt: skip
    if as_json:
        say_json({"ok": True, "run": run, "folder": made.folder, "bytes": made.sizes,
                  "images": made.images, "float32_difference": made.float32,
                  "mean_grey_levels": made.mean_grey, "largest_grey_levels": made.largest_grey,
                  "directions": made.directions, "warnings": made.warnings})  # fmt: skip
        return
    for warning in made.warnings:
        say(f"warning: {warning}")
    for name, size in made.sizes.items():
        say(f"  {made.folder / name}  {human_bytes(size)}")
    say(f"Pictures 0 to 7 as torch draws them, but for {made.float32:.1g} (exact) and "
        f"{made.mean_grey:.2f} grey levels on average (as stored).")  # fmt: skip
    say(f"Draw with it: ganwerk sample {typed(made.folder)} --seeds 0-63 --grid")
