"""What a sweep found: a table, a figure, and the same as JSON."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganwerk.run.files import disk_errors, to_json, write_bytes
from ganwerk.runtime.events import SCORE
from ganwerk.sweep.directory import Folder
from ganwerk.sweep.study import ERROR, FLOOR, WHY, Trials
from ganwerk.sweep.vary import Value, Vary, written

RESULTS, FIGURE = "results.json", "sweep.png"
INK, SOFT, DOT, BAND, BEST = "#1f2430", "#6b7280", "#2563a8", "#e7edf5", "#e0662b"
WORDS = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "refused", "RUNNING": "running",
         "WAITING": "running"}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A trial; the first is number 1. state: complete, pruned (ended early, or diverged), refused,
    running. score: lower is better; error: its standard error over seeds. curve: images -> score
    on the way. why: the reason for an end without a score. run: of its first seed."""

    number: int
    state: str
    values: dict[str, Value]
    score: float | None
    error: float | None
    curve: dict[int, float]
    why: str
    run: Path


@dataclass(frozen=True)
class Outcome:
    """rows: best first, then those without a score. floor: what real pictures score against each
    other; None if nothing was measured. stopped: somebody ended this process's part of it."""

    folder: Path
    rows: tuple[Row, ...]
    floor: float | None
    stopped: bool = False

    @property
    def best(self) -> Row | None:
        return self.rows[0] if self.rows and self.rows[0].score is not None else None

    def count(self, state: str) -> int:
        return sum(row.state == state for row in self.rows)


def gather(trials: Trials, stopped: bool = False) -> Outcome:
    """Everything that is known by now. Raises RunError for a damaged log."""
    folder = trials.folder
    known = trials.all()
    rows = [_row(frozen, folder) for frozen in known]
    rows.sort(key=lambda row: (row.score is None, row.score or 0.0, row.number))
    floors = [frozen.user_attrs[FLOOR] for frozen in known if FLOOR in frozen.user_attrs]
    return Outcome(folder.path, tuple(rows), floors[0] if floors else None, stopped)


def _row(frozen: Any, folder: Folder) -> Row:
    state = WORDS[frozen.state.name]
    return Row(
        number=frozen.number + 1,
        state=state,
        values=dict(frozen.params),
        score=frozen.value if state == "complete" else None,
        error=frozen.user_attrs.get(ERROR),
        curve=dict(sorted(frozen.intermediate_values.items())),
        why=frozen.user_attrs.get(WHY, ""),
        run=folder.run(frozen.number, folder.definition.seeds[0]),
    )


