"""ganwerk: train a generative adversarial network on your own pictures.

>>> run = ganwerk.train("fruits/", minutes=5)      # doctest: +SKIP
>>> pictures = run.sample(seeds=range(16))         # doctest: +SKIP
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganwerk.api import Trained, diagnose, finetune, open_run, plan, resume, train
    from ganwerk.errors import GanwerkError
    from ganwerk.stylisation.api import Stylised, stylise

__version__ = "0.1.0"

# Threads that wait for each other by spinning hold up a machine that has other things to do: with
# two busy neighbours on two cores a small matrix product takes seven times longer. A short spin
# and then sleep costs an idle machine little (docs/benchmarks.md). Read when torch is loaded.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")

_HOME = {
    "GanwerkError": "ganwerk.errors",
    "Stylised": "ganwerk.stylisation.api",
    "Trained": "ganwerk.api",
    "diagnose": "ganwerk.api",
    "finetune": "ganwerk.api",
    "open_run": "ganwerk.api",
    "plan": "ganwerk.api",
    "resume": "ganwerk.api",
    "stylise": "ganwerk.stylisation.api",
    "train": "ganwerk.api",
}

__all__ = [
    "GanwerkError", "Stylised", "Trained", "diagnose", "finetune", "open_run", "plan", "resume",
    "stylise", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Names are loaded when first used: importing ganwerk costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'ganwerk' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
