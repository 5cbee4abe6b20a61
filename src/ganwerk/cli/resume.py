"""ganwerk resume."""

from __future__ import annotations

from pathlib import Path

import click

from ganwerk import checks
from ganwerk.cli.group import Command
from ganwerk.cli.options import budget_options, json_option, moved_data_option, run_argument


@click.command("resume", cls=Command)
@run_argument
@budget_options("Train on")
@moved_data_option
@click.option("--device", metavar="NAME", help="Train on another device: cpu, cuda, cuda:1, mps.")
@click.option(
    "--accept-changed-data", is_flag=True, help="Go on although pictures have changed since."
)
@click.option(
    "--treat",
    metavar="CODE",
    help="Treat a finding of `ganwerk diagnose`: one change, kept only if it helped.",
)
@click.option(
    "--doctor",
    type=click.Choice(["watch", "treat", "off"]),
    help="From here on: say what goes wrong, treat it too, or neither.",
)
@json_option("one object per event, the last one about the run,")
def command(
    run: Path,
    minutes: str | None,
    images: str | None,
    epochs: str | None,
    data: str | None,
    device: str | None,
    accept_changed_data: bool,
    treat: str | None,
    doctor: str | None,
    as_json: bool,
) -> None:
    """Go on with the training in the folder RUN, exactly where it was saved.

    A finished training needs to be told how much more: one of --minutes, --images, --epochs. It is
    added to what was trained already.

    \b
    Examples:
      ganwerk resume runs/mine
      ganwerk resume runs/mine --minutes 20
      ganwerk resume runs/mine --treat GW203
      ganwerk resume runs/mine --data /mnt/pictures --device cpu
    """
    budget = checks.budget(minutes, images, epochs)
    more = (budget.kind, budget.amount) if budget else None
    from ganwerk.cli.watch import watching
    from ganwerk.training.train import resume

    with watching(as_json) as screen:
        screen.done(
            resume(
                run,
                more=more,
                where=data,
                device=device,
                accept_changed_data=accept_changed_data,
                treat=treat,
                doctor=doctor,
                watch=screen,
            )
        )
