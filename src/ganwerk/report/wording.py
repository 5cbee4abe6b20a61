"""Numbers, times and keys in the words of people."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ganwerk.run.files import human_bytes

_SHORT = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def short_count(count: float) -> str:
    """A count for an axis.

    >>> short_count(1_250_000), short_count(40_000), short_count(900)
    ('1.25M', '40k', '900')
    """
    for size, letter in _SHORT:
        if abs(count) >= size:
            return f"{count / size:.3g}{letter}"
    return f"{count:.3g}"


def images(count: float) -> str:
    return "1 image" if count == 1 else f"{count:,.0f} images"


def duration(seconds: float) -> str:
    """A time span in its two largest units.

    >>> duration(42.4), duration(1203), duration(7500)
    ('42 s', '20 min 3 s', '2 h 5 min')
    """
    whole = round(seconds)
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next((i for i, (n, _) in enumerate(parts) if n), len(parts) - 1)
    return " ".join(f"{n} {unit}" for n, unit in parts[first : first + 2] if n) or "0 s"


def measured(value: float) -> str:
    """A measured number with three or four digits.

    >>> measured(-1.38629), measured(0.00002), measured(12345.6)
    ('−1.386', '2e−05', '12,346')
    """
    form = ",.0f" if abs(value) >= 1000 else ".2g" if abs(value) < 1e-3 else ".4g"
    return f"{value:{form}}".replace("-", "−")


def speed(images_per_second: float) -> str:
    digits = 0 if images_per_second >= 10 else 1
    return f"{images_per_second:,.{digits}f} images/s"


_UNITS: tuple[tuple[str, Callable[[float], str]], ...] = (
    ("_bytes", lambda value: human_bytes(int(value))),
    ("_seconds", duration),
    ("_px", lambda value: f"{value:,} px"),
    ("_per_second", lambda value: f"{measured(value)} per second"),
)


def _number(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    return measured(value) if math.isfinite(value) else str(value)


def worded(key: str, value: Any) -> tuple[str, str]:
    """Name and value of a record for people: units out of the name, into the value.

    >>> worded("free_memory_bytes", 2_000_000_000)
    ('free memory', '2.0 GB')
    """
    name = key.replace("_", " ")
    if isinstance(value, bool):
        return name, "yes" if value else "no"
    if isinstance(value, int | float):
        for ending, say in _UNITS:
            if key.endswith(ending) and math.isfinite(value):
                kept = "" if ending == "_per_second" else ending
                return key.removesuffix(kept or " ").replace("_", " "), say(value)
        return name, _number(value)
    if isinstance(value, list | tuple):
        return name, ", ".join(worded("", part)[1] for part in value) or "none"
    return name, "none" if value in (None, "") else str(value)


def flattened(record: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested tables as one list of joined keys and values."""
    found: list[tuple[str, Any]] = []
    for key, value in record.items():
        dotted = f"{prefix}{key}"
        found += (
            flattened(value, f"{dotted} · ") if isinstance(value, Mapping) else [(dotted, value)]
        )
    return found
