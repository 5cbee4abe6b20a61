"""A treatment on trial, on the disk: begun, kept, undone, and put right after a kill.

Its state is the name of its file (run.treatments). All else follows from that and is put right when
a run is resumed: checkpoints of what was undone are removed, run.toml and the journal follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganwerk.config import explain, load
from ganwerk.config.schema import FREE, Settings
from ganwerk.doctor.change import origins_after
from ganwerk.errors import MachineError
from ganwerk.run import Checkpoint, Run, Trial
from ganwerk.run.treatments import Outcome
from ganwerk.runtime.settings import of_treatments, with_free
from ganwerk.training.session import treated_in
from ganwerk.training.standing import standing_of

BROKEN_OFF = "it was broken off"


def begin(run: Run, trial: Trial, current: Settings) -> None:
    """From here on the treatment is on trial, whatever happens. current: the settings of the run,
    whose places and device stay. Raises MachineError."""
    run.treatments.begin(trial)
    _tell_begun(run, trial)
    write_settings(run, trial, _settings(trial.settings_after), current)
    if trial.goes_back:
        run.journal.append({"event": "resume", "from_images": trial.from_images})


def end(
    run: Run, trial: Trial, outcome: Outcome, told: Mapping[str, Any], current: Settings
) -> None:
    """told: images, after and reason, for the journal. Raises MachineError, and it is ended."""
    run.treatments.end(trial, outcome)
    _tell_ended(run, trial, outcome, told)
    if outcome == "undone":
        put_right(run)
        write_settings(run, None, _settings(trial.settings_before), current)


def put_right(run: Run) -> None:
    """Remove checkpoints of undone treatments; write what is missing in the journal. Under the
    lock."""
    ledger = run.treatments.all()
    undone = {trial.number for trial, status in ledger if status == "undone"}
    if undone:
        run.drop_checkpoints(
            info for info in run.checkpoints() if (info.meta or {}).get("treatment") in undone
        )
    told = {(row["number"], row.get("state")) for row in run.journal.rows("treatment")}
    for trial, status in ledger:
        if (trial.number, "begun") not in told:
            _tell_begun(run, trial)
        if status != "trial" and (trial.number, status) not in told:
            where = {"images": trial.base_images, "reason": BROKEN_OFF}
            _tell_ended(run, trial, status, where)


def on_trial(run: Run, checkpoint: Checkpoint | None) -> Trial | None:
    """The treatment that is on trial where a run goes on from this checkpoint. One whose base is
    not there any more is over. Under the lock."""
    trial = run.treatments.on_trial()
    if trial is None or checkpoint is None:
        return None
    if treated_in(checkpoint) == trial.number or checkpoint.images == trial.base_images:
        return trial
    run.treatments.end(trial, "undone")
    put_right(run)
    return None


def settled(run: Run, settings: Settings, checkpoint: Checkpoint, trial: Trial | None) -> Settings:
    """The settings to go on with. Where run.toml, which is `settings`, is as a treatment left it
    that began or was undone when the run was killed, it is written anew; else it is left to the
    caller to compare. Under the lock."""
    text = trial.settings_after if trial else standing_of(checkpoint).settings
    wanted = load.from_toml(text, "the settings of the training")
    if not explain.difference(wanted, settings):
        return settings
    if not of_treatments(run, settings):
        return settings
    return write_settings(run, trial, wanted, settings)


def write_settings(run: Run, trial: Trial | None, wanted: Settings, current: Settings) -> Settings:
    """Write run.toml and the origins of what a treatment changed. Returns what was written."""
    values = explain.flat(current)
    free = {key: values.get(key) for key in FREE}
    written = with_free(wanted, free)
    run.replace_settings(explain.to_toml(written), _origins(run, trial, wanted), all_origins=True)
    return written


def _origins(run: Run, trial: Trial | None, wanted: Settings) -> dict[str, str]:
    """Those of the run, with the treatment's for what it changes; without one, those from before
    the latest whose settings these were not yet."""
    if trial is not None:
        before = _settings(trial.settings_before)
        return trial.origins | origins_after(before, wanted, trial.origin)
    for other, _ in reversed(run.treatments.all()):
        if not explain.difference(_settings(other.settings_before), wanted):
            return other.origins
    return run.origins


def _settings(text: str) -> Settings:
    return load.from_toml(text, "the settings of a treatment")


def _tell_begun(run: Run, trial: Trial) -> None:
    before, after = _settings(trial.settings_before), _settings(trial.settings_after)
    run.journal.append(
        {
            "event": "treatment",
            "state": "begun",
            "number": trial.number,
            "images": trial.base_images,
            "from_images": trial.from_images,
            "until_images": trial.until_images,
            "code": trial.code,
            "name": trial.name,
            "words": trial.words,
            "changes": explain.difference(before, after),
            **({"anew": True} if trial.anew else {}),
            "signal": trial.signal,
            "better": trial.better,
            "before": trial.before.get(trial.signal),
        }
    )


def _tell_ended(run: Run, trial: Trial, outcome: Outcome, told: Mapping[str, Any]) -> None:
    row = {"event": "treatment", "state": outcome, "number": trial.number, "code": trial.code}
    run.journal.append(row | dict(told))


def broken_off(run: Run, trial: Trial) -> None:
    """The machine failed in the middle of a trial: it will be undone when the run is resumed. A
    change of name is all that is written, which a full disk allows."""
    try:
        run.treatments.end(trial, "undone")
    except MachineError:
        return  # whoever resumes finds it on trial, and goes on with it
