"""Running out of memory, said in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ganwerk.errors import MachineError

_CPU_SIGNS = ("can't allocate memory", "not enough memory", "out of memory")


_TRAINING = (
    "Use a smaller --batch or --resolution, or close other programs. A run that had begun stands "
    "at its last checkpoint: ganwerk resume RUN."
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
