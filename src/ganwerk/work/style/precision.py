"""Float32 or bfloat16 for the convolutions: whatever takes less time here."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from ganwerk.style.objective import Objective
from ganwerk.values import MachineFacts

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
MUST_SAVE = 0.1
ROUNDS = 2


def fastest(make: Callable[[torch.dtype], Objective], picture: torch.Tensor,
            facts: MachineFacts) -> str:  # fmt: skip
    """Times closures of both kinds in turn and takes the faster one; float32 without timing where
    the machine has no units for bfloat16."""
    if not (facts.bf16_units or facts.device.startswith("cuda")):
        return "float32"
    objectives = {name: make(kind) for name, kind in PRECISIONS.items()}
    seconds = dict.fromkeys(PRECISIONS, float("inf"))
    for objective in objectives.values():
        objective(picture)
    for _ in range(ROUNDS):
        for name, objective in objectives.items():
            start = time.perf_counter()
            objective(picture)
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    wins = seconds["bfloat16"] < (1 - MUST_SAVE) * seconds["float32"]
    return "bfloat16" if wins else "float32"
