"""The run directory: everything about one training, and the only thing that commands share."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ganwerk
from ganwerk.errors import MachineError, RunError, did_you_mean, typed
from ganwerk.run import checkpoint
from ganwerk.run.checkpoint import Checkpoint, Weights
from ganwerk.run.files import (
    disk_errors,
    from_json,
    patiently,
    replace_bytes,
    sweep_files,
    to_json,
    write_bytes,
)
from ganwerk.run.index import CheckpointInfo, list_checkpoints
from ganwerk.run.journal import Journal, gone
from ganwerk.run.lock import exclusive
from ganwerk.run.making import ABOUT, fill
from ganwerk.run.pictures import Pixels, encode_picture
from ganwerk.run.records import Choices, Learned, Machine, Text, checked
from ganwerk.run.treatments import Ledger

if TYPE_CHECKING:
    from torch import Tensor

FORMAT_VERSION = 1
"""Of the run directory. Goes up when an older ganwerk could not read what a newer one writes."""


class Run:
    """One run directory. Get one with `Run.create` or `Run.open`.

    It keeps nothing in memory: the properties read their file anew each time, so that a reader in
    another process sees what the training writes. They raise RunError if the file is missing or
    damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = Journal(path / "journal.jsonl")
        self.treatments = Ledger(path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        settings_toml: str,
        origins: Mapping[str, str],
        about: Mapping[str, Any],
        data: Mapping[str, Any],
    ) -> Run:
        """Make a new run directory, complete or not at all.

        settings_toml: the resolved settings as text. origins: dotted key to where its value came
        from. about: data, machine, choices, plan ...; format_version, ganwerk, created and name are
        those of now. data: the digest of each picture file, and the health report.
        An existing empty folder is used as it is.
        Raises RunError if `path` is taken, MachineError if it cannot be written.
        """
        path = Path(path)
        stamp = {
            "format_version": FORMAT_VERSION,
            "ganwerk": ganwerk.__version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "name": path.absolute().name,
        }
        contents = {
            "run.toml": settings_toml.encode(),
            "origins.json": to_json(origins),
            "data.json": to_json(data),
            "journal.jsonl": b"",
            ABOUT: to_json({**stamp, **about, **stamp}),  # last: it is what makes a folder a run
        }
        size = sum(map(len, contents.values()))
        with disk_errors(path, needed_bytes=size):
            fill(path, contents)
        return cls(path)

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """An existing run.

        Raises RunError if there is none at `path` or a newer ganwerk wrote it.
        """
        path = Path(path)
        with disk_errors(path, "read"):
            if not (path / ABOUT).is_file():
                raise _no_run(path)
        run = cls(path)
        about = run.about
        version = about.get("format_version")
        if not isinstance(version, int):
            raise RunError(
                f"{path / ABOUT} names no format_version.",
                "Copy the file back from a backup; the rest of the run may be intact.",
            )
        if version > FORMAT_VERSION:
            raise RunError(
                f"The run {path} was written by ganwerk {about.get('ganwerk')}, which is newer "
                f"than this one ({ganwerk.__version__}).",
                "Update: pip install --upgrade ganwerk",
            )
        return run

    # Files ------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The folder's name, which may have changed since the run was made."""
        return self.path.absolute().name

    @property
    def settings_path(self) -> Path:
        """run.toml: the resolved settings."""
        return self.path / "run.toml"

    @property
    def checkpoints_path(self) -> Path:
        """checkpoints/: one folder for each, named by the images seen."""
        return self.path / "checkpoints"

    @property
    def pictures_path(self) -> Path:
        """pictures/: the grids of the fixed seeds."""
        return self.path / "pictures"

    @property
    def report_path(self) -> Path:
        """report.html."""
        return self.path / "report.html"

    def grid_path(self, images: int) -> Path:
        """Where the grid drawn after `images` images belongs."""
        return self.pictures_path / f"grid-{images:09d}.png"

    @property
    def settings_toml(self) -> str:
        """The resolved settings as text."""
        return self._read("run.toml")

    @property
    def origins(self) -> dict[str, str]:
        """Dotted key of each setting to where its value came from."""
        found: dict[str, str] = self._checked(dict[Text, Text], "origins.json")
        return found

    @property
    def about(self) -> dict[str, Any]:
        """Versions, time, data, machine, choices, plan."""
        return self._read_json(ABOUT)

    @property
    def data(self) -> dict[str, Any]:
        """The digest of each picture file, and the health report."""
        return self._read_json("data.json")

    @property
    def learned(self) -> Learned:
        """The pictures that it learned from, as about.json has them."""
        found: Learned = self.part("data", Learned)
        return found

    @property
    def choices(self) -> Choices:
        """What was measured at the start, as about.json has it."""
        found: Choices = self.part("choices", Choices)
        return found

    @property
    def machine(self) -> Machine:
        """Where it was trained last, as about.json has it."""
        found: Machine = self.part("machine", Machine)
        return found

    @property
    def files(self) -> dict[str, str]:
        """The digest of each picture file, as data.json has it."""
        where = f"{self.path / 'data.json'}, files,"
        found: dict[str, str] = checked(dict[Text, Text], self.data.get("files"), where)
        return found

    def part(self, name: str, kind: Any) -> Any:
        """A table of about.json as `kind`, a type that pydantic knows. Raises RunError."""
        return checked(kind, self.about.get(name, {}), f"{self.path / ABOUT}, {name},")

    def update_about(self, **parts: Any) -> None:
        """Merge `parts` into about.json in one step: tables key by key, other values replaced.

        Call it under the lock. Raises MachineError, RunError.
        """
        write_bytes(self.path / ABOUT, to_json(_merged(self.about, parts)))

    def replace_settings(
        self, settings_toml: str, origins: Mapping[str, str], *, all_origins: bool = False
    ) -> None:
        """Write the resolved settings and some origins anew, or all of them.

        Call it under the lock. Raises MachineError, RunError.
        """
        others = {} if all_origins else self.origins
        write_bytes(self.path / "origins.json", to_json({**others, **origins}))
        write_bytes(self.settings_path, settings_toml.encode())

    def replace_data(self, data: Mapping[str, Any]) -> None:
        """Write data.json anew. Call it under the lock. Raises MachineError."""
        write_bytes(self.path / "data.json", to_json(data))

    def _checked(self, kind: Any, name: str) -> Any:
        return checked(kind, self._read_json(name), str(self.path / name))

    def _read(self, name: str) -> str:
        path = self.path / name
        try:
            with disk_errors(path, "read"):
                try:
                    return patiently(path.read_bytes).decode("utf-8")
                except FileNotFoundError:
                    raise _broken(path, "is missing") from None
        except UnicodeDecodeError as error:
            raise _broken(path, "is damaged") from error

    def _read_json(self, name: str) -> dict[str, Any]:
        try:
            content = from_json(self._read(name))
        except ValueError as error:
            raise _broken(self.path / name, f"is damaged ({error})") from error
        if not isinstance(content, dict):
            raise _broken(self.path / name, "is damaged")
        return content

    # Training ---------------------------------------------------------------------------------

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Train this run alone for the length of the block.

        Clears away what a killed process left half-written, and closes the journal at the end. The
        system gives the lock back when the process dies, also by kill -9.
        Raises RunError if another process holds it, MachineError if the run cannot be written.
        """
        with exclusive(self.path / "lock"):
            checkpoint.sweep(self.checkpoints_path)
            for folder in (self.path, self.pictures_path):
                sweep_files(folder)
            try:
                yield
            finally:
                self.journal.close()

    def save(
        self,
        images: int,
        weights: Mapping[str, Tensor],
        state: Mapping[str, Tensor],
        meta: Mapping[str, Any],
        *,
        keep: int = 3,
        protected: Collection[int] = (),
    ) -> Path:
        """Write a checkpoint, wait until it is safely on the disk, thin out the older ones.

        images: seen so far, which becomes the name; one that exists is replaced. weights: the
        tensors that sampling needs. state: all others. Any shape, layout, device; views and shared
        memory are written out in full. meta: step, seconds and what else JSON holds; `best=True`
        marks the best so far, the newest of which is always kept. keep: how many of the last stay
        besides. protected: images of others that stay.
        The rows of the journal so far are brought to the disk first, so that history is never
        behind the weights.
        Returns the folder. Raises MachineError (full disk, no permission), leaving the older ones
        and nothing half-written; DivergedError for a number in `meta` that is not finite.
        """
        with self._there():
            self.journal.flush()
            return checkpoint.save(
                self.checkpoints_path, images, weights, state, meta, keep=keep, protected=protected
            )

    def write_picture(self, path: Path, pixels: Pixels) -> None:
        """Write a picture into the run's own folder of them, which may have been cleared away; but
        never make the run itself anew. Raises MachineError, RunError if the run is gone."""
        content = encode_picture(pixels, path.suffix)
        with self._there(), disk_errors(path, needed_bytes=len(content)):
            path.parent.mkdir(exist_ok=True)
            replace_bytes(path, content, durable=False)

    @contextmanager
    def _there(self) -> Iterator[None]:
        """A write that fails because somebody removed or moved the run is told as such."""
        try:
            yield
        except MachineError as error:
            if os.path.lexists(self.path / ABOUT):
                raise
            raise gone(self.path) from error

    def mark_best(self, images: int, noted: Mapping[str, Any] | None = None) -> None:
        """Mark the checkpoint at `images` as the best one, and no other: it is kept from then on.

        noted: what was measured, for its meta. Call it under the lock. Raises CheckpointError if
        there is no sound checkpoint of that number, MachineError if it cannot be written.
        """
        checkpoint.load_weights(self.checkpoints_path, images)
        checkpoint.mark_best(self.checkpoints_path, images, noted or {})

    def drop_checkpoints(self, infos: Iterable[CheckpointInfo]) -> None:
        """Remove these. Call it under the lock."""
        checkpoint.drop(info.path for info in infos)

    def checkpoints(self) -> list[CheckpointInfo]:
        """All checkpoints, oldest save first, damaged ones with the reason. Tensors stay unread."""
        return list_checkpoints(self.checkpoints_path)

    def load(self, at: int | str = "latest") -> Checkpoint:
        """Read a checkpoint and check it against its seals.

        at: 'latest', 'best' or images seen. 'latest' and 'best' fall back to the one before if one
        is damaged, which `skipped` then tells; a number means this one or none.
        Raises CheckpointError.
        """
        return checkpoint.load(self.checkpoints_path, at)

    def load_weights(self, at: int | str = "latest") -> Weights:
        """Like `load`, without reading the state. Raises CheckpointError."""
        return checkpoint.load_weights(self.checkpoints_path, at)


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for key, value in new.items():
        before = result.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        result[key] = _merged(before or {}, value) if both else value
    return result


def _broken(path: Path, what: str) -> RunError:
    return RunError(
        f"{path} {what}.", "Copy the file back from a backup; the rest of the run may be intact."
    )


def _no_run(path: Path) -> RunError:
    """The error for a path that is no run, with the runs around it as hint."""
    message = f"{path} is not a run." if path.exists() else f"There is no run at {path}."
    for outer in path.absolute().parents:
        if (outer / ABOUT).is_file():
            return RunError(message, f"It is a part of the run {outer}: name that.")
    around = path if path.is_dir() else path.parent
    runs = _newest_runs(around)
    if not runs and around == path:
        runs = _newest_runs(path.parent)
    if runs:
        return RunError(message, did_you_mean(str(path), map(str, runs)))
    return RunError(message, f"Train one first: ganwerk train PICTURES --out {typed(path)}")


def _newest_runs(folder: Path, most: int = 10) -> list[Path]:
    """The runs in `folder`, the newest first, at most `most`."""
    try:
        abouts = sorted(folder.glob(f"*/{ABOUT}"), key=os.path.getmtime, reverse=True)
    except OSError:
        return []
    return [about.parent for about in abouts[:most]]
