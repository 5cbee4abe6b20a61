"""What the parts of the page share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse

from ganwerk.checks import shown
from ganwerk.errors import ConfigError
from ganwerk.web.access import Access
from ganwerk.web.cards import Cards
from ganwerk.web.history import Histories
from ganwerk.web.inspection import Inspection
from ganwerk.web.launches import Launches
from ganwerk.web.queries import Queries
from ganwerk.web.run_table import RunTable
from ganwerk.web.sources import Sources

MOST_BODY_BYTES = 1 << 16


class Ending(Protocol):
    """What has to be ended with the server."""

    def stop(self) -> None: ...


Part = TypeVar("Part", bound=Ending)


@dataclass
class Site:
    """folders: where runs are; the first takes new ones. roots: below which pictures may be chosen
    where they lie. stopping: whether the server is about to end. at_end: called when it does."""

    folders: Sequence[Path]
    roots: Sequence[Path]
    access: Access
    stopping: Callable[[], bool] = lambda: False
    at_end: list[Callable[[], None]] = field(default_factory=list)
    histories: Histories = field(default_factory=Histories)
    inspection: Inspection = field(default_factory=Inspection)
    queries: Queries = field(default_factory=Queries)
    entering: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    runs: RunTable = field(init=False)
    launches: Launches = field(init=False)
    sources: Sources = field(init=False)
    cards: Cards = field(init=False)
    _parts: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.runs = RunTable(self.folders)
        self.launches = Launches(self.runs.folders)
        self.cards = Cards(self.runs, self.launches)
        self.sources = Sources(self.roots, self.runs.home.parent / "pictures")
        self.at_end += [self.inspection.close, self.queries.close]

    def part(self, kind: Callable[[], Part]) -> Part:
        """What a part of the page keeps while it is served, made when first asked for."""
        if kind not in self._parts:
            self._parts[kind] = kind()
            self.at_end.append(self._parts[kind].stop)
        found: Part = self._parts[kind]
        return found

    @classmethod
    def of(cls, request: Request) -> Site:
        found: Site = request.app.state.site
        return found

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Goes on beside the answer."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def run(self, request: Request) -> Path:
        """The folder of the run that the address names. Raises NoSuchRunError."""
        return self.runs.path(request.path_params["run"])


def answer(value: Any, status: int = 200) -> JSONResponse:
    return JSONResponse(value, status)


async def json_body(request: Request) -> dict[str, Any]:
    """The JSON object that was sent. Raises ConfigError."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > MOST_BODY_BYTES:
            raise ConfigError(f"The request is larger than {MOST_BODY_BYTES:,} bytes.")
    try:
        value = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ConfigError("The request is no JSON object.")
    return value


def text(values: dict[str, Any], key: str, most: int = 200) -> str:
    """A text of a request, '' if it is not there. Raises ConfigError."""
    value = values.get(key, "")
    if not isinstance(value, str) or len(value) > most:
        raise ConfigError(
            f"{key} cannot be {shown(value)}.", f"Give a text of at most {most} letters."
        )
    return value
