"""The settings of a run, as its file has them and as its checkpoints were trained with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganwerk.config import explain, load
from ganwerk.config.schema import FREE, Settings
from ganwerk.run import Run


def settings_of(run: Run) -> Settings:
    """Those of run.toml. Raises RunError, ConfigError."""
    return load.from_toml(run.settings_toml, str(run.settings_path))


def settings_at(run: Run, meta: Mapping[str, Any]) -> tuple[Settings, tuple[str, ...]]:
    """Those that a checkpoint was trained with, of which only what is free may stand otherwise in
    run.toml; and a warning if more does. meta: what was noted in the checkpoint.

    Raises RunError, ConfigError.
    """
    own, text = settings_of(run), meta.get("settings")
    if not isinstance(text, str):
        return own, ()
    trained = load.from_toml(text, "the settings in the checkpoint")
    differences = explain.difference(trained, own)
    values = explain.flat(own)
    told = (
        f"{run.settings_path} was changed since the run was trained: {'; '.join(differences)}. "
        "What it was trained with counts.",
    )
    settings = with_free(trained, {key: values.get(key) for key in FREE})
    return settings, told if differences and not of_treatments(run, trained, own) else ()


def of_treatments(run: Run, *settings: Settings) -> bool:
    """Whether treatments of the run began or ended with all of these. Raises RunError."""
    texts = {
        text
        for trial, _ in run.treatments.all()
        for text in (trial.settings_before, trial.settings_after)
    }
    known = [load.from_toml(text, "the settings of a treatment") for text in texts]
    return all(any(not explain.difference(k, s) for k in known) for s in settings)


def with_free(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """The settings with other `values` of data and run, by dotted key."""
    changes: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, name = key.split(".")
        changes.setdefault(section, {})[name] = value
    update = {
        section: getattr(settings, section).model_copy(update=parts)
        for section, parts in changes.items()
    }
    return settings.model_copy(update=update)
