"""What users give, on the command line or from Python: read, bounded and refused in one place.

Each check takes text as one types it, Python's or numpy's numbers, and says the same of all.
`flag` is the option's name on the command line. No torch, no numpy, no click.
"""

from __future__ import annotations

import math
import numbers
import os
import re
from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from ganwerk.errors import ConfigError

MOST_SEEDS = 1_000_000
MOST_STOPS = 10_000
LARGEST_SEED = 2**63 - 1
MOST_IMAGES = 10**15
MOST_MINUTES = 100 * 366 * 24 * 60  # a hundred years
MOST_EPOCHS = 10**9
_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}
_MOST_SHOWN = 60
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]+:/|www\.)", re.IGNORECASE)

Stop = int | Path
"""The number of a picture, or a file with a place, as `ganwerk project` writes it."""


class Budget(NamedTuple):
    """How long to train: kind 'minutes', 'images' or 'epochs', and the option as typed."""

    kind: str
    amount: float
    flag: str


def shown(value: object) -> str:
    """A value as it stands in a sentence, long ones cut."""
    try:
        text = " ".join(str(value).split())
    except ValueError:  # Python writes no integers of more than 4,300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."


def given(value: object) -> str:
    """A value as it was given: text in quotes."""
    return f"'{shown(value)}'" if isinstance(value, str) else shown(value)


def plain(value: Any) -> Any:
    """Python's value of a numpy number or of an array without axes; all else as it is."""
    return value.item() if getattr(value, "shape", None) == () else value


def listed(value: Any) -> Any:
    """Python's values of a numpy number or array; all else as it is."""
    return value.tolist() if hasattr(value, "tolist") else value


def number(value: Any) -> int | float | None:
    """A finite number as Python's; None for anything else. True and False are no numbers."""
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    if isinstance(value, numbers.Integral):
        return int(value)
    found = float(value)
    return found if math.isfinite(found) else None


def amount(
    value: Any, flag: str, *, least: float = 0.0, most: float = math.inf, above: bool = False
) -> float:
    """A number from `least` to `most`; above: without `least` itself. Raises ConfigError."""
    found = number(value)
    if found is None or not least <= found <= most or (above and found == least):
        bounds = f"above {least:g}" if above else f"from {least:g}"
        limit = "" if math.isinf(most) else f"{',' if above else ''} {_up_to(above)} {most:,g}"
        raise ConfigError(f"{flag} cannot be {given(value)}.", f"Give a number {bounds}{limit}.")
    return float(found)


def _up_to(above: bool) -> str:
    return "at most" if above else "to"


def whole(value: Any, flag: str, *, least: int = 1, most: int = 10**9) -> int:
    """A whole number from `least` to `most`, 3.0 too. Raises ConfigError."""
    found = number(value)
    if found is None or not least <= found <= most or found != int(found):
        raise ConfigError(
            f"{flag} cannot be {given(value)}.",
            f"Give a whole number from {least:,} to {most:,}.",
        )
    return int(found)


def positive(value: Any, flag: str, most: float = MOST_MINUTES) -> float:
    """A number above 0, '1.5' or 1.5. Raises ConfigError."""
    found = number(value)
    if isinstance(value, str):
        try:
            found = number(float(value))
        except ValueError:
            found = None
    if found is None or not 0 < found <= most:
        raise ConfigError(
            f"{flag} cannot be {given(value)}.",
            f"Give a number above 0, at most {most:,.0f}: {flag} 1.5",
        )
    return float(found)


def count(value: Any, flag: str, most: int = MOST_IMAGES) -> int:
    """A whole number from 1 to `most`: 200_000, '200_000', '200k', '1.5M'. Raises ConfigError."""
    found: Any = number(value)
    if isinstance(value, str):
        text = re.fullmatch(r"([0-9][0-9_]*(?:\.[0-9]+)?) ?([kKmM]?)", value.strip())
        found = Decimal(text[1].replace("_", "")) * _FACTORS[text[2].lower()] if text else None
    if found is not None and 0 < found <= most and found == int(found):
        return int(found)
    raise ConfigError(
        f"{flag} cannot be {given(value)}.",
        f"Give a whole number, at most {most:,}: {flag} 200_000, 200k or 1.5M.",
    )


