"""Options that several commands share, and how their values are written."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from ganwerk import checks

Command = TypeVar("Command", bound=Callable[..., Any])


class LocalPath(click.Path):
    """A path on this machine, as a Path: an address is refused."""

    name = "path"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return super().convert(checks.local(value), param, ctx)


PATH = LocalPath()


def read_by(check: Callable[[Any], Any]) -> Callable[..., Any]:
    """A click callback: the value of an option as this check reads it."""
    return lambda _ctx, _param, value: None if value is None else check(value)


def budget_options(verb: str) -> Callable[[Command], Command]:
    """--minutes, --images, --epochs, as text: `checks.budget` reads them."""

    def add(command: Command) -> Command:
        for name, letter, meaning in (
            ("--epochs", "X", f"{verb} until every picture was shown so often."),
            ("--images", "N", f"{verb} until so many pictures were shown: 200_000, 200k, 1.5M."),
            ("--minutes", "X", f"{verb} for so long."),
        ):
            command = click.option(name, metavar=letter, help=meaning)(command)
        return command

    return add


def json_option(what: str) -> Callable[[Command], Command]:
    return click.option("--json", "as_json", is_flag=True, help=f"Print {what} as JSON.")


def run_argument(command: Command) -> Command:
    return click.argument("run", type=PATH)(command)


def at_option(command: Command) -> Command:
    return click.option(
        "--at",
        metavar="WHEN",
        default="latest",
        show_default=True,
        callback=read_by(checks.at),
        help="Which checkpoint: latest, best or the images it had seen.",
    )(command)


def moved_data_option(command: Command) -> Command:
    return click.option(
        "--data",
        metavar="PLACE",
        callback=read_by(checks.pictures),
        help="Where the training pictures are now, if they were moved; the run notes it.",
    )(command)


def class_option(command: Command) -> Command:
    return click.option(
        "--class",
        "classes",
        metavar="NAME",
        multiple=True,
        help="Draw this class, where classes were taught. May be repeated.",
    )(command)


def seeds_option(
    flag: str, default: str, meaning: str, check: Callable[..., Any] = checks.stops
) -> Callable[[Command], Command]:
    """A list of places: numbers of pictures and files. check: what reads it."""
    return click.option(
        flag, metavar="LIST", default=default, show_default=True, help=meaning,
        callback=read_by(partial(check, flag=flag)),
    )  # fmt: skip


def truncation_option(command: Command) -> Command:
    return click.option(
        "--truncation",
        metavar="PSI",
        type=float,
        default=1.0,
        show_default=True,
        callback=read_by(checks.truncation),
        help="From 0, the most ordinary picture, to 1, the full variety.",
    )(command)


def force_option(command: Command) -> Command:
    return click.option("--force", is_flag=True, help="Overwrite files that exist.")(command)


def data_root_option(command: Command) -> Command:
    return click.option(
        "--data-root",
        metavar="DIR",
        type=PATH,
        help="Folder that holds the files of a named set (mnist, fashion-mnist, cifar10).",
    )(command)


def drawing_options(what: str) -> Callable[[Command], Command]:
    """--class, --truncation, --at, --force and --json, of all commands that draw."""

    def add(command: Command) -> Command:
        for option in (
            json_option(what), force_option, at_option, truncation_option, class_option
        ):  # fmt: skip
            command = option(command)
        return command

    return add
