"""A number with everything it depends on, so that nobody compares what cannot be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ganwerk.errors import ConfigError

FEW_FOR_FRECHET = 10_000


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a number was measured. Two numbers compare only if all of this is the same.

    extractor: name and version, 'pixelpca64-v1', '' for measures on pixels. weights: digest of its
    weights. reference: digest of the real pictures. split: which of them ('train', 'held-out',
    'all'). n_real, n_fake: how many of each. channels, resolution: of the pictures that went in.
    resize: how they came to the size the extractor wants. options: of the metric. versions: of the
    libraries that compute. seed: of the draws.
    """

    metric: str
    extractor: str
    weights: str
    reference: str
    split: str
    n_real: int
    n_fake: int
    channels: int
    resolution: int
    resize: str
    seed: int
    options: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Floor:
    """What a perfect generator would score: real pictures against other real pictures, as many of
    each. mean and deviation over `repeats` random halves."""

    mean: float
    deviation: float
    repeats: int


@dataclass(frozen=True, slots=True)
class Record:
    """One measured value with its standard error, its floor and its protocol.

    name: as it is shown, 'FD[pixelpca64-v1]'; FID only for the Inception network of 2015. better:
    'lower', 'higher' or 'floor' (as near the floor as can be). z: distance to the floor in
    deviations of the floor; None where there is no floor.
    """

    name: str
    value: float
    error: float | None
    better: str
    protocol: Protocol
    floor: Floor | None = None
    z: float | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Record:
        """The inverse of `to_dict`. Raises KeyError or TypeError for other things."""
        floor = values["floor"]
        changed = {
            "protocol": Protocol(**values["protocol"]),
            "floor": None if floor is None else Floor(**floor),
            "notes": tuple(values["notes"]),
        }
        return cls(**{**values, **changed})


def differences(a: Protocol, b: Protocol) -> list[str]:
    """'n_fake: 1000 and 5000', for everything that differs."""
    return [
        f"{part.name}: {getattr(a, part.name)} and {getattr(b, part.name)}"
        for part in fields(Protocol)
        if getattr(a, part.name) != getattr(b, part.name)
    ]


def compare(a: Record, b: Record) -> float:
    """How much larger b's value is than a's. Raises ConfigError if they were measured differently,
    naming every difference."""
    found = differences(a.protocol, b.protocol)
    if found:
        raise ConfigError(
            f"{a.name} and {b.name} were measured differently and do not compare: "
            + "; ".join(found)
            + ".",
            "Measure both anew in the same way.",
        )
    return b.value - a.value
