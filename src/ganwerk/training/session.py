"""One training process at work on a run: what it holds, made anew or from a checkpoint."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ganwerk.config import build
from ganwerk.config.schema import Settings
from ganwerk.data import Feeder, Pictures
from ganwerk.errors import CheckpointError, RunError, typed
from ganwerk.game.recipe import Recipe
from ganwerk.game.state import TrainState
from ganwerk.run import Checkpoint, Run, Trial
from ganwerk.run.records import Choices
from ganwerk.runtime.events import Plan
from ganwerk.training import probe
from ganwerk.training.carry import carried
from ganwerk.training.graft import Source, graft
from ganwerk.training.prepare import (
    Budget,
    Prepared,
    feeder_of,
    first_budget,
    held_out_of,
    longer_budget,
)
from ganwerk.training.standing import standing_of


@dataclass
class Supervision:
    """What somebody who compares trainings asks of one: to stop when `stop` is set, and to be
    measured after these numbers of images, and at the end, instead of now and then. Stations may
    be set until the first step, when the plan is told."""

    stop: threading.Event = field(default_factory=threading.Event)
    stations: tuple[int, ...] = ()


@dataclass
class Session:
    """One training process at work on a run. choices: how each layer computes. begun: is called
    when the first step has shown that all of it works on this machine. trial: the treatment that is
    tried. treated: number of the last treatment whose change is in the weights. prolonged: its
    budget is not yet that of a checkpoint."""

    run: Run
    settings: Settings
    recipe: Recipe
    state: TrainState
    budget: Budget
    feeder: Feeder
    pictures: Pictures
    train: NDArray[np.int64]
    held_out: NDArray[np.int64]
    expected_rate: float
    choices: Mapping[str, str]
    begun: Callable[[], None] = lambda: None
    supervision: Supervision = field(default_factory=Supervision)
    trial: Trial | None = None
    treated: int = 0
    prolonged: bool = False

    @property
    def stop(self) -> threading.Event:
        """Set by whoever wants the training to end cleanly after this step."""
        return self.supervision.stop


def new_session(run: Run, ready: Prepared) -> Session:
    """A training before its first step."""
    rate = ready.probed.images_per_second
    device = torch.device(ready.settings.run.device)
    horizon = ready.budget.horizon_images(0, 0.0, rate)
    recipe = replace(build.recipe(ready.settings), micro_batch=ready.probed.micro)
    state = build.state(ready.settings, len(ready.pictures.class_names), device, horizon, recipe)
    probe.apply_choices(state, ready.probed.choices)
    feeder = feeder_of(ready.settings, ready.pictures, ready.train)
    state.held_out = held_out_of(ready.settings, feeder, ready.held_out)
    return Session(
        run=run,
        settings=ready.settings,
        recipe=recipe,
        state=state,
        budget=ready.budget,
        feeder=feeder,
        pictures=ready.pictures,
        train=ready.train,
        held_out=ready.held_out,
        expected_rate=rate,
        choices=ready.probed.choices,
    )


def resumed_session(
    run: Run,
    settings: Settings,
    pictures: Pictures,
    checkpoint: Checkpoint | None,
    more: tuple[str, float] | None,
    choices: Choices,
    trial: Trial | None = None,
    budget: Budget | None = None,
) -> Session:
    """A training as the checkpoint left it; before its first step where there is none. trial: what
    is tried in it, whose settings these are: it begins where the checkpoint knows nothing of it.
    budget: another one than the checkpoint's, as it is prolonged.

    Raises RunError if its budget is used up and no more is asked for, CheckpointError if the
    tensors are not those of this training."""
    train_indices, held_out = pictures.split(settings.run.seed)
    device = torch.device(settings.run.device)
    recipe = replace(build.recipe(settings), micro_batch=choices.micro)
    rate = _planned(run).images_per_second
    own = first_budget(settings, len(train_indices))
    horizon = own.horizon_images(0, 0.0, rate)
    state = build.state(settings, len(pictures.class_names), device, horizon, recipe)
    probe.apply_choices(state, choices.precision)
    treated = treated_in(checkpoint)
    if checkpoint is not None:
        begins = trial if trial is not None and trial.number != treated else None
        own = _restore(state, checkpoint, begins)
    elif settings.transfer is not None:
        source = Source.open(Path(settings.transfer.run), settings.transfer.images)
        graft(source, settings, pictures.class_names)(state)
    feeder = feeder_of(settings, pictures, train_indices)
    state.held_out = held_out_of(settings, feeder, held_out)
    rate = state.images / state.seconds if state.seconds else rate
    if trial is not None:
        own, treated = Budget(trial.unit, trial.end), trial.number
        state.horizon_images = trial.horizon_images
    given = budget or own
    if more is not None:
        given = longer_budget(given, more, state, len(train_indices))
        state.horizon_images = given.horizon_images(state.images, state.seconds, rate)
    elif given.used(state) >= 1:
        raise _finished(run, state)
    return Session(
        run=run,
        settings=settings,
        recipe=recipe,
        state=state,
        budget=given,
        feeder=feeder,
        pictures=pictures,
        train=train_indices,
        held_out=held_out,
        expected_rate=rate,
        choices=choices.precision,
        trial=trial,
        treated=treated,
        prolonged=given != own,
    )


def _finished(run: Run, state: TrainState) -> RunError:
    return RunError(
        f"The run {run.path} is finished: {state.images:,} images in "
        f"{state.seconds / 60:.1f} minutes.",
        f"Prolong it: ganwerk resume {typed(run.path)} --minutes 20",
    )


def treated_in(checkpoint: Checkpoint | None) -> int:
    """The number of the last treatment whose change is in its weights; 0 for none."""
    number = 0 if checkpoint is None else checkpoint.meta.get("treatment", 0)
    return number if isinstance(number, int) else 0


def _restore(state: TrainState, checkpoint: Checkpoint, begins: Trial | None = None) -> Budget:
    """Give the state its tensors and counters. begins: the treatment that begins with this
    checkpoint, which is of the game before it. Returns the budget.

    Raises CheckpointError if they are not those of this training."""
    standing = standing_of(checkpoint)
    counters = standing.counters.model_dump()
    if begins is not None and begins.anew:
        state.count_from(counters | {"born_images": standing.counters.images})
        return Budget(standing.budget.unit, standing.budget.end)
    tensors = checkpoint.state if begins is None else carried(state, checkpoint.state)
    try:
        state.load(checkpoint.weights, tensors, counters)
    except torch.OutOfMemoryError:
        raise
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"The checkpoint {checkpoint.path} does not fit the training of its settings: "
            f"{str(error).splitlines()[0]}",
            "Its files were changed by hand; take them from a copy.",
        ) from error
    return Budget(standing.budget.unit, standing.budget.end)


def _planned(run: Run) -> Plan:
    """The plan in about.json. Raises RunError."""
    plan: Plan = run.part("plan", Plan)
    if not (math.isfinite(plan.images_per_second) and plan.images_per_second > 0):
        raise RunError(
            f"{run.path / 'about.json'} plans {plan.images_per_second} images per second.",
            "Copy the file back from a backup; the rest of the run may be intact.",
        )
    return plan


def remaining_plan(run: Run, session: Session) -> Plan:
    """The stored plan with what is left of it."""
    state, rate = session.state, session.expected_rate
    left = session.budget.horizon_images(state.images, state.seconds, rate) - state.images
    return replace(
        _planned(run),
        data=session.settings.data.where,
        total_images=int(state.images + left),
        expected_seconds=left / rate,
        images_per_second=rate,
        out=str(run.path),
    )
