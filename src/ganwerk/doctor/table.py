"""The table of what the doctor can find, read from findings.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from ganwerk.doctor.finding import WINDOW_SHARE, Change, Kind, Times, Treatment
from ganwerk.errors import ConfigError, did_you_mean

ANEW = Treatment(
    name="begin again",
    words="begin again, with the recipe that is advised for your pictures",
    anew=True,
    window_share=0.25,
    signal="distance",
    better="lower",
)
"""The first treatment of what may be the fault of the settings: where a game has failed, weights
that it spoilt are seldom worth keeping."""


@cache
def kinds() -> dict[str, Kind]:
    """By code, in the order of the file."""
    text = (resources.files("ganwerk.doctor") / "findings.toml").read_text("utf-8")
    return {code: _kind(code, entry) for code, entry in tomllib.loads(text).items()}


def kind(code: str) -> Kind:
    """The kind of finding with this code, in any case. Raises ConfigError, with what is meant."""
    known = kinds()
    if code.upper() not in known:
        raise ConfigError(f"There is no finding '{code}'.", did_you_mean(code, known))
    return known[code.upper()]


def _kind(code: str, entry: dict[str, Any]) -> Kind:
    m, n = entry["looks"]
    return Kind(
        code=code,
        name=entry["name"],
        weight=entry["weight"],
        means=entry["means"],
        looks_like=entry["looks_like"],
        why=entry["why"],
        helps=entry["helps"],
        page=entry["page"],
        sample=tuple(entry["sample"]),
        dynamics=tuple(entry.get("dynamics", ())),
        looks=(m, n),
        lab=entry.get("lab", ""),
        hides=tuple(entry.get("hides", ())),
        passes=entry.get("passes", False),
        treatments=(
            *((ANEW,) if entry.get("anew") else ()),
            *map(_treatment, entry.get("treatment", ())),
        ),
    )


def _treatment(entry: dict[str, Any]) -> Treatment:
    return Treatment(
        name=entry["name"],
        words=entry["words"],
        change={key: _change(value) for key, value in entry["change"].items()},
        back=entry.get("back", False),
        window_share=entry.get("window", WINDOW_SHARE),
        signal=entry.get("signal", "coverage"),
        better=entry.get("better", "higher"),
    )


def _change(value: Any) -> Change:
    """`false` of a remedy stands for None: it is taken away."""
    if isinstance(value, dict):
        if value.keys() == {"times"}:
            return Times(float(value["times"]))
        return {key: _factor(part) for key, part in value.items()}
    return None if value is False else value


def _factor(value: Any) -> Any:
    return Times(float(value["times"])) if isinstance(value, dict) else value
