"""What is left of one game."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Tell = Callable[[float], None]
"""Is called with the share of a game that is done."""

Facts = dict[str, float | int | None]


@dataclass(frozen=True)
class Trial:
    """facts: measured at the end, None where there is nothing to measure. arrays: for figures."""

    facts: Facts
    arrays: dict[str, NDArray[np.generic]]
