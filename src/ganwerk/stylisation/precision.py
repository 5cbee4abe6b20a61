"""Float32 or bfloat16 for the convolutions: whatever takes less time here."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from ganwerk.style.backbones import Encoder
from ganwerk.values import MachineFacts

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
MUST_SAVE = 0.1
ROUNDS = 2


@torch.no_grad()
def fastest(make: Callable[[torch.dtype], Encoder], picture: Tensor, facts: MachineFacts) -> str:
    """Times the features of a picture (1, 3, H, W), both kinds in turn; float32 without timing
    where the machine has no units for bfloat16.

    The way back is convolutions of the same sizes, and the losses are float32 in either case, so
    neither is timed: whoever waits for the first preview waits for this."""
    if not (facts.bf16_units or facts.device.startswith("cuda")):
        return "float32"
    encoders = {name: make(kind) for name, kind in PRECISIONS.items()}
    seconds = dict.fromkeys(PRECISIONS, float("inf"))
    for round_ in range(1 + ROUNDS):
        for name, encoder in encoders.items():
            start = time.perf_counter()
            last = encoder(picture)[encoder.last]
            float(last[0, 0, 0, 0])  # waits for a graphics card
            if round_:  # the first one also builds the kernels
                seconds[name] = min(seconds[name], time.perf_counter() - start)
    wins = seconds["bfloat16"] < (1 - MUST_SAVE) * seconds["float32"]
    return "bfloat16" if wins else "float32"
