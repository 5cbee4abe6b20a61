"""Generated density over training steps, as in figure 2 of the Unrolled GAN paper."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganwerk.lab.figures import ink
from ganwerk.lab.mixture import Mixture
from ganwerk.lab.trial import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 6
CELLS = 160  # of a heat map, on each side
BLUR = 0.011  # of the map's side: wide enough to see a mode that is a dot
PANEL_INCHES = 1.15
CONTRAST = 0.45  # exponent: faint bridges between modes stay visible
DOT = 3.0


@dataclass(frozen=True)
class Row:
    """One method: its name and one of its games."""

    name: str
    trial: Trial


def density(points: NDArray[np.floating], reach: float) -> NDArray[np.float64]:
    """Points (N, 2) as a smooth map (CELLS, CELLS) of [-reach, reach]^2, first axis upwards."""
    edges = np.linspace(-reach, reach, CELLS + 1)
    counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], (edges, edges))
    width = BLUR * CELLS
    offsets = np.arange(-round(4 * width), round(4 * width) + 1)
    kernel = np.exp(-0.5 * (offsets / width) ** 2)
    for axis in (0, 1):
        counts = np.apply_along_axis(np.convolve, axis, counts, kernel / kernel.sum(), "same")
    smooth: NDArray[np.float64] = counts / len(points)
    return smooth


def heat_maps(rows: Sequence[Row], mixture: Mixture, title: str, reading: str) -> Figure:
    """One row per method, one column per moment, the data at the right."""
    count = len(rows)
    target = _target(mixture)
    frames = len(rows[0].trial.arrays["steps"])
    chosen = np.linspace(0, frames - 1, COLUMNS).round().astype(int)
    with ink.paper(0.75 + PANEL_INCHES * 1.14 * count) as figure:
        panels = figure.subplots(count, COLUMNS + 1, squeeze=False)
        for number, (row, line) in enumerate(zip(rows, panels, strict=True)):
            arrays = row.trial.arrays
            for frame, axes in zip(chosen, line, strict=False):
                _map(axes, density(arrays["points"][frame].astype(float), mixture.reach), target)
                step = int(arrays["steps"][frame])
                if number == 0:
                    axes.set_title(f"step {step:,}", fontsize=9.5, fontweight="normal")
                axes.set_xlabel(_found(arrays, frame, mixture), fontsize=8.5, color=ink.FAINT)
            _map(line[-1], target, target)
            if number == 0:
                line[-1].set_title("the data", fontsize=9.5)
            line[-1].set_xlabel(f"{mixture.modes} modes", fontsize=8.5, color=ink.FAINT)
            line[0].set_ylabel(textwrap.fill(row.name, 14), fontsize=9, fontweight="bold")
        ink.heading(figure, title, reading)
    return figure


def _found(arrays: dict[str, NDArray[np.generic]], frame: int, mixture: Mixture) -> str:
    good = float(arrays["high_quality"][frame])
    return f"{arrays['modes'][frame]}/{mixture.modes} modes, {good:.0%}"


def _target(mixture: Mixture) -> NDArray[np.float64]:
    import torch

    return density(mixture.draw(20_000, torch.Generator().manual_seed(0)).numpy(), mixture.reach)


def _map(axes: Axes, values: NDArray[np.float64], target: NDArray[np.float64]) -> None:
    ink.bare(axes)
    scale = target.max()
    axes.imshow(
        (values / scale).clip(0, 1) ** CONTRAST,
        cmap=ink.density_colours(), vmin=0, vmax=1, origin="lower", interpolation="bilinear",
    )  # fmt: skip


def frames(rows: Sequence[Row], mixture: Mixture, title: str) -> list[NDArray[np.uint8]]:
    """The same games in motion: one panel per method, generated points over the data's modes."""
    count = len(rows)
    across = min(count, 3)
    down = -(-count // across)
    side = 2.9
    moving = []
    places = np.array(mixture.centres)
    for frame in range(len(rows[0].trial.arrays["steps"])):
        with ink.paper(0.55 + down * (side + 0.25), side * max(across, 2)) as figure:
            panels = figure.subplots(down, across, squeeze=False).ravel()
            for axes in panels[count:]:
                axes.axis("off")
            for row, axes in zip(rows, panels, strict=False):
                _dots(axes, row, frame, places, mixture)
            step = int(rows[0].trial.arrays["steps"][frame])
            ink.heading(figure, title, f"step {step:,}")
            moving.append(ink.pixels(figure))
    return moving


def _dots(axes: Axes, row: Row, frame: int, places: NDArray[np.float64], mixture: Mixture) -> None:
    ink.bare(axes)
    points = row.trial.arrays["points"][frame].astype(float)
    axes.scatter(
        places[:, 0], places[:, 1], s=90, facecolors="none", edgecolors=ink.DATA, linewidths=1.2
    )
    axes.scatter(points[:, 0], points[:, 1], s=DOT, color=ink.FAKE, alpha=0.5, linewidths=0)
    axes.set(xlim=(-mixture.reach, mixture.reach), ylim=(-mixture.reach, mixture.reach))
    axes.set_aspect("equal")
    name = textwrap.shorten(row.name, 34)
    axes.set_title(f"{name}\n{_found(row.trial.arrays, frame, mixture)}", fontsize=9)
