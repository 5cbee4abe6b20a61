"""The folder of a sweep: what is swept, a folder for each trial, and locks that end with their
process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

import ganwerk
from ganwerk.errors import MachineError, RunError, typed
from ganwerk.run.files import disk_errors, from_json, to_json, write_bytes
from ganwerk.run.lock import exclusive
from ganwerk.run.records import Record, checked
from ganwerk.training.prepare import Request

FORMAT_VERSION = 1
DEFINITION, SETTINGS, LOG = "sweep.json", "settings.toml", "trials.log"
BEGUN = {"lock", SETTINGS}
"""What a sweep that is being made may hold already."""
WAIT_SECONDS, LOOK_SECONDS = 120.0, 0.02
MOST_TRIALS = 100_000
Seed = Annotated[int, Field(ge=0, lt=2**62)]


class Definition(Record):
    """What is swept. data to flags: as of training.Request; settings: the text of its file. vary:
    as typed. seeds: of the runs of each trial. trials: how many in all."""

    data: str
    preset: str | None = None
    remedies: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    flags: dict[str, tuple[Any, str]] = Field(default_factory=dict)
    settings: str | None = None
    vary: tuple[str, ...]
    seeds: tuple[Seed, ...] = Field((0,), min_length=1)
    trials: Annotated[int, Field(ge=1, le=MOST_TRIALS)] = 24

    def request(self, folder: Path) -> Request:
        """Of the trainings, without what is varied."""
        file = None if self.settings is None else folder / SETTINGS
        return Request(
            where=self.data,
            preset=self.preset,
            file=file,
            flags={key: (value, flag) for key, (value, flag) in self.flags.items()},
            remedies=self.remedies,
            sets=self.sets,
        )


def differences(old: Definition, new: Definition) -> list[str]:
    """What two sweeps do not share, but for the number of trials."""
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    return [
        f"{key}: {before[key]} -> {after[key]}"
        for key in before
        if key != "trials" and before[key] != after[key]
    ]


class Folder:
    """The folder of a sweep, made or opened."""

    def __init__(self, path: Path, definition: Definition) -> None:
        self.path, self.definition = path, definition

    @classmethod
    def make(cls, path: Path, definition: Definition) -> Folder:
        """Make it, or join one of the same definition; a larger number of trials replaces theirs.

        Raises RunError for a folder that is something else or another sweep, MachineError."""
        if not (path / DEFINITION).exists():
            if path.is_dir() and set(os.listdir(path)) - BEGUN:
                raise RunError(
                    f"The folder {path} holds something else than a sweep.", "Choose another: --out"
                )
            with disk_errors(path, "make"):
                path.mkdir(parents=True, exist_ok=True)
        with waiting(path / "lock"):
            if not (path / DEFINITION).exists():
                if definition.settings is not None:
                    write_bytes(path / SETTINGS, definition.settings.encode())
                _write(path, definition)
            found = cls.open(path)
            other = differences(found.definition, definition)
            if other:
                raise RunError(
                    f"The folder {path} holds another sweep: {'; '.join(other)}.",
                    f"Choose another folder with --out, or join that one: ganwerk sweep "
                    f"{typed(path)}",
                )
            if definition.trials > found.definition.trials:
                _write(path, definition)
                found = cls.open(path)
        return found

    @classmethod
    def open(cls, path: Path) -> Folder:
        """A sweep that is there. Raises RunError."""
        place = path / DEFINITION
        with disk_errors(place, "read"):
            try:
                values = from_json(place.read_bytes())
            except FileNotFoundError:
                raise RunError(
                    f"{path} is no sweep.",
                    "Begin one: ganwerk sweep PICTURES --vary remedy.r1.weight=log:0.01..10",
                ) from None
            except ValueError as error:
                raise RunError(
                    f"{place} is damaged ({error}).", "Copy it from a backup."
                ) from error
        about = checked(dict[str, Any], values, str(place))
        _refuse_other_version(path, about)
        return cls(path, checked(Definition, about.get("sweep"), f"{place}, sweep,"))

    def trial(self, number: int) -> Path:
        """The folder of a trial; the first, number 0, is called 0001."""
        return self.path / "trials" / f"{number + 1:04d}"

    def run(self, number: int, seed: int) -> Path:
        """The run directory of a trial with one seed."""
        return self.trial(number) / f"seed-{seed}"


def is_sweep(path: Path) -> bool:
    return (path / DEFINITION).is_file()


def require_optuna() -> str:
    """Its version. Raises MachineError."""
    try:
        import optuna
    except ImportError as error:
        raise MachineError(
            "A sweep needs Optuna, which is not installed.",
            "Install it: pip install 'ganwerk[sweep]'",
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return version("optuna")


def _write(path: Path, definition: Definition) -> None:
    about = {
        "format_version": FORMAT_VERSION,
        "ganwerk": ganwerk.__version__,
        "optuna": require_optuna(),
        "sweep": definition.model_dump(mode="json"),
    }
    write_bytes(path / DEFINITION, to_json(about))


def _refuse_other_version(path: Path, about: dict[str, Any]) -> None:
    """A log of trials that several versions write at once is readable by none."""
    here = require_optuna()
    for name, there, now in (
        ("format", about.get("format_version"), FORMAT_VERSION),
        ("ganwerk", about.get("ganwerk"), ganwerk.__version__),
        ("optuna", str(about.get("optuna")).split(".")[0], here.split(".")[0]),
    ):
        if there != now:
            raise RunError(
                f"The sweep {path} is of {name} {there}; this is {name} {now}.",
                "Go on with the version that began it, or begin another: --out",
            )


@contextmanager
def waiting(path: Path) -> Iterator[None]:
    """Hold the lock for the length of the block, waiting for others. Raises RunError if they take
    too long, MachineError as run.lock."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        lock = exclusive(path)
        try:
            lock.__enter__()
            break
        except RunError as error:
            if time.monotonic() > deadline:
                raise RunError(
                    f"Another process holds {path} for {WAIT_SECONDS:.0f} seconds.",
                    "Look whether it hangs, and end it.",
                ) from error
            time.sleep(LOOK_SECONDS)
    try:
        yield
    finally:
        lock.__exit__(None, None, None)
