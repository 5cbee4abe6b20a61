"""ganwerk train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganwerk import checks
from ganwerk.cli.group import Command
from ganwerk.cli.options import PATH, json_option, read_by
from ganwerk.cli.settings import settings_of, settings_options


@click.command("train", cls=Command)
@click.argument("data", callback=read_by(checks.pictures))
@click.option("--preset", metavar="NAME", help="Starting point; see `ganwerk config presets`.")
@click.option(
    "--config",
    "file",
    metavar="FILE",
    type=PATH,
    help="TOML file of settings; they replace the preset's.",
)
@settings_options
@click.option("--resolution", metavar="PX", type=int, help="Side of a picture, 16 to 1024.")
@click.option("--fit", type=click.Choice(["crop", "pad"]), help="How pictures become square.")
@click.option("--tensorboard", is_flag=True, help="Also log for TensorBoard.")
@click.option("--dry-run", is_flag=True, help="Only say what would be trained, and what it takes.")
@json_option("one object per event, the last one about the run,")
def command(
    data: str, preset: str | None, file: Path | None, out: Path | None, remedies: tuple[str, ...],
    sets: tuple[str, ...], dry_run: bool, as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Train a GAN on the pictures in DATA.

    DATA is a folder, a zip file, IDX files (MNIST's format) or a named set: digits, mnist,
    fashion-mnist, cifar10. Nothing else has to be said: network, size, batch and time are chosen
    from the pictures and this machine, and told before training begins. Ctrl-C saves and stops.

    \b
    Examples:
      ganwerk train pictures
      ganwerk train pictures.zip --minutes 20 --out runs/mine
      ganwerk train mnist --preset listing --images 200k --dry-run
    """
    flags = settings_of(options)
    from ganwerk.cli.watch import show_plan, unplanned, watching
    from ganwerk.training.train import Request, plan, train

    request = Request(
        where=data, preset=preset, file=file, remedies=remedies, flags=flags, sets=sets, out=out
    )
    with watching(as_json) as screen:
        if dry_run:
            planned = plan(request, unplanned(screen))
            show_plan(planned, as_json=as_json)
        else:
            screen.done(train(request, screen))
