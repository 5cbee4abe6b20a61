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


def fastest(make: Callable[[torch.dtype], Encoder], picture: Tensor, facts: MachineFacts) -> str:
    """Times the features of a picture (1, 3, H, W) and the way back to it, both kinds in turn;
    float32 without timing where the machine has no units for bfloat16.

    The losses are float32 in either case and are left out."""
    if not (facts.bf16_units or facts.device.startswith("cuda")):
        return "float32"
    encoders = {name: make(kind) for name, kind in PRECISIONS.items()}
    seconds = dict.fromkeys(PRECISIONS, float("inf"))
    for encoder in encoders.values():
        _there_and_back(encoder, picture)
    for _ in range(ROUNDS):
        for name, encoder in encoders.items():
            start = time.perf_counter()
            _there_and_back(encoder, picture)
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    wins = seconds["bfloat16"] < (1 - MUST_SAVE) * seconds["float32"]
    return "bfloat16" if wins else "float32"


def _there_and_back(encoder: Encoder, picture: Tensor) -> float:
    """Ends when the gradient is there, on a graphics card too."""
    leaf = picture.detach().requires_grad_()
    features = list(encoder(leaf).values())
    (gradient,) = torch.autograd.grad(features, leaf, [torch.ones_like(f) for f in features])
    return float(gradient.sum())
