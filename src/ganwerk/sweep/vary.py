"""What a sweep varies: settings and their ranges, as one types them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ganwerk.checks import shown
from ganwerk.config import load, schema
from ganwerk.errors import ConfigError
from ganwerk.training.prepare import Request

Value = str | int | float | bool
_NUMBER = r"[-+]?(?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_RANGE = re.compile(rf"(log:)?({_NUMBER})\.\.({_NUMBER})")
_WHOLE = re.compile(r"[-+]?[0-9][0-9_]*")
_REMEDY = re.compile(r"remedy\.([^.]*[^.0-9][^.]*)\.(.+)")
EXAMPLES = (
    "--vary remedy.r1.weight=log:0.01..10, --vary latent.dim=16..128, "
    "--vary game.loss=hinge,relativistic"
)

FIXED = {
    "run.seed": "several seeds for each setting are --seeds 0,1,2",
    "data.resolution": "pictures of other sizes cannot be compared",
    "data.channels": "pictures of other channels cannot be compared",
    "data.fit": "trainings are measured against the same pictures",
    "data.rename": "trainings are measured against the same classes",
    **{f"budget.{kind}": "trainings of one sweep have one budget" for kind in schema.BUDGETS},
    **{key: "it changes nothing that is computed" for key in schema.FREE},
}
"""Settings that cannot be varied, and why."""


@dataclass(frozen=True)
class Vary:
    """A setting and what it may be: a range, whole or not, even or in its logarithm, or choices."""

    key: str
    kind: Literal["float", "int", "choice"]
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    choices: tuple[Value, ...] = ()

    @property
    def ends(self) -> tuple[Value, ...]:
        """The values that show whether all are allowed."""
        if self.kind == "choice":
            return self.choices
        return (int(self.low), int(self.high)) if self.kind == "int" else (self.low, self.high)


def parse(text: str) -> Vary:
    """'KEY=0.1..0.9', 'KEY=log:1e-4..1e-2', 'KEY=16..128', 'KEY=a,b,c'. Raises ConfigError."""
    key, equals, what = (part.strip() for part in text.partition("="))
    if not (key and equals and what):
        raise ConfigError(
            f"--vary {shown(text)} does not say what a setting may be.", f"For example: {EXAMPLES}"
        )
    found = _RANGE.fullmatch(what)
    if found is None:
        return _choices(key, what)
    low, high = float(found[2]), float(found[3])
    whole = all(_WHOLE.fullmatch(end) for end in (found[2], found[3]))
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ConfigError(
            f"--vary {shown(text)} is no range: it must go from a smaller to a larger number.",
            f"Write the smaller number first: --vary {key}={found[1] or ''}{found[3]}..{found[2]}",
        )
    if found[1] and low <= 0:
        raise ConfigError(
            f"--vary {shown(text)} cannot be: a logarithm needs numbers above 0.",
            f"Begin above 0, or leave log: out: --vary {key}={found[2]}..{found[3]}",
        )
    return Vary(key, "int" if whole else "float", low, high, bool(found[1]))


def _choices(key: str, what: str) -> Vary:
    texts = list(dict.fromkeys(part.strip() for part in what.split(",")))
    if len(texts) < 2 or not all(texts):
        raise ConfigError(
            f"--vary {shown(key)}={shown(what)} leaves nothing to vary.",
            f"Give a range or several values: {EXAMPLES}\nOne value alone is --set {key}={what}",
        )
    return Vary(key, "choice", choices=tuple(texts))


def check(varied: Sequence[Vary], request: Request) -> None:
    """Raises ConfigError for a setting that there is not, a value that it cannot have, one that is
    varied twice, and one that cannot be compared."""
    keys = [vary.key for vary in varied]
    if not keys:
        raise ConfigError("A sweep varies at least one setting.", f"For example: {EXAMPLES}")
    for vary in varied:
        if keys.count(vary.key) > 1:
            raise ConfigError(f"{vary.key} is varied twice.", "Keep one of them.")
        if vary.key in FIXED:
            raise ConfigError(f"{vary.key} cannot be varied.", f"{FIXED[vary.key]}.".capitalize())
        for value in vary.ends:
            asked = with_values(request, {vary.key: value})
            load.collect(
                preset=asked.preset, file=asked.file, remedies=asked.remedies, flags=asked.flags,
                sets=asked.sets,
            )  # fmt: skip


def with_values(request: Request, values: Mapping[str, Value]) -> Request:
    """The request with these settings: 'preset', 'remedy.NAME.SETTING', or any other key."""
    remedies, sets, preset = list(request.remedies), list(request.sets), request.preset
    for key, value in values.items():
        remedy = _REMEDY.fullmatch(key)
        if key == "preset":
            preset = str(value)
        elif remedy:
            remedies.append(f"{remedy[1]}:{remedy[2]}={written(value)}")
        else:
            sets.append(f"{key}={written(value)}")
    return replace(request, preset=preset, remedies=tuple(remedies), sets=tuple(sets))


def written(value: Value) -> str:
    """A value as it stands in a settings file or a remedy."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def suggested(trial: Any, varied: Sequence[Vary]) -> dict[str, Value]:
    """The values that Optuna suggests for a trial; those it has already stay."""
    values: dict[str, Value] = {}
    for vary in varied:
        if vary.kind == "choice":
            values[vary.key] = trial.suggest_categorical(vary.key, vary.choices)
        elif vary.kind == "int":
            low, high = int(vary.low), int(vary.high)
            values[vary.key] = trial.suggest_int(vary.key, low, high, log=vary.log)
        else:
            values[vary.key] = trial.suggest_float(vary.key, vary.low, vary.high, log=vary.log)
    return values
