"""Merging settings: preset <- file <- flags and --set, each value with its origin. Torch-free.

A draft holds what somebody asked for. What nobody asked for is decided in config/auto.py, once data
and machine are known.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from ganwerk.checks import one_budget, shown
from ganwerk.config import schema
from ganwerk.config.remedies import check_setting, parse
from ganwerk.config.schema import Section, Settings
from ganwerk.errors import ConfigError, did_you_mean
from ganwerk.values import Origin

Table = dict[str, Any]
FINITE = ConfigDict(allow_inf_nan=False)
NO_REMEDY = "none"


@dataclass
class Draft:
    """Settings by dotted key ('network.kind', 'remedy.0.weight') and where each came from."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)

    def give(self, key: str, value: Any, origin: Origin) -> None:
        self.values[key], self.origins[key] = value, origin

    def default(self, key: str, value: Any, reason: str) -> None:
        """A value decided from data or machine, if nobody asked for another."""
        if key not in self.values:
            self.give(key, value, Origin("auto", reason))

    def table(self) -> Table:
        """As nested tables, the shape of a settings file."""
        nested: Table = {}
        for key, value in self.values.items():
            *path, last = key.split(".")
            here = nested
            for part in path:
                here = here.setdefault(part, {})
            here[last] = value
        if "remedy" in nested:
            nested["remedy"] = [nested["remedy"][i] for i in sorted(nested["remedy"], key=int)]
        return nested

    def remedies(self) -> list[int]:
        """The positions of the remedies."""
        return sorted({int(k.split(".")[1]) for k in self.values if k.startswith("remedy.")})

    def remedy_kinds_by_position(self) -> list[tuple[int, str]]:
        return [(i, str(self.values[f"remedy.{i}.kind"])) for i in self.remedies()]

    def remedy_kinds(self) -> set[str]:
        return {kind for _, kind in self.remedy_kinds_by_position()}


@dataclass(frozen=True, slots=True)
class Base:
    """Settings to start from in the place of a preset: those of a run. origin: what to call it."""

    values: Mapping[str, Any]
    preset: str
    origin: str


def preset_names() -> list[str]:
    folder = resources.files("ganwerk.config") / "presets"
    return sorted(
        f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")
    )


def preset_text(name: str) -> str:
    """The commented TOML of a preset. Raises ConfigError for an unknown name."""
    if name not in preset_names():
        raise ConfigError(f"There is no preset '{name}'.", did_you_mean(name, preset_names()))
    return (resources.files("ganwerk.config") / "presets" / f"{name}.toml").read_text("utf-8")


def collect(
    *,
    preset: str | None = None,
    file: Path | None = None,
    remedies: Iterable[str] = (),
    flags: Mapping[str, tuple[Any, str]] | None = None,
    sets: Iterable[str] = (),
    base: Base | None = None,
) -> Draft:
    """What was asked for. `preset`: a name, or name+remedy+remedy; `remedies`: name:key=value,...,
    added to those of preset and file, or 'none', which takes these away; `flags`: dotted key to
    (value, flag as typed); `sets`: 'a.b=value'; `base`: instead of a preset.

    Raises ConfigError for an unknown preset, an unreadable file, an unknown key, a bad value.
    """
    from_file = _read(file) if file else {}
    _refuse_two_budgets(from_file, flags or {}, sets := list(sets))
    name = base.preset if base else str(preset or from_file.get("preset", "auto"))
    draft = _of_run(base) if base else _of_preset(name)
    if file:
        _merge(draft, from_file, Origin(str(file)))
    for text in remedies:
        _add_remedy(draft, text, Origin(f"--remedy {text}"))
    for key, (value, flag) in (flags or {}).items():
        _override(draft, key, value, Origin(flag))
    for text in sets:
        key, value = _assignment(text)
        _override(draft, key, value, Origin(f"--set {text}"))
    draft.give("preset", name, Origin("--preset" if preset else "default"))
    for key, value in draft.values.items():
        check(draft, key, value)
    return draft


