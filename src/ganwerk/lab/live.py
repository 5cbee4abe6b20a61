"""Games to be watched while they are played: several methods side by side, step by step.

They are the very games of the experiments: played to the end, the same seed gives the numbers that
`ganwerk lab` prints. Looking at a game does not change it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganwerk.errors import ConfigError, DivergedError
from ganwerk.game.recipe import Recipe
from ganwerk.game.state import TrainState
from ganwerk.game.step import train_step
from ganwerk.lab import dirac, line, points, presets, stacked
from ganwerk.lab.game import REFERENCE, generated, in_groups, points_in_batches, seeded, verdicts
from ganwerk.lab.method import Method, parse, title
from ganwerk.lab.mixture import MIXTURES
from ganwerk.lab.setting import GameSetting, PointSetting, known
from ganwerk.lab.trial import Facts
from ganwerk.lab.truth import reverse_kl, score, wasserstein2
from ganwerk.nn.types import Batch

MOST_METHODS = 4
SWARM, FIELD_CELLS = 600, 48
SHOWN = 36
"""Points of the swarm, cells along a side of D's field, stacked pictures."""

Arrays = dict[str, NDArray[np.generic]]
Next = Callable[[int], Batch]


@dataclass(frozen=True)
class Kind:
    """How one experiment is played and looked at. presets: by name, the usual one first. judge: the
    facts of the experiment's table; look: what is drawn, fast enough for every frame. together:
    steps between two frames at most, so that a path has no corners."""

    presets: Callable[[Path | None], Mapping[str, presets.Preset]]
    game: Callable[[Any, Method, int], tuple[TrainState, Recipe]]
    batches: Callable[[Any, int], Next]
    look: Callable[[TrainState, Any], tuple[Facts, Arrays]]
    judge: Callable[[TrainState, Any], Facts]
    together: int = 1_000


class Lane:
    """One game. Raises ConfigError for a method that cannot be."""

    def __init__(self, kind: Kind, base: GameSetting, text: str, seed: int) -> None:
        chosen = parse(text)
        self.kind, self.setting, self.text = kind, chosen.applied(base), text
        self.state, self.rules = kind.game(self.setting, chosen, seed)
        self.batches = kind.batches(self.setting, seed)
        self.trouble: DivergedError | None = None

    def play(self, until: int) -> None:
        """Up to this step. A game that diverges stays where it is and says so."""
        try:
            while self.trouble is None and self.state.step < min(until, self.setting.steps):
                train_step(self.state, self.batches, self.rules)
        except DivergedError as error:
            self.trouble = error

    def frame(self) -> tuple[dict[str, Any], Arrays]:
        """What is known of it, and what is drawn."""
        facts: dict[str, Any] = {"step": self.state.step}
        arrays: Arrays = {}
        try:
            seen, arrays = self.kind.look(self.state, self.setting)
            facts |= seen
        except DivergedError as error:
            self.trouble = self.trouble or error
        if self.trouble is not None:
            facts |= {"error": self.trouble.message, "hint": self.trouble.hint}
        return facts, arrays

    def judged(self) -> Facts:
        """The numbers of the experiment's table, as far as the game has come."""
        try:
            return self.kind.judge(self.state, self.setting)
        except DivergedError as error:
            self.trouble = self.trouble or error
            return {}


class Stage:
    """Several games side by side, at the same step."""

    def __init__(
        self, experiment: str, preset: str, methods: Sequence[str], seed: int,
        data_root: Path | None = None, steps: int | None = None,
    ) -> None:  # fmt: skip
        """preset: '' is the usual one; methods: () are the preset's. Raises ConfigError."""
        kind = known(KINDS, "game", experiment)
        made = kind.presets(data_root)
        chosen = known(made, "preset", preset or next(iter(made)))
        methods = tuple(methods) or chosen.methods
        if len(methods) > MOST_METHODS:
            raise ConfigError(
                f"{len(methods)} games side by side are too many.",
                f"Choose at most {MOST_METHODS} methods.",
            )
        base = chosen.setting if steps is None else replace(chosen.setting, steps=steps)
        self.experiment, self.preset = experiment, preset or next(iter(made))
        self.lanes = [Lane(kind, base, text, seed) for text in methods]

    @property
    def steps(self) -> int:
        return max(lane.setting.steps for lane in self.lanes)

    @property
    def step(self) -> int:
        return max(lane.state.step for lane in self.lanes)

    @property
    def together(self) -> int:
        """Steps between two frames at most."""
        return self.lanes[0].kind.together

    @property
    def finished(self) -> bool:
        return all(lane.trouble or lane.state.step >= lane.setting.steps for lane in self.lanes)

    def play(self, until: int) -> None:
        for lane in self.lanes:
            lane.play(until)

    def described(self) -> dict[str, Any]:
        """What does not change while it is played."""
        first = self.lanes[0].setting
        found: dict[str, Any] = {
            "experiment": self.experiment, "preset": self.preset, "steps": self.steps,
            "source": first.source,
            "lanes": [{"method": lane.text, "title": title(lane.text)} for lane in self.lanes],
        }  # fmt: skip
        if first.problem in MIXTURES:
            mixture = MIXTURES[first.problem]
            found |= {"centres": mixture.centres, "deviation": mixture.deviation,
                      "reach": mixture.reach, "modes": mixture.modes}  # fmt: skip
        if isinstance(first, stacked.StackedSetting):
            found["modes"] = stacked.MODES
        return found


