"""Style transfer on the page: a photo and a painting in, previews as they come, a result."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ganwerk import checks
from ganwerk.errors import ConfigError, RunError, did_you_mean
from ganwerk.web import jobs
from ganwerk.web.commands import argv, command_line, display_path
from ganwerk.web.site import Site, answer, json_body, text
from ganwerk.web.uploads import arriving

FOLDER = "styles"
"""Beside the runs; each transfer is a folder in it."""

PICTURES = {"photo": "photo.png", "painting": "painting.png", "result": "result.png"}
COLOURS = ("style", "keep", "luma", "moments", "histogram")
SIDES = (64, 2048)


def routes() -> list[Route]:
    return [
        Route("/api/styles", listed),
        Route("/api/styles", make, methods=["POST"]),
        Route("/api/styles/{key}", one),
        Route("/api/styles/{key}/start", start, methods=["POST"]),
        Route("/api/styles/{key}/stop", stop, methods=["POST"]),
        Route("/api/styles/{key}/{which}", picture),
        Route("/api/styles/{key}/{which}", take, methods=["PUT"]),
    ]


def _home(request: Request) -> Path:
    return Site.of(request).runs.home / FOLDER


def _folder(request: Request) -> Path:
    return jobs.find(_home(request), request.path_params["key"])


async def listed(request: Request) -> Response:
    return answer({"jobs": await asyncio.to_thread(jobs.listed, _home(request))})


async def make(request: Request) -> Response:
    """A folder for the two pictures."""
    return answer({"key": jobs.make(_home(request), "style").name})


async def take(request: Request) -> Response:
    """One of the two pictures, its bytes as the body."""
    folder, which = _folder(request), request.path_params["which"]
    if which not in ("photo", "painting"):
        raise ConfigError("A transfer takes a photo and a painting.")
    if (folder / jobs.JOB).exists():
        raise RunError("This transfer has begun already.", "Begin another one.")
    async with arriving(request, folder, f"The {which}") as (file, size):
        os.replace(file, folder / PICTURES[which])
    return answer({"bytes": size})


async def start(request: Request) -> Response:
    """strength, colours, size_px. The same again after a stop goes on."""
    folder, values = _folder(request), await json_body(request)
    for which in ("photo", "painting"):
        if not (folder / PICTURES[which]).is_file():
            raise ConfigError(f"The {which} is missing.", f"Choose a {which} first.")
    if jobs.standing(folder)["state"] == "running":
        raise RunError("This transfer is at work already.")
    strength = checks.amount(values.get("strength", 0.5), "strength", most=1.0)
    colours = text(values, "colours") or "style"
    if colours not in COLOURS:
        raise ConfigError(
            f"Colours cannot be {checks.given(colours)}.", did_you_mean(colours, COLOURS)
        )
    size = checks.whole(values.get("size_px", 512), "size_px", least=SIDES[0], most=SIDES[1])
    photo, painting, result = (display_path(folder / name) for name in PICTURES.values())
    arguments = ["style", photo, "--style", painting, "--strength", f"{strength:g}",
                 "--colours", colours, "--size", str(size), "--out", result]  # fmt: skip
    again = ["--resume"] if (folder / jobs.JOB).exists() else []
    about = {"strength": strength, "colours": colours, "size_px": size}
    arguments += again
    jobs.begin(folder, argv([*arguments, "--json"]), command_line(arguments), **about)
    return answer(jobs.standing(folder))


async def one(request: Request) -> Response:
    return answer(await asyncio.to_thread(jobs.standing, _folder(request)))


async def stop(request: Request) -> Response:
    jobs.stop(_folder(request))
    return answer({"stopping": True})


async def picture(request: Request) -> Response:
    """photo, painting, result, or preview: the newest that there is of the result."""
    folder, which = _folder(request), request.path_params["which"]
    if which == "preview":
        previews = [*folder.glob("result*preview*"), folder / PICTURES["result"]]
        found = [path for path in previews if path.is_file()]
        if not found:
            return Response(status_code=204)
        path = max(found, key=lambda file: file.stat().st_mtime)
    else:
        path = folder / PICTURES.get(which, "")
    if not path.is_file():
        raise RunError("There is no such picture yet.")
    return FileResponse(path, headers={"cache-control": "no-cache"})
