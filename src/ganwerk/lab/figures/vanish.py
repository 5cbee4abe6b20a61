"""Vanishing gradients: what reaches G while D alone learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganwerk.lab import vanish
from ganwerk.lab.figures import ink
from ganwerk.lab.mixture import MIXTURES
from ganwerk.lab.trial import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "What reaches G while D learns to perfection"
READING = (
    "Top: geometric mean over seeds, thin lines each seed. Below: what D says in the end (blue: "
    "fake, red: real), the data's modes (dots), and where generated points are sent (arrows)."
)
Games = Mapping[str, Sequence[Trial]]


def gradients(games: Games) -> Figure:
    """The gradient that reaches G over the steps of D, and D itself at the end."""
    with ink.paper(6.9) as figure:
        upper, lower = ink.halves(figure, [1, 1])
        axes = upper.subplots()
        for (name, trials), colour in zip(games.items(), ink.PALETTE, strict=False):
            lines = np.stack([trial.arrays["g_gradient"].astype(float) for trial in trials])
            steps = trials[0].arrays["steps"]
            for line in lines:
                axes.semilogy(steps, line, color=colour, linewidth=0.6, alpha=0.4)
            average = np.exp(np.log(lines).mean(0))
            label = f"{name}: {average[-1]:.2g} at the end"
            axes.semilogy(steps, average, color=colour, label=label)
        axes.set(xlabel="steps of D (G stands still)", ylabel=r"$\|\nabla_{\theta}\, L_G\|$")
        axes.legend(loc="lower left")
        axes.set_title("How strongly G is pulled")
        panels = lower.subplots(1, len(games), squeeze=False)[0]
        for (name, trials), panel in zip(games.items(), panels, strict=True):
            _surface(panel, trials[0], len(trials[0].arrays["steps"]) - 1)
            panel.set_title(name, fontsize=9.5)
        ink.heading(figure, TITLE, READING)
    return figure


def _surface(axes: Axes, trial: Trial, frame: int) -> None:
    """D as colours, and the way it shows to generated points, all arrows in one scale."""
    mixture = MIXTURES[vanish.SETTING.problem]
    reach = mixture.reach
    ink.bare(axes)
    logits: Any = trial.arrays["surface"][frame].astype(float)
    logits = logits - float(trial.arrays["undecided"][frame])
    axes.imshow(
        np.tanh(logits / 3), cmap="RdBu_r", vmin=-1.5, vmax=1.5, origin="lower",
        extent=(-reach, reach, -reach, reach), interpolation="bilinear",
    )  # fmt: skip
    x, y = np.array(mixture.centres).T
    axes.scatter(x, y, s=14, color=ink.INK, zorder=3)
    points: Any = trial.arrays["drawn"][frame].astype(float)
    arrows: Any = trial.arrays["arrows"][frame].astype(float).reshape(-1, 2)
    axes.scatter(points[:, 0], points[:, 1], s=5, color=ink.FAKE, zorder=4, linewidths=0)
    axes.quiver(
        *points.T, *arrows.T, color=ink.INK, angles="xy", scale_units="xy", scale=5.0, width=0.006,
        zorder=5,
    )  # fmt: skip
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach))


def frames(games: Games) -> list[NDArray[np.uint8]]:
    """D's landscape and the arrows, while D learns."""
    moving = []
    firsts = {name: trials[0] for name, trials in games.items()}
    steps = next(iter(firsts.values())).arrays["steps"]
    for frame in range(len(steps)):
        with ink.paper(3.6, 3.0 * len(firsts)) as figure:
            panels = figure.subplots(1, len(firsts), squeeze=False)[0]
            for (name, trial), axes in zip(firsts.items(), panels, strict=True):
                _surface(axes, trial, frame)
                heard = float(trial.arrays["g_gradient"][frame])
                axes.set_title(f"{name}: {heard:.1e}", fontsize=9.5)
            ink.heading(figure, TITLE, f"{int(steps[frame]):,} steps of D; above: gradient at G")
            moving.append(ink.pixels(figure))
    return moving
