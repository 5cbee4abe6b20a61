"""Methods by problems: every game a dot, the mean a bar with its standard error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ganwerk.lab.figures import ink
from ganwerk.lab.method import title
from ganwerk.lab.table import mean_of
from ganwerk.lab.trial import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Games = Mapping[str, Sequence[Trial]]
HEADING = "Methods by problems"
READING = "Every dot is a game with its own seed; bars: means; whiskers: their standard errors."


def dots(games: Mapping[str, Games], modes: Mapping[str, int]) -> Figure:
    """games[problem][method]: a column of modes per problem, and one of quality where known."""
    panels = [(name, fact) for name in games for fact in ("modes", "high_quality")]
    panels = [(name, fact) for name, fact in panels if fact in _facts(games[name])]
    methods = list(next(iter(games.values())))
    with ink.paper(1.2 + 0.36 * len(methods)) as figure:
        axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        for (name, fact), panel in zip(panels, axes, strict=True):
            _panel(panel, games[name], fact, modes[name])
            head = f"{name}\nmodes of {modes[name]:,}" if fact == "modes" else "\nhigh quality %"
            panel.set_title(head, fontsize=9.5)
        axes[0].set_yticks(range(len(methods)), [title(text) for text in methods])
        axes[0].invert_yaxis()
        ink.heading(figure, HEADING, READING)
    return figure


def _facts(games: Games) -> set[str]:
    return set(next(iter(games.values()))[0].facts)


def _panel(axes: Axes, games: Games, fact: str, modes: int) -> None:
    factor = 100 if fact == "high_quality" else 1
    colour = ink.JUDGE if fact == "high_quality" else ink.DATA
    random = np.random.default_rng(0)
    for row, trials in enumerate(games.values()):
        found = mean_of([trial.facts[fact] for trial in trials])
        values = [value * factor for value in found.values if value is not None]
        if found.mean is None:
            continue
        error = (found.error or 0) * factor
        axes.barh(row, found.mean * factor, height=0.62, color=colour, alpha=0.35, xerr=error,
                  error_kw={"ecolor": ink.INK, "elinewidth": 1})  # fmt: skip
        spread = row + random.uniform(-0.2, 0.2, len(values))
        axes.scatter(values, spread, s=9, color=colour, linewidths=0, zorder=3)
    axes.set_xlim(0, 100 if fact == "high_quality" else modes * 1.04)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
