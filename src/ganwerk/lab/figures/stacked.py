"""Stacked MNIST: what each method draws, and how many of the 1,000 modes over the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganwerk.lab.figures import ink
from ganwerk.lab.trial import Trial
from ganwerk.run.pictures import grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Stacked MNIST, 1,000 modes"
READING = (
    "Three digits, one per colour channel, counted by a classifier. Thick: mean over seeds; thin: "
    "each seed; the last count is of 25,600 samples, those before of 5,120."
)
MODES = 1_000
COLUMNS = 8
Games = Mapping[str, Sequence[Trial]]


def modes(games: Games, d_channels: Sequence[int], steps: int) -> Figure:
    """The number of modes over the steps, and samples of the first game of each method."""
    across = min(4, len(games))
    down = -(-len(games) // across)
    with ink.paper(3.0 + 2.45 * down) as figure:
        upper, lower = ink.halves(figure, [3.0, 2.45 * down])
        _lines(upper.subplots(), games)
        panels = lower.subplots(down, across, squeeze=False).ravel()
        for axes in panels[len(games) :]:
            axes.axis("off")
        for (name, trials), axes in zip(games.items(), panels, strict=False):
            _samples(axes, trials[0], -1)
            axes.set_title(name, fontsize=9)
        ink.heading(figure, f"{TITLE}: {_size(d_channels)}, {steps:,} steps", READING)
    return figure


def _size(d_channels: Sequence[int]) -> str:
    if not d_channels:
        return "an ordinary DCGAN"
    share = {2: "a quarter", 4: "half"}.get(d_channels[0], f"{d_channels[0]}/8")
    return f"D {share} as wide as G"


def _lines(axes: Axes, games: Games) -> None:
    for (name, trials), colour in zip(games.items(), ink.PALETTE, strict=False):
        lines = np.stack([trial.arrays["modes"] for trial in trials]).astype(float)
        steps = trials[0].arrays["steps"]
        for line in lines:
            axes.plot(steps, line, color=colour, linewidth=0.6, alpha=0.45)
        axes.plot(steps, lines.mean(0), color=colour, label=f"{name}: {lines[:, -1].mean():,.0f}")
    axes.axhline(MODES, color=ink.FAINT, linestyle=":", linewidth=1.2)
    axes.set(xlabel="step", ylabel="modes captured", ylim=(0, 1_050))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _samples(axes: Axes, trial: Trial, frame: int) -> None:
    ink.bare(axes)
    pictures = trial.arrays["pictures"][frame].transpose(0, 2, 3, 1).astype(np.uint8)
    axes.imshow(grid(pictures, COLUMNS, padding_px=1), interpolation="nearest")


def frames(games: Games) -> list[NDArray[np.uint8]]:
    """Samples of each method while it learns."""
    firsts = {name: trials[0] for name, trials in games.items()}
    steps = next(iter(firsts.values())).arrays["steps"]
    moving = []
    for frame in range(len(steps)):
        with ink.paper(3.5, max(5.0, 2.9 * len(firsts))) as figure:
            panels = figure.subplots(1, len(firsts), squeeze=False)[0]
            for (name, trial), axes in zip(firsts.items(), panels, strict=True):
                _samples(axes, trial, frame)
                found = int(trial.arrays["modes"][frame])
                axes.set_title(f"{name}: {found:,} modes", fontsize=9.5)
            ink.heading(figure, TITLE, f"step {int(steps[frame]):,}")
            moving.append(ink.pixels(figure))
    return moving
