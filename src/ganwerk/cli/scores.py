"""Evaluations as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from ganwerk.evaluation.evaluate import CheckpointScores, Evaluation
from ganwerk.metrics.record import Record
from ganwerk.metrics.scale import FAR

WAYS = {
    "lower": "lower is better",
    "higher": "higher is better",
    "floor": "best at the real value",
}


def number(value: float) -> str:
    """Four significant digits, without an exponent for usual sizes.

    >>> number(0.97), number(12.3456), number(-0.00012)
    ('0.97', '12.35', '-0.00012')
    """
    return f"{value:.4g}"


def evaluation_lines(found: Evaluation) -> list[str]:
    """The table, what it says in a sentence, the copies, the notes."""
    moment = f" after {found.images:,} images" if found.images is not None else ""
    count = found.records[0].protocol.n_fake if found.records else 0
    lines = [f"{found.what}{moment}: {count:,} pictures against as many of {found.reference}", ""]
    lines += table(found.records)
    lines += ["", *verdict(found)]
    lines += [copies.sentence() for copies in found.copies]
    notes = [note for record in found.records for note in record.notes]
    lines += [f"note: {note}" for note in dict.fromkeys((*found.notes, *notes))]
    return [*lines, *(f"warning: {warning}" for warning in found.warnings)]


def table(records: Sequence[Record]) -> list[str]:
    """One line per record, in columns."""
    rows = [("", "drawn", "real v. real", "z", "")]
    rows += [
        (
            record.name,
            number(record.value) + (f" ± {number(record.error)}" if record.error else ""),
            f"{number(record.floor.mean)} ± {number(record.floor.deviation)}"
            if record.floor
            else "-",
            f"{record.z:+.1f}{' !' if abs(record.z) > FAR else ''}" if record.z is not None else "",
            WAYS[record.better],
        )
        for record in records
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(part.ljust(width) for part, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def verdict(found: Evaluation) -> list[str]:
    """Whether the pictures can be told from real ones by these numbers."""
    different = found.different
    if not different:
        return [
            "Nothing here tells these pictures from real ones. That is as far as these features "
            "and this many pictures can see."
        ]
    worst = max(different, key=lambda record: abs(record.z or 0))
    names = ", ".join(record.name for record in different)
    return [
        f"Told from real pictures beyond doubt (|z| > {FAR:g}) by: {names}.",
        f"Most by {worst.name}: {number(worst.value)}, where real pictures score "
        f"{number(worst.floor.mean if worst.floor else 0)}.",
    ]


def course_lines(course: CheckpointScores) -> list[str]:
    """One line per checkpoint, with the best one marked."""
    names = [record.name for record in course.evaluations[0].records]
    short = [name.split("[")[0] for name in names]
    rows = [("images", *short, "")]
    for found in course.evaluations:
        values = {record.name: record for record in found.records}
        mark = "best" if found.images == course.best else ""
        rows.append((f"{found.images or 0:,}", *(number(values[n].value) for n in names), mark))
    floors = [record.floor for record in course.evaluations[0].records]
    rows.append(("real v. real", *(number(f.mean) if f else "" for f in floors), ""))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(p.rjust(w) for p, w in zip(row, widths, strict=True)) for row in rows]
    return [
        *(line.rstrip() for line in lines),
        "",
        f"Best by {course.by}: the checkpoint at {course.best:,} images. It is marked and kept: "
        "ganwerk sample RUN --at best",
    ]