def _swarm(state: TrainState, setting: PointSetting) -> tuple[Facts, Arrays]:
    """The points as shares of the reach, and how D leans in each cell: 0 drawn, 255 real, as far as
    it leans anywhere; `surest` is how far that is, from 0.5 to 1."""
    mixture = MIXTURES[setting.problem]
    swarm = generated(state, setting, points.JUDGED).flatten(1)
    counted = score(swarm, mixture)
    ticks = torch.linspace(-mixture.reach, mixture.reach, FIELD_CELLS)
    cells = torch.cartesian_prod(ticks.flip(0), ticks).flip(1)  # row by row from the top
    leaning = verdicts(state, cells[:, :, None, None]).sigmoid() - 0.5
    most = float(leaning.abs().max())
    field = leaning / max(most, 1e-6) * 127 + 128
    scaled = (swarm[:SWARM] / mixture.reach * 16_384).clamp(-32_767, 32_767)
    arrays: Arrays = {
        "points": scaled.round().short().numpy(),
        "field": field.round().byte().view(FIELD_CELLS, FIELD_CELLS).numpy(),
    }
    facts: Facts = {"modes": counted.modes, "high_quality": counted.high_quality}
    return facts | {"surest": 0.5 + most}, arrays


def _modes(state: TrainState, setting: PointSetting) -> Facts:
    mixture = MIXTURES[setting.problem]
    drawn = generated(state, setting, points.JUDGED).flatten(1)
    reference = mixture.draw(points.JUDGED, seeded(state.seed, REFERENCE))
    return asdict(score(drawn, mixture)) | {"w2": wasserstein2(drawn, reference)}


def _curves(state: TrainState, setting: PointSetting) -> tuple[Facts, Arrays]:
    seen = line.look(state, setting)
    facts: Facts = {name: float(seen[name]) for name in ("value", "d_real", "d_error", "w2")}
    at = line.axis(MIXTURES[setting.problem])
    seen["p_data"] = MIXTURES[setting.problem].density(at[:, None]).numpy()
    names = ("d", "p_g", "p_data", "x_of_z")
    return facts, {name: seen[name].astype(np.float32) for name in names}


def _players(state: TrainState, setting: GameSetting) -> tuple[Facts, Arrays]:
    theta, psi, averaged = dirac.standing(state)
    radius = float(np.hypot(theta, psi))
    if not np.isfinite(radius):
        raise DivergedError("The players stopped being numbers.", "Lower the learning rates.")
    return {"radius": radius}, {"place": np.array([theta, psi, averaged], np.float32)}


def _pictures(state: TrainState, setting: stacked.StackedSetting) -> tuple[Facts, Arrays]:
    drawn = generated(state, setting, max(in_groups(state, SHOWN), SHOWN))[:SHOWN]
    pixels = (drawn * 127.5 + 128).clamp(0, 255).byte().permute(0, 2, 3, 1)
    return {}, {"pictures": pixels.contiguous().numpy()}


def _counted(state: TrainState, setting: stacked.StackedSetting) -> Facts:
    at_end = state.step >= setting.steps
    count = stacked.JUDGED if at_end else stacked.JUDGED_BETWEEN
    hits = stacked.count_modes(stacked.loaded(setting.data_root)[1],
                               generated(state, setting, count))  # fmt: skip
    return {"modes": int((hits > 0).sum()), "reverse_kl": reverse_kl(hits)}


def _stacks(setting: stacked.StackedSetting, seed: int) -> Next:
    return stacked.stacks(stacked.loaded(setting.data_root)[0], setting.batch, seed)


def _points(setting: PointSetting, seed: int) -> Next:
    return points_in_batches(MIXTURES[setting.problem], setting.batch, seed)


def _zeros(setting: GameSetting, seed: int) -> Next:
    zeros = Batch(torch.zeros(setting.batch, 1, 1, 1))
    return lambda _: zeros


def _only(setting: GameSetting, *methods: str) -> Mapping[str, presets.Preset]:
    return {"usual": presets.Preset(setting, "", methods)}


KINDS: dict[str, Kind] = {
    "ring": Kind(lambda _: presets.RING, points.game, _points, _swarm, _modes),
    "grid": Kind(lambda _: presets.GRID, points.game, _points, _swarm, _modes),
    "line": Kind(
        lambda _: _only(line.SETTING, "r1:weight=0.2"), points.game, _points, _curves,
        lambda state, setting: _curves(state, setting)[0],
    ),
    "dirac": Kind(
        lambda _: _only(dirac.SETTING, "plain", "r1:weight=0.5"), dirac.game, _zeros, _players,
        lambda state, setting: _players(state, setting)[0], together=2,
    ),
    "stacked": Kind(presets.stacked, stacked.game, _stacks, _pictures, _counted),
}  # fmt: skip
