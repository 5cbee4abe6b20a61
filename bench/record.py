"""Measurements as data: what the files in bench/results hold, and how they are read and written.

A file NAME.json holds the records of bench/NAME.py. A record is one study on one kind of machine:
the figures of one command, with all that they depend on. Another machine's record stands beside it;
a measurement repeated on the same kind of machine takes the place of the one before. A ratio is a
figure of one record, so that none is ever taken between machines.

Units stand in the names of the figures (`_seconds`, `_bytes`, `images_per_second`).
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "bench" / "results"
LIMITS = ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY")
"""Variables by which a processor plays a weaker one."""
PLACES = ("--json", "--results", "--out", "--data", "--cache", "--keep", "--work")
"""Options that say where files are, on which no figure depends."""
FLAGS = {"avx2": "avx2", "avx512": "avx512f", "bf16": "avx512_bf16", "amx": "amx_bf16"}
"""Instruction set to the flag in /proc/cpuinfo."""


class Strict(BaseModel):
    """Frozen; unknown fields and numbers that are not finite are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Machine(Strict):
    """What was measured on. load: of the last minute before the start. None: not recorded."""

    processor: str
    instruction_sets: tuple[str, ...]
    cores: int = Field(ge=1)
    threads: int | None = Field(ge=1)
    load: float | None = Field(ge=0)
    device: str = "cpu"
    limits: dict[str, str] = {}

    @property
    def kind(self) -> str:
        """The machine in a line, by which records are told apart: all but the load."""
        parts = [self.processor, f"{self.cores} cores", "/".join(self.instruction_sets)]
        parts += [f"{self.threads} threads"] * (self.threads not in (None, self.cores))
        parts += [self.device] * (self.device != "cpu")
        parts += [f"{name}={value}" for name, value in sorted(self.limits.items())]
        return ", ".join(part for part in parts if part).replace(", 1 threads", ", 1 thread")


class Versions(Strict):
    python: str
    torch: str
    ganwerk: str | None


class Range(Strict):
    """The quartiles, or the least and the greatest value. They need not hold the figure: that of a
    ratio is the ratio of the medians, its quartiles are those of the rounds' own ratios."""

    kind: Literal["quartiles", "extremes"]
    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self


class Deviation(Strict):
    kind: Literal["standard deviation", "standard error"]
    size: float = Field(ge=0)


class Figure(Strict):
    """A number and its spread; None: of one measurement, or not recorded."""

    value: float
    spread: Annotated[Range | Deviation, Field(discriminator="kind")] | None


class Row(Strict):
    """What was measured: figures, and words that tell a contender's settings or a result."""

    name: str
    figures: dict[str, Figure] = {}
    words: dict[str, str] = {}

    @model_validator(mode="after")
    def _holds_something(self) -> Row:
        if not self.figures and not self.words:
            raise ValueError(f"the row '{self.name}' is empty")
        if both := self.figures.keys() & self.words.keys():
            raise ValueError(f"figure and word at once: {', '.join(sorted(both))}")
        return self


class Record(Strict):
    """One study on one machine. commit: of the code that was measured; of a record that was carried
    over from the text of the docs, of the text that told it first."""

    study: str
    command: str = Field(pattern=r"^python -m bench\.")
    date: date
    commit: str | None = Field(pattern=r"^[0-9a-f]{7,40}(-dirty)?$")
    origin: Literal["measured", "carried over from the text"]
    machine: Machine
    versions: Versions
    note: str = ""
    rows: tuple[Row, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_clear(self) -> Record:
        twice = [name for name, n in Counter(row.name for row in self.rows).items() if n > 1]
        if twice:
            raise ValueError(f"rows of the same name: {', '.join(twice)}")
        if self.origin != "measured" and self.commit is None:
            raise ValueError("what is carried over names the commit that told it")
        return self

    def row(self, name: str) -> Row:
        """The row of this name; 'last' is the last. Raises KeyError if there is no such row."""
        rows = {each.name: each for each in self.rows}
        return self.rows[-1] if name == "last" else rows[name]


class Results(Strict):
    """The content of a file."""

    name: str
    records: tuple[Record, ...]

    @model_validator(mode="after")
    def _apart(self) -> Results:
        keys = Counter((record.study, record.machine.kind) for record in self.records)
        if twice := [key for key, n in keys.items() if n > 1]:
            raise ValueError(f"twice for one kind of machine: {twice[0]}")
        return self

    def of(self, study: str) -> list[Record]:
        """One record for each kind of machine, the first measured first."""
        return [record for record in self.records if record.study == study]


def read(name: str, folder: Path = FOLDER) -> Results:
    """The checked content of NAME.json. Raises OSError, and ValueError with the file's name."""
    path = folder / f"{name}.json"
    try:
        found = Results.model_validate_json(path.read_text("utf-8"))
    except ValidationError as error:
        raise ValueError(f"{path}: {error}") from error
    if found.name != name:
        raise ValueError(f"{path}: it says that it is of '{found.name}'")
    return found


def keep(name: str, record: Record, folder: Path = FOLDER) -> Path:
    """Write the record into NAME.json, in the place of the same study on the same kind of machine,
    or behind the others. Nothing is half-written. Raises ValueError if the file is damaged."""
    path = folder / f"{name}.json"
    records = list(read(name, folder).records) if path.exists() else []
    key = (record.study, record.machine.kind)
    places = [i for i, each in enumerate(records) if (each.study, each.machine.kind) == key]
    if places:
        records[places[0]] = record
    else:
        records.append(record)
    folder.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(_text(Results(name=name, records=tuple(records))), "utf-8")
    beside.replace(path)
    return path


def _text(results: Results) -> str:
    """JSON with a line for each row."""
    parts = []
    for record in results.model_dump(mode="json")["records"]:
        rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in record.pop("rows"))
        head = json.dumps(record, indent=1, ensure_ascii=False).removesuffix("\n}")
        parts.append(f'{head},\n "rows": [\n  {rows}\n ]\n}}')
    name = json.dumps(results.name)
    return f'{{"name": {name}, "records": [\n' + ",\n".join(parts) + "\n]}\n"


