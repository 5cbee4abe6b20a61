"""Whose picture is drawn next: the requests that wait for one generator.

Of each asker only the latest request counts. Urgent ones (a slider in a hand) come first; of the
others each gives one picture in turn, so that a sheet of a hundred does not keep single ones
waiting.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

MOST_ASKERS, MOST_PICTURES = 1_000, 256


@dataclass(eq=False)
class Request:
    """number: of the request, told in each answer. asker: a name for whoever waits for it, a tab
    and its place on the page. parts: what is drawn for it, one after the other. done, answered: how
    many of them were given out, and were answered."""

    number: int
    asker: str
    parts: tuple[Any, ...]
    urgent: bool = False
    done: int = field(default=0, init=False)
    answered: int = field(default=0, init=False)

    @property
    def left(self) -> int:
        return len(self.parts) - self.done


@dataclass(frozen=True)
class Piece:
    """Part number `index` of a request, now to be drawn."""

    request: Request
    index: int

    @property
    def part(self) -> Any:
        return self.request.parts[self.index]


class RequestQueue:
    """All requests that are not finished."""

    def __init__(self) -> None:
        self._of_asker: dict[str, Request] = {}
        self._turns: deque[Request] = deque()

    def __len__(self) -> int:
        """Pictures to draw."""
        return sum(request.left for request in self._of_asker.values())

    def add(self, request: Request) -> Request | None:
        """Returns the request that is dropped: the asker's former one, or this one where too many
        wait already."""
        former = self._of_asker.get(request.asker)
        if former is None and len(self._of_asker) >= MOST_ASKERS:
            return request
        if former is not None:
            self._turns.remove(former)
        self._of_asker[request.asker] = request
        self._turns.append(request)
        return former

    def drop(self, asker: str, number: int) -> Request | None:
        """Nobody waits for this request any more; a newer one of the asker stays."""
        former = self._of_asker.get(asker)
        if former is None or former.number != number:
            return None
        del self._of_asker[asker]
        self._turns.remove(former)
        return former

    def take(self, most: int, most_urgent: int) -> list[Piece]:
        """What is drawn next, together: what is urgent, up to `most_urgent`, and nothing beside it,
        so that it takes no longer; else what has waited longest, up to `most`."""
        pieces: list[Piece] = []
        for request in [each for each in self._turns if each.urgent]:
            while request.left and len(pieces) < most_urgent:
                pieces.append(self._next(request))
        if pieces:
            return pieces
        while len(pieces) < most and self._turns:
            request = self._turns[0]
            pieces.append(self._next(request))
            if request.left:
                self._turns.rotate(-1)
        return pieces

    def _next(self, request: Request) -> Piece:
        piece = Piece(request, request.done)
        request.done += 1
        if not request.left:
            self._turns.remove(request)
            del self._of_asker[request.asker]
        return piece
