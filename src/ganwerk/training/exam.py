"""The doctor's looks while training: pictures and game, a few hundredths of the time.

Nothing in the training is changed by it: no random number is drawn from it, no weight touched.
"""

from __future__ import annotations

import math
import time

import numpy as np
import torch
from numpy.typing import NDArray

from ganwerk.config.schema import Settings
from ganwerk.data import Feeder, Pictures
from ganwerk.data.pictures import Part
from ganwerk.game.recipe import Recipe
from ganwerk.game.rounds import StepResult
from ganwerk.game.state import TrainState
from ganwerk.metrics.frechet import frechet_distance
from ganwerk.nn.layers import matrix_products
from ganwerk.nn.types import Batch
from ganwerk.sampling.sample import Sampler
from ganwerk.training.exam_game import Movement, dead_channels, judgement, looking
from ganwerk.training.exam_pictures import FEWEST, MOST, Pictured

SHARE_OF_RUN = 0.04
COST_SHARE = 0.03
FEW_LOOKS = 8
WHOLE_SHARE = 0.05
"""What watching may cost together. A run that could be looked at less than FEW_LOOKS times, on a
slow machine, pays all of it: two of three looks must agree before something is said."""
TREATING_SHARE = 0.1
"""Whoever wants to be treated wants it in time: looks may cost so much then."""
PREPARING_SHARE = 0.02
"""Of the whole run: what it may cost to learn what real pictures score, before the first look."""
LAST_SHARE = 0.05
PROBED = 64
RAW = 128
PREPARING_SECONDS = 0.7
DRAWING_SPEED = 4
FRESH = 1 << 40
"""Pictures of a look have numbers from here on, so that none is also drawn for the grid."""
BESIDE = 1 << 20
"""Looks beside the others are counted from here."""
Pixels = NDArray[np.uint8]
Indices = NDArray[np.int64]


def look_seconds(rate: float) -> float:
    """A guess of what a look costs in a training of so many images per second."""
    return (MOST + RAW) / (DRAWING_SPEED * rate)


def first_look_seconds(rate: float, run_seconds: float, share: float) -> float:
    """When the first look costs no more than `share` of the time before it. What comes with it, to
    learn what real pictures score, is counted in only where it is much of the whole run."""
    short = PREPARING_SHARE * run_seconds < PREPARING_SECONDS
    return (look_seconds(rate) + (PREPARING_SECONDS if short else 0.0)) / share


def share_for(cost_seconds: float, run_seconds: float, share: float) -> float:
    """The share of the time that looks of this cost may take: `share`, or more where that would
    allow but a few in the whole run."""
    if run_seconds <= 0 or share * run_seconds >= FEW_LOOKS * cost_seconds:
        return share
    beside = PREPARING_SECONDS + cost_seconds  # before the first look, and the look at the end
    return max(share, WHOLE_SHARE - beside / run_seconds)


