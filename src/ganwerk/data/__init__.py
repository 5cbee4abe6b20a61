"""Pictures in, batches out: sources, decoding, health report, cache, hold-out and sampling.

Names are looked up when they are first used, so that importing `ganwerk.data` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganwerk.data.feeder import Feeder
    from ganwerk.data.health import HealthLine, HealthReport, Unreadable
    from ganwerk.data.load import load_pictures, scan
    from ganwerk.data.named import NAMED_SETS
    from ganwerk.data.pictures import Changes, Pictures, changed_files
    from ganwerk.data.sampler import Sampler, split

_HOME = {
    "NAMED_SETS": "named",
    "Changes": "pictures",
    "Feeder": "feeder",
    "HealthLine": "health",
    "HealthReport": "health",
    "Pictures": "pictures",
    "Sampler": "sampler",
    "Unreadable": "health",
    "changed_files": "pictures",
    "load_pictures": "load",
    "scan": "load",
    "split": "sampler",
}

__all__ = [
    "NAMED_SETS",
    "Changes",
    "Feeder",
    "HealthLine",
    "HealthReport",
    "Pictures",
    "Sampler",
    "Unreadable",
    "changed_files",
    "load_pictures",
    "scan",
    "split",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ganwerk.data' has no attribute {name!r}")
    return getattr(import_module(f"ganwerk.data.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
