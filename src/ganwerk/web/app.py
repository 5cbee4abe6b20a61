"""The application: the routes of all parts behind the guard."""

from __future__ import annotations

import mimetypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ganwerk.errors import GanwerkError
from ganwerk.web import (
    control,
    details,
    events,
    explore,
    laboratory,
    new_run,
    pages,
    run_jobs,
    runs,
    share,
    styles,
    uploads,
)
from ganwerk.web.access import Guard
from ganwerk.web.child import all_gone
from ganwerk.web.run_table import NoSuchRunError
from ganwerk.web.site import Site, answer

STATIC = Path(__file__).with_name("static")

PARTS: tuple[ModuleType, ...] = (
    pages,
    runs,
    details,
    control,
    share,
    new_run,
    uploads,
    events,
    laboratory,
    explore,
    run_jobs,
    styles,
)
"""Each has `routes()`, the routes that it serves."""

for _kind, _ending in (("text/javascript", ".js"), ("text/javascript", ".mjs"),
                       ("application/wasm", ".wasm")):  # fmt: skip
    mimetypes.add_type(_kind, _ending)  # Windows may know others, which browsers refuse


class Files(StaticFiles):
    """The browser asks each time whether a file is still the same."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        response = super().file_response(*args, **options)
        response.headers["cache-control"] = "no-cache"
        return response


def build(site: Site) -> Starlette:
    """The application that shows `site`."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        for end in site.at_end:
            end()
        await all_gone()

    routes: list[Route | Mount] = [route for part in PARTS for route in part.routes()]
    routes.append(Mount("/static", Files(directory=STATIC)))
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, access=site.access)],
        exception_handlers={GanwerkError: _told, 404: _nothing, ClientDisconnect: _gone},
        lifespan=lifespan,
    )
    app.state.site = site
    return app


async def _told(_: Request, error: Exception) -> Response:
    """What a user can mend, as the page shows it."""
    assert isinstance(error, GanwerkError)
    status = 404 if isinstance(error, NoSuchRunError) else 400
    return answer({"error": error.message, "hint": error.hint}, status)


async def _gone(_: Request, __: Exception) -> Response:
    """Nobody reads it: who asked has left in the middle of the question."""
    return Response(status_code=400)


async def _nothing(_: Request, __: Exception) -> Response:
    return answer({"error": "There is nothing here.", "hint": ""}, 404)