# What is so here and now ----------------------------------------------------------------------


def machine(device: str | None = None) -> Machine:
    """This machine, and the device asked for or else the best there is. Imports torch."""
    import torch

    from ganwerk.runtime.machine import facts

    found, processor = facts(device), facts("cpu").device_name
    flags = _flags()
    return Machine(
        processor=processor,
        instruction_sets=tuple(name for name, flag in FLAGS.items() if flag in flags),
        cores=found.cores,
        threads=torch.get_num_threads(),
        load=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        device="cpu" if found.device == "cpu" else found.device_name,
        limits={name: os.environ[name] for name in LIMITS if name in os.environ},
    )


def _flags() -> set[str]:
    """What /proc/cpuinfo says the processor can do; elsewhere nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return set()
    return set(next((line for line in lines if line.startswith("flags")), "").split())


def versions() -> Versions:
    """Imports torch."""
    import torch

    import ganwerk

    return Versions(
        python=platform.python_version(),
        torch=str(torch.__version__),
        ganwerk=ganwerk.__version__,
    )


def command(name: str, words: Sequence[str]) -> str:
    """What was typed, without the places of files; of a full path only its last part."""
    told, skip = [], False
    for word in words:
        if skip or word in PLACES:
            skip = not skip
        elif word.partition("=")[0] not in PLACES:
            told.append(Path(word).name if Path(word).is_absolute() else word)
    return shlex.join(["python", "-m", f"bench.{name}", *told])


def commit() -> str | None:
    """Of the working tree, marked if code differs from it; None outside of a repository."""
    code = ("src", "bench/*.py")

    def git(*words: str) -> str:
        asked = ["git", "-C", str(ROOT), *words]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()

    try:
        short = git("rev-parse", "--short=10", "HEAD")
        return short + ("-dirty" if git("status", "--porcelain", "--", *code) else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def made(
    name: str, study: str, rows: Sequence[Row], here: Machine, *, note: str = "",
    words: Sequence[str] | None = None,
) -> Record:  # fmt: skip
    """The record of what was just measured, by this command (`words`: those of this process)."""
    return Record(
        study=study,
        command=command(name, sys.argv[1:] if words is None else words),
        date=datetime.now(UTC).date(),
        commit=commit(),
        origin="measured",
        machine=here,
        versions=versions(),
        note=note,
        rows=tuple(rows),
    )


def row(name: str, words: Mapping[str, str] | None = None, /, **figures: object) -> Row:
    """A row from numbers, spreads (bench.common.Spread) and figures."""
    found = {key: as_figure(value) for key, value in figures.items()}
    return Row(name=name, words=dict(words or {}), figures=found)


def as_figure(value: object) -> Figure:
    """A number, a bench.common.Spread or a Figure. Raises TypeError of anything else."""
    from bench.common import Spread

    if isinstance(value, Figure):
        return value
    if isinstance(value, Spread):
        return Figure(
            value=value.median, spread=Range(kind=value.kind, low=value.low, high=value.high)
        )
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Figure(value=value, spread=None)
    raise TypeError(f"no figure: {value!r}")
