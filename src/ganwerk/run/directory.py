"""The run directory: everything about one training, and the only thing that commands share."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ganwerk
from ganwerk.errors import RunError, did_you_mean
from ganwerk.run import checkpoint
from ganwerk.run.checkpoint import Checkpoint, Weights
from ganwerk.run.files import (
    disk_errors,
    replace_bytes,
    sweep_files,
    sync_folder,
    to_json,
    unused_name,
    write_bytes,
)
from ganwerk.run.index import CheckpointInfo, list_checkpoints
from ganwerk.run.journal import Journal
from ganwerk.run.lock import exclusive

if TYPE_CHECKING:
    from torch import Tensor

FORMAT_VERSION = 1
"""Of the run directory. Goes up when an older ganwerk could not read what a newer one writes."""

_ABOUT = "about.json"


class Run:
    """One run directory. Get one with `Run.create` or `Run.open`.

    It keeps nothing in memory: the properties read their file anew each time, so that a reader in
    another process sees what the training writes. They raise RunError if the file is missing or
    damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = Journal(path / "journal.jsonl")

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
            _ABOUT: to_json({**stamp, **about, **stamp}),  # last: it is what makes a folder a run
        }
        size = sum(map(len, contents.values()))
        with disk_errors(path, needed_bytes=size):
            _refuse_occupied(path)
            if path.is_dir():
                # Not replaced by a rename: it may be a mounted disk or somebody's current folder
                _fill(path, contents)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                _fill_beside(path, contents)
        return cls(path)

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """An existing run.

        Raises RunError if there is none at `path` or a newer ganwerk wrote it.
        """
        path = Path(path)
        with disk_errors(path, "read"):
            if not (path / _ABOUT).is_file():
                raise _no_run(path)
        run = cls(path)
        about = run.about
        version = about.get("format_version")
        if not isinstance(version, int):
            raise RunError(
                f"{path / _ABOUT} names no format_version.",
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
        return self._read_json("origins.json")

    @property
    def about(self) -> dict[str, Any]:
        """Versions, time, data, machine, choices, plan."""
        return self._read_json(_ABOUT)

    @property
    def data(self) -> dict[str, Any]:
        """The digest of each picture file, and the health report."""
        return self._read_json("data.json")

    def update_about(self, **parts: Any) -> None:
        """Merge `parts` into about.json in one step: tables key by key, other values replaced.

        Call it under the lock. Raises MachineError, RunError.
        """
        write_bytes(self.path / _ABOUT, to_json(_merged(self.about, parts)))

    def replace_settings(self, settings_toml: str, origins: Mapping[str, str]) -> None:
        """Write the resolved settings and some origins anew.

        Call it under the lock. Raises MachineError, RunError.
        """
        write_bytes(self.path / "origins.json", to_json({**self.origins, **origins}))
        write_bytes(self.settings_path, settings_toml.encode())

    def _read(self, name: str) -> str:
        path = self.path / name
        try:
            with disk_errors(path, "read"):
                try:
                    return path.read_text("utf-8")
                except FileNotFoundError:
                    raise _broken(path, "is missing") from None
        except UnicodeDecodeError as error:
            raise _broken(path, "is damaged") from error

    def _read_json(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads(self._read(name))
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
        self.journal.flush()
        return checkpoint.save(
            self.checkpoints_path, images, weights, state, meta, keep=keep, protected=protected
        )

    def mark_best(self, images: int, noted: Mapping[str, Any] | None = None) -> None:
        """Mark the checkpoint at `images` as the best one, and no other: it is kept from then on.

        noted: what was measured, for its meta. Call it under the lock. Raises CheckpointError if
        there is no sound checkpoint of that number, MachineError if it cannot be written.
        """
        checkpoint.load_weights(self.checkpoints_path, images)
        checkpoint.mark_best(self.checkpoints_path, images, noted or {})

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


def _refuse_occupied(path: Path) -> None:
    if not (path.exists() or path.is_symlink()) or (path.is_dir() and not any(path.iterdir())):
        return
    if (path / _ABOUT).is_file():
        raise RunError(
            f"There already is a run at {path}.",
            f"Go on with it: ganwerk resume {path}\nOr begin another one elsewhere: --out DIR",
        )
    kind = "a folder with other things in it" if path.is_dir() else "a file"
    raise RunError(
        f"{path} is {kind}, so no run can be made there.", "Choose another place: --out DIR"
    )


def _fill(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write the files of a new run into an empty folder; on failure it is empty again."""
    made: list[Path] = []
    try:
        for name in ("checkpoints", "pictures"):
            made.append(folder / name)
            made[-1].mkdir()
        for name, content in contents.items():
            made.append(folder / name)
            replace_bytes(made[-1], content)
    except BaseException:
        for path in made:
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)
        raise


def _fill_beside(path: Path, contents: Mapping[str, bytes]) -> None:
    """Make a new run under a hidden name next to `path`, then give it its own."""
    temporary = unused_name(path, "new")
    try:
        temporary.mkdir()
        _fill(temporary, contents)
        try:
            os.rename(temporary, path)
        except OSError:
            _refuse_occupied(path)  # by another process, a moment ago
            raise
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(path.parent)


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
        if (outer / _ABOUT).is_file():
            return RunError(message, f"It is a part of the run {outer}: name that.")
    around = path if path.is_dir() else path.parent
    runs = _newest_runs(around)
    if not runs and around == path:
        runs = _newest_runs(path.parent)
    if runs:
        return RunError(message, did_you_mean(str(path), map(str, runs)))
    return RunError(message, f"Train one first: ganwerk train PICTURES --out {path}")


def _newest_runs(folder: Path, most: int = 10) -> list[Path]:
    """The runs in `folder`, the newest first, at most `most`."""
    try:
        abouts = sorted(folder.glob(f"*/{_ABOUT}"), key=os.path.getmtime, reverse=True)
    except OSError:
        return []
    return [about.parent for about in abouts[:most]]
