"""The laboratory's experiments, each with its columns, figure and animation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ganwerk.lab import dirac, line, points, stacked, vanish
from ganwerk.lab.figures import dirac as draw_dirac
from ganwerk.lab.figures import line as draw_line
from ganwerk.lab.figures import points as draw_points
from ganwerk.lab.figures import stacked as draw_stacked
from ganwerk.lab.figures import vanish as draw_vanish
from ganwerk.lab.method import title
from ganwerk.lab.mixture import MIXTURES
from ganwerk.lab.setting import GameSetting, PointSetting
from ganwerk.lab.table import Column
from ganwerk.lab.verbs import Experiment, Games, Pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MODE_COLUMNS = (
    Column("modes", "modes"),
    Column("full_modes", "modes >= 20 hits"),
    Column("high_quality", "high quality %", ".1f", 100),
    Column("reverse_kl", "reverse KL", ".3f"),
    Column("w2", "W2"),
    Column("seconds", "seconds", ".0f"),
)
NAMES = {
    "ring": "Eight Gaussians on a ring",
    "ring-1": "Eight Gaussians on a ring",
    "grid": "25 Gaussians on a grid",
}
READING = (
    "Density of 1,000 generated points. Below each panel: modes with a point within 3 standard "
    "deviations of the centre, and the share of all points that are so close."
)


def _rows(games: Games) -> list[draw_points.Row]:
    return [draw_points.Row(title(text), trials[0]) for text, trials in games.items()]


def _titled(games: Games) -> Games:
    return {title(text): trials for text, trials in games.items()}


def _draw_modes(games: Games, setting: PointSetting) -> Figure:
    heading = f"{NAMES[setting.problem]}: where the generator puts its points"
    return draw_points.heat_maps(_rows(games), MIXTURES[setting.problem], heading, READING)


def _animate_modes(games: Games, setting: PointSetting) -> Iterable[Pixels]:
    return draw_points.frames(_rows(games), MIXTURES[setting.problem], NAMES[setting.problem])


def _first(games: Games) -> draw_line.Named:
    text, trials = next(iter(games.items()))
    return title(text), trials[0]


RING = Experiment("ring", points.trial, points.game, MODE_COLUMNS, _draw_modes, _animate_modes, 120)
GRID = Experiment("grid", points.trial, points.game, MODE_COLUMNS, _draw_modes, _animate_modes, 120)
LINE = Experiment(
    "line",
    line.trial,
    points.game,
    (
        Column("value", "V (equilibrium -1.3863)", ".4f"),
        Column("d_real", "mean D on data (0.5)", ".4f"),
        Column("d_error", "mean |D - 1/2|", ".4f"),
        Column("w2", "W2", ".3f"),
        Column("seconds", "seconds", ".0f"),
    ),
    lambda games, setting: draw_line.moments_of_game(*_first(games)),
    lambda games, setting: draw_line.frames(*_first(games)),
)
DIRAC = Experiment(
    "dirac",
    dirac.trial,
    dirac.game,
    (
        Column("shrinkage", "factor per step", ".5f"),
        Column("predicted", "by theory", ".5f"),
        Column("radius_last", "distance at the end", ".2e"),
        Column("averaged_theta", "averaged theta", ".3f"),
    ),
    lambda games, setting: draw_dirac.phase_plots(_rows_of_first(games)),
    lambda games, setting: draw_dirac.frames(_rows_of_first(games)),
    80,
)
VANISH = Experiment(
    "vanish",
    vanish.trial,
    points.game,
    (
        Column("gradient_first", "gradient at first", ".2e"),
        Column("gradient_last", "gradient at last", ".2e"),
        Column("point_gradient_last", "at the points", ".2e"),
        Column("value", "V", ".3g"),
        Column("seconds", "seconds", ".0f"),
    ),
    lambda games, setting: draw_vanish.gradients(_titled(games)),
    lambda games, setting: draw_vanish.frames(_titled(games)),
)


def _rows_of_first(games: Games) -> list[draw_dirac.Row]:
    return [(title(text), trials[0]) for text, trials in games.items()]


def _draw_stacked(games: Games, setting: GameSetting) -> Figure:
    assert isinstance(setting, stacked.StackedSetting)
    return draw_stacked.modes(_titled(games), setting.d_channels, setting.steps)


STACKED = Experiment(
    "stacked",
    stacked.trial,
    stacked.game,
    (
        Column("modes", "modes of 1,000", ",.1f"),
        Column("reverse_kl", "reverse KL", ".2f"),
        Column("steps", "steps", ",.0f"),
        Column("seconds", "seconds", ",.0f"),
    ),
    _draw_stacked,
    lambda games, setting: draw_stacked.frames(_titled(games)),
    600,
)
