"""The one stream of a tab: cards of all runs, and the journal of the run that is looked at.

Server-sent events by hand. `id:` is the run and the offset in its journal, which the browser sends
back after a break: whatever happened to the server, no row comes twice and none is lost.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from ganwerk.web.cards import Cards
from ganwerk.web.site import Site
from ganwerk.web.tail import rows_after

PAUSE_SECONDS = 0.15
"""Between two looks at the files; how late a row can be, and how long the server takes to end."""

QUIET_SECONDS = 15
"""After so long without news a line is sent, so that a connection that died is noticed."""

RETRY_MS = 500


def routes() -> list[Route]:
    return [Route("/events", events)]


async def events(request: Request) -> StreamingResponse:
    """run: the id of the one to follow; from: the offset in its journal to begin at."""
    site = Site.of(request)
    run = request.query_params.get("run", "")
    offset = _offset(request, run)
    path = site.runs.all().get(run)  # one that is gone has no rows, and its card says so
    feed = Feed(site.cards, path, run, offset)
    return StreamingResponse(
        _lines(feed, site.stopping),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no"},
    )


def _offset(request: Request, run: str) -> int | None:
    """Where to go on: what the browser had when the connection broke, else what was asked for."""
    before, _, at = request.headers.get("last-event-id", "").partition(":")
    given = at if before == run and at else request.query_params.get("from", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 16 else None


class Feed:
    """What one tab has been told."""

    def __init__(self, cards: Cards, path: Path | None, run: str, offset: int | None) -> None:
        self._cards, self._run, self._offset = cards, run, offset
        self._journal = path / "journal.jsonl" if path else None
        if self._journal and offset is None:
            self._offset = self._journal.stat().st_size if self._journal.exists() else 0
        self._shown: dict[str, dict[str, Any]] | None = None

    def news(self) -> list[str]:
        """Events, as they go over the wire."""
        return [*self._rows(), *self._changes()]

    def _rows(self) -> list[str]:
        if self._journal is None or self._offset is None:
            return []
        rows, offset = rows_after(self._journal, self._offset)
        if offset < 0:  # another journal stands there now
            self._offset = None
            return [event("reset", self._run)]
        self._offset = offset
        return [event("rows", rows, f"{self._run}:{offset}")] if rows else []

    def _changes(self) -> list[str]:
        """Cards that changed, and which runs are gone; all of them at first."""
        cards = self._cards.all()
        if self._shown is None:
            self._shown = cards
            return [event("runs", list(cards.values()))]
        changed = [card for run, card in cards.items() if self._shown.get(run) != card]
        gone = [run for run in self._shown if run not in cards]
        self._shown = cards
        return [event("changes", {"runs": changed, "gone": gone})] if changed or gone else []


def event(name: str, value: Any, place: str = "") -> str:
    """One event. JSON has no line breaks, so it is one line of data."""
    head = f"id: {place}\n" if place else ""
    return f"{head}event: {name}\ndata: {json.dumps(value, separators=(',', ':'))}\n\n"


async def _lines(feed: Feed, stopping: Callable[[], bool]) -> AsyncIterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    quiet = 0.0
    while not stopping():
        news = await asyncio.to_thread(feed.news)
        for line in news:
            yield line
        quiet = 0.0 if news else quiet + PAUSE_SECONDS
        if quiet >= QUIET_SECONDS:
            quiet = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(PAUSE_SECONDS)