class Examiner:
    """Looks at a training when it is due, and says what it saw: a row of the journal."""

    def __init__(
        self,
        settings: Settings,
        recipe: Recipe,
        state: TrainState,
        pictures: Pictures,
        feeder: Feeder,
        train: Indices,
        held_out: Indices,
        rate: float,
    ) -> None:
        """train, held_out: which pictures are trained on, and which are not. rate: images per
        second of the training, from which the cost of the first look is guessed."""
        self.settings, self.recipe, self.feeder = settings, recipe, feeder
        self.pictures, self.train, self.held_out = pictures, train, held_out
        self.movement = Movement()
        self.averaged, self.raw = (
            Sampler(net, settings, pictures.class_names, pictures.health.class_counts, state.device)
            for net in (state.ema.net, state.g_net)
        )
        treats = settings.run.doctor in ("treat", "sham")
        self.cost_share = max(COST_SHARE, TREATING_SHARE) if treats else COST_SHARE
        self.guess_seconds = PREPARING_SECONDS + look_seconds(rate)
        run_seconds = state.horizon_images / rate
        share = share_for(look_seconds(rate), run_seconds, self.cost_share)
        first = first_look_seconds(rate, run_seconds, share)
        self.next_images, self.next_seconds = 0.0, first
        self.looks = 0
        self._pictured: Pictured | None = None
        self._probe: torch.Tensor | None = None
        self._fed_seconds = self._fed_from = 0.0

    def __call__(self, state: TrainState, report: StepResult) -> None:
        """An observer of steps: the first one after a look is measured."""
        self.movement.measure(state)

    def batch(self, number: int) -> Batch:
        """The feeder's batch; how long it takes is remembered."""
        start = time.perf_counter()
        found = self.feeder.batch(number)
        self._fed_seconds += time.perf_counter() - start
        return found

    @property
    def begun(self) -> bool:
        """Whether there was a first look: runs of seconds have none."""
        return self.looks > 0

    def affordable(self, state: TrainState) -> bool:
        """Whether some looks at the end would cost little of the time that the run took."""
        return self.guess_seconds <= LAST_SHARE * state.seconds

    @property
    def ready(self) -> bool:
        """Whether it is known what real pictures score."""
        return self._pictured is not None

    @property
    def n(self) -> int:
        """How many pictures are compared with as many real ones; 0 if there are too few."""
        return 0 if self._pictured is None else self._pictured.n

    def due(self, state: TrainState) -> bool:
        return state.images >= self.next_images and state.seconds >= self.next_seconds

    def done(self, state: TrainState, cost_seconds: float) -> None:
        run_seconds = state.seconds / state.progress if state.progress > 0 else math.inf
        share = share_for(cost_seconds, run_seconds, self.cost_share)
        self.next_images = state.images + SHARE_OF_RUN * state.horizon_images
        self.next_seconds = state.seconds + cost_seconds / share

    def null(self) -> dict[str, list[float]]:
        """What real pictures score against real ones: mean and deviation by name; {} if there are
        too few of them."""
        if len(self.train) < 2 * FEWEST:
            return {}
        if self._pictured is None:
            labels = self.pictures.labels
            conditional = self.settings.data.conditional and labels is not None
            self._pictured = Pictured(
                Part(self.pictures.images, self.train),
                labels[self.train] if conditional and labels is not None else None,
                Part(self.pictures.images, self.held_out),
                len(self.pictures.class_names) if conditional else 0,
                self.settings.run.seed,
            )
        return {name: list(pair) for name, pair in self._pictured.null().items()}

    def look(self, state: TrainState, number: int | None = None) -> dict[str, float]:
        """What is seen now. number: of a look beside the others, which is the same whenever it is
        asked for. Raises DivergedError if a picture is not finite."""
        kept = self.looks, self._probe
        if number is not None:
            self.looks = BESIDE + number
        with matrix_products(bfloat16=False), looking(state.g_net):
            found = self._pictures() | self._game(state)
        found |= self.movement.found | self._settings(state)
        if number is not None:
            self.looks, self._probe = kept
        else:
            self.looks += 1
            self.movement.arm(state)
        return {name: value for name, value in found.items() if math.isfinite(value)}

    def _pictures(self) -> dict[str, float]:
        """Of the averaged generator, and how far the trained one is from it."""
        self._drawn_raw = self.raw.draw(self._numbers(RAW)).transpose(0, 3, 1, 2)
        if self._pictured is None:
            return {}
        numbers = self._numbers(self._pictured.n)
        drawn = self.averaged.draw(numbers).transpose(0, 3, 1, 2)
        found = self._pictured.look(np.ascontiguousarray(drawn), self.averaged.labels(numbers))
        return found | self._against_raw(self._pictured, drawn)

    def _against_raw(self, pictured: Pictured, drawn: Pixels) -> dict[str, float]:
        """lag: how far the averaged pictures are from the trained generator's, for the same inputs,
        over how far real ones are from each other. raw_distance, same_distance: distances of as
        many pictures of the trained and of the averaged generator. churn: how far the pictures of
        fixed inputs moved since the look before, over how far real ones are apart."""
        count = min(RAW, pictured.n)
        raw = pictured.side(np.ascontiguousarray(self._drawn_raw[:count]), None)
        averaged = pictured.side(np.ascontiguousarray(drawn[:count]), None)
        real = pictured.real.rows(torch.arange(count))
        apart = float(torch.cdist(real.features, real.features).mean())
        found = {
            "lag": float((raw.features - averaged.features).norm(dim=1).mean()) / max(apart, 1e-9),
            "raw_distance": frechet_distance(real.features, raw.features),
            "same_distance": frechet_distance(real.features, averaged.features),
        }
        probe = averaged.features[:PROBED]
        if self._probe is not None:
            found["churn"] = float((probe - self._probe).norm(dim=1).mean()) / max(apart, 1e-9)
        self._probe = probe
        return found

    def _numbers(self, count: int) -> list[int]:
        """PROBED fixed ones, then fresh ones of this look."""
        start = FRESH + PROBED + self.looks * 4096
        return [*range(FRESH, FRESH + PROBED), *range(start, start + count)][:count]

    def _game(self, state: TrainState) -> dict[str, float]:
        with_labels = self.settings.data.conditional
        random = np.random.default_rng([self.settings.run.seed, 8, self.looks])
        train = self.feeder.take(random.permutation(self.train)[:RAW])
        fresh = self.held_out[:RAW]
        held_out = self.feeder.take(fresh) if len(fresh) >= FEWEST // 4 else None
        labels = self.raw.labels(self._numbers(RAW)) if with_labels else None
        images = torch.from_numpy(np.ascontiguousarray(self._drawn_raw)).float() / 127.5 - 1
        fake = Batch(images.to(state.device), None if labels is None else labels.to(state.device))
        found = judgement(state, self.recipe, train, held_out, fake)
        scales = self.recipe.to_scales(fake.images)
        return found | {"d_dead": dead_channels(state.d_net, (scales, fake.labels))}

    def _settings(self, state: TrainState) -> dict[str, float]:
        """Shares of the rates that are left, and of the time spent waiting for pictures."""
        rates = self.settings.optimiser
        spent = max(state.seconds - self._fed_from, 1e-9)
        found = {
            "g_rate_share": state.g_optimiser.param_groups[0]["lr"] / rates.generator_rate,
            "d_rate_share": state.d_optimiser.param_groups[0]["lr"] / rates.discriminator_rate,
            "waiting": self._fed_seconds / spent,
            "seconds": state.seconds,
            "progress": state.progress,
        }
        self._fed_seconds, self._fed_from = 0.0, state.seconds
        return found
