"""Each setting of a run with its value, its origin and its meaning. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tomli_w

from ganwerk.config import schema
from ganwerk.config.load import Draft
from ganwerk.config.schema import Section, Settings


@dataclass(frozen=True, slots=True)
class Explained:
    """One line of `ganwerk config explain`."""

    key: str
    value: Any
    origin: str
    meaning: str


def flat(settings: Settings) -> dict[str, Any]:
    """Settings by dotted key, without those that are absent (None)."""
    found: dict[str, Any] = {"preset": settings.preset}
    for name in ("data", "network", "latent", "game"):
        found |= _section(name, getattr(settings, name))
    for i, remedy in enumerate(settings.remedy):
        found |= _section(f"remedy.{i}", remedy)
    for name in ("optimiser", "schedule", "average", "budget", "run"):
        found |= _section(name, getattr(settings, name))
    if settings.transfer is not None:
        found |= _section("transfer", settings.transfer)
    return found


def _section(prefix: str, section: Section) -> dict[str, Any]:
    return {f"{prefix}.{k}": v for k, v in section.model_dump().items() if v is not None}


def explain(settings: Settings, origins: Mapping[str, str]) -> list[Explained]:
    """Every setting in the order of the file."""
    return [
        Explained(key, value, origins.get(key, "default"), meaning(settings, key))
        for key, value in flat(settings).items()
    ]


def meaning(settings: Settings, key: str) -> str:
    section, _, name = key.partition(".")
    if section == "preset":
        return Settings.model_fields["preset"].description or ""
    if section == "remedy":
        position, name = name.split(".", 1)
        model: type[Section] = type(settings.remedy[int(position)])
    else:
        model = type(settings.network) if section == "network" else schema.SECTIONS[section]
    return model.model_fields[name].description or ""


def origins_of(draft: Draft) -> dict[str, str]:
    return {key: str(origin) for key, origin in draft.origins.items()}


def to_toml(settings: Settings) -> str:
    """The text of run.toml."""
    return tomli_w.dumps(settings.model_dump(mode="json", exclude_none=True))


def difference(old: Settings, new: Settings) -> list[str]:
    """'key: old -> new' for each setting that differs and is part of what is computed."""
    before, after = flat(old), flat(new)
    keys = [*before, *(k for k in after if k not in before)]
    return [
        f"{key}: {before.get(key, 'absent')} -> {after.get(key, 'absent')}"
        for key in keys
        if before.get(key) != after.get(key) and key not in schema.FREE
    ]
