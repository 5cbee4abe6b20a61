"""What the benchmarks share: where the data is, what the machine is, how numbers are written.

Imports nothing heavy, so that bench/startup.py stays a small process: on Linux the peak memory of
a child is never reported below that of its parent.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_DATA = ROOT.parent / "shared" / "data"


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the module's docstring, with the options that all benchmarks have."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers as JSON")
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


def machine(device: str | None = None) -> dict[str, Any]:
    """Processor, device, versions, load and date, to stand beside every number."""
    import torch

    import ganwerk
    from ganwerk.runtime.machine import facts

    found = facts(device)
    return {
        "ganwerk": ganwerk.__version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": facts("cpu").device_name,
        "cores": found.cores,
        "device": found.device,
        "device_name": found.device_name,
        "bf16_units": found.bf16_units,
        "memory_bytes": found.memory_bytes,
        "python": found.python,
        "torch": found.torch,
        "threads": torch.get_num_threads(),
        "load_at_start": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def machine_line(found: dict[str, Any]) -> str:
    """The machine in one line of text."""
    where = "" if found["device"] == "cpu" else f", {found['device_name']}"
    units = "with" if found["bf16_units"] else "without"
    load = found["load_at_start"]
    busy = "" if load is None else f", load {load:.1f} at the start"
    return (
        f"{found['processor']}, {found['cores']} cores {units} bf16 units{where}; "
        f"torch {found['torch']}, {found['threads']} threads{busy}; {found['date'][:10]}"
    )


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with the quartiles around it."""

    median: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        return f"{self.median:{spec}} ({self.low:{spec}} to {self.high:{spec}})"


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles; of fewer than four values, the extremes stand for the quartiles."""
    if len(values) < 4:
        return Spread(statistics.median(values), min(values), max(values))
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(middle, low, high)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of text as a Markdown table, padded so that it also reads well as it is."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    texts = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    texts.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(texts)


def write_json(path: Path | None, values: dict[str, Any]) -> None:
    """Write `values` to `path`, if one was given."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=1, default=_plain) + "\n", "utf-8")
    print(f"Written: {path}")


def _plain(value: Any) -> Any:
    return asdict(value) if isinstance(value, Spread) else str(value)