def _refuse_two_budgets(
    table: Table, flags: Mapping[str, tuple[Any, str]], sets: list[str]
) -> None:
    """A file may have one, and flags with --set another, which takes its place."""
    budget = table.get("budget")
    written = budget if isinstance(budget, dict) else {}
    keys = [f"budget.{kind}" for kind in schema.BUDGETS]
    one_budget([f"{kind} = {shown(written[kind])}" for kind in schema.BUDGETS if kind in written])
    given = {key: flag for key, (_, flag) in flags.items() if key in keys}
    given |= {
        key: f"--set {text}" for text in sets if (key := text.partition("=")[0].strip()) in keys
    }
    one_budget([shown(flag) for flag in given.values()])


def _of_run(base: Base) -> Draft:
    draft = Draft()
    for key, value in base.values.items():
        draft.give(key, value, Origin(base.origin))
    return draft


def _of_preset(name: str) -> Draft:
    base, *variant = name.split("+")
    draft = Draft()
    _merge(draft, _parse(preset_text(base), f"preset {base}"), Origin(f"preset {base}"))
    for text in variant:
        _add_remedy(draft, text, Origin(f"preset {name}"))
    return draft


def _read(file: Path) -> Table:
    return _parse(read_text(file), str(file))


def read_text(file: Path) -> str:
    """The text of a settings file. Raises ConfigError."""
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The settings file {file} cannot be read: {error}.", "Give a TOML text file."
        ) from error


def _parse(text: str, where: str) -> Table:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers and nesting without measure, too
        raise ConfigError(
            f"{where} is not valid TOML: {error}.", "Strings need quotes; tables look like [data]."
        ) from error


def _merge(draft: Draft, table: Table, origin: Origin) -> None:
    """A later list of remedies replaces an earlier one; all else merges key by key."""
    if "remedy" in table:
        _forget(draft, "remedy.")
    for key, value in _flat(table).items():
        _override(draft, key, value, origin)


