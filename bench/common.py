"""What the benchmarks share: options, where the data is, how numbers are told and kept.

Imports nothing heavy, so that bench/startup.py stays a small process: on Linux the peak memory of
a child is never reported below that of its parent.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from bench.record import FOLDER, ROOT, Machine, Record, keep

DEFAULT_DATA = ROOT.parent / "shared" / "data"


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the module's docstring, with the options that all benchmarks have."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers as JSON")
    kept = "where the record is kept (default: bench/results, which `make docs` reads)"
    made.add_argument("--results", type=Path, default=FOLDER, metavar="DIR", help=kept)
    return made


def add_data_option(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--data",
        type=Path,
        default=DEFAULT_DATA,
        metavar="DIR",
        help="folder with mnist/*.gz and fruits/train (default: shared/data beside the repository)",
    )


def find_data(needed: str, folder: Path = DEFAULT_DATA) -> Path | None:
    """`folder` if `needed` (for example 'fruits/train') is in it."""
    return folder if (folder / needed).is_dir() else None


def data_folder(folder: Path, needed: str) -> Path:
    """`folder`, or the end of the program with a sentence if `needed` is not in it."""
    if find_data(needed, folder) is None:
        sys.exit(
            f"error: there is no folder {folder / needed}.\n"
            "hint: name the folder that holds the benchmark's pictures: --data DIR\n"
            "      It needs mnist/ with the four IDX files and fruits/train, fruits/test with one\n"
            "      folder per kind (Fruits-360: apple, lemon, mango, raspberry)."
        )
    return folder


def machine_line(found: Machine) -> str:
    """The machine in one line of text."""
    busy = "" if found.load is None else f", load {found.load:.1f} at the start"
    return f"{found.kind}{busy}"


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with the quartiles around it; of few values, with the least and the greatest."""

    median: float
    low: float
    high: float
    kind: Literal["quartiles", "extremes"] = "quartiles"

    def scaled(self, factor: float, plus: float = 0.0) -> Spread:
        """All three times `factor`, which is positive, and moved by `plus`."""
        low, median, high = (v * factor + plus for v in (self.low, self.median, self.high))
        return Spread(median, low, high, self.kind)

    def __format__(self, spec: str) -> str:
        return f"{self.median:{spec}} ({self.low:{spec}} to {self.high:{spec}})"


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles; of fewer than four values, the extremes stand for the quartiles."""
    if len(values) < 4:
        return Spread(statistics.median(values), min(values), max(values), "extremes")
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(middle, low, high)


def ratio_of(above: Sequence[float], below: Sequence[float]) -> Spread:
    """How many times `above` is `below`: by the medians, with the spread of the rounds' ratios."""
    rounds = spread([a / b for a, b in zip(above, below, strict=True)])
    return replace(rounds, median=statistics.median(above) / statistics.median(below))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of text as a Markdown table, padded so that it also reads well as it is."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    texts = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    texts.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(texts)


def publish(given: argparse.Namespace, record: Record, numbers: dict[str, Any]) -> None:
    """Keep the record in bench/results, under the name of the script, and write all `numbers` where
    --json says."""
    name = record.command.split()[2].removeprefix("bench.")
    print(f"Written: {keep(name, record, given.results)}")
    write_json(given.json, {"machine": record.machine.model_dump()} | numbers)


def write_json(path: Path | None, values: dict[str, Any]) -> None:
    """Write `values` to `path`, if one was given. Raises TypeError if JSON has no word for one."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=1, default=_plain) + "\n", "utf-8")
    print(f"Written: {path}")


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return asdict(value)
