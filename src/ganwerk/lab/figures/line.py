"""The game on a line: frames of an animation, and four of them side by side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganwerk.lab import line
from ganwerk.lab.figures import ink
from ganwerk.lab.mixture import MIXTURES
from ganwerk.lab.trial import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "The game on a line, until D cannot tell"
MOMENTS = 4
Named = tuple[str, Trial]
EQUILIBRIUM = -2 * math.log(2)
READING = (
    "Below each panel, lines lead from evenly drawn z to x = G(z). Thin green: the best D for this "
    "G, p_data / (p_data + p_g)."
)


def moments_of_game(name: str, trial: Trial) -> Figure:
    """From the start to the end, and what was measured beside what theory says."""
    arrays = trial.arrays
    chosen = _interesting(arrays["w2"])
    with ink.paper(5.9) as figure:
        upper, lower = ink.halves(figure, [1.75, 1])
        panels = upper.subplots(2, MOMENTS, height_ratios=[1, 0.33], sharex=True)
        for column, frame in enumerate(chosen):
            _curves(panels[0, column], arrays, frame)
            _arrows(panels[1, column], arrays, frame)
            panels[0, column].set_title(f"step {int(arrays['steps'][frame]):,}")
            if column:
                panels[0, column].tick_params(labelleft=False)
        upper.legend(*_legend(panels[0, 0]), loc="outside upper right", ncols=4)
        _measured(lower.subplots(1, 2), arrays)
        ink.heading(figure, f"{TITLE} ({name})", READING)
    return figure


def _interesting(w2: NDArray[np.generic]) -> list[int]:
    """The start, two moments of the approach, and the end."""
    distance = w2.astype(float)
    first = int(np.argmax(distance < 0.75 * distance[0])) or 1
    second = max(first + 1, int(np.argmax(distance < 0.3 * distance[0])))
    return [0, first, min(second, len(distance) - 2), len(distance) - 1]


def frames(name: str, trial: Trial) -> list[NDArray[np.uint8]]:
    """One picture per kept step."""
    moving = []
    for frame in range(len(trial.arrays["steps"])):
        with ink.paper(5.0, 7.0) as figure:
            above, below = figure.subplots(2, 1, height_ratios=[1, 0.3], sharex=True)
            _curves(above, trial.arrays, frame)
            _arrows(below, trial.arrays, frame)
            above.legend(*_legend(above), loc="upper left")
            value = float(trial.arrays["value"][frame])
            real = float(trial.arrays["d_real"][frame])
            says = (
                f"step {int(trial.arrays['steps'][frame]):,}     V = {value:.3f}  (equilibrium "
                f"{EQUILIBRIUM:.3f})     D on data = {real:.3f}  (equilibrium 0.500)"
            )
            ink.heading(figure, f"{TITLE} ({name})", says)
            moving.append(ink.pixels(figure))
    return moving


def _curves(axes: Axes, arrays: dict[str, NDArray[np.generic]], frame: int) -> None:
    mixture = MIXTURES[line.SETTING.problem]
    x = line.axis(mixture)
    data = mixture.density(x[:, None]).numpy()
    drawn: Any = arrays["p_g"][frame]
    top = 1.35
    axes.fill_between(x, drawn, color=ink.FAKE, alpha=0.25, linewidth=0)
    axes.plot(x, data, color=ink.DATA, linestyle=(0, (1, 1)), label=r"$p_{data}$", linewidth=2.2)
    axes.plot(x, drawn, color=ink.FAKE, label=r"$p_g$, generated")
    axes.plot(x, arrays["d"][frame], color=ink.JUDGE, linestyle="--", label="D(x)")
    best = data / np.maximum(data + drawn, 1e-9)
    seen = data + drawn > 1e-3
    axes.plot(x[seen], best[seen], color=ink.JUDGE, linewidth=0.8, alpha=0.7, label="best D(x)")
    axes.axhline(0.5, color=ink.RULE, linewidth=1)
    axes.set(ylim=(0, top), xlim=(-1.5, 3))
    axes.tick_params(labelbottom=False)


def _legend(axes: Axes) -> tuple[list[Any], list[str]]:
    return axes.get_legend_handles_labels()


def _arrows(axes: Axes, arrays: dict[str, NDArray[np.generic]], frame: int) -> None:
    """z below, evenly spread over the panel; x = G(z) above."""
    ends: Any = arrays["x_of_z"][frame]
    starts = np.linspace(-1.3, 2.8, len(ends))
    for z, x in zip(starts, ends, strict=True):
        axes.plot([z, x], [0, 1], color=ink.FAKE, linewidth=0.7, alpha=0.8)
    axes.set(ylim=(0, 1), xlim=(-1.5, 3), yticks=[0, 1], yticklabels=["z", "x"])
    axes.grid(False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _measured(panels: Any, arrays: dict[str, NDArray[np.generic]]) -> None:
    steps = arrays["steps"]
    value, real = arrays["value"], arrays["d_real"]
    final = float(value[-1])
    panels[0].axhline(EQUILIBRIUM, color=ink.FAINT, linestyle=":", linewidth=1.4)
    panels[0].plot(steps, value, color=ink.EXTRA)
    panels[0].set_title(f"V(D, G): {final:.4f} at the end; equilibrium −log 4 = {EQUILIBRIUM:.4f}",
                        fontsize=9)  # fmt: skip
    panels[1].axhline(0.5, color=ink.FAINT, linestyle=":", linewidth=1.4)
    panels[1].plot(steps, real, color=ink.JUDGE)
    last = float(real[-1])
    panels[1].set_title(f"mean D(x) on data: {last:.4f} at the end; equilibrium 0.5", fontsize=9)
    for axes in panels:
        axes.set_xlabel("step")
