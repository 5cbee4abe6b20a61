"""How many threads decode, and what one thread gets at a time."""

from __future__ import annotations

import os

GROUP = 64
"""Files handed to a thread in one piece: large enough to hide the handing over."""


def worker_count() -> int:
    """One thread per core this process may use, at most 16. Decoding releases Python's lock."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        cores = os.cpu_count() or 1
    return max(1, min(16, cores))
