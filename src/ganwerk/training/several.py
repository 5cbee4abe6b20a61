"""Several processes at one training: process 0 leads and writes, the others follow its word.

Each takes the same steps on its parts of each batch (scale.shared). Between them process 0 pauses:
it tells, draws, measures and saves, while the others wait for one of its words:
  go      on, with this horizon, until somebody wants a pause or so many images are seen
  order   with another session: settings, choices, pictures, weights
  digest  all compare their weights
  over    leave; failed: leave as well
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import torch

import ganwerk
from ganwerk.config import build, explain, load
from ganwerk.config.load import Draft
from ganwerk.config.schema import Settings
from ganwerk.data import Pictures
from ganwerk.errors import DivergedError, FollowedError, GanwerkError, PeerError
from ganwerk.game.recipe import Recipe
from ganwerk.game.state import TrainState
from ganwerk.game.step import train_step
from ganwerk.runtime import machine
from ganwerk.runtime.events import nobody
from ganwerk.runtime.memory import machine_errors
from ganwerk.runtime.pictures import read_pictures
from ganwerk.runtime.stopping import stopping
from ganwerk.scale.agreement import agree, digest
from ganwerk.scale.processes import Processes, here, joined
from ganwerk.scale.shared import Shared
from ganwerk.training import probe
from ganwerk.training.prepare import feeder_of, held_out_of
from ganwerk.training.session import Session

DIFFER = "Process {other} has another {key} than process 0: {said} instead of {first}."
ALIKE = (
    "Install the same versions everywhere, give each process as many threads (OMP_NUM_THREADS) and "
    "the same pictures."
)
Step = Callable[[], object]


def led(lead: Callable[[], Path]) -> Path:
    """What `lead` does, in a process that is alone or process 0; the others follow it. Returns the
    run that was trained."""
    with joined() as group:
        if group is None:
            return lead()
        with machine_errors():
            if not group.leads:
                return follow(group)
        agree(group, software(), DIFFER, ALIKE)
        try:
            path = lead()
        except PeerError:
            raise
        except BaseException as error:
            with suppress(PeerError):
                group.tell({"failed": str(error), "code": getattr(error, "exit_code", 1)})
            raise
        group.tell({"over": str(path)})
        return path


class Lead(Protocol):
    """What a player tells the others, if there are any."""

    def steps(self, step: Step, due: Callable[[], bool], until_images: float) -> bool:
        """Take steps until something is due that only process 0 does: where it is alone, one. due:
        whether it is. Returns whether somebody wants the end."""
        ...

    def agree(self) -> None:
        """Raises PeerError if the processes have not the same weights."""
        ...

    def measures(self, seconds: float) -> dict[str, float]:
        """For the journal, of the last `seconds`."""
        ...


class Solo:
    """Nobody follows."""

    def steps(self, step: Step, due: Callable[[], bool], until_images: float) -> bool:
        step()
        return False

    def agree(self) -> None:
        pass

    def measures(self, seconds: float) -> dict[str, float]:
        return {}


def lead_of(session: Session) -> Lead:
    """Gives the session's state a team of all processes, and brings the others to its weights.

    Raises PeerError if one of them cannot take part."""
    group = here()
    return Solo() if group is None else Leader(group, session)


class Leader:
    """Process 0 of several."""

    def __init__(self, group: Processes, session: Session) -> None:
        self.group, self.state = group, session.state
        self.team = Shared(group, session.settings.budget.parts)
        self.told_seconds = 0.0
        order = {
            "settings": explain.to_toml(session.settings),
            "choices": dict(session.choices),
            "micro": session.recipe.micro_batch,
            "classes": len(session.pictures.class_names),
            "counters": self.state.counters(),
        }
        group.tell({"order": order})
        group.wait()
        agree(group, identity(session.pictures), DIFFER, ALIKE)
        group.tell_tensors(_all_tensors(self.state))
        self.state.team = self.team

    def steps(self, step: Step, due: Callable[[], bool], until_images: float) -> bool:
        self.group.tell({"go": self.state.horizon_images, "until": until_images})
        return together(self.team, self.state, step, lambda: (due(), False), until_images)

    def agree(self) -> None:
        self.group.tell({"digest": True})
        _compare(self.group, self.state)

    def measures(self, seconds: float) -> dict[str, float]:
        spent = self.team.seconds - self.told_seconds
        self.told_seconds = self.team.seconds
        return {"communication": spent / seconds}


def together(
    team: Shared,
    state: TrainState,
    step: Step,
    wishes: Callable[[], tuple[bool, bool]],
    until_images: float,
) -> bool:
    """Steps that all processes take, until one wants a pause or until_images are seen. Returns
    whether one wants the end."""
    team.wishes = wishes
    while True:
        step()
        if team.pauses or state.images >= until_images:
            return team.ends


def follow(group: Processes) -> Path:
    """Take the steps of process 0 until it is over. Returns its run.

    Raises FollowedError where it failed, PeerError where it or another one is gone."""
    stop = threading.Event()
    machine.keep_freed_memory()
    with stopping(stop):
        with followed():
            agree(group, software(), DIFFER, ALIKE)
        word = group.tell()
        while "order" in word:
            word = _follow(group, word["order"], stop)
    if "failed" in word:
        error = FollowedError(word["failed"])
        error.exit_code = word["code"]
        raise error
    return Path(word["over"])


def _follow(group: Processes, order: Mapping[str, Any], stop: threading.Event) -> dict[str, Any]:
    """A session of process 0. Returns its next word."""
    settings = load.from_toml(order["settings"], "the settings of process 0")
    pictures = _pictures(group, settings)
    recipe = _recipe(settings, order["micro"])
    device = torch.device(settings.run.device)
    horizon = order["counters"]["horizon_images"]
    state = build.state(settings, order["classes"], device, horizon, recipe)
    probe.apply_choices(state, order["choices"])
    heard = group.tell_tensors()
    weights = {k.removeprefix("ema."): v for k, v in heard.items() if k.startswith("ema.")}
    state.load(weights, {k: v for k, v in heard.items() if not k.startswith("ema.")},
               order["counters"])  # fmt: skip
    train, held_out = pictures.split(settings.run.seed)
    feeder = feeder_of(settings, pictures, train)
    state.held_out = held_out_of(settings, feeder, held_out)
    state.team = team = Shared(group, settings.budget.parts)

    def step() -> object:
        return train_step(state, feeder.batch, recipe)

    with probe.computing(order["choices"]):
        while True:
            word = group.tell()
            if "digest" in word:
                _compare(group, state)
            elif "go" in word:
                state.horizon_images = word["go"]
                with suppress(DivergedError):  # process 0 has seen it as well, and decides
                    together(team, state, step, lambda: (False, stop.is_set()), word["until"])
            else:
                return word


def _recipe(settings: Settings, micro: int) -> Recipe:
    return replace(build.recipe(settings), micro_batch=micro)


def _pictures(group: Processes, settings: Settings) -> Pictures:
    """Those that process 0 trains on. One process of each machine reads them first, the others
    then find them decoded. Raises FollowedError."""
    first = group.launch.local_rank == 0
    with followed():
        if not first:
            group.wait()
        word, pictures = _read(settings)
        if first:
            group.wait()
        agree(group, word, DIFFER, ALIKE)
    assert pictures is not None, "a failure is told and refused"
    return pictures


@contextmanager
def followed() -> Iterator[None]:
    """What is refused in all processes alike is said by process 0."""
    try:
        yield
    except PeerError as error:
        raise FollowedError(error.message, error.hint) from error


def _read(settings: Settings) -> tuple[dict[str, Any], Pictures | None]:
    try:
        draft = Draft(dict(explain.flat(settings)))
        facts = machine.facts(settings.run.device)
        pictures = read_pictures(settings.data.where, draft, facts, nobody)
    except GanwerkError as error:
        return {"error": error.message, "hint": error.hint}, None
    return identity(pictures), pictures


def identity(pictures: Pictures) -> dict[str, Any]:
    """The pictures, which must be the same in all processes."""
    return {"set of pictures": f"{len(pictures)} pictures, digest {pictures.fingerprint}"}


def software() -> dict[str, Any]:
    """What else must be the same in all processes."""
    return {
        "version of ganwerk": ganwerk.__version__,
        "version of torch": torch.__version__,
        "number of threads": torch.get_num_threads(),
    }


def _all_tensors(state: TrainState) -> dict[str, torch.Tensor]:
    return {f"ema.{k}": v for k, v in state.weights().items()} | state.tensors()


def _compare(group: Processes, state: TrainState) -> None:
    own = {"digest of weights": digest(_all_tensors(state))}
    hint = (
        "Nothing was saved since the last checkpoint. Processors that round differently cannot "
        "train together with a remedy that decides by what it measures."
    )
    agree(group, own, DIFFER, hint)
