"""The page itself, and its entrance."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from ganwerk.web.site import MOST_BODY_BYTES, Site

STATIC = Path(__file__).with_name("static")
WRONG_SECONDS = 1.0
"""What a wrong password costs."""

_ONE_YEAR = 366 * 24 * 3600


def routes() -> list[Route]:
    return [Route("/", page), Route("/enter", entrance), Route("/enter", enter, methods=["POST"])]


async def page(request: Request) -> Response:
    """The page; with the token of the printed address it gives the cookie first."""
    token = request.query_params.get("token")
    if token is None:
        return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})
    access = Site.of(request).access
    known = request.cookies.get(access.cookie_name) == access.cookie
    if not access.accepts_token(token):
        return RedirectResponse("/" if known else "/enter", 303)
    return _with_cookie(RedirectResponse("/", 303), request)


async def entrance(request: Request) -> Response:
    name = "enter.html" if Site.of(request).access.password is not None else "closed.html"
    return FileResponse(STATIC / name)


async def enter(request: Request) -> Response:
    """The password, as the form of the entrance sends it."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > MOST_BODY_BYTES:
            return Response(status_code=413)
    given = parse_qs(content.decode("utf-8", "replace")).get("password", [""])[0]
    site = Site.of(request)
    async with site.entering:  # one attempt at a time, however many ask at once
        if not site.access.accepts_password(given):
            await asyncio.sleep(WRONG_SECONDS)
            return RedirectResponse("/enter?wrong", 303)
    return _with_cookie(RedirectResponse("/", 303), request)


def _with_cookie(response: Response, request: Request) -> Response:
    access = Site.of(request).access
    response.set_cookie(
        access.cookie_name, access.cookie, max_age=_ONE_YEAR, httponly=True, samesite="strict"
    )
    return response
