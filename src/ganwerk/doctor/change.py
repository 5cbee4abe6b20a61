"""The settings of a run after one change. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganwerk.config import auto, explain, load
from ganwerk.config.load import Draft
from ganwerk.config.remedies import REMEDIES
from ganwerk.config.schema import Settings
from ganwerk.doctor.finding import Change, Times
from ganwerk.errors import ConfigError
from ganwerk.values import DataFacts, MachineFacts, Origin

STAYS = ("data", "budget", "run")
"""Tables of settings that are no part of a recipe."""
FEW_NUMBERS = 16
"""From so few latent numbers on a generator may have too little to draw from."""
SIZES = (
    "network.generator_width",
    "network.discriminator_width",
    "network.max_width",
    auto.HIDDEN,
)


def changed(settings: Settings, change: Mapping[str, Change], variance: float = 0.0) -> Settings:
    """`settings` with the change of a treatment (doctor.finding.Treatment). What it leaves open of
    a remedy is what would be advised for pictures of this variance (values.DataFacts; 0: unknown).

    Raises ConfigError for a value that a setting cannot have.
    """
    draft = Draft()
    for key, value in explain.flat(settings).items():
        draft.give(key, value, Origin("run"))
    for key, value in change.items():
        if key.startswith("remedy."):
            _change_remedy(draft, key.removeprefix("remedy."), value, variance)
        else:
            _give(draft, key, value)
    for key, value in draft.values.items():
        load.check(draft, key, value)
    return load.settle(draft)


def advised(settings: Settings, data: DataFacts, machine: MachineFacts) -> Settings:
    """The recipe of `auto` for these pictures on this machine, with the pictures, the budget and
    the run of `settings`; networks of the same kind keep their size.

    Raises ConfigError where a run that began with the weights of another would lose them.
    """
    if settings.transfer is not None:
        raise ConfigError(
            f"This run began with the weights of {settings.transfer.run}, which it would lose.",
            "Treat it in another way, or train anew: ganwerk train",
        )
    draft = load.collect(preset="auto")
    size = SIZES if settings.network.kind == draft.values["network.kind"] else ()
    enough = ("latent.dim",) if settings.latent.dim >= FEW_NUMBERS else ()
    for key, value in explain.flat(settings).items():
        if key.partition(".")[0] in STAYS or key in (*size, *enough):
            draft.give(key, value, Origin("run"))
    auto.decide(draft, data, machine)
    return load.settle(draft)


def origins_after(before: Settings, after: Settings, origin: str) -> dict[str, str]:
    """`origin` for each setting that differs."""
    old, new = explain.flat(before), explain.flat(after)
    return {key: origin for key, value in new.items() if old.get(key) != value}


def _change_remedy(draft: Draft, kind: str, wanted: Any, variance: float) -> None:
    there = {name: i for i, name in draft.remedy_kinds_by_position()}
    if wanted is None:
        if kind in there:
            _take_away(draft, there[kind])
        return
    place = there.get(kind, max(draft.remedies(), default=-1) + 1)
    key = f"remedy.{place}"
    draft.give(f"{key}.kind", kind, Origin("treatment"))
    for name, value in wanted.items():
        if not isinstance(value, Times):
            draft.give(f"{key}.{name}", value, Origin("treatment"))
    auto.complete_remedy(draft, key, kind, variance)
    for name, field in REMEDIES[kind].model_fields.items():
        if not field.is_required() and field.default is not None:
            draft.default(f"{key}.{name}", field.default, "")
    for name, value in wanted.items():
        if isinstance(value, Times):
            _give(draft, f"{key}.{name}", value)


def _take_away(draft: Draft, place: int) -> None:
    """The remedies behind it move up, as a list has no holes."""
    behind = [i for i in draft.remedies() if i > place]
    _forget(draft, place)
    for i in behind:
        values = {k: v for k, v in draft.values.items() if k.startswith(f"remedy.{i}.")}
        _forget(draft, i)
        for key, value in values.items():
            draft.give(f"remedy.{i - 1}.{key.split('.', 2)[2]}", value, Origin("run"))


def _forget(draft: Draft, place: int) -> None:
    for key in [k for k in draft.values if k.startswith(f"remedy.{place}.")]:
        del draft.values[key], draft.origins[key]


def _give(draft: Draft, key: str, value: Any) -> None:
    if isinstance(value, Times):
        present = draft.values.get(key)
        if not isinstance(present, int | float) or isinstance(present, bool):
            raise ConfigError(
                f"{key} is {present}, so it cannot be multiplied by {value.factor:g}.",
                "This treatment is for other settings.",
            )
        value = float(f"{present * value.factor:.6g}")
    draft.give(key, value, Origin("treatment"))
