"""Training a run: from a request to a finished, stopped or resumed run directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from ganwerk.config import build, explain, load
from ganwerk.config.load import Draft
from ganwerk.config.schema import Settings
from ganwerk.data import Pictures, changed_files, split
from ganwerk.errors import DataError, RunError
from ganwerk.game.state import TrainState
from ganwerk.run import Checkpoint, Run
from ganwerk.runtime import machine
from ganwerk.runtime.events import Plan, Planned, Warned, Watcher, nobody
from ganwerk.runtime.memory import machine_errors
from ganwerk.runtime.pictures import read_pictures
from ganwerk.training import probe
from ganwerk.training.play import Session, play
from ganwerk.training.prepare import (
    Budget,
    Prepared,
    Request,
    check_tensorboard,
    feeder_of,
    held_out_of,
    longer_budget,
    prepare,
)
from ganwerk.values import MachineFacts

__all__ = ["Request", "begin", "plan", "resume", "train"]


def plan(request: Request, watch: Watcher = nobody) -> Plan:
    """What `train` would do, measured, without making anything."""
    return prepare(request, watch, anew=True).plan


def train(request: Request, watch: Watcher = nobody) -> Path:
    """Train from the start. Returns the run directory.

    Raises GanwerkError: nothing is made unless the training can start.
    """
    with machine_errors():
        return begin(prepare(request, watch), watch)


def begin(
    ready: Prepared,
    watch: Watcher,
    plant: Callable[[TrainState], None] = lambda _: None,
    origin: Mapping[str, Any] | None = None,
) -> Path:
    """Make the run and train it. plant: gives the state its first weights, where it does not keep
    those drawn for it. origin: what to note of where they came from. Returns the run directory."""
    watch(Planned(ready.plan))
    noted = {"origin": dict(origin)} if origin else {}
    run = _create(ready, noted)
    with run.lock():
        run.journal.append({"event": "start", "images": 0} | noted)
        session = _session(run, ready)
        plant(session.state)
        play(session, watch)
    return run.path


def _create(ready: Prepared, noted: Mapping[str, Any]) -> Run:
    health = ready.pictures.health
    return Run.create(
        Path(ready.plan.out),
        settings_toml=explain.to_toml(ready.settings),
        origins=explain.origins_of(ready.draft),
        about={
            "data": {
                "where": ready.settings.data.where,
                "fingerprint": ready.pictures.fingerprint,
                "class_names": list(ready.pictures.class_names),
                "class_counts": list(health.class_counts),
                "pictures": len(ready.pictures),
                "held_out": len(ready.held_out),
            },
            "machine": asdict(ready.facts),
            "choices": {
                "precision": ready.probed.choices,
                "threads": torch.get_num_threads(),
                "micro": ready.probed.micro,
            },
            "plan": asdict(ready.plan),
            **noted,
        },
        data={"files": ready.pictures.files, "health": health.to_dict()},
    )


def _session(run: Run, ready: Prepared) -> Session:
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
    )


def resume(
    path: Path,
    *,
    more: tuple[str, float] | None = None,
    where: str | None = None,
    device: str | None = None,
    accept_changed_data: bool = False,
    watch: Watcher = nobody,
) -> Path:
    """Go on with a run from its last good checkpoint, exactly as if it had never stopped.

    more: ('minutes' | 'images' | 'epochs', amount) prolongs it from where it stands. where: the
    place of the pictures, if they were moved. device: another one than it was trained on.
    Raises RunError if it is finished and nothing more is asked for or if its settings were changed,
    DataError if the pictures were.
    """
    machine.keep_freed_memory()
    with machine_errors():
        run = Run.open(path)
        settings, origins = _moved(run, where, device)
        check_tensorboard(settings)
        with run.lock():
            checkpoint = run.load("latest")
            for damaged, reason in checkpoint.skipped:
                watch(Warned(f"The checkpoint {damaged} cannot be used: {reason}.",
                             f"Going on from {checkpoint.path}."))  # fmt: skip
            _refuse_changed_settings(run, settings, checkpoint.meta)
            facts = machine.facts(settings.run.device)
            pictures = _same_pictures(run, settings, facts, accept_changed_data, watch)
            _note_other_machine(run, settings, facts, watch)
            session = _resumed(run, settings, pictures, checkpoint, more)
            remaining = _remaining_plan(run, session)
            run.replace_settings(explain.to_toml(settings), origins)
            run.update_about(plan=asdict(remaining), data={"where": settings.data.where})
            run.journal.append({"event": "resume", "from_images": session.state.images})
            watch(Planned(remaining))
            play(session, watch)
    return run.path


def _moved(run: Run, where: str | None, device: str | None) -> tuple[Settings, dict[str, str]]:
    """The run's settings, with pictures or device elsewhere if asked for, and what was."""
    settings = load.from_toml(run.settings_toml, str(run.settings_path))
    asked = {"data.where": where, "run.device": device}
    given = {key: value for key, value in asked.items() if value is not None}
    for key, value in given.items():
        section, name = key.split(".")
        changed = getattr(settings, section).model_copy(update={name: value})
        settings = settings.model_copy(update={section: changed})
    return settings, dict.fromkeys(given, "asked for when resumed")


