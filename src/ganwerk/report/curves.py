"""Which curves the report and the page show, and how to read each of them in plain words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from ganwerk.doctor.tried import tried
from ganwerk.game.equilibrium import EQUILIBRIA, Equilibrium
from ganwerk.report.plot import Level, Plot, Series
from ganwerk.runtime.events import SCORE

FEWEST_POINTS = 2

_BALANCE = "balance"
_ROLES = ("d", "g", "real", "other", "fifth")

_GUESSING = "Dashed: where D can only guess and neither side can gain."
_SETTLED = (
    f"{_GUESSING} Normal: soon both settle into a noisy band, D mostly below its line and G above."
)
_LOSSES = {
    "minimax": (
        f"{_SETTLED} If G's loss lies at 0 for long, G learns nothing: this loss is known for that."
    ),
    "non-saturating": (
        f"{_SETTLED} Look closer if D rests at 0 while G climbs to the end, or both jump "
        "ever wilder."
    ),
    "least-squares": (
        f"{_SETTLED} Look closer if D rests at 0 and G at 0.5 to the end, or the jumps grow."
    ),
    "wasserstein": (
        "These are scores, not errors: they have no scale and drift. Look at the value of the "
        "game instead, and look closer if the numbers grow tenfold again and again."
    ),
    "hinge": (
        f"{_GUESSING} Normal: D soon stays below its line; G's loss is a score that drifts. Look "
        "closer if D rests at 0 to the end, or G climbs without a stop."
    ),
    "relativistic": (
        f"{_SETTLED} Both have the same line. Look closer if D rests at 0 and G climbs ever faster."
    ),
}
_VALUES = {
    "least-squares": (
        "D pushes it down to 0 (always right), G up to the dashed 0.25 (D can only guess). Normal: "
        "soon a noisy band between the two."
    ),
    "wasserstein": (
        "How far apart D can place real and generated pictures. Normal: a quick rise, then a slow "
        "fall towards 0. Only the trend counts; it has no unit."
    ),
}
_VALUE = (
    "The score of the whole game: D pushes it up to 0 (always right), G down to the dashed line "
    "(D can only guess). Normal: soon a noisy band between the two. Resting exactly on the line "
    "can also mean that D has gone blind: look at the pictures."
)
_DISTANCE = (
    "How far the drawn pictures are from the real ones, as whole clouds: lower is better. Dashed: "
    "what real pictures score against each other; nobody gets below that. Measured in pixels: on "
    "natural photographs it sees quality, and hardly sees missing kinds."
)
_NEIGHBOURS = (
    "Precision: the share of drawn pictures that lie among real ones. Coverage: the share of kinds "
    "of real pictures that are drawn. Dashed: the values of real pictures. A coverage that falls "
    "while precision stays is the generator leaving kinds out."
)
_LOGITS = (
    "What D answers on average: higher is 'looks real'. The gap between real and generated is how "
    "clearly D tells them apart. Normal: it opens, then stays about as wide. Look closer if it "
    "widens to the end."
)
_HELD_OUT = (
    " If pictures that D never saw sink towards the generated ones, D knows the others by heart."
)
_ONLY_THE_GAP = " With this loss only gaps have a meaning; all may drift together."
_ACCURACY = (
    "Share of the last batch that D sorts rightly; dashed: guessing. Normal: noise between the two."
    " At 1 to the end, D may know the real pictures by heart; at 0.5 to the end, it learns nothing."
)
_PENALTIES = (
    "What D pays for steep slopes, with its weight. Normal: small beside the losses. Look closer "
    "if it outgrows them or grows without an end."
)
_RATES = (
    "How large the steps of each player are: set beforehand, not measured. A fall towards the end "
    "is planned and calms the pictures."
)
_BALANCED = " The remedy balance makes D's steps smaller while D is too strong, else larger."
_REMEDIES = (
    "Shares from 0 to 1. Augmentation: how often a picture is changed before D sees it; it rises "
    "while D knows the real pictures by heart. A leak is the share of generated pictures that look "
    "changed: look closer above 0.2. Resting: steps in which a player did not learn."
)
_REMEDY_LINES = (
    ("ada_p", "augmentation (ada)"),
    ("d_rested", "D rested"),
    ("g_rested", "G rested"),
)
_SPEED = (
    "Normal: flat. Short dips are checkpoints, grids or other programs; a lasting fall is heat, "
    "another load or lack of memory."
)


class Numbers(Protocol):
    """What was measured in a run."""

    @property
    def loss(self) -> str:
        """The name of the loss; '' if unknown."""

    @property
    def resumed(self) -> tuple[float, ...]:
        """The images from which it was resumed."""

    @property
    def treated(self) -> tuple[tuple[float, str], ...]:
        """Where treatments began, and what came of each: see `treatments`."""

    def keys(self, event: str) -> Collection[str]:
        """What rows of this event measure, in the order in which it first came."""

    def series(self, key: str) -> tuple[Sequence[float], Sequence[float]]:
        """Images, which do not fall, and values of a key, from rows of steps, pictures and
        measures."""


def treatments(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[float, str], ...]:
    """Of the journal's rows about treatments: images and 'treatment 1: kept'."""
    return tuple((float(one.images), f"treatment {one.number}: {one.outcome}")
                 for one in tried(rows))  # fmt: skip


