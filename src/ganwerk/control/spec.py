"""What picture is wanted, as a text that fits into an address and onto a command line. No torch.

seed=5                                      picture number 5
seed=5&class=lemon                          of this class
seed=5&class=lemon:0.3&class=apple:0.7      of shares of classes
seed=5&truncation=0.7                       nearer to the middle
seed=5&mix=9:coarse                         some layers in the style of picture 9
seed=5&move=1:2.5                           along direction 1 by 2.5 spreads
place=photo                                 at a place that the run keeps, instead of a number
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import parse_qsl, quote

from ganwerk import checks
from ganwerk.errors import ConfigError, did_you_mean, typed

KEYS = ("seed", "place", "class", "truncation", "mix", "move")
MOST_TEXT, MOST_PARTS = 4_000, 64
LARGEST_MOVE = 20.0
NAME = re.compile(r"(?![0-9]+$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?(e-?[0-9]{1,3})?")
HINT = "Write it like this: 'seed=5&class=lemon&truncation=0.7&move=1:2.5'"

Start = int | str
"""The number of a picture, or the name of a place that the run keeps."""


@dataclass(frozen=True, slots=True)
class PictureSpec:
    """start: where it begins. classes: their weights, which need not sum to 1; () for those of the
    number. mixes: (start, layers), in turn. moves: (direction, counted from 1; spreads)."""

    start: Start
    classes: tuple[tuple[str, float], ...] = ()
    truncation: float = 1.0
    mixes: tuple[tuple[Start, str], ...] = ()
    moves: tuple[tuple[int, float], ...] = ()

    def __str__(self) -> str:
        return written(self)


def read(text: str) -> PictureSpec:
    """Raises ConfigError with the part that cannot be understood."""
    if len(text) > MOST_TEXT:
        _refuse(f"{text[:40]}...", "it is too long")
    try:
        parts = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict",
            max_num_fields=MOST_PARTS,
        )  # fmt: skip
    except ValueError:
        _refuse(text, "it is no list of key=value, joined by &")
    unknown = [key for key, _ in parts if key not in KEYS]
    if unknown:
        raise ConfigError(
            f"A picture cannot be asked for by '{checks.shown(unknown[0])}'.",
            did_you_mean(unknown[0], KEYS),
        )

    def all_of(wanted: str) -> list[str]:
        return [value for key, value in parts if key == wanted]

    for key in ("truncation", "seed", "place"):
        if len(all_of(key)) > 1:
            _refuse(text, f"it has more than one {key}")
    starts: list[Start] = [_seed(value) for value in all_of("seed")]
    starts += [_name(value) for value in all_of("place")]
    if len(starts) != 1:
        _refuse(text, "it has to name one seed or one place")
    return PictureSpec(
        start=starts[0],
        classes=tuple(_weighted(value) for value in all_of("class")),
        truncation=_amount((all_of("truncation") or ["1"])[0], text, 0.0, 1.0),
        mixes=tuple(_mix(value) for value in all_of("mix")),
        moves=tuple(_move(value) for value in all_of("move")),
    )


def _refuse(text: str, why: str) -> NoReturn:
    raise ConfigError(f"The spec '{checks.shown(text)}' cannot be understood: {why}.", HINT)


def _seed(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > checks.LARGEST_SEED:
        _refuse(f"seed={text}", f"a picture's number is from 0 to {checks.LARGEST_SEED}")
    return int(text)


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        _refuse(f"place={text}", "a place has a name of letters, digits, dots, - and _")
    return text


def _start(text: str) -> Start:
    return _seed(text) if text.isdecimal() else _name(text)


def _amount(text: str, within: str, least: float, most: float) -> float:
    if not NUMBER.fullmatch(text) or not least <= float(text) <= most:
        _refuse(within, f"'{checks.shown(text)}' is no number from {least:g} to {most:g}")
    return float(text)


def _weighted(text: str) -> tuple[str, float]:
    """'lemon:0.3'; what follows the last colon is a weight if it is a number."""
    name, colon, weight = text.rpartition(":")
    if not colon or not NUMBER.fullmatch(weight):
        return text, 1.0
    return name, _amount(weight, f"class={text}", 0.0, 1e6)


def _mix(text: str) -> tuple[Start, str]:
    start, colon, layers = text.partition(":")
    if not colon or not re.fullmatch(r"[a-z]+|[0-9]+(-[0-9]+)?", layers):
        _refuse(f"mix={text}", "it is a picture's number and layers: mix=9:coarse")
    return _start(start), layers


def _move(text: str) -> tuple[int, float]:
    number, colon, amount = text.partition(":")
    if not colon or not re.fullmatch(r"[1-9][0-9]{0,4}", number):
        _refuse(f"move={text}", "it is a direction's number and how far: move=1:2.5")
    return int(number), _amount(amount, f"move={text}", -LARGEST_MOVE, LARGEST_MOVE)


def written(spec: PictureSpec) -> str:
    """The text that `read` reads as this spec."""
    parts = [("seed" if isinstance(spec.start, int) else "place", str(spec.start))]
    parts += [("class", f"{name}:{_short(weight)}") for name, weight in spec.classes]
    if spec.truncation != 1:
        parts.append(("truncation", _short(spec.truncation)))
    parts += [("mix", f"{start}:{layers}") for start, layers in spec.mixes]
    parts += [("move", f"{number}:{_short(amount)}") for number, amount in spec.moves]
    return "&".join(f"{key}={quote(value, safe=':')}" for key, value in parts)


def _short(value: float) -> str:
    """The shortest text that is this number."""
    return repr(int(value)) if value == int(value) else repr(value)


def command(run: Path, spec: PictureSpec, at: str | int = "latest") -> str:
    """What draws this picture on a command line."""
    known = [name for name, weight in spec.classes if weight > 0]
    simple = isinstance(spec.start, int) and len(known) == len(spec.classes) < 2
    if simple and not spec.mixes and not spec.moves:
        words = ["ganwerk sample", typed(run), f"--seeds {spec.start}"]
        words += [f"--class {typed(name)}" for name in known]
        if spec.truncation != 1:
            words.append(f"--truncation {_short(spec.truncation)}")
    else:
        words = ["ganwerk draw", typed(run), typed(written(spec))]
    return " ".join([*words, *([f"--at {at}"] if at != "latest" else ())])
