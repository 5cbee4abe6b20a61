"""Options that several commands share, and how their values are written."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from ganwerk.errors import ConfigError

MOST_SEEDS = 1_000_000
MOST_STOPS = 10_000
_LARGEST_SEED = 2**63 - 1
_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}

Command = TypeVar("Command", bound=Callable[..., Any])


class Budget(NamedTuple):
    """How long to train: kind 'minutes', 'images' or 'epochs', and the option as typed."""

    kind: str
    amount: float
    flag: str


def budget_of(minutes: str | None, images: str | None, epochs: str | None) -> Budget | None:
    """The one budget that was given, if any. Raises ConfigError for two, or a bad amount."""
    given = {"minutes": minutes, "images": images, "epochs": epochs}
    flags = [f"--{kind} {text}" for kind, text in given.items() if text is not None]
    if len(flags) > 1:
        raise ConfigError(
            f"A training has one budget, and here are {len(flags)}: {' and '.join(flags)}.",
            "Keep the one that matters most and leave out the other.",
        )
    for kind, text in given.items():
        if text is not None:
            amount = count(text, "--images") if kind == "images" else positive(text, f"--{kind}")
            return Budget(kind, amount, f"--{kind} {text}")
    return None


def positive(text: str, flag: str) -> float:
    """A number above 0, '1.5'. Raises ConfigError."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise ConfigError(f"{flag} cannot be '{text}'.", f"Give a number above 0: {flag} 1.5")
    return value


def count(text: str, flag: str) -> int:
    """A whole number above 0: '200000', '200_000', '200k', '1.5M'. Raises ConfigError."""
    found = re.fullmatch(r"([0-9][0-9_]*(?:\.[0-9]+)?) ?([kKmM]?)", text.strip())
    if found:
        value = Decimal(found[1].replace("_", "")) * _FACTORS[found[2].lower()]
        if value > 0 and value == int(value):
            return int(value)
    raise ConfigError(
        f"{flag} cannot be '{text}'.", f"Give a whole number: {flag} 200_000, 200k or 1.5M."
    )


def parse_seeds(text: str) -> tuple[int, ...]:
    """'0-3,7' -> (0, 1, 2, 3, 7), each once, in the order given. Raises ConfigError."""
    seeds: dict[int, None] = {}
    for part in text.split(","):
        found = re.fullmatch(r" *([0-9]+) *(?:- *([0-9]+) *)?", part)
        if not found:
            raise ConfigError(
                f"--seeds cannot be '{text}': '{part.strip()}' is no number and no range.",
                "Write whole numbers and ranges, with commas between: --seeds 0-63,70,80-89",
            )
        first, last = _span(found, "--seeds", text)
        if last > _LARGEST_SEED or len(seeds) + last - first >= MOST_SEEDS:
            raise ConfigError(
                f"--seeds {text} is too much: at most {MOST_SEEDS:,} pictures at once, numbered "
                f"up to {_LARGEST_SEED}.",
                "Draw them in several calls.",
            )
        seeds |= dict.fromkeys(range(first, last + 1))
    return tuple(seeds)


def _span(found: re.Match[str], flag: str, text: str) -> tuple[int, int]:
    """The first and the last number of '5' or '5-7'. Raises ConfigError if it goes backwards."""
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise ConfigError(
            f"{flag} cannot be '{text}': the range {first}-{last} goes backwards.",
            f"Write the smaller number first: {last}-{first}",
        )
    return first, last


def parse_stops(text: str, flag: str) -> tuple[int | Path, ...]:
    """'1,5-7,lemon.safetensors,1' -> (1, 5, 6, 7, Path('lemon.safetensors'), 1): numbers of
    pictures and files with places, in order, repetitions and all. Raises ConfigError."""
    stops: list[int | Path] = []
    for part in (part.strip() for part in text.split(",")):
        if part.endswith(".safetensors"):
            stops.append(Path(part))
            continue
        found = re.fullmatch(r"([0-9]+)(?: *- *([0-9]+))?", part)
        if not found:
            raise ConfigError(
                f"{flag} cannot be '{text}': '{part}' is no number, no range and no file of a "
                "place (.safetensors).",
                f"Write them with commas between: {flag} 1,5,9-12,photo.safetensors",
            )
        first, last = _span(found, flag, text)
        if last > _LARGEST_SEED or len(stops) + last - first >= MOST_STOPS:
            raise ConfigError(
                f"{flag} {text} is too much: at most {MOST_STOPS:,} places, numbered up to "
                f"{_LARGEST_SEED}.",
                "Name fewer.",
            )
        stops += range(first, last + 1)
    return tuple(stops)


def parse_at(text: str) -> str | int:
    """'latest', 'best' or images seen. Raises ConfigError."""
    return text if text in ("latest", "best") else count(text, "--at")


def budget_options(verb: str) -> Callable[[Command], Command]:
    """--minutes, --images, --epochs, as text: `budget_of` reads them."""

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
    return click.argument("run", type=click.Path(path_type=Path))(command)


def at_option(command: Command) -> Command:
    return click.option(
        "--at",
        metavar="WHEN",
        default="latest",
        show_default=True,
        help="Which checkpoint: latest, best or the images it had seen.",
    )(command)


def moved_data_option(command: Command) -> Command:
    return click.option(
        "--data",
        metavar="PLACE",
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


def truncation_option(command: Command) -> Command:
    return click.option(
        "--truncation",
        metavar="PSI",
        type=float,
        default=1.0,
        show_default=True,
        help="From 0, the most ordinary picture, to 1, the full variety.",
    )(command)


def force_option(command: Command) -> Command:
    return click.option("--force", is_flag=True, help="Overwrite files that exist.")(command)


def data_root_option(command: Command) -> Command:
    return click.option(
        "--data-root",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="Folder that holds the files of a named set (mnist, fashion-mnist, cifar10).",
    )(command)