def table(outcome: Outcome, varied: Sequence[Vary]) -> list[str]:
    """One line per trial, the best first."""
    head = ["trial", *(vary.key for vary in varied), "score", ""]
    body = [
        [str(row.number), *(short(row.values.get(vary.key)) for vary in varied), scored(row),
         note(row)]
        for row in outcome.rows
    ]  # fmt: skip
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    return [
        "  ".join(
            text.ljust(width) if i == len(head) - 1 else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in [head, *body]
    ]


def short(value: Value | None) -> str:
    """A value in a table."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else written(value)


def scored(row: Row) -> str:
    """'12.30 ± 0.40', or a dash."""
    if row.score is None:
        return "-"
    return f"{row.score:.2f}" + ("" if row.error is None else f" ± {row.error:.2f}")


def note(row: Row) -> str:
    """What there is to say besides a score."""
    if row.state == "complete":
        return ""
    at = f" at {max(row.curve):,} images" if row.state == "pruned" and row.curve else ""
    return f"{row.state}{at}{f': {row.why}' if row.why else ''}"


def keep(outcome: Outcome, varied: Sequence[Vary]) -> list[Path]:
    """Write results.json and, if there is something to draw, the figure. Raises MachineError."""
    found = outcome.folder / RESULTS
    with disk_errors(found):
        write_bytes(found, to_json(as_json_values(outcome)))
        paths = [found]
        if outcome.best is not None:
            write_bytes(outcome.folder / FIGURE, _figure(outcome, varied))
            paths.append(outcome.folder / FIGURE)
    return paths


def as_json_values(outcome: Outcome) -> dict[str, Any]:
    """All of it, as results.json has it."""
    return {
        "measure": SCORE,
        "floor": outcome.floor,
        "best": None if outcome.best is None else outcome.best.number,
        "trials": [_as_json(row) for row in outcome.rows],
    }


def _as_json(row: Row) -> dict[str, Any]:
    return {
        "trial": row.number,
        "state": row.state,
        "values": row.values,
        "score": row.score,
        "error": row.error,
        "curve": row.curve,
        "why": row.why,
        "run": str(row.run),
    }


def _figure(outcome: Outcome, varied: Sequence[Vary]) -> bytes:
    """Score by each setting, and the curves of all trials by images seen."""
    import matplotlib
    from matplotlib.figure import Figure

    panels = len(varied) + 1
    columns = min(3, panels)
    lines = -(-panels // columns)
    with matplotlib.rc_context({"font.family": "DejaVu Sans", "font.size": 9, "text.color": INK}):
        figure = Figure((3.4 * columns, 2.9 * lines), dpi=120, layout="constrained")
        axes = figure.subplots(lines, columns, squeeze=False).ravel()
        for vary, axis in zip(varied, axes, strict=False):
            _by_setting(axis, vary, outcome)
        _curves(axes[len(varied)], outcome)
        for axis in axes[panels:]:
            axis.set_visible(False)
        file = io.BytesIO()
        figure.savefig(file, format="png")
    return file.getvalue()


def _by_setting(axis: Any, vary: Vary, outcome: Outcome) -> None:
    done = [row for row in outcome.rows if row.score is not None]
    places = _places(vary, [row.values[vary.key] for row in done])
    axis.errorbar(
        places, [row.score for row in done], yerr=[row.error or 0 for row in done], fmt="o", ms=4,
        color=DOT, elinewidth=1,
    )  # fmt: skip
    axis.plot(places[:1], [done[0].score], "o", ms=9, mfc="none", mec=BEST, mew=1.6)
    if vary.log:
        axis.set_xscale("log")
    if vary.kind == "choice":
        axis.set_xticks(range(len(vary.choices)), [written(choice) for choice in vary.choices])
        axis.set_xlim(-0.5, len(vary.choices) - 0.5)
    _dress(axis, vary.key, outcome)


def _places(vary: Vary, values: Sequence[Value]) -> list[float]:
    if vary.kind == "choice":
        return [float(vary.choices.index(value)) for value in values]
    return [float(value) for value in values]


def _curves(axis: Any, outcome: Outcome) -> None:
    for row in reversed(outcome.rows):
        if row.curve:
            best = row is outcome.best
            axis.plot(
                list(row.curve), list(row.curve.values()), marker="o", ms=3,
                lw=2 if best else 1, color=BEST if best else DOT,
                ls="-" if row.score is not None else ":", alpha=1 if best else 0.55,
            )  # fmt: skip
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_formatter(lambda images, _: f"{images / 1000:g}k")
    _dress(axis, "images seen (dotted: ended early)", outcome)


def _dress(axis: Any, label: str, outcome: Outcome) -> None:
    axis.set_yscale("log")
    axis.set_xlabel(label, color=INK)
    axis.set_ylabel(f"{SCORE}, lower is better", color=SOFT, fontsize=8)
    if outcome.floor is not None and outcome.floor > 0:
        axis.axhline(outcome.floor, color=SOFT, lw=1, ls="--")
        axis.annotate(
            "real against real", (0.98, outcome.floor), xycoords=("axes fraction", "data"),
            ha="right", va="bottom", fontsize=7, color=SOFT,
        )  # fmt: skip
    axis.tick_params(labelsize=8, colors=SOFT, which="both")
    for side in ("right", "top"):
        axis.spines[side].set_visible(False)
