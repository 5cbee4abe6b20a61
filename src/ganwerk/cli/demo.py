"""ganwerk demo."""

from __future__ import annotations

from pathlib import Path

import click

from ganwerk.checks import positive
from ganwerk.cli.group import Command
from ganwerk.cli.options import PATH
from ganwerk.cli.output import say
from ganwerk.errors import typed


@click.command("demo", cls=Command)
@click.option(
    "--minutes", metavar="X", help="Time to train.  [default: 1.5 to 3, as the machine needs]"
)
@click.option(
    "--out",
    metavar="DIR",
    type=PATH,
    help="Where the run goes.  [default: runs/demo-digits]",
)
def command(minutes: str | None, out: Path | None) -> None:
    """Train on 1,797 small handwritten digits that come with ganwerk; nothing is downloaded.

    Then write the report and say where everything is.

    \b
    Example:
      ganwerk demo
    """
    flags = {}
    if minutes is not None:
        amount = positive(minutes, "--minutes")
        flags["budget.minutes"] = (amount, f"ganwerk demo --minutes {minutes}")
    from ganwerk.cli.diagnose import last_word
    from ganwerk.cli.render import columns
    from ganwerk.cli.watch import watching
    from ganwerk.doctor.diagnose import diagnose
    from ganwerk.report import write_report
    from ganwerk.training.train import Request, train

    with watching(as_json=False, last_words=False) as screen:
        run = train(Request(where="digits", flags=flags, out=out or _free_name()), screen)
    say(f"\nWriting the report of {run} ...")
    report = write_report(run, None)
    say(f"  report     {report}")
    found = diagnose(run)
    for grid in sorted((run / "pictures").glob("grid-*.png"))[-1:]:
        say(f"  pictures   {grid}")
    say("\nThe doctor's word on this run:")
    for text in last_word(found):
        say(f"  {text}")
    name = typed(run)
    say("\nOpen both in a browser. Then:")
    for line in columns(
        (f"ganwerk sample {name} --seeds 0-63 --grid", "draw new digits"),
        (f"ganwerk diagnose {name}", "what goes wrong, and what helps"),
        (f"ganwerk resume {name} --minutes 5", "train longer, for better ones"),
        (f"ganwerk serve {typed(run.parent)}", "all of this in the browser"),
        ("ganwerk train FOLDER", "train on your own pictures"),
    ):
        say(line)


def _free_name() -> Path:
    """runs/demo-digits, or with the first number that is free."""
    path, number = Path("runs/demo-digits"), 1
    while path.exists():
        number += 1
        path = Path(f"runs/demo-digits-{number}")
    return path
