"""Activations that are computed again in the backward pass instead of being kept.

Chen et al. 2016, Training deep nets with sublinear memory cost. Networks here draw no random
numbers of their own, so a second pass gives the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint


def recomputed(compute: Callable[..., Any], *given: Any) -> Any:
    """compute(*given), without what its backward pass would need; that is computed again then."""
    if not torch.is_grad_enabled():
        return compute(*given)
    return checkpoint(compute, *given, use_reentrant=False, preserve_rng_state=False)
