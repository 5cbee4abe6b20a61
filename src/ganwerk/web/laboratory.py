"""The laboratory: games played live, each in a process of its own while somebody watches."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ganwerk import checks
from ganwerk.errors import ConfigError, MachineError
from ganwerk.web.child import Child, GoneError
from ganwerk.web.framing import Message
from ganwerk.web.relay import relayed
from ganwerk.web.site import Site, answer, json_body, text

NAME = "ganwerk.web.player"
MOST_GAMES, MOST_METHODS = 3, 4
SPARE_SECONDS = 120.0
"""How long a process without a game is kept."""
BACKLOG = 4
"""Frames on their way to the page; a page that stands still holds up its game."""


class Games:
    """Who plays what. A process that has no game waits for the next one."""

    def __init__(self) -> None:
        self.playing: dict[str, Child] = {}
        self._spare: Child | None = None

    async def warm(self) -> None:
        """Have a process ready: starting one takes longer than the first frame may."""
        if self._spare is None:
            self._spare = Child(NAME, backlog=BACKLOG)
        self._spare.used = time.monotonic()
        await self._spare.start()
        asyncio.get_running_loop().call_later(SPARE_SECONDS + 1, self._tidy)

    def _take(self) -> Child:
        if len(self.playing) >= MOST_GAMES:
            raise MachineError(
                f"{MOST_GAMES} games are played already.", "Stop one, or close its page."
            )
        child, self._spare = self._spare or Child(NAME, backlog=BACKLOG), None
        return child

    async def play(self, head: dict[str, Any]) -> AsyncGenerator[Message]:
        """The frames of a game; the first message has its id. Raises MachineError."""
        child, game = self._take(), secrets.token_hex(8)
        self.playing[game] = child
        try:
            yield {"game": game}, b""
            async with aclosing(child.answers({**head, "do": "play", "asker": game})) as found:
                async for message in found:
                    yield message
        finally:
            del self.playing[game]
            if self._spare is None:
                self._spare = child
                child.used = time.monotonic()
                asyncio.get_running_loop().call_later(SPARE_SECONDS + 1, self._tidy)
            else:
                child.stop()

    def _tidy(self) -> None:
        """End a process that nobody has used for long."""
        spare = self._spare
        if spare is not None and time.monotonic() - spare.used > SPARE_SECONDS:
            self._spare = None
            spare.stop()

    def stop(self) -> None:
        for child in [*self.playing.values(), *([self._spare] if self._spare else [])]:
            child.stop()


def routes() -> list[Route]:
    return [
        Route("/api/lab/warm", warm, methods=["POST"]),
        Route("/api/lab/play", play, methods=["POST"]),
        Route("/api/lab/games/{game}", pace, methods=["POST"]),
    ]


async def warm(request: Request) -> Response:
    await Site.of(request).part(Games).warm()
    return answer({})


async def play(request: Request) -> Response:
    """experiment, preset, methods, seed, paused: a stream of messages (see web.player)."""
    site, values = Site.of(request), await json_body(request)
    methods = values.get("methods", [])
    if not isinstance(methods, list) or len(methods) > MOST_METHODS:
        raise ConfigError(f"At most {MOST_METHODS} methods can be compared.", "Take one away.")
    head: dict[str, Any] = {
        "experiment": text(values, "experiment"),
        "preset": text(values, "preset"),
        "methods": [text({"method": method}, "method") for method in methods],
        "seed": checks.whole(values.get("seed", 0), "seed", least=0, most=checks.MOST_SEEDS),
        "paused": values.get("paused") is True,
        "data_root": _digits(site),
    }
    if not re.fullmatch(r"[a-z]{1,20}", head["experiment"]):
        raise ConfigError("There is no such game.", "Choose ring, grid, line, dirac or stacked.")
    return relayed(site, site.part(Games).play(head))


def _digits(site: Site) -> str | None:
    """The folder of MNIST's files, where one lies below the roots; None: where ganwerk keeps it."""
    found: list[Path] = [root / "mnist" for root in site.roots if (root / "mnist").is_dir()]
    return str(found[0]) if found else None


async def pace(request: Request) -> Response:
    """paused, and most_per_second: steps, null for as many as can be."""
    values = await json_body(request)
    child = Site.of(request).part(Games).playing.get(request.path_params["game"])
    if child is None:
        raise ConfigError("This game is over.", "Play it again.")
    most = values.get("most_per_second")
    if most is not None:
        most = checks.amount(most, "most_per_second", least=0.1, most=1e6)
    paused = values.get("paused") is True
    with suppress(GoneError):  # its stream says so
        await child.tell({"do": "pace", "paused": paused, "most_per_second": most})
    return answer({})
