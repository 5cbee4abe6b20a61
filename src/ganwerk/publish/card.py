"""The card of an export: what the generator is, learned from, and measured, in plain Markdown.

Counts and names of classes, no paths. Whoever publishes may edit it; the page shows it as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ganwerk
from ganwerk.publish.graphs import Differences
from ganwerk.run import Run
from ganwerk.run.files import human_bytes
from ganwerk.sampling.sample import Sampler

TO_FILL = "(to be filled in: who may use these pictures and this generator, and how)"
FLOOR = "floor "


def card(
    run: Run,
    sampler: Sampler,
    title: str,
    licence: str,
    sizes: Mapping[str, int],
    differences: Differences,
) -> str:
    """The text of card.md."""
    about = run.about
    parts = [
        f"# {title}",
        "Every picture here was invented by a generator. None is a photograph or a copy that "
        "somebody made.",
        "## What it learned from",
        _list(_data(about, sampler)),
        "## How it was trained",
        _list(_training(run, sampler)),
        "## How good it is",
        _measures(run, sampler.images),
        *_warned(run, sampler.images),
        "## Licence",
        licence or TO_FILL,
        "## The export",
        _list(_export(sizes, differences)),
    ]
    return "\n\n".join(parts) + "\n"


def _list(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _data(about: Mapping[str, Any], sampler: Sampler) -> list[str]:
    data, settings = about.get("data", {}), sampler.settings
    colours = {1: "grey", 3: "colour", 4: "colour with transparency"}[settings.data.channels]
    side = settings.data.resolution
    lines = [f"{data['pictures']:,} pictures" if "pictures" in data else "Pictures"]
    lines[0] += f", drawn at {side} x {side} px, {colours}"
    if data.get("held_out"):
        lines.append(f"{data['held_out']:,} of them held out for measuring")
    if sampler.class_names:
        pairs = zip(sampler.class_names, sampler.class_counts, strict=False)
        lines.append("Classes: " + ", ".join(f"{name} ({count:,})" for name, count in pairs))
    return lines


def _training(run: Run, sampler: Sampler) -> list[str]:
    settings = sampler.settings
    plan = run.about.get("plan", {})
    rows = [row for row in run.journal.rows("step") if row["images"] <= sampler.images]
    seconds = max((float(row.get("seconds", 0)) for row in rows), default=0.0)
    lines = [f"Preset {plan.get('preset', 'unknown')}, network {settings.network.kind}"]
    lines.append(f"{sampler.images:,} pictures shown" + (_time(seconds) if seconds else ""))
    if settings.transfer is not None:
        lines.append("Began with the weights of another run of the same kind")
    if "tuned" in run.about:
        lines.append("Tuned to one picture afterwards")
    if plan.get("device"):
        lines.append(f"On {plan['device']}")
    return lines


def _time(seconds: float) -> str:
    minutes = seconds / 60
    return f", in {minutes / 60:.1f} hours" if minutes >= 90 else f", in {minutes:.1f} minutes"


def _measures(run: Run, images: int) -> str:
    """A table of what was measured, each value beside what real pictures score."""
    rows = _evaluated(run.path, images) or _gauged(run, images)
    if not rows:
        return "Nothing was measured."
    head = ["| measure | these pictures | real pictures |", "|---|---|---|"]
    return "\n".join([*head, *(f"| {a} | {b} | {c} |" for a, b, c in rows)])


Line = tuple[str, str, str]


def _evaluated(run: Path, images: int) -> list[Line]:
    """Of the newest `ganwerk evaluate` of this checkpoint."""
    for path in sorted(run.glob(f"evaluations/{images:09d}-*.json"), reverse=True):
        try:
            records = json.loads(path.read_text("utf-8"))["records"]
            return [_record(record) for record in records]
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return []


def _record(record: Mapping[str, Any]) -> Line:
    floor = record["floor"]
    error = f" ± {record['error']:.2g}" if record["error"] else ""
    real = f"{floor['mean']:.3g} ± {floor['deviation']:.2g}" if floor else "-"
    return str(record["name"]), f"{record['value']:.3g}{error}", real


def _gauged(run: Run, images: int) -> list[Line]:
    """Of the last measurement while training."""
    rows = [row for row in run.journal.rows("measure") if row["images"] <= images]
    row = rows[-1] if rows else {}
    floors = [name for name in row if name.startswith(FLOOR)]
    return [
        (name, f"{row[name]:.3g}", f"{row[FLOOR + name]:.3g}")
        for name in (floor.removeprefix(FLOOR) for floor in floors)
        if name in row
    ]


def _warned(run: Run, images: int) -> list[str]:
    """What the training warned of, without what names a file."""
    told = [
        str(row.get("message", ""))
        for row in run.journal.rows("warning")
        if row.get("images", 0) <= images
    ]
    clean = [text for text in dict.fromkeys(told) if text and "/" not in text and "\\" not in text]
    return ["## What the training warned of", _list(clean)] if clean else []


def _export(sizes: Mapping[str, int], found: Differences) -> list[str]:
    exact = ", ".join(f"{value:.1g} ({n} at once)" for n, value in found.float32.items())
    return [
        f"Written by ganwerk {ganwerk.__version__}: "
        + ", ".join(f"{name} {human_bytes(size)}" for name, size in sizes.items()),
        f"Pictures 0 to 7 differ from the training's by at most {exact}, of a range from -1 to 1",
        f"As stored: {found.mean_grey:.2f} grey levels of 255 on average, {found.largest_grey} at "
        "most",
    ]
