"""Dirac-GAN: the paths of both players around their equilibrium."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganwerk.lab.figures import ink
from ganwerk.lab.trial import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase

TITLE = "Two numbers that play"
REACH = 2.0
FRAMES = 60
READING = (
    "Data is the point 0, G draws the point θ, D(x) = ψx. Grey arrows: where plain gradient "
    "descent leads. Circle: start; cross: equilibrium."
)
Row = tuple[str, Trial]


def phase_plots(rows: Sequence[Row]) -> Figure:
    """A path per method, and how far from the equilibrium each is over the steps."""
    across = min(3, len(rows))
    down = -(-len(rows) // across)
    with ink.paper(2.95 * down + 3.0) as figure:
        upper, lower = ink.halves(figure, [2.95 * down, 2.3])
        _paths(upper, rows, down, across)
        _distances(lower.subplots(), rows)
        ink.heading(figure, f"{TITLE}: circling, and what ends it", READING)
    return figure


def _paths(
    figure: FigureBase, rows: Sequence[Row], down: int, across: int, until: int | None = None
) -> None:
    """A panel per method, axes labelled at the edge only."""
    panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    for axes in panels.ravel()[len(rows) :]:
        axes.axis("off")
    for (name, trial), axes, colour in zip(rows, panels.ravel(), ink.PALETTE, strict=False):
        _path(axes, trial.arrays["path"].astype(float), colour, until)
        verdict = "" if until else f": {_what(trial)}"
        axes.set_title(textwrap.fill(name + verdict, 30), fontsize=9.5)
    for axes in panels[-1]:
        axes.set_xlabel("θ (generator)")
    for axes in panels[:, 0]:
        axes.set_ylabel("ψ (discriminator)")


def _what(trial: Trial) -> str:
    factor = trial.facts["shrinkage"]
    if factor is None:
        return "too short to tell"
    if abs(factor - 1) < 2e-4:
        return "circles"
    nearer = trial.facts["radius_last"] < trial.facts["radius_first"] / 2  # type: ignore[operator]
    if factor > 1:
        return "comes near, then strays" if nearer else "grows"
    return "converges"


def _field(axes: Axes) -> None:
    """The direction in which both players descend (minimax, no penalty)."""
    ticks = np.linspace(-REACH, REACH, 15)
    theta, psi = np.meshgrid(ticks, ticks)
    odds = 1 / (1 + np.exp(-theta * psi))
    axes.quiver(theta, psi, odds * psi, -odds * theta, color=ink.RULE, width=0.004, scale=22)


def _path(axes: Axes, path: NDArray[np.float64], colour: str, until: int | None = None) -> None:
    _field(axes)
    path = path[:until]
    axes.plot(*path.T, color=colour, linewidth=1.1)
    axes.plot(*path[0], "o", color=colour, markersize=6, markerfacecolor="white")
    axes.plot(*path[-1], "o", color=colour, markersize=4.5)
    axes.plot(0, 0, "+", color=ink.INK, markersize=9, markeredgewidth=1.6)
    axes.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH))
    axes.set_aspect("equal")
    axes.grid(False)


def _distances(axes: Axes, rows: Sequence[Row]) -> None:
    for (name, trial), colour in zip(rows, ink.PALETTE, strict=False):
        radius = np.hypot(*trial.arrays["path"].astype(float).T)
        axes.semilogy(np.maximum(radius, 1e-9), color=colour, label=name + _factors(trial))
    axes.set(xlabel="step", ylim=(1e-6, 4), ylabel="distance from (0, 0)")
    axes.legend(loc="lower left", fontsize=8.5)


def _factors(trial: Trial) -> str:
    """What each step multiplies the distance by, measured and predicted, as far as known."""
    measured, predicted = trial.facts["shrinkage"], trial.facts["predicted"]
    found = "" if measured is None else f": × {measured:.4f} a step"
    return found if predicted is None else f"{found}, predicted {predicted:.4f}"


def frames(rows: Sequence[Row]) -> list[NDArray[np.uint8]]:
    """The paths as they grow."""
    moving = []
    across = min(3, len(rows))
    down = -(-len(rows) // across)
    length = len(rows[0][1].arrays["path"])
    for until in np.linspace(2, length, FRAMES).round().astype(int):
        with ink.paper(0.6 + 2.9 * down, 2.9 * across) as figure:
            _paths(figure, rows, down, across, int(until))
            ink.heading(figure, TITLE, f"step {until - 1:,}")
            moving.append(ink.pixels(figure))
    return moving
