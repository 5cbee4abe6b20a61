"""Treatments of a run on the disk: what was changed, on trial, kept or undone.

treatments/003.trial.json is written when the third treatment begins; its end is a change of name,
which a full disk does not refuse. So there is never more than one on trial, and whoever resumes
knows whether it still is. The measured numbers stand in the journal.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ganwerk.run.files import disk_errors, from_json, patiently, to_json, write_bytes
from ganwerk.run.records import Count, Record, Text, checked

TREATMENTS = "treatments"
Outcome = Literal["kept", "undone"]
Status = Literal["trial", "kept", "undone"]
Number = Annotated[int, Field(ge=1, le=10_000)]


class Trial(Record):
    """A treatment as it was begun.

    code: of the finding. name, words: which, and what it does. base_images: the checkpoint to
    return to. from_images: the one whose weights it begins with. anew: it begins with new weights
    instead, in the place of those of the base. until_images: when `signal` is
    measured again. before: what was measured at the base. noise: by how much real pictures differ
    in the signal. settings_before, settings_after: TOML. origins: of all settings before.
    protected: checkpoints that stay until its end. unit, end, horizon_images: of the budget.
    """

    number: Number
    code: str
    name: str
    words: str
    base_images: Count
    from_images: Count
    anew: bool = False
    until_images: Count
    signal: str
    better: Literal["higher", "lower"]
    before: dict[str, float]
    noise: Annotated[float, Field(ge=0)]
    settings_before: str
    settings_after: str
    origins: dict[Text, Text]
    protected: tuple[Count, ...]
    unit: Literal["seconds", "images"]
    end: Annotated[float, Field(gt=0)]
    horizon_images: Annotated[float, Field(gt=0)]

    @property
    def origin(self) -> str:
        """Where its settings came from, for `ganwerk config explain`."""
        return f"treatment {self.number} for {self.code}"

    @property
    def goes_back(self) -> bool:
        return self.from_images != self.base_images


class Ledger:
    """The folder of a run's treatments. Writes only under the lock of the run."""

    def __init__(self, run: Path) -> None:
        self.path = run / TREATMENTS

    def all(self) -> list[tuple[Trial, Status]]:
        """In the order in which they were begun. Raises RunError for a damaged file."""
        found: list[tuple[Trial, Status]] = []
        for file in sorted(self._files()):
            status = file.name.split(".")[1]
            for known in ("trial", "kept", "undone"):
                if status == known:
                    found.append((self._read(file), known))
        return found

    def on_trial(self) -> Trial | None:
        """The one that is on trial: the last, or none."""
        pending = [trial for trial, status in self.all() if status == "trial"]
        return pending[-1] if pending else None

    def begin(self, trial: Trial) -> None:
        """Raises MachineError, and nothing is begun."""
        with disk_errors(self.path):
            self.path.mkdir(exist_ok=True)
        write_bytes(self._file(trial, "trial"), to_json(trial.model_dump(mode="json")))

    def end(self, trial: Trial, outcome: Outcome) -> None:
        """Raises MachineError."""
        with disk_errors(self.path):
            os.replace(self._file(trial, "trial"), self._file(trial, outcome))

    def _file(self, trial: Trial, status: Status) -> Path:
        return self.path / f"{trial.number:03d}.{status}.json"

    def _files(self) -> list[Path]:
        with disk_errors(self.path, "read"):
            return [] if not self.path.is_dir() else list(self.path.glob("[0-9]*.*.json"))

    def _read(self, file: Path) -> Trial:
        with disk_errors(file, "read"):
            content = patiently(file.read_bytes)
        try:
            value = from_json(content)
        except ValueError as error:
            value = str(error)
        found: Trial = checked(Trial, value, str(file))
        return found
