"""Training a run: from a request to a finished, stopped or resumed run directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ganwerk.config import explain, load
from ganwerk.config.schema import Settings
from ganwerk.data import Changes, Pictures, changed_files
from ganwerk.doctor.table import kind
from ganwerk.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    RunError,
    did_you_mean,
    escaped,
    typed,
)
from ganwerk.game.state import TrainState
from ganwerk.run import Checkpoint, Run, Trial
from ganwerk.run.records import Choices
from ganwerk.runtime import machine
from ganwerk.runtime.events import Plan, Planned, Warned, Watcher, nobody
from ganwerk.runtime.memory import machine_errors
from ganwerk.runtime.pictures import Located, pictures_of, seen_from
from ganwerk.runtime.settings import settings_of, with_free
from ganwerk.training import probe
from ganwerk.training.again import launch_note, made_before, prolonged_before
from ganwerk.training.prepare import (
    Prepared,
    Request,
    check_tensorboard,
    prepare,
)
from ganwerk.training.session import (
    Session,
    Supervision,
    new_session,
    remaining_plan,
    resumed_session,
    treated_in,
)
from ganwerk.training.several import led
from ganwerk.training.standing import Standing, standing_of
from ganwerk.training.treat import Care, cared_for, order_for, treatable
from ganwerk.training.trial import on_trial, put_right, settled
from ganwerk.values import MachineFacts

DOCTORS = ("watch", "treat", "sham", "off")
__all__ = ["Request", "Supervision", "begin", "plan", "resume", "train"]


def plan(request: Request, watch: Watcher = nobody) -> Plan:
    """What `train` would do, measured, without making anything."""
    return prepare(request, watch, anew=True).plan


def train(
    request: Request, watch: Watcher = nobody, supervision: Supervision | None = None
) -> Path:
    """Train from the start. Returns the run directory.

    Raises GanwerkError: nothing is made unless the training can start.
    """
    with machine_errors():
        return led(
            lambda: (
                restarted(request, watch)
                or begin(prepare(request, watch), watch, supervision=supervision)
            )
        )


def restarted(request: Request, watch: Watcher) -> Path | None:
    """Go on with the run that this command has made, where torchrun starts it again because a
    process had died; None if it is not there."""
    path = made_before(request.out)
    return path and resume(path, watch=watch)


def begin(
    ready: Prepared,
    watch: Watcher,
    plant: Callable[[TrainState], None] = lambda _: None,
    origin: Mapping[str, Any] | None = None,
    supervision: Supervision | None = None,
) -> Path:
    """Make the run and train it. plant: gives the state its first weights, where it does not keep
    those drawn for it. origin: what to note of where they came from. Returns the run directory."""
    watch(Planned(ready.plan))
    noted = {"origin": dict(origin)} if origin else {}
    run = _create(ready, noted)
    with run.lock():
        run.journal.append({"event": "start", "images": 0} | noted)
        session = new_session(run, ready)
        session.supervision = supervision or session.supervision
        plant(session.state)
        cared_for(session, Care(watch))
    return run.path


def _create(ready: Prepared, noted: Mapping[str, Any]) -> Run:
    return Run.create(
        Path(ready.plan.out),
        settings_toml=explain.to_toml(ready.settings),
        origins=explain.origins_of(ready.draft),
        about={
            "data": _learned(ready.plan.out, ready.settings, ready.pictures, len(ready.held_out)),
            "machine": asdict(ready.facts),
            "choices": {
                "precision": ready.probed.choices,
                "threads": torch.get_num_threads(),
                "micro": ready.probed.micro,
            },
            "plan": asdict(ready.plan),
            **launch_note(),
            **noted,
        },
        data=_data(ready.pictures),
    )


def _learned(
    run: str | Path, settings: Settings, pictures: Pictures, held_out: int
) -> dict[str, Any]:
    """`data` of about.json (run.records.Learned)."""
    return {
        "where": settings.data.where,
        "beside": seen_from(Path(run), settings.data.where),
        "fingerprint": pictures.fingerprint,
        "class_names": list(pictures.class_names),
        "class_counts": list(pictures.health.class_counts),
        "pictures": len(pictures),
        "held_out": held_out,
    }


def _data(pictures: Pictures) -> dict[str, Any]:
    return {"files": pictures.files, "health": pictures.health.to_dict()}


def resume(
    path: Path,
    *,
    more: tuple[str, float] | None = None,
    where: str | None = None,
    device: str | None = None,
    accept_changed_data: bool = False,
    treat: str | None = None,
    doctor: str | None = None,
    watch: Watcher = nobody,
    supervision: Supervision | None = None,
) -> Path:
    """Go on with a run from its last good checkpoint, exactly as if it had never stopped.

    more: ('minutes' | 'images' | 'epochs', amount) prolongs it from where it stands. where: the
    place of the pictures, if they were moved. device: another one than it was trained on. treat:
    code of a finding to treat. doctor: 'watch', 'treat', 'sham' or 'off' from here on. What is new
    of these is noted in the run when the first step has shown that it works. A run that was killed
    before its first checkpoint begins.
    Raises RunError if it is finished and nothing more is asked for or if its settings were changed,
    DataError if the pictures were; ConfigError, RunError if it cannot be treated so.
    """

    def go_on() -> Path:
        run = Run.open(path)
        given = prolonged_before(run)  # neither prolonged nor treated once more by each restart
        first = given is None
        asked = _asked(device, doctor)
        wanted = treatable(kind(treat), run) if treat is not None and first else None
        check_tensorboard(settings_of(run))
        with run.lock():
            settings, checkpoint, trial = _standing(run, watch)
            settings = with_free(settings, asked)
            facts = machine.facts(settings.run.device)
            located = _same_pictures(run, settings, facts, where, accept_changed_data, watch)
            if located.place != settings.data.where:
                asked["data.where"] = located.place
                settings = with_free(settings, asked)
            choices, changes = _choices(run, settings, facts, watch)
            session = resumed_session(
                run, settings, located.pictures, checkpoint, more if first else None, choices,
                trial, given,
            )  # fmt: skip
            order = None if wanted is None else order_for(session, wanted)
            session.supervision = supervision or session.supervision
            remaining = remaining_plan(run, session)
            session.begun = partial(_note, session, asked, changes | {"plan": asdict(remaining)})
            row = {"event": "resume", "from_images": session.state.images}
            run.journal.append(row | launch_note(asdict(session.budget)))
            watch(Planned(remaining))
            cared_for(session, Care(watch, order=order))
        return run.path

    machine.keep_freed_memory()
    with machine_errors():
        return led(go_on)


def _asked(device: str | None, doctor: str | None) -> dict[str, str]:
    """Free settings that are other ones from here on. Raises ConfigError."""
    asked = {} if device is None else {"run.device": device}
    if doctor is not None:
        if doctor not in DOCTORS:
            raise ConfigError(f"The doctor cannot '{doctor}'.", did_you_mean(doctor, DOCTORS))
        asked["run.doctor"] = doctor
    return asked


def _standing(run: Run, watch: Watcher) -> tuple[Settings, Checkpoint | None, Trial | None]:
    """The settings to go on with, the checkpoint to go on from, and the treatment on trial."""
    put_right(run)
    checkpoint = _newest(run, watch)
    trial, settings = on_trial(run, checkpoint), settings_of(run)
    if checkpoint:
        settings = settled(run, settings, checkpoint, trial)
        _refuse_changed_settings(run, settings, standing_of(checkpoint), trial)
        if trial and treated_in(checkpoint) != trial.number:
            checkpoint = run.load(trial.from_images)
    return settings, checkpoint, trial


def _newest(run: Run, watch: Watcher) -> Checkpoint | None:
    """The checkpoint to go on from; None where the run was killed before its first."""
    if not run.checkpoints():
        told = [row["images"] for row in run.journal.rows("checkpoint")]
        if max(told, default=0) > 0:
            raise CheckpointError(
                f"The run {run.path} had checkpoints, up to {max(told):,} images, and now has "
                "none.",
                f"Put them back into {run.checkpoints_path}: from a backup, or by connecting the "
                "disk that has them.",
            )
        if "tuned" in run.about:
            raise CheckpointError(
                f"{run.path} was to hold a tuned generator and was not finished.",
                "Remove it and project the picture again.",
            )
        watch(Warned("The run was ended before its first checkpoint; it begins now."))
        return None
    checkpoint = run.load("latest")
    for damaged, reason in checkpoint.skipped:
        watch(Warned(f"The checkpoint {damaged} cannot be used: {reason}.",
                     f"Going on from {checkpoint.path}."))  # fmt: skip
    return checkpoint


def _note(session: Session, asked: Mapping[str, str], about: Mapping[str, Any]) -> None:
    """Write what is new into the run: places, device, accepted pictures, machine, plan."""
    run, settings, pictures = session.run, session.settings, session.pictures
    origins = dict.fromkeys(asked, "asked for when resumed")
    run.replace_settings(explain.to_toml(settings), origins)
    if pictures.fingerprint != run.learned.fingerprint or pictures.files != run.files:
        run.replace_data(_data(pictures))
    learned = _learned(run.path, settings, pictures, len(session.held_out))
    run.update_about(data=learned, **about)


def _refuse_changed_settings(
    run: Run, settings: Settings, standing: Standing, trial: Trial | None
) -> None:
    text = trial.settings_after if trial else standing.settings
    trained = load.from_toml(text, "the checkpoint's settings")
    differences = explain.difference(trained, settings)
    if differences:
        raise RunError(
            f"The settings {run.settings_path} were changed since the run was trained: "
            + "; ".join(differences),
            "Undo the change, or start a new run: ganwerk train "
            f"{typed(settings.data.where)} --config {typed(run.settings_path)} --out OTHER",
        )


def _same_pictures(
    run: Run,
    settings: Settings,
    facts: MachineFacts,
    where: str | None,
    accept: bool,
    watch: Watcher,
) -> Located:
    located = pictures_of(run, settings, facts, watch, asked=where)
    pictures, place = located.pictures, located.place
    changes = changed_files(run.files, pictures.files)
    then, now = run.learned.class_names, pictures.class_names
    if not changes and then == now:
        if located.elsewhere:
            watch(Warned(f"The pictures are no longer in {settings.data.where}; the same ones were "
                         f"found in {place}."))  # fmt: skip
        return located
    lines = [_changes_line(changes)] if changes else []
    what = "; ".join(lines + ([_classes_line(then, now)] if then != now else []))
    if not accept:
        raise DataError(
            f"The pictures in {place} changed since the run was started: {what}.",
            "Put them back, or go on with the new ones: add --accept-changed-data.",
        )
    if settings.data.conditional and len(now) != len(then):
        raise DataError(
            f"The pictures in {place} have {len(now)} classes now; the run was started with "
            f"{len(then)}.",
            "The networks are built for that number of classes: start a new run.",
        )
    watch(Warned(f"The pictures changed: {what}. Going on with the new ones."))
    return located


def _classes_line(then: Sequence[str], now: Sequence[str]) -> str:
    """The files may be the same, but understood in another way: by a file of labels, say."""
    old, new = (", ".join(names[:3]) + (", ..." if names[3:] else "") for names in (then, now))
    return f"{len(now)} classes ({new or 'none'}) instead of {len(then)} ({old or 'none'})"


def _changes_line(changes: Changes) -> str:
    parts = []
    for word in ("added", "removed", "altered"):
        names = getattr(changes, word)
        if names:
            some = ", ".join(map(escaped, names[:3])) + (", ..." if len(names) > 3 else "")
            parts.append(f"{len(names)} {word} ({some})")
    return "; ".join(parts)


def _choices(
    run: Run, settings: Settings, facts: MachineFacts, watch: Watcher
) -> tuple[Choices, dict[str, Any]]:
    """How to compute here, and what is to be noted of it. Another processor rounds differently: the
    run goes on, but not bit for bit. On another kind of device the fastest precision is measured
    anew."""
    then, choices = run.machine, run.choices
    unknown = set(choices.precision.values()) - set(probe.WAYS)
    if unknown:
        raise RunError(
            f"{run.path / 'about.json'} names a precision that there is not: '{min(unknown)}'.",
            f"Possible: {', '.join(probe.WAYS)}.",
        )
    threads = torch.get_num_threads()
    before = then.device_name, choices.threads, then.torch
    if before == (facts.device_name, threads, facts.torch):
        return choices, {}
    watch(Warned(
        f"The run was started on another machine ({before[0]}, {before[1]} threads, torch "
        f"{before[2]}); this is {facts.device_name}, {threads} threads, torch {facts.torch}.",
        "It goes on; only the last bits of the numbers may differ from what they would be.",
    ))  # fmt: skip
    changed = choices.model_copy(update={"threads": threads})
    if then.device.split(":")[0] != torch.device(facts.device).type:
        measured = probe.probe(settings, len(run.learned.class_names), facts).choices
        changed = changed.model_copy(update={"precision": measured})
    return changed, {"machine": asdict(facts), "choices": changed.model_dump()}