def drawn(value: Any, flag: str = "--count") -> int:
    """How many pictures to draw. Raises ConfigError."""
    return count(value, flag, MOST_SEEDS)


def budget(minutes: Any = None, images: Any = None, epochs: Any = None) -> Budget | None:
    """The one budget that was given, if any. Raises ConfigError for two, or a bad amount."""
    given = {"minutes": minutes, "images": images, "epochs": epochs}
    given = {kind: value for kind, value in given.items() if value is not None}
    one_budget([f"--{kind} {shown(value)}" for kind, value in given.items()])
    for kind, value in given.items():
        flag = f"--{kind} {shown(value)}"
        if kind == "images":
            return Budget(kind, count(value, "--images"), flag)
        most = MOST_MINUTES if kind == "minutes" else MOST_EPOCHS
        return Budget(kind, positive(value, f"--{kind}", most), flag)
    return None


def one_budget(flags: list[str]) -> None:
    """Raises ConfigError for more than one. flags: each as it was given."""
    if len(flags) > 1:
        raise ConfigError(
            f"A training has one budget, and here are {len(flags)}: {' and '.join(flags)}.",
            "Keep the one that matters most and leave out the other.",
        )


def truncation(value: Any) -> float:
    """From 0 to 1. Raises ConfigError."""
    found = number(value)
    if found is None or not 0 <= found <= 1:
        raise ConfigError(
            f"A truncation of {shown(value)} is not possible.",
            "Give a number from 0, the most ordinary picture, to 1: --truncation 0.7",
        )
    return float(found)


def at(value: Any) -> str | int:
    """'latest', 'best' or images seen. Raises ConfigError."""
    if isinstance(value, str) and value in ("latest", "best"):
        return value
    return 0 if value == "0" or number(value) == 0 else count(value, "--at")


def names(value: Any, flag: str, separator: str | None = None) -> tuple[str, ...]:
    """Names; a text alone is one of them, or with a separator as many as it divides.

    Raises ConfigError for anything else."""
    if isinstance(value, str):
        parts = [value] if separator is None else value.split(separator)
        return tuple(part.strip() for part in parts if part.strip() or separator is None)
    found = list(value) if isinstance(value, Iterable) else [value]
    if not all(isinstance(name, str) for name in found):
        raise ConfigError(f"{flag} cannot be {given(value)}.", "Give a name or a list of names.")
    return tuple(str(name) for name in found)


def seeds(value: Any, flag: str = "--seeds") -> tuple[int, ...]:
    """The numbers of pictures: text as on the command line, '0-3,7', or any integers, numpy's too.

    Raises ConfigError."""
    if isinstance(value, str):
        return parse_seeds(value, flag)
    found = []
    for seed in _listed(value, flag, MOST_SEEDS, "pictures at once", "Draw them in several calls."):
        as_number = number(seed)
        sound = as_number is not None and 0 <= as_number <= LARGEST_SEED
        if as_number is None or not sound or as_number != int(as_number):
            raise ConfigError(
                f"The seed {shown(seed)} is no whole number from 0 to {LARGEST_SEED}.",
                f"Choose others: {flag} 0-63",
            )
        found.append(int(as_number))
    if not found:
        raise ConfigError("No picture was asked for.", f"Name some: {flag} 0-63")
    return tuple(found)


def _listed(value: Any, flag: str, most: int, what: str, hint: str) -> list[Any]:
    """What can be walked through, as a list of at most so many. Raises ConfigError."""
    alone = plain(value)
    if number(alone) is not None:
        raise ConfigError(
            f"{flag} cannot be the number {shown(alone)} alone.",
            f"Give a list: [{shown(alone)}] is picture number {shown(alone)}, "
            f"range({shown(alone)}) are the first.",
        )
    if not isinstance(alone, Iterable):
        raise ConfigError(f"{flag} cannot be {given(alone)}.", "Give a list of whole numbers.")
    found = list(islice(alone, most + 1))
    if len(found) > most:
        raise ConfigError(f"{flag} is too much: at most {most:,} {what}.", hint)
    return found


