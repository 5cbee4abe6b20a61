"""Options that are settings of a training, for every command that trains."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import click

from ganwerk import checks
from ganwerk.cli.options import PATH, budget_options, data_root_option

Command = TypeVar("Command", bound=Callable[..., Any])

_KEYS = {
    "resolution": ("data.resolution", "--resolution {}"),
    "conditional": ("data.conditional", "--{}conditional"),
    "rename": ("data.rename", "--rename-class {}"),
    "mirror": ("data.mirror", "--{}mirror"),
    "fit": ("data.fit", "--fit {}"),
    "data_root": ("data.root", "--data-root {}"),
    "batch": ("budget.batch", "--batch {}"),
    "seed": ("run.seed", "--seed {}"),
    "device": ("run.device", "--device {}"),
    "doctor": ("run.doctor", "--doctor {}"),
    "tensorboard": ("run.tensorboard", "--tensorboard"),
}
"""Option -> the setting it gives, and how it was typed."""

_NO = {"conditional": "un", "mirror": "no-"}

_OPTIONS = (
    click.option(
        "--out",
        metavar="DIR",
        type=PATH,
        help="Where the run goes.  [default: a new folder in runs]",
    ),
    budget_options("Train"),
    click.option("--batch", metavar="N", type=int, help="Pictures per update."),
    click.option(
        "--conditional/--unconditional",
        default=None,
        help="Teach the classes (sub-folders), so that each can be drawn by name, or not.",
    ),
    click.option(
        "--rename-class",
        "rename",
        metavar="OLD=NEW",
        multiple=True,
        help="Call a class by another name; two that get one name are one class. May be repeated.",
    ),
    click.option(
        "--mirror/--no-mirror",
        default=None,
        help="Show pictures mirrored half of the time, or never.",
    ),
    data_root_option,
    click.option("--seed", metavar="N", type=int, help="Everything random follows from it."),
    click.option("--device", metavar="NAME", help="cpu, cuda, cuda:1 or mps."),
    click.option(
        "--doctor",
        type=click.Choice(["watch", "treat", "off"]),
        help="Look for what goes wrong and say it; treat it too; or neither.  [default: watch]",
    ),
    click.option(
        "--remedy",
        "remedies",
        metavar="NAME[:KEY=VALUE,...]",
        multiple=True,
        help="Add a remedy, for example unrolled:steps=5; see `ganwerk config remedies`. May be "
        "repeated; none takes away what the settings had.",
    ),
    click.option(
        "--set",
        "sets",
        metavar="KEY=VALUE",
        multiple=True,
        help="Any other setting, for example game.loss=hinge. May be repeated.",
    ),
)


def settings_options(command: Command) -> Command:
    """--out, the budget, --batch and what else every training takes, in this order."""
    return reduce(lambda made, option: option(made), reversed(_OPTIONS), command)


def settings_of(options: dict[str, Any]) -> dict[str, tuple[Any, str]]:
    """The options that were given as settings: key -> (value, option as typed).

    Raises ConfigError for more than one budget."""
    budget = checks.budget(options["minutes"], options["images"], options["epochs"])
    given: dict[str, tuple[Any, str]] = {}
    if budget:
        given[f"budget.{budget.kind}"] = (budget.amount, budget.flag)
    for name, (key, pattern) in _KEYS.items():
        value = options.get(name)
        if value in (None, ()) or (name == "tensorboard" and not value):
            continue
        shown = ("" if value else _NO[name]) if name in _NO else value
        shown = " --rename-class ".join(shown) if name == "rename" else shown
        given[key] = (str(value) if isinstance(value, Path) else value, pattern.format(shown))
    return given