def _flat(table: Table, prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        elif key == "remedy" and isinstance(value, list):
            for i, remedy in enumerate(value):
                named = remedy if isinstance(remedy, dict) else {"kind": remedy}
                flat |= _flat(named, f"remedy.{i}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _override(draft: Draft, key: str, value: Any, origin: Origin) -> None:
    """A new kind of network discards the old one's settings; a new budget the other budgets."""
    if key == "network.kind" and draft.values.get(key) not in (None, value):
        _forget(draft, "network.")
    if key.startswith("budget.") and key.split(".")[1] in schema.BUDGETS:
        for other in schema.BUDGETS:
            draft.values.pop(f"budget.{other}", None)
            draft.origins.pop(f"budget.{other}", None)
    draft.give(key, value, origin)


def _add_remedy(draft: Draft, text: str, origin: Origin) -> None:
    """One more remedy, or other settings for one that is there already."""
    if text.strip() == NO_REMEDY:
        _forget(draft, "remedy.")
        return
    kind, given = parse(text)
    taken = {draft.values.get(f"remedy.{i}.kind"): i for i in draft.remedies()}
    position = taken.get(kind, max(draft.remedies(), default=-1) + 1)
    for key, value in ({"kind": kind} | given).items():
        draft.give(f"remedy.{position}.{key}", value, origin)


def _forget(draft: Draft, prefix: str) -> None:
    for key in [k for k in draft.values if k.startswith(prefix)]:
        del draft.values[key], draft.origins[key]


def _assignment(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(
            f"--set {text} has no '='.", "Write it as --set game.loss=hinge or --set run.seed=3."
        )
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):  # a bare word is a string; so are thousands of digits
        return key.strip(), value.strip()


def _model_of(draft: Draft, section: str, key: str) -> type[Section]:
    """The table that holds the dotted `key`. Raises ConfigError if there is none."""
    if section == "remedy":
        position = _position(key)
        kind = draft.values.get(f"remedy.{position}.kind")
        if kind is None:
            raise ConfigError(
                f"Remedy {position} does not say which it is ({key}).",
                'A remedy looks like [[remedy]], and below it kind = "unrolled".',
            )
        if not isinstance(kind, str) or kind not in schema.REMEDIES:
            raise ConfigError(
                f"There is no remedy '{kind}' (remedy {position}).",
                did_you_mean(str(kind), schema.REMEDIES),
            )
        return schema.REMEDIES[kind]
    if section == "network":
        kind = draft.values.get("network.kind")
        if kind is not None and (not isinstance(kind, str) or kind not in schema.NETWORKS):
            raise ConfigError(
                f"There is no network '{kind}'.", did_you_mean(str(kind), schema.NETWORKS)
            )
        return schema.NETWORKS.get(str(kind), Section)
    if section not in schema.SECTIONS:
        known = [*schema.SECTIONS, "network", "remedy"]
        raise ConfigError(f"There is no setting '{key}'.", did_you_mean(section, known))
    return schema.SECTIONS[section]


def _position(key: str) -> str:
    """The number in 'remedy.0.kind'. Raises ConfigError for another shape."""
    _, *rest = key.split(".")
    if len(rest) == 2 and rest[0].isascii() and rest[0].isdecimal():
        return rest[0]
    raise ConfigError(
        f"There is no setting '{key}': remedies are a list of tables.",
        "Add one with --remedy unrolled:steps=5, change one with --set remedy.0.steps=5.",
    )


def check(draft: Draft, key: str, value: Any) -> None:
    """Raises ConfigError if the key is unknown or the value is not one it can have."""
    if key == "preset":
        return
    section, _, name = key.partition(".")
    model = _model_of(draft, section, key)
    if section == "remedy":
        name = key.split(".", 2)[2] if key.count(".") >= 2 else ""
        if name != "kind":
            check_setting(draft.values[f"remedy.{key.split('.')[1]}.kind"], name)
    if model is Section:  # the kind of network is still to be decided
        if not any(name in m.model_fields for m in schema.NETWORKS.values()):
            every = {f for m in schema.NETWORKS.values() for f in m.model_fields}
            raise ConfigError(f"There is no setting '{key}'.", did_you_mean(name, every))
        return
    if name not in model.model_fields:
        known = [f"{section}.{f}" for f in model.model_fields]
        where = f" of the network '{draft.values['network.kind']}'" if section == "network" else ""
        others = [kind for kind, m in schema.NETWORKS.items() if name in m.model_fields]
        hint = (
            f"These networks have it: {', '.join(others)}. Choose one with --set network.kind=..."
            if section == "network" and others
            else did_you_mean(key, known)
        )
        raise ConfigError(f"There is no setting '{key}'{where}.", hint)
    info = model.model_fields[name]
    adapter: TypeAdapter[Any] = TypeAdapter(info.rebuild_annotation(), config=FINITE)
    try:
        if _is_bool(value) and not _is_bool(adapter.validate_python(value)):
            raise _cannot_be(draft, key, value, "input should be a number, not true or false", info)
        adapter.validate_python(value)
    except ValidationError as error:
        raise _cannot_be(draft, key, value, _reason(error), info) from error


def _is_bool(value: Any) -> bool:
    """Whether it is true or false, or a list with one of them."""
    parts = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(part, bool) for part in parts)


def _cannot_be(draft: Draft, key: str, value: Any, reason: str, info: FieldInfo) -> ConfigError:
    return ConfigError(
        f"The setting {key} cannot be {shown(repr(value))} ({shown(draft.origins[key])}): "
        f"{reason}.",
        f"It is: {info.description}.",
    )


def _reason(error: ValidationError) -> str:
    first = error.errors()[0]["msg"]
    return first[0].lower() + first[1:]


def settle(draft: Draft) -> Settings:
    """The draft, complete, as settings. Raises ConfigError if values contradict each other."""
    budgets = [b for b in schema.BUDGETS if draft.values.get(f"budget.{b}") is not None]
    if len(budgets) != 1:
        raise ConfigError(
            f"The run needs one budget, not {len(budgets)}.",
            "Give one of --minutes, --images and --epochs.",
        )
    try:
        return Settings.model_validate(draft.table())
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ConfigError(
            f"The settings do not fit together at {place}: {_reason(error)}.",
            "See `ganwerk config explain`.",
        ) from error


def from_toml(text: str, where: str) -> Settings:
    """The settings of a run.toml. Raises ConfigError, naming the place, if it was damaged."""
    try:
        return Settings.model_validate(_parse(text, where))
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ConfigError(
            f"{where} cannot be used: {place}: {_reason(error)}.",
            "It was changed by hand; undo the change or take it from a copy of the run.",
        ) from error
