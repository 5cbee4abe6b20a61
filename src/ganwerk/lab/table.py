"""Means with their standard errors, over seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ganwerk.lab.trial import Trial


@dataclass(frozen=True, slots=True)
class Mean:
    """mean over `count` games that have the number, error: the mean's standard error (None for a
    single game), values: of each game, None where it has none."""

    mean: float | None
    error: float | None
    count: int
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A fact in a table. form: how a mean is written; factor: what it is multiplied by first."""

    fact: str
    head: str
    form: str = ".2f"
    factor: float = 1.0


def mean_of(values: Sequence[float | int | None]) -> Mean:
    known = [float(value) for value in values if value is not None]
    everything = tuple(None if value is None else float(value) for value in values)
    if not known:
        return Mean(None, None, 0, everything)
    error = statistics.stdev(known) / math.sqrt(len(known)) if len(known) > 1 else None
    return Mean(statistics.fmean(known), error, len(known), everything)


def summary(games: Mapping[str, Sequence[Trial]]) -> dict[str, dict[str, Mean]]:
    """For each method every fact that its games have."""
    return {
        name: {fact: mean_of([t.facts[fact] for t in trials]) for fact in trials[0].facts}
        for name, trials in games.items()
    }


def cell(mean: Mean, column: Column) -> str:
    """'7.90 ± 0.10', or a dash where no game has the number."""
    if mean.mean is None:
        return "-"
    text = f"{mean.mean * column.factor:{column.form}}"
    if mean.error is not None:
        text += f" ± {mean.error * column.factor:{column.form}}"
    return text


def rows(
    means: Mapping[str, Mapping[str, Mean]], columns: Sequence[Column]
) -> list[tuple[str, ...]]:
    """A head and one row per method."""
    head = ("method", *(column.head for column in columns))
    body = [
        (name, *(cell(facts[column.fact], column) for column in columns))
        for name, facts in means.items()
    ]
    return [head, *body]


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Rows as text: the first column to the left, numbers to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return [
        "  ".join(
            text.ljust(width) if i == 0 else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
