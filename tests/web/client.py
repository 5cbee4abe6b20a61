"""A browser without a browser: requests straight to the application."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
from anyio.from_thread import start_blocking_portal

from ganwerk.web.access import Access
from ganwerk.web.app import build
from ganwerk.web.site import Site

ORIGIN = "http://127.0.0.1:8765"
SAME = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
"""What a browser says of requests that the page itself makes."""


class Client:
    """Requests to the application of `site`, one after the other, in the event loop of a thread of
    its own: Playwright has one in this."""

    def __init__(self, site: Site, headers: Mapping[str, str] = SAME, known: bool = True) -> None:
        self.app = build(site)
        self._open = ExitStack()
        self._portal = self._open.enter_context(start_blocking_portal())
        self._open.callback(self._portal.call, _children_gone)
        life = self.app.router.lifespan_context(self.app)
        self._open.enter_context(self._portal.wrap_async_context_manager(life))
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url=ORIGIN,
            headers=dict(headers),
            cookies={site.access.cookie_name: site.access.cookie} if known else {},
        )

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._portal.call(partial(self._http.request, method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def close(self) -> None:
        self._portal.call(self._http.aclose)
        self._open.close()


async def _children_gone() -> None:
    """The processes of a closed application have ended, so that nothing of them stays open."""
    for _ in range(100):
        if not _children():
            break
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.02)


def _children() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if any(word.startswith("ganwerk.web.") for word in child.cmdline()):
                found.append(child)
    return found


def access(**options: Any) -> Access:
    return Access("127.0.0.1", 8765, b"s" * 32, **options)


def site_of(run: Path, folder: Path) -> Site:
    """A folder of runs with a copy of this one in it, and who may open it."""
    runs = folder / "runs"
    shutil.copytree(run, runs / "digits")
    return Site((runs,), (folder,), access())
