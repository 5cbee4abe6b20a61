"""What an evaluation leaves behind: the numbers as JSON and a figure."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

from ganwerk.evaluation.evaluate import CheckpointScores, Evaluation
from ganwerk.metrics.record import Record
from ganwerk.run.files import to_json, write_bytes
from ganwerk.run.pictures import make_folder

INK, SOFT, BAND, DOT, BAD = "#1d1d1f", "#6e6e73", "#b9d7c3", "#1f77b4", "#c0392b"
ROW_INCHES, WIDTH_INCHES, LETTER_INCHES = 0.5, 8.0, 0.06


def default_folder(run: Path) -> Path:
    return run / "evaluations"


def write(found: Evaluation | CheckpointScores, folder: Path) -> tuple[Path, ...]:
    """Numbers and figure. The names hold a digest of the protocol: the same measurement of the same
    weights replaces itself, another one stands beside it. Raises MachineError."""
    make_folder(folder)
    evaluations = found.evaluations if isinstance(found, CheckpointScores) else (found,)
    name = "course" if isinstance(found, CheckpointScores) else f"{found.images or 0:09d}"
    stem = folder / f"{name}-{_digest(evaluations)}"
    picture = (
        course_figure(found) if isinstance(found, CheckpointScores) else evaluation_figure(found)
    )
    paths = (stem.with_suffix(".json"), stem.with_suffix(".png"))
    write_bytes(paths[0], to_json(found.to_dict()), durable=False)
    write_bytes(paths[1], picture, durable=False)
    return paths


def _digest(evaluations: tuple[Evaluation, ...]) -> str:
    text = repr(
        [
            (found.what, found.images, [record.protocol for record in found.records])
            for found in evaluations
        ]
    )
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def evaluation_figure(found: Evaluation) -> bytes:
    """A row per measure: where real pictures lie against each other, and where the drawn do."""
    from matplotlib.figure import Figure

    rows = [record for record in found.records if record.floor is not None]
    height = 0.6 + ROW_INCHES * len(rows)
    figure = Figure((WIDTH_INCHES, height), dpi=130)
    axes = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    names = LETTER_INCHES * max((len(record.name) for record in rows), default=0)
    # By hand: a layout that measures each label takes longer than all else of the figure
    figure.subplots_adjust(
        left=(0.3 + names) / WIDTH_INCHES, right=1 - 0.3 / WIDTH_INCHES,
        bottom=0.25 / height, top=1 - 0.35 / height, hspace=1.0,
    )  # fmt: skip
    for axis, record in zip(axes, rows, strict=True):
        _row(axis, record)
    moment = f", {found.images:,} images" if found.images else ""
    figure.suptitle(
        f"{Path(found.what).name}{moment}: drawn (dots) beside real against real (bands)",
        y=1 - 0.12 / height, va="top", fontsize=10, color=INK,
    )  # fmt: skip
    return _png(figure)


def _row(axis: Any, record: Record) -> None:
    floor = record.floor
    assert floor is not None
    far = record.z is not None and abs(record.z) > 4
    low, high = floor.mean - 2 * floor.deviation, floor.mean + 2 * floor.deviation
    axis.axvspan(low, high, color=BAND, lw=0)
    axis.axvline(floor.mean, color=INK, lw=1)
    axis.errorbar(
        [record.value], [0], xerr=[2 * (record.error or 0)], fmt="o", ms=6, capsize=3,
        color=BAD if far else DOT,
    )  # fmt: skip
    reach = 2 * (record.error or 0)
    ends = [low, high, record.value - reach, record.value + reach]
    room = (max(ends) - min(ends)) * 0.12 or 1e-3
    axis.set_xlim(min(ends) - room, max(ends) + room)
    axis.set_yticks([])
    axis.tick_params(labelsize=7, colors=SOFT)
    for side in ("left", "right", "top"):
        axis.spines[side].set_visible(False)
    axis.set_ylabel(record.name, rotation=0, ha="right", va="center", fontsize=8, color=INK)


def course_figure(course: CheckpointScores) -> bytes:
    """A small plot per measure over the images seen, with the band of real against real."""
    from matplotlib.figure import Figure

    first = course.evaluations[0].records
    columns = min(4, len(first))
    rows = -(-len(first) // columns)
    figure = Figure((3.0 * columns, 2.2 * rows + 0.4), dpi=120, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    seen = [found.images or 0 for found in course.evaluations]
    for place, axis in enumerate(axes):
        if place >= len(first):
            axis.set_visible(False)
            continue
        records = [found.records[place] for found in course.evaluations]
        floor = records[0].floor
        if floor is not None:
            axis.axhspan(
                floor.mean - 2 * floor.deviation, floor.mean + 2 * floor.deviation, color=BAND, lw=0
            )
        errors = [2 * (record.error or 0) for record in records]
        axis.errorbar(seen, [r.value for r in records], yerr=errors, color=DOT, marker="o", ms=3)
        axis.axvline(course.best, color=SOFT, lw=1, ls=":")
        axis.set_title(records[0].name, fontsize=8, color=INK)
        axis.tick_params(labelsize=7, colors=SOFT)
        axis.set_xlabel("images seen", fontsize=7, color=SOFT)
    figure.suptitle("Bands: real against real. Dotted: the best checkpoint.", fontsize=9, color=INK)
    return _png(figure)


def _png(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
