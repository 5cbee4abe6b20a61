"""What is taken away from a run: its report, and a page that draws in anybody's browser."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ganwerk.errors import RunError
from ganwerk.run.files import disk_errors
from ganwerk.web.commands import argv, display_path
from ganwerk.web.launches import FOLDER, session
from ganwerk.web.site import Site, answer

HTML = "text/html; charset=utf-8"


def routes() -> list[Route]:
    return [
        Route("/api/runs/{run}/report", report),
        Route("/api/runs/{run}/publish", publish, methods=["POST"]),
        Route("/api/runs/{run}/published", published),
    ]


async def report(request: Request) -> Response:
    """The report in one HTML file, written now, to be saved."""
    path = Site.of(request).run(request)
    folder = Path(tempfile.mkdtemp(prefix="ganwerk-report-"))
    target = folder / "report.html"
    process = await asyncio.create_subprocess_exec(
        *argv(["report", display_path(path), "--out", str(target)]),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE, **session(),
    )  # fmt: skip
    _, said = await process.communicate()
    if not target.is_file():
        _clear(folder)
        words = said.decode("utf-8", "replace").strip().removeprefix("error: ")
        raise RunError(words or "The report could not be written.")
    return FileResponse(
        target, filename=f"{path.name}.html", media_type=HTML,
        background=BackgroundTask(_clear, folder),
    )  # fmt: skip


def _clear(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink(missing_ok=True)
    folder.rmdir()


async def publish(request: Request) -> Response:
    """Begin to make the run a page in one file. Returns the id of the question whose answer says
    that it is there."""
    site = Site.of(request)
    path = site.run(request)
    target = _page_of(path)
    with disk_errors(target):
        target.parent.mkdir(exist_ok=True)
    arguments = ["publish", display_path(path), display_path(target), "--one-file", "--json"]
    return answer({"id": site.queries.submit(arguments, anew=True)})


async def published(request: Request) -> Response:
    """The page that was made last, to be saved."""
    path = Site.of(request).run(request)
    target = _page_of(path)
    if not target.is_file():
        raise RunError(f"{path.name} was not made a page yet.", "Publish it first.")
    return FileResponse(target, filename=f"{path.name}.html", media_type=HTML)


def _page_of(run: Path) -> Path:
    return run.parent / FOLDER / f"{run.name}.html"
