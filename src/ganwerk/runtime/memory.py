"""Running out of memory: foreseen where it can be, and said in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ganwerk.config import build
from ganwerk.config.schema import Settings
from ganwerk.errors import MachineError
from ganwerk.run.files import human_bytes
from ganwerk.runtime import machine

_CPU_SIGNS = ("can't allocate memory", "not enough memory", "out of memory")


_TRAINING = (
    "Use a smaller --batch or --resolution, or close other programs. A run that had begun stands "
    "at its last checkpoint: ganwerk resume RUN."
)


def require(needed_bytes: float, what: str, hint: str) -> None:
    """Raises MachineError if `what` takes more than the memory that is free now."""
    free = machine.facts("cpu").free_memory_bytes
    if needed_bytes > free:
        raise MachineError(
            f"{what} take about {human_bytes(int(needed_bytes))} of memory, and "
            f"{human_bytes(free)} are free.",
            hint,
        )


TRAINED_COPIES = 5
"""Of each weight: itself, its gradient, two moments, its average."""


def require_for_weights(
    settings: Settings, class_count: int, free_bytes: int, copies: int = TRAINED_COPIES
) -> None:
    """Raises MachineError if the networks of these settings take more memory than is free. It is
    counted before anything is allocated."""
    try:
        weights = sum(build.weight_counts(settings, class_count))
        what = f"{weights:,} weights, which take about {human_bytes(4 * copies * weights)}"
    except OverflowError:
        weights, what = 2**63, "more weights than any memory holds: over 8,000,000 TB"
    if 4 * copies * weights <= free_bytes:
        return
    sizes: list[tuple[int, str]] = [(settings.latent.dim, "latent.dim")]
    for name, value in settings.network:
        numbers = value if isinstance(value, tuple) else (value,)
        sizes += [(n, f"network.{name}") for n in numbers if type(n) is int]
    largest, key = max(sizes)
    raise MachineError(
        f"The networks would have {what} of memory; {human_bytes(free_bytes)} are free.",
        f"Make them smaller. Their largest number is {key} = {largest}: --set {key}=64",
    )


@contextmanager
def machine_errors(hint: str = _TRAINING) -> Iterator[None]:
    """Turns the frameworks' out-of-memory errors into MachineError with this hint."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _no_memory(str(error), hint) from error
    except RuntimeError as error:
        if any(sign in str(error).lower() for sign in _CPU_SIGNS):
            raise _no_memory(str(error), hint) from error
        raise


def _no_memory(reason: str, hint: str) -> MachineError:
    first = reason.splitlines()[0] if reason else "the system refused to give more"
    return MachineError(f"The memory did not suffice: {first}", hint)
