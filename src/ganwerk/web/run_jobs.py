"""Films of walks and projections of photos: works of minutes for a run, in folders of the run."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ganwerk import checks
from ganwerk.control.spec import read
from ganwerk.errors import ConfigError, RunError
from ganwerk.run.files import to_json, write_bytes
from ganwerk.web import jobs
from ganwerk.web.commands import command_line, display_path
from ganwerk.web.explore import MOST_STOPS
from ganwerk.web.site import Site, answer, json_body, text
from ganwerk.web.uploads import arriving
from ganwerk.web.worker import TASK

FOLDERS = {"films": "films", "projections": "projected"}
"""Where each kind of work lies in its run."""

SHOWN = {"film.webp", "film.mp4", "picture.png", "residual.png", "photo.png", "walk.mp4",
         "walk.webp"}  # fmt: skip
MOST_SECONDS = 120.0
STEPS = 300


def routes() -> list[Route]:
    found = [
        Route("/api/runs/{run}/films", film, methods=["POST"]),
        Route("/api/runs/{run}/projections", project, methods=["POST"]),
    ]
    for kind in FOLDERS:
        here = f"/api/runs/{{run}}/{kind}"
        found += [
            Route(here, listed),
            Route(f"{here}/{{key}}", one),
            Route(f"{here}/{{key}}/stop", stop, methods=["POST"]),
            Route(f"{here}/{{key}}/{{file}}", file),
        ]
    return found


def _parent(request: Request) -> Path:
    kind = request.url.path.split("/")[4]
    return Site.of(request).run(request) / FOLDERS[kind]


def _start(folder: Path, run: Path, command: str, do: str, **how: object) -> Response:
    write_bytes(folder / TASK, to_json({"do": do, "run": str(run), **how}), durable=False)
    jobs.begin(folder, [sys.executable, "-m", "ganwerk.web.worker", str(folder)], command)
    return answer(jobs.standing(folder))


async def film(request: Request) -> Response:
    """stops: specs to walk past; seconds; loop."""
    run, values = Site.of(request).run(request), await json_body(request)
    stops = values.get("stops")
    if not isinstance(stops, list) or not 2 <= len(stops) <= MOST_STOPS:
        raise ConfigError(f"A film passes 2 to {MOST_STOPS} pictures.", "Pin another picture.")
    specs = [str(read(text({"stop": stop}, "stop", 4_000))) for stop in stops]
    seconds = checks.amount(values.get("seconds", 6), "seconds", most=MOST_SECONDS, above=True)
    loop = values.get("loop") is not False
    folder = jobs.make(run / FOLDERS["films"], "walk")
    name = "walk.mp4"
    files = [folder / f"stop-{number:02d}.safetensors" for number in range(1, len(specs) + 1)]
    arguments = ["interpolate", display_path(run), "--seeds", ",".join(map(display_path, files)),
                 "--seconds", f"{seconds:g}", *([] if loop else ["--no-loop"]),
                 "--out", display_path(folder / name)]  # fmt: skip
    command, how = command_line(arguments), {"name": name, "seconds": seconds, "loop": loop}
    return _start(folder, run, command, "film", stops=specs, **how)


async def project(request: Request) -> Response:
    """The body is a photo: its place is looked for."""
    run = Site.of(request).run(request)
    folder = jobs.make(run / FOLDERS["projections"], "photo")
    try:
        async with arriving(request, folder, "The photo") as (file, _):
            os.replace(file, folder / "photo.png")
    except BaseException:
        folder.rmdir()
        raise
    photo = display_path(folder / "photo.png")
    arguments = ["project", display_path(run), photo, "--out", display_path(folder)]
    return _start(folder, run, command_line(arguments), "project", photo="photo.png", steps=STEPS)


def _folder(request: Request) -> Path:
    return jobs.find(_parent(request), request.path_params["key"])


async def listed(request: Request) -> Response:
    return answer({"jobs": await asyncio.to_thread(jobs.listed, _parent(request))})


async def one(request: Request) -> Response:
    return answer(await asyncio.to_thread(jobs.standing, _folder(request)))


async def stop(request: Request) -> Response:
    jobs.stop(_folder(request))
    return answer({"stopping": True})


async def file(request: Request) -> Response:
    name = request.path_params["file"]
    path = _folder(request) / name
    if name not in SHOWN or not path.is_file():
        raise RunError("There is no such file (any more).")
    return FileResponse(path, headers={"cache-control": "no-cache"})