def parse_seeds(text: str, flag: str = "--seeds") -> tuple[int, ...]:
    """'0-3,7' -> (0, 1, 2, 3, 7), each once, in the order given. Raises ConfigError."""
    found: dict[int, None] = {}
    for part in text.split(","):
        span = re.fullmatch(r" *([0-9]+) *(?:- *([0-9]+) *)?", part)
        if not span:
            raise ConfigError(
                f"{flag} cannot be '{shown(text)}': '{shown(part.strip())}' is no number and no "
                "range.",
                f"Write whole numbers and ranges, with commas between: {flag} 0-63,70,80-89",
            )
        first, last = _span(span, flag, text)
        if last > LARGEST_SEED or len(found) + last - first >= MOST_SEEDS:
            raise ConfigError(
                f"{flag} {shown(text)} is too much: at most {MOST_SEEDS:,} pictures at once, "
                f"numbered up to {LARGEST_SEED}.",
                "Draw them in several calls.",
            )
        found |= dict.fromkeys(range(first, last + 1))
    return tuple(found)


def _span(found: re.Match[str], flag: str, text: str) -> tuple[int, int]:
    """The first and the last number of '5' or '5-7'. Raises ConfigError if it goes backwards."""
    first, last = (_digits(found[group] or found[1]) for group in (1, 2))
    if last < first:
        raise ConfigError(
            f"{flag} cannot be '{shown(text)}': the range {shown(found[0].strip())} goes "
            "backwards.",
            f"Write the smaller number first: {last}-{first}",
        )
    return first, last


def _digits(text: str) -> int:
    """The number; of endless ones one that is too large as well."""
    return int(text.lstrip("0")[:40] or "0")


def stops(value: Any, flag: str) -> tuple[Stop, ...]:
    """Numbers of pictures and files with places: text as on the command line, or a list of both.

    Raises ConfigError."""
    if isinstance(value, str):
        return parse_stops(value, flag)
    if isinstance(value, Path):
        return (value,)
    found: list[Stop] = []
    for stop in _listed(value, flag, MOST_STOPS, "places", "Name fewer."):
        found += [Path(stop)] if isinstance(stop, str | Path) else seeds([stop], flag)
    return tuple(found)


def parse_stops(text: str, flag: str) -> tuple[Stop, ...]:
    """'1,5-7,lemon.safetensors,1' -> (1, 5, 6, 7, Path('lemon.safetensors'), 1): numbers of
    pictures and files with places, in order, repetitions and all. Raises ConfigError."""
    found: list[Stop] = []
    for part in (part.strip() for part in text.split(",")):
        if part.endswith(".safetensors"):
            found.append(Path(part))
            continue
        span = re.fullmatch(r"([0-9]+)(?: *- *([0-9]+))?", part)
        if not span:
            raise ConfigError(
                f"{flag} cannot be '{shown(text)}': '{shown(part)}' is no number, no range and no "
                "file of a place (.safetensors).",
                f"Write them with commas between: {flag} 1,5,9-12,photo.safetensors",
            )
        first, last = _span(span, flag, text)
        if last > LARGEST_SEED or len(found) + last - first >= MOST_STOPS:
            raise ConfigError(
                f"{flag} {shown(text)} is too much: at most {MOST_STOPS:,} places, numbered up to "
                f"{LARGEST_SEED}.",
                "Name fewer.",
            )
        found += range(first, last + 1)
    return tuple(found)


def pictures(value: str | Path) -> str:
    """Where pictures lie: a path on this machine, or the address of an index of shards. Raises
    ConfigError for any other address."""
    text = str(value)
    if re.match(r"[a-z][a-z0-9+.-]+://.+/[^/?#]+\.json$", text, re.IGNORECASE):
        return text if not text.lower().startswith("file:") else local(text)
    try:
        return local(text)
    except ConfigError as error:
        raise ConfigError(
            error.message,
            f"{error.hint}\nWhat can be trained on from afar is an index of shards, "
            "https://.../index.json: ganwerk data shard --help",
        ) from error


def local(value: str | Path) -> str:
    """A path on this machine as text. Raises ConfigError for an address, 'https://...'."""
    text = str(value)
    if not _ADDRESS.match(text) or os.path.exists(text):
        return text
    if text.lower().startswith("file:/"):
        path = "/" + text[5:].removeprefix("//localhost").lstrip("/")
        raise ConfigError(f"{shown(text)} is an address, no path.", f"Write just {shown(path)}")
    raise ConfigError(
        f"{shown(text)} is an address, and ganwerk reads and writes files of this machine.",
        "Download it first, then name the file or the folder.",
    )
