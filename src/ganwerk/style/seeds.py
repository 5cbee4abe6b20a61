"""Random numbers as a function of (purpose, seed, counter): nothing to save, nothing to lose."""

from __future__ import annotations

from hashlib import blake2b

import torch


def generator(purpose: str, counter: int, seed: int = 0) -> torch.Generator:
    """Its numbers do not depend on anything drawn before."""
    digest = blake2b(f"{purpose} {seed} {counter}".encode(), digest_size=7).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big"))