def plots(numbers: Numbers) -> list[Plot]:
    """The plots for which there are measurements."""
    loss = EQUILIBRIA.get(numbers.loss)
    drawers: tuple[Callable[[Numbers, Equilibrium | None], Plot | None], ...] = (
        _distance,
        _neighbours,
        _losses,
        _value,
        _logits,
        _accuracy,
        _penalties,
        _remedies,
        _rates,
        _speed,
    )
    return [plot for plot in (drawer(numbers, loss) for drawer in drawers) if plot is not None]


def _plot(
    numbers: Numbers,
    title: str,
    reading: str,
    lines: Sequence[tuple[str, str, str]],
    *,
    levels: tuple[Level, ...] = (),
    smooth: bool = True,
    floor: float | None = None,
    ceiling: float | None = None,
) -> Plot | None:
    """A plot of the lines (key in the journal, name, role) that were measured; None without any."""
    found = (Series(name, role, *numbers.series(key)) for key, name, role in lines)
    series = tuple(line for line in found if len(line.images) >= FEWEST_POINTS)
    if not series:
        return None
    return Plot(
        title, series, reading, levels, numbers.resumed, numbers.treated, smooth, floor, ceiling
    )


def _distance(numbers: Numbers, _: Equilibrium | None) -> Plot | None:
    return _plot(
        numbers,
        "Distance to the real pictures",
        _DISTANCE,
        [(SCORE, SCORE, "g")],
        levels=_floor_of(numbers, SCORE, "g"),
        smooth=False,
        floor=0.0,
    )


def _neighbours(numbers: Numbers, _: Equilibrium | None) -> Plot | None:
    levels = (*_floor_of(numbers, "precision", "d"), *_floor_of(numbers, "coverage", "g"))
    return _plot(
        numbers,
        "Look real, and cover all kinds",
        _NEIGHBOURS,
        [("precision", "precision", "d"), ("coverage", "coverage", "g")],
        levels=levels,
        smooth=False,
        floor=0.0,
        ceiling=1.0,
    )


def _floor_of(numbers: Numbers, name: str, role: str) -> tuple[Level, ...]:
    """Where real pictures lie against each other."""
    known = numbers.series(f"floor {name}")[1]
    return (Level(known[-1], role, "real"),) if len(known) else ()


