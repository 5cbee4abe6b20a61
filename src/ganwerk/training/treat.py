"""Treating a run while it trains: one change at a time, kept only if it helped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ganwerk.config import build, explain, load
from ganwerk.config.schema import Settings
from ganwerk.doctor.change import advised, changed
from ganwerk.doctor.diagnose import diagnose_run
from ganwerk.doctor.finding import WINDOW_SHARE, Finding, Kind, Treatment
from ganwerk.doctor.tried import candidates, helped, tried, untried
from ganwerk.errors import (
    CheckpointError,
    ConfigError,
    DivergedError,
    MachineError,
    PeerError,
    RunError,
    typed,
)
from ganwerk.run import Checkpoint, Run, Trial
from ganwerk.run.records import Choices
from ganwerk.runtime import machine
from ganwerk.runtime.events import Treated, Watcher
from ganwerk.training import trial as trials
from ganwerk.training.carry import carried_net
from ganwerk.training.play import Player, play
from ganwerk.training.session import Session, resumed_session

Order = tuple[Finding, Treatment]
NOT_FINITE = "GW403"
DIVERGED = "the training diverged"
OF_SHAM: Mapping[str, Any] = {"change": {}, "back": False, "anew": False}
"""What a sham leaves of a treatment: its looks, its checkpoint and its window."""


def doctor_says(session: Session) -> Sequence[Finding]:
    """What the doctor finds in the run now."""
    return diagnose_run(session.run).lasting


@dataclass
class Care:
    """Looks after a training. order: what was asked for, to be tried first of all. on: the session
    that goes on after a treatment began or was undone."""

    watch: Watcher
    order: Order | None = None
    on: Session | None = None
    _refused: set[tuple[str, str]] = field(default_factory=set)

    def starts(self, player: Player) -> bool:
        """Before the first step. Returns whether another game is to be played instead."""
        if self.order is None:
            return False
        order, self.order = self.order, None
        return self._begin(player, order)

    def looked(self, player: Player) -> bool:
        """After a look at the pictures. Returns whether another game is to be played."""
        session = player.session
        mode = session.settings.run.doctor
        if session.trial is not None or mode not in ("treat", "sham"):
            return False
        return any(self._begin(player, order) for order in self._orders(session))

    def over(self, player: Player) -> bool:
        """The window of the treatment is over: it is kept or undone. Returns whether another game
        is to be played: that from before."""
        session, trial = player.session, player.session.trial
        assert trial is not None
        after = player.look_for(trial.number)
        verdict = helped(trial.signal, trial.better, trial.noise, trial.before, after)
        told = {
            "images": session.state.images,
            "after": after.get(trial.signal),
            "reason": verdict.reason,
        }
        if verdict.helped:
            player.save_now()
            trials.end(session.run, trial, "kept", told, session.settings)
            session.trial = None
            self._tell(session.run, trial)
            return False
        return self._undo(session, told)

    def diverged(self, session: Session) -> bool:
        """A number is not finite. Returns whether another game is to be played: that from before
        the treatment on trial, or one from the last checkpoint with a treatment."""
        run, seen = session.run, session.state.images
        if session.trial is not None:
            return self._undo(session, {"images": seen, "reason": DIVERGED})
        if session.settings.run.doctor != "treat" or not run.checkpoints():
            return False
        last = run.load()
        finding = Finding(NOT_FINITE, "", "act", "", since_images=last.images)
        before = tried(run.journal.rows("treatment"))
        if len(before) >= session.settings.run.most_treatments:
            return False
        self.order = next(self._possible(session, untried(finding, before)), None)
        if self.order is None:
            return False
        self.on = _other_session(session, session.settings, last, None)
        return True

    def next_session(self) -> Session | None:
        """The game that goes on; None if this one is over."""
        other, self.on = self.on, None
        return other

    def failed(self, session: Session) -> None:
        """The machine failed."""
        if session.trial is not None:
            trials.broken_off(session.run, session.trial)

    def _orders(self, session: Session) -> Iterable[Order]:
        run, state = session.run, session.state
        before = tried(run.journal.rows("treatment"))
        if len(before) >= session.settings.run.most_treatments:
            return
        window = round(WINDOW_SHARE * state.horizon_images)
        wanted = candidates(doctor_says(session), before, state.images, window)
        yield from self._possible(session, wanted)

    def _possible(self, session: Session, orders: Iterable[Order]) -> Iterator[Order]:
        """Those whose window fits into what is left of the run, and that were not refused."""
        state, sham = session.state, session.settings.run.doctor == "sham"
        for finding, treatment in orders:
            left = state.horizon_images - state.images
            fits = treatment.window_images(int(state.horizon_images)) <= left
            if fits and (finding.code, treatment.name) not in self._refused:
                yield finding, replace(treatment, **OF_SHAM) if sham else treatment

    def _begin(self, player: Player, order: Order) -> bool:
        """Returns whether it was begun: not if the networks cannot take it."""
        finding, treatment = order
        session = player.session
        try:
            after = after_treatment(session, treatment)
        except ConfigError:
            self._refused.add((finding.code, treatment.name))
            return False
        before = player.look_for(len(session.run.treatments.all()) + 1)
        player.save_now()
        trial = begun(session, finding, treatment, after, before, player.noise(treatment.signal))
        self._tell(session.run, trial)
        self.on = tried_session(session, trial)
        return True

    def _undo(self, session: Session, told: Mapping[str, object]) -> bool:
        run, trial = session.run, session.trial
        assert trial is not None
        try:
            run.load(trial.base_images)
        except CheckpointError as error:
            reason = (
                f"{told['reason']}; the checkpoint to return to cannot be read: {error.message}"
            )
            trials.end(run, trial, "kept", dict(told) | {"reason": reason}, session.settings)
            session.trial = None
            self._tell(run, trial)
            return False
        trials.end(run, trial, "undone", told, session.settings)
        self._tell(run, trial)
        self.on = session_before(session, trial)
        return True

    def _tell(self, run: Run, trial: Trial) -> None:
        for one in tried(run.journal.rows("treatment")):
            if one.number == trial.number:
                self.watch(Treated(one.number, one.code, one.words, one.outcome, one.images,
                                   one.signal, one.before, one.after, one.reason))  # fmt: skip


def treatable(kind: Kind, run: Run) -> Kind:
    """The same kind. Raises ConfigError if only the user can help."""
    if not kind.treatments:
        raise ConfigError(
            f"For {kind.code} ({kind.name}) a run has no treatment.", kind.helps_with(run.path)
        )
    return kind


def order_for(session: Session, kind: Kind) -> Order:
    """The treatment to try for this finding. Raises RunError, ConfigError if the run has no such
    finding, if one is on trial already, or if there is none that it can take."""
    run, state = session.run, session.state
    if session.trial is not None:
        raise RunError(
            f"Treatment {session.trial.number} of {run.path} is still on trial, and there are "
            "never two at once.",
            f"Let it end first: ganwerk resume {typed(run.path)}",
        )
    found = {finding.code: finding for finding in doctor_says(session)}
    if kind.code not in found:
        has = f"It has: {', '.join(found)}." if found else "It has none that lasts."
        raise RunError(
            f"The run {run.path} has no finding {kind.code} ({kind.name}).",
            f"{has} See ganwerk diagnose {typed(run.path)}",
        )
    left = state.horizon_images - state.images
    refused: ConfigError | None = None
    for order in untried(found[kind.code], tried(run.journal.rows("treatment"))):
        window = order[1].window_images(int(state.horizon_images))
        if window > left:
            raise RunError(
                f"A treatment is judged after {window:,} images, and the run has {left:,.0f} left.",
                f"Prolong it: ganwerk resume {typed(run.path)} --treat {typed(kind.code)} "
                f"--images {typed(2 * window)}",
            )
        try:
            after_treatment(session, order[1])
        except ConfigError as error:
            refused = refused or error
        else:
            return order
    if refused is not None:
        raise refused
    raise RunError(
        f"All treatments for {kind.code} ({kind.name}) were tried on {run.path}.",
        f"See what came of it: ganwerk treatments {typed(run.path)}",
    )


def cared_for(session: Session, care: Care) -> None:
    """Play, and where a treatment begins or is undone, go on with the game that this makes."""
    while True:
        try:
            play(session, care.watch, care)
        except DivergedError:
            if not care.diverged(session):
                raise
        except PeerError:  # the others stand where this one does: what was tried goes on
            raise
        except MachineError:
            care.failed(session)
            raise
        other = care.next_session()
        if other is None:
            return
        session = other


def after_treatment(session: Session, treatment: Treatment) -> Settings:
    """The settings after it. Raises ConfigError if the run cannot take it."""
    facts = session.pictures.facts()
    after = changed(session.settings, treatment.change, facts.variance)
    if treatment.anew:
        after = advised(session.settings, facts, machine.facts(session.settings.run.device))
    sham = not (treatment.change or treatment.anew)
    if not sham and not explain.difference(session.settings, after):
        raise ConfigError(
            f"The treatment '{treatment.name}' changes nothing here.", "The run has it already."
        )
    classes, device = len(session.pictures.class_names), torch.device("cpu")
    recipe = replace(build.recipe(after), micro_batch=session.recipe.micro_batch)
    state = build.state(after, classes, device, session.state.horizon_images, recipe)
    if not treatment.anew:
        carried_net(state.d_net, session.state.d_net.state_dict())
    return after


def begun(
    session: Session,
    finding: Finding,
    treatment: Treatment,
    after: Settings,
    before: Mapping[str, float],
    noise: float,
) -> Trial:
    """Begin it where the run stands, whose checkpoint there is. Returns what is on trial."""
    run, state, base = session.run, session.state, session.state.images
    origin = _before_harm(run, finding.since_images, base) if treatment.back else base
    best = [info.images for info in run.checkpoints() if info.best]
    trial = Trial(
        number=len(run.treatments.all()) + 1,
        code=finding.code,
        name=treatment.name,
        words=treatment.words,
        base_images=base,
        from_images=origin,
        anew=treatment.anew,
        until_images=origin + treatment.window_images(int(state.horizon_images)),
        signal=treatment.signal,
        better=treatment.better,
        before=dict(before),
        noise=noise,
        settings_before=explain.to_toml(session.settings),
        settings_after=explain.to_toml(after),
        origins=run.origins,
        protected=tuple(sorted({base, origin, *best})),
        unit="seconds" if session.budget.unit == "seconds" else "images",
        end=session.budget.end,
        horizon_images=state.horizon_images,
    )
    trials.begin(run, trial, session.settings)
    return trial


def _before_harm(run: Run, since_images: int, base: int) -> int:
    """The images of the last sound checkpoint from before."""
    sound = [info.images for info in run.checkpoints() if not info.damage]
    return max((images for images in sound if 0 < images <= since_images), default=base)


def tried_session(session: Session, trial: Trial) -> Session:
    """The game with the treatment, as a resume would find it."""
    after = load.from_toml(trial.settings_after, "the settings of a treatment")
    return _other_session(session, after, session.run.load(trial.from_images), trial)


def session_before(session: Session, trial: Trial) -> Session:
    """The game as it was before the treatment."""
    before = load.from_toml(trial.settings_before, "the settings before a treatment")
    return _other_session(session, before, session.run.load(trial.base_images), None)


def _other_session(
    session: Session, settings: Settings, checkpoint: Checkpoint, trial: Trial | None
) -> Session:
    choices = Choices(
        precision=dict(session.choices),
        threads=torch.get_num_threads(),
        micro=session.recipe.micro_batch,
    )
    run, pictures = session.run, session.pictures
    other = resumed_session(
        run, settings, pictures, checkpoint, None, choices, trial, session.budget
    )
    other.supervision = session.supervision
    return other
