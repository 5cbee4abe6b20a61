"""`ganwerk export`: a run's generator as files that need no ganwerk and no torch. No torch here."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganwerk import errors
from ganwerk.errors import ConfigError, GanwerkError, MachineError, did_you_mean
from ganwerk.publish.exported import NAMES
from ganwerk.publish.folder import check_folder, replace_folder
from ganwerk.publish.needs import needed
from ganwerk.run import Run
from ganwerk.run.files import disk_errors
from ganwerk.values import Progress, ProgressCallback, ignore_progress

KIND = "export"
PRECISIONS = ("float16", "float32")


@dataclass(frozen=True)
class Written:
    """An export. images: that the generator had seen. float32: the largest difference to torch of
    the exact graphs, of a picture in [-1, 1]; mean_grey, largest_grey: of the stored ones, in
    levels of 255. directions: how many sliders it has."""

    folder: Path
    sizes: Mapping[str, int]
    images: int
    float32: float
    mean_grey: float
    largest_grey: int
    directions: int
    warnings: tuple[str, ...] = ()


def export(
    run: Path,
    *,
    out: Path | None = None,
    precision: str = "float16",
    at: str | int = "latest",
    title: str | None = None,
    licence: str = "",
    progress: ProgressCallback = ignore_progress,
) -> Written:
    """Write styles.onnx, picture.onnx, space.json and card.md into `out`, by default RUN/export.

    precision: of the stored weights; all is computed in float32. title: the name on the page.
    licence: a line for the card. Raises RunError, CheckpointError, ConfigError for what is missing
    or cannot be exported, MachineError for a folder in use or a full disk; nothing is half-written.
    """
    folder = run / "export" if out is None else out
    check_folder(folder, KIND)
    files, told = exported_files(run, precision, at, title, licence, progress)
    replace_folder(folder, KIND, files)
    found = told["differences"]
    return Written(
        folder,
        {name: len(content) for name, content in files.items()},
        told["images"],
        max(found["float32"].values()),
        found["mean_grey"],
        found["largest_grey"],
        told["directions"],
        tuple(told["warnings"]),
    )


def exported_files(
    run: Path,
    precision: str,
    at: str | int,
    title: str | None,
    licence: str,
    progress: ProgressCallback,
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of an export, made by a process of its own, and what it told."""
    if precision not in PRECISIONS:
        raise ConfigError(
            f"Weights cannot be stored as '{precision}'.", did_you_mean(precision, PRECISIONS)
        )
    Run.open(run)  # before anything heavy is imported
    for name in ("onnx", "onnxscript", "onnxruntime"):
        needed(name)
    progress(Progress("exporting", 0, 1, "generators"))
    with tempfile.TemporaryDirectory(prefix="ganwerk-export-") as folder:
        asked = {"run": str(run), "at": at, "precision": precision, "title": title,
                 "licence": licence, "out": folder}  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "ganwerk.publish.child"],
            input=json.dumps(asked), capture_output=True, text=True, encoding="utf-8",
        )  # fmt: skip
        told = _told(done)
        with disk_errors(Path(folder), "read"):
            files = {name: (Path(folder) / name).read_bytes() for name in NAMES}
    progress(Progress("exporting", 1, 1, "generators"))
    return files, told


def _told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What the process said. Raises its error again."""
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise MachineError(
            f"The process that exports ended with code {done.returncode}: {last}",
            "If memory ran out, close other programs and try again.",
        )
    told: dict[str, Any] = json.loads(lines[-1])
    if "error" in told:
        kind, message, hint = told["error"]
        raised: type[GanwerkError] = getattr(errors, kind, GanwerkError)
        raise raised(message, hint)
    return told