def _losses(numbers: Numbers, loss: Equilibrium | None) -> Plot | None:
    lines = [("d_loss", "D, the judge", "d"), ("g_loss", "G, the painter", "g")]
    return _plot(
        numbers,
        f"Losses ({numbers.loss})" if loss else "Losses",
        _LOSSES.get(numbers.loss, "Lower is better for that player, so both cannot win."),
        lines,
        levels=_two_levels(loss.d, loss.g) if loss else (),
    )


def _two_levels(d: float, g: float) -> tuple[Level, ...]:
    if d == g:
        return (Level(d, "both", _BALANCE),)
    return (Level(d, "d", _BALANCE), Level(g, "g", _BALANCE))


def _value(numbers: Numbers, loss: Equilibrium | None) -> Plot | None:
    return _plot(
        numbers,
        "Value of the game, V(D, G)",
        _VALUES.get(numbers.loss, _VALUE),
        [("value", "V(D, G)", "other")],
        levels=(Level(loss.value, "other", _BALANCE),) if loss else (),
        floor=0.0 if numbers.loss == "least-squares" else None,
    )


def _logits(numbers: Numbers, loss: Equilibrium | None) -> Plot | None:
    guessing = loss is not None and loss.probabilistic
    drifting = numbers.loss in ("relativistic", "wasserstein")
    probed = "held_out_logit" in numbers.keys("picture")
    return _plot(
        numbers,
        "D's answers (mean logits)",
        _LOGITS + _HELD_OUT * probed + _ONLY_THE_GAP * drifting,
        [
            ("real_logit", "real pictures", "real"),
            ("held_out_logit", "real, never seen", "other"),
            ("fake_logit", "generated", "g"),
        ],
        levels=(Level(0.0, "both", "undecided"),) if guessing else (),
    )


def _accuracy(numbers: Numbers, loss: Equilibrium | None) -> Plot | None:
    if loss is None or not loss.probabilistic:
        return None
    return _plot(
        numbers,
        "How often D is right",
        _ACCURACY,
        [("d_accuracy", "D", "d")],
        levels=(Level(0.5, "both", "guessing"),),
        ceiling=1.0,
    )


def _penalties(numbers: Numbers, _: Equilibrium | None) -> Plot | None:
    keys = [key for key in numbers.keys("step") if key.startswith("penalty_")]
    names = [(key, key.removeprefix("penalty_").replace("_", " ")) for key in keys]
    lines = [(key, name, _ROLES[i % len(_ROLES)]) for i, (key, name) in enumerate(names)]
    return _plot(numbers, "Penalties on D", _PENALTIES, lines, floor=0.0)


def _remedies(numbers: Numbers, _: Equilibrium | None) -> Plot | None:
    leaks = [key for key in numbers.keys("picture") if key.startswith("leak_")]
    told = numbers.keys("step")
    named = [
        *(line for line in _REMEDY_LINES if line[0] in told),
        *((key, f"leak of {key.removeprefix('leak_')}") for key in leaks),
    ]
    lines = [(key, name, _ROLES[i % len(_ROLES)]) for i, (key, name) in enumerate(named)]
    return _plot(
        numbers, "What remedies do", _REMEDIES, lines, smooth=False, floor=0.0, ceiling=1.0
    )


def _rates(numbers: Numbers, _: Equilibrium | None) -> Plot | None:
    each = [("d_rate", "D", "d"), ("g_rate", "G", "g")]
    alike = list(numbers.series("d_rate")[1]) == list(numbers.series("g_rate")[1])
    lines = [("d_rate", "D and G alike", "both")] if alike else each
    balanced = "balance_factor" in numbers.keys("step")
    reading = _RATES + _BALANCED * balanced
    return _plot(numbers, "Learning rates", reading, lines, smooth=False, floor=0.0)


def _speed(numbers: Numbers, _: Equilibrium | None) -> Plot | None:
    lines = [("images_per_second", "images/s", "other")]
    return _plot(numbers, "Speed", _SPEED, lines, floor=0.0)