def _refuse_changed_settings(run: Run, settings: Settings, meta: Mapping[str, Any]) -> None:
    trained = load.from_toml(meta["settings"], "the checkpoint's settings")
    differences = explain.difference(trained, settings)
    if differences:
        raise RunError(
            f"The settings {run.settings_path} were changed since the run was trained: "
            + "; ".join(differences),
            "Undo the change, or start a new run: ganwerk train "
            f"{settings.data.where} --config {run.settings_path} --out OTHER",
        )


def _same_pictures(
    run: Run, settings: Settings, facts: MachineFacts, accept: bool, watch: Watcher
) -> Pictures:
    draft = Draft({key: value for key, value in explain.flat(settings).items()})
    try:
        pictures = read_pictures(settings.data.where, draft, facts, watch)
    except DataError as error:
        moved = f"If the pictures were moved: ganwerk resume {run.path} --data PLACE"
        raise DataError(error.message, f"{error.hint}\n{moved}") from error
    changes = changed_files(run.data["files"], pictures.files)
    if not changes:
        return pictures
    what = _changes_line(changes)
    if not accept:
        raise DataError(
            f"The pictures in {settings.data.where} changed since the run was started: {what}.",
            "Put them back, or go on with the new ones: add --accept-changed-data.",
        )
    if len(pictures.class_names) != len(run.about["data"]["class_names"]):
        raise DataError(
            f"The pictures in {settings.data.where} have {len(pictures.class_names)} classes now; "
            f"the run was started with {len(run.about['data']['class_names'])}.",
            "The networks are built for that number of classes: start a new run.",
        )
    watch(Warned(f"The pictures changed: {what}. Going on with the new ones."))
    return pictures


def _changes_line(changes: Any) -> str:
    parts = []
    for word in ("added", "removed", "altered"):
        names = getattr(changes, word)
        if names:
            shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            parts.append(f"{len(names)} {word} ({shown})")
    return "; ".join(parts)


def _resumed(
    run: Run,
    settings: Settings,
    pictures: Pictures,
    checkpoint: Checkpoint,
    more: tuple[str, float] | None,
) -> Session:
    train_indices, held_out = split(len(pictures), pictures.labels, settings.run.seed)
    device = torch.device(settings.run.device)
    about = run.about
    recipe = replace(build.recipe(settings), micro_batch=about["choices"].get("micro", 0))
    state = build.state(settings, len(pictures.class_names), device, 1.0, recipe)
    probe.apply_choices(state, about["choices"]["precision"])
    state.load(checkpoint.weights, checkpoint.state, checkpoint.meta["counters"])
    feeder = feeder_of(settings, pictures, train_indices)
    state.held_out = held_out_of(settings, feeder, held_out)
    saved = checkpoint.meta["budget"]
    budget = Budget(saved["unit"], saved["end"])
    rate = state.images / state.seconds if state.seconds else about["plan"]["images_per_second"]
    if more is not None:
        budget = longer_budget(budget, more, state, len(train_indices))
        state.horizon_images = budget.horizon_images(state.images, state.seconds, rate)
    elif budget.used(state) >= 1:
        raise RunError(
            f"The run {run.path} is finished: {state.images:,} images in "
            f"{state.seconds / 60:.1f} minutes.",
            f"Prolong it: ganwerk resume {run.path} --minutes 20",
        )
    return Session(
        run=run,
        settings=settings,
        recipe=recipe,
        state=state,
        budget=budget,
        feeder=feeder,
        pictures=pictures,
        train=train_indices,
        held_out=held_out,
        expected_rate=rate,
    )


def _note_other_machine(run: Run, settings: Settings, facts: MachineFacts, watch: Watcher) -> None:
    """Another processor rounds differently: the run goes on, but not bit for bit. On another kind
    of device the fastest precision is measured anew."""
    about = run.about
    then = about["machine"]["device_name"], about["choices"]["threads"], about["machine"]["torch"]
    now = facts.device_name, torch.get_num_threads(), facts.torch
    if then == now:
        return
    watch(Warned(
        f"The run was started on another machine ({then[0]}, {then[1]} threads, torch "
        f"{then[2]}); this is {now[0]}, {now[1]} threads, torch {now[2]}.",
        "It goes on; only the last bits of the numbers may differ from what they would be.",
    ))  # fmt: skip
    choices: dict[str, Any] = {"threads": torch.get_num_threads()}
    if torch.device(about["machine"]["device"]).type != torch.device(facts.device).type:
        choices["precision"] = probe.probe(
            settings, len(about["data"]["class_names"]), facts
        ).choices
    run.update_about(machine=asdict(facts), choices=choices)


def _remaining_plan(run: Run, session: Session) -> Plan:
    """The stored plan with what is left of it."""
    stored: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in run.about["plan"].items()
    }
    left = (
        session.budget.horizon_images(
            session.state.images, session.state.seconds, session.expected_rate
        )
        - session.state.images
    )
    changed: dict[str, Any] = {
        "total_images": int(session.state.images + left),
        "expected_seconds": left / session.expected_rate,
        "images_per_second": session.expected_rate,
        "out": str(run.path),
    }
    return Plan(**(stored | changed))
