"""Pictures that are dropped on the page: one a request, checked by the inspector, complete or not
there at all."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ganwerk.data.formats import is_picture_name
from ganwerk.errors import ConfigError, DataError, GanwerkError, MachineError
from ganwerk.run.files import disk_errors, free_bytes, human_bytes
from ganwerk.web.run_table import id_of
from ganwerk.web.site import Site, answer, json_body, text
from ganwerk.web.sources import safe_path

MOST_FILE_BYTES = 64 << 20
KEPT_FREE_BYTES = 1 << 28
"""The disk is never filled to its end: trainings have to save."""

SLOW_SECONDS = 20
"""Without a byte for so long an upload is given up."""

ARRIVING = ".arriving"


def routes() -> list[Route]:
    return [
        Route("/api/sets", listed),
        Route("/api/sets", begin, methods=["POST"]),
        Route("/api/sets/{set}/files", there),
        Route("/api/sets/{set}/files", take, methods=["PUT"]),
    ]


async def listed(request: Request) -> Response:
    return answer({"sets": await asyncio.to_thread(Site.of(request).sources.uploaded)})


async def begin(request: Request) -> Response:
    """A set of that name, new or to go on with."""
    path = Site.of(request).sources.make(text(await json_body(request), "name"))
    with disk_errors(path, "make the folder"):
        path.mkdir(parents=True, exist_ok=True)
    return answer({"id": id_of(path), "name": path.name})


async def there(request: Request) -> Response:
    """Name, size and time (ms) of each picture that has arrived: the rest is what is missing."""
    path = Site.of(request).sources.set_of(request.path_params["set"])
    return answer({"files": await asyncio.to_thread(_files, path)})


def _files(folder: Path) -> list[tuple[str, int, int]]:
    found = []
    for inside, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(inside, name)
            with suppress(OSError):
                seen = path.stat()
                place = path.relative_to(folder).as_posix()
                found.append((place, seen.st_size, round(seen.st_mtime * 1000)))
    return found


async def take(request: Request) -> Response:
    """One picture, its bytes as the body. x-name: its path in what was dropped, %-encoded;
    x-modified: its time in ms."""
    folder = Site.of(request).sources.set_of(request.path_params["set"])
    name = safe_path(unquote(request.headers.get("x-name", "")))
    if name is None or not is_picture_name(name.name):
        raise DataError("This is no name of a picture.")
    async with arriving(request, folder, name.name) as (file, size):
        modified = request.headers.get("x-modified")
        await asyncio.to_thread(_keep, file, folder / name, modified)
    return answer({"name": name.as_posix(), "bytes": size})


@asynccontextmanager
async def arriving(request: Request, folder: Path, name: str) -> AsyncIterator[tuple[Path, int]]:
    """The picture that a request sends, as a file of so many bytes in `folder`, to be moved: it is
    removed afterwards. Raises GanwerkError for what is no picture, too large, slow or broken."""
    _check_room(request, folder)
    file = folder / ARRIVING / secrets.token_hex(8)
    try:
        with disk_errors(file):
            file.parent.mkdir(parents=True, exist_ok=True)
        size = await _received(request, file)
        found = await Site.of(request).inspection.look(file)
        if not found["ok"]:
            raise DataError(f"{name} {found['reason']}.")
        yield file, size
    finally:
        file.unlink(missing_ok=True)
        with suppress(OSError):
            file.parent.rmdir()


def _check_room(request: Request, folder: Path) -> None:
    """Raises ConfigError, MachineError before anything is read."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MOST_FILE_BYTES:
        raise _too_large()
    if free_bytes(folder) < KEPT_FREE_BYTES + MOST_FILE_BYTES:
        raise MachineError("The disk is nearly full.", "Free some space, then drop them again.")


def _too_large() -> ConfigError:
    return ConfigError(f"A picture may have {human_bytes(MOST_FILE_BYTES)} at most.")


async def _received(request: Request, target: Path) -> int:
    """Write the body as it comes. Raises GanwerkError for one that is too large, slow or broken."""
    size, stream = 0, request.stream()
    with disk_errors(target), open(target, "xb") as file:
        try:
            while True:
                part = await asyncio.wait_for(anext(stream), SLOW_SECONDS)
                size += len(part)
                if size > MOST_FILE_BYTES:
                    raise _too_large()
                file.write(part)
        except StopAsyncIteration:
            return size
        except (TimeoutError, ClientDisconnect):
            raise Broken(
                "The upload broke off.", "Drop the same pictures again: it goes on."
            ) from None


class Broken(GanwerkError):
    """The other side went away, or waits."""


def _keep(arrived: Path, target: Path, modified: str | None) -> None:
    if modified is not None and modified.isdecimal() and len(modified) < 15:
        seconds = int(modified) / 1000
        os.utime(arrived, (seconds, seconds))
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(arrived, target)
