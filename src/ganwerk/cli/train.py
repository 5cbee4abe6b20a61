"""ganwerk train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganwerk.cli.options import budget_of, budget_options, data_root_option, json_option

_KEYS = {
    "resolution": ("data.resolution", "--resolution {}"),
    "conditional": ("data.conditional", "--{}conditional"),
    "mirror": ("data.mirror", "--{}mirror"),
    "fit": ("data.fit", "--fit {}"),
    "data_root": ("data.root", "--data-root {}"),
    "batch": ("budget.batch", "--batch {}"),
    "seed": ("run.seed", "--seed {}"),
    "device": ("run.device", "--device {}"),
    "tensorboard": ("run.tensorboard", "--tensorboard"),
}
"""Option -> the setting it gives, and how it was typed."""

_NO = {"conditional": "un", "mirror": "no-"}


def settings_of(options: dict[str, Any]) -> dict[str, tuple[Any, str]]:
    """The options that were given as settings: key -> (value, option as typed).

    Raises ConfigError for more than one budget."""
    budget = budget_of(options["minutes"], options["images"], options["epochs"])
    given: dict[str, tuple[Any, str]] = {}
    if budget:
        given[f"budget.{budget.kind}"] = (budget.amount, budget.flag)
    for name, (key, pattern) in _KEYS.items():
        value = options.get(name)
        if value is None or (name == "tensorboard" and not value):
            continue
        shown = ("" if value else _NO[name]) if name in _NO else value
        given[key] = (str(value) if isinstance(value, Path) else value, pattern.format(shown))
    return given


@click.command("train")
@click.argument("data")
@click.option("--preset", metavar="NAME", help="Starting point; see `ganwerk config presets`.")
@click.option(
    "--config",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="TOML file of settings; they replace the preset's.",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where the run goes.  [default: a new folder in runs]",
)
@budget_options("Train")
@click.option("--resolution", metavar="PX", type=int, help="Side of a picture, 16 to 1024.")
@click.option("--batch", metavar="N", type=int, help="Pictures per update.")
@click.option(
    "--conditional/--unconditional",
    default=None,
    help="Teach the classes (sub-folders), so that each can be drawn by name, or not.",
)
@click.option(
    "--mirror/--no-mirror", default=None, help="Show pictures mirrored half of the time, or never."
)
@click.option("--fit", type=click.Choice(["crop", "pad"]), help="How pictures become square.")
@data_root_option
@click.option("--seed", metavar="N", type=int, help="Everything random follows from it.")
@click.option("--device", metavar="NAME", help="cpu, cuda, cuda:1 or mps.")
@click.option(
    "--remedy",
    "remedies",
    metavar="NAME[:KEY=VALUE,...]",
    multiple=True,
    help="Add a remedy, for example unrolled:steps=5; see `ganwerk config remedies`. May be "
    "repeated; none takes the preset's away.",
)
@click.option(
    "--set",
    "sets",
    metavar="KEY=VALUE",
    multiple=True,
    help="Any other setting, for example game.loss=hinge. May be repeated.",
)
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
    from ganwerk.work.train import Request, plan, train

    request = Request(
        where=data, preset=preset, file=file, remedies=remedies, flags=flags, sets=sets, out=out
    )
    with watching(as_json) as screen:
        if dry_run:
            planned = plan(request, unplanned(screen))
            show_plan(planned, as_json=as_json)
        else:
            screen.done(train(request, screen))
