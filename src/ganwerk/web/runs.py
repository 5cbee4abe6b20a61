"""Runs: their list, their pictures, their files."""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ganwerk.doctor.table import kinds
from ganwerk.web.run_table import NoSuchRunError
from ganwerk.web.site import Site, answer


def routes() -> list[Route]:
    return [
        Route("/api/runs", listed),
        Route("/api/findings", findings),
        Route("/api/runs/{run}/grids/{images:int}", grid),
        Route("/api/runs/{run}/real", real),
    ]


async def listed(request: Request) -> Response:
    site = Site.of(request)
    cards = await asyncio.to_thread(site.cards.all)
    return answer({"runs": list(cards.values()), "home": site.runs.home.name})


async def findings(_: Request) -> Response:
    """What can go wrong in a training, as the doctor knows it."""
    shown = ("code", "name", "weight", "means", "looks_like", "why", "helps", "lab")
    told = [{key: getattr(kind, key) for key in shown} for kind in kinds().values()]
    return answer({"findings": told})


async def grid(request: Request) -> Response:
    """The grid after so many images. A resume may draw it anew, so the browser asks each time."""
    path = Site.of(request).run(request) / "pictures"
    return _picture(path / f"grid-{request.path_params['images']:09d}.png")


async def real(request: Request) -> Response:
    """The grid of real pictures."""
    return _picture(Site.of(request).run(request) / "pictures" / "real.png")


def _picture(path: Path) -> Response:
    if not path.is_file():
        raise NoSuchRunError("There is no such picture (any more).")
    return FileResponse(path, headers={"cache-control": "no-cache"})
