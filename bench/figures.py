"""The one figure: a common tutorial's DCGAN beside ganwerk, on the same pictures and time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganwerk.run import Run

Rows = Sequence[dict[str, Any]]
COLOURS = {"tutorial": "#c44e52", "ganwerk": "#2a6f97"}
SMOOTHED_ROWS = 60  # of the curves, after smoothing


def tutorial_rows(folder: Path) -> Rows:
    rows: Rows = json.loads((folder / "tutorial.json").read_text("utf-8"))["rows"]
    return rows


def ganwerk_rows(run: Path) -> Rows:
    return [row for row in Run.open(run).journal.rows("step") if "d_accuracy" in row]


def curve(rows: Rows, name: str) -> tuple[list[float], list[float]]:
    """Minutes and values of one measurement, as means over equal shares of the rows."""
    groups = np.array_split(np.arange(len(rows)), min(SMOOTHED_ROWS, len(rows)))
    minutes = [float(np.mean([rows[i]["seconds"] for i in g])) / 60 for g in groups]
    return minutes, [float(np.mean([rows[i][name] for i in g])) for g in groups]


def side_by_side(tutorial: Path, run: Path, ganwerk_grid: Path, out: Path) -> None:
    """Grids above, what D thinks below. Writes `out`."""
    from matplotlib.figure import Figure

    told = {"tutorial": tutorial_rows(tutorial), "ganwerk": ganwerk_rows(run)}
    figure = Figure(figsize=(10, 9.4), layout="constrained")
    axes = figure.subplots(2, 2, height_ratios=(5, 3))
    pictures = {"tutorial": tutorial / "grid.png", "ganwerk": ganwerk_grid}
    titles = {"tutorial": "A common tutorial's DCGAN", "ganwerk": "ganwerk"}
    for place, (name, path) in zip(axes[0], pictures.items(), strict=True):
        with Image.open(path) as picture:
            place.imshow(np.asarray(picture.convert("RGB")), interpolation="nearest")
        minutes = told[name][-1]["seconds"] / 60
        place.set_title(f"{titles[name]}, after {minutes:.3g} minutes", color=COLOURS[name])
        place.axis("off")
    for name, rows in told.items():
        minutes, right = curve(rows, "d_accuracy")
        axes[1, 0].plot(minutes, [100 * share for share in right], color=COLOURS[name], label=name)
        _, real = curve(rows, "real_logit")
        _, fake = curve(rows, "fake_logit")
        axes[1, 1].plot(
            minutes,
            [a - b for a, b in zip(real, fake, strict=True)],
            color=COLOURS[name],
            label=name,
        )
    axes[1, 0].axhline(50, color="grey", linestyle="--", linewidth=1)
    axes[1, 0].set(title="How often D is right, %", xlabel="minutes", ylim=(40, 102))
    axes[1, 1].axhline(0, color="grey", linestyle="--", linewidth=1)
    axes[1, 1].set(title="Logit of reals minus logit of fakes", xlabel="minutes")
    for place in axes[1]:
        place.legend(frameon=False)
        place.spines[["top", "right"]].set_visible(False)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)
