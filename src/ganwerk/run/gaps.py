"""Reading what is there of a run: the rest becomes a gap, not an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ganwerk.errors import GanwerkError

T = TypeVar("T")


class Gaps(list[str]):
    """What could not be read, in words."""

    def read(self, part: Callable[[], T], otherwise: T) -> T:
        """What `part` returns, or `otherwise` where it raises a GanwerkError."""
        try:
            return part()
        except GanwerkError as error:
            self.append(error.message)
            return otherwise
