"""Drawing on the page: single pictures, walks, the nearest training pictures.

All is drawn by worker processes (web.drawer), one for each generator that is looked at; they are
few, and end when nobody has asked for a while.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from pathlib import Path
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ganwerk import checks
from ganwerk.control.spec import command, read
from ganwerk.errors import ConfigError
from ganwerk.web.child import Child, Children, DroppedError
from ganwerk.web.commands import display_path
from ganwerk.web.framing import Head
from ganwerk.web.relay import collected, relayed
from ganwerk.web.request_queue import MOST_PICTURES
from ganwerk.web.site import Site, answer, json_body, text

MOST_GENERATORS, MOST_NEAREST, MOST_STOPS = 3, 2, 64
MOST_URGENT = 8
KINDS = ("png", "webp")
FOREVER = "private, max-age=31536000, immutable"


class Drawers(Children):
    """A process for each generator that is drawn from."""

    def __init__(self) -> None:
        super().__init__("ganwerk.web.drawer", MOST_GENERATORS)


class Nearest(Children):
    """A process for each run whose training pictures are searched."""

    def __init__(self) -> None:
        super().__init__("ganwerk.web.nearest", MOST_NEAREST)


def routes() -> list[Route]:
    return [
        Route("/api/runs/{run}/generator", generator),
        Route("/api/runs/{run}/draw", draw, methods=["POST"]),
        Route("/api/runs/{run}/walk", walk, methods=["POST"]),
        Route("/api/runs/{run}/picture", picture),
        Route("/api/runs/{run}/command", told),
        Route("/api/runs/{run}/nearest", nearest, methods=["POST"]),
    ]


async def drawer(request: Request, at: Any = None) -> Child:
    """The process that draws for the run that the address names. Raises GanwerkError."""
    site = Site.of(request)
    path = site.run(request)
    given = request.query_params.get("at", "latest") if at is None else at
    return await site.part(Drawers).of(str(path), str(checks.at(_whole(given))))


def _whole(given: Any) -> Any:
    """Digits of an address as a number."""
    digits = isinstance(given, str) and re.fullmatch(r"[0-9]{1,15}", given)
    return int(given) if digits else given


def _specs(values: dict[str, Any], key: str, most: int) -> list[str]:
    """Texts that can be understood. Raises ConfigError."""
    found = values.get(key)
    if not isinstance(found, list) or not 1 <= len(found) <= most:
        raise ConfigError(f"1 to {most} pictures can be asked for at once.", "Ask for fewer.")
    return [str(read(text({key: spec}, key, 4_000))) for spec in found]


def _drawing(values: dict[str, Any]) -> Head:
    """Who asks, how urgently, for which kind of file. Raises ConfigError."""
    asker, kind = text(values, "asker", 60), text(values, "kind") or "png"
    if not re.fullmatch(r"[A-Za-z0-9 /_-]*", asker):
        raise ConfigError("An asker is called by letters and digits.", "Load the page again.")
    if kind not in KINDS:
        raise ConfigError(f"Pictures cannot be sent as {checks.given(kind)}.", "Ask for png.")
    head: Head = {"kind": kind, "urgent": values.get("urgent") is True}
    if "most_px" in values:
        head["most_px"] = checks.whole(values["most_px"], "most_px", least=8, most=4096)
    return head | ({"asker": asker} if asker else {})


async def generator(request: Request) -> Response:
    """What can be asked for."""
    head, _ = await (await drawer(request)).answer({"do": "facts"})
    path = Site.of(request).run(request)
    kept = await asyncio.to_thread(_places, path)
    return answer({name: head[name] for name in head if name not in ("number", "index", "last")}
                  | {"places": kept})  # fmt: skip


def _places(path: Path) -> list[str]:
    """Names of the places that the run keeps, the newest first."""
    found = [*path.glob("places/*.safetensors"), *path.glob("projected/*/place.safetensors")]
    found.sort(key=lambda file: -file.stat().st_mtime)
    return [f.parent.name if f.name == "place.safetensors" else f.stem for f in found][:100]


async def draw(request: Request) -> Response:
    """specs: a stream of pictures, each with the index of its spec, as they are drawn. asker: only
    its latest request counts; urgent: before all others."""
    values = await json_body(request)
    head = _drawing(values)
    most = MOST_URGENT if head["urgent"] else MOST_PICTURES
    head["specs"] = _specs(values, "specs", most)
    child = await drawer(request, values.get("at", "latest"))
    pictures = child.answers({"do": "draw", **head})
    if len(head["specs"]) == 1:
        return await collected(Site.of(request), pictures)
    return relayed(Site.of(request), pictures)


async def walk(request: Request) -> Response:
    """stops, shares: a stream of the pictures at these shares of the way."""
    values = await json_body(request)
    shares = values.get("shares")
    if not isinstance(shares, list) or not 1 <= len(shares) <= MOST_PICTURES:
        raise ConfigError(f"A walk shows 1 to {MOST_PICTURES} pictures at once.", "Ask for fewer.")
    head = _drawing(values) | {
        "stops": _specs(values, "stops", MOST_STOPS),
        "shares": [checks.amount(share, "shares", most=1.0) for share in shares],
    }
    child = await drawer(request, values.get("at", "latest"))
    return relayed(Site.of(request), child.answers({"do": "walk", **head}))


async def picture(request: Request) -> Response:
    """One picture by its address. exact: as `ganwerk sample` draws it, bit for bit; save: to be
    kept as a file."""
    query = request.query_params
    spec = read(query.get("spec", "seed=0"))
    exact = "exact" in query or "save" in query
    child = await drawer(request)
    try:
        head, body = await child.answer(
            {"do": "exact" if exact else "draw", "specs": [str(spec)], **_drawing(_flat(query))}
        )
    except DroppedError:
        return Response(status_code=409)
    headers = {"x-images": str(head["images"]), "cache-control": _age(query)}
    if "save" in query:
        name = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{Site.of(request).run(request).name}-{spec}")
        headers["content-disposition"] = f'attachment; filename="{name[:120]}.{head["kind"]}"'
    return Response(body, media_type=f"image/{head['kind']}", headers=headers)


def _flat(query: QueryParams) -> dict[str, Any]:
    return {name: query[name] for name in ("asker", "kind") if name in query}


def _age(query: QueryParams) -> str:
    """A picture of a checkpoint that is named by its images is the same for ever."""
    return FOREVER if isinstance(_whole(query.get("at")), int) else "no-store"


async def told(request: Request) -> Response:
    """The command that draws a spec."""
    query = request.query_params
    path = Path(display_path(Site.of(request).run(request)))
    at = checks.at(_whole(query.get("at", "latest")))
    return answer({"command": command(path, read(query.get("spec", "seed=0")), at)})


async def nearest(request: Request) -> Response:
    """specs: for each the training picture nearest to it, as a stream of names and pictures."""
    values = await json_body(request)
    specs = _specs(values, "specs", MOST_URGENT)
    site = Site.of(request)
    child = await drawer(request, values.get("at", "latest"))
    drawn: list[tuple[int, list[int], bytes]] = []
    async with aclosing(child.answers({"do": "draw", "specs": specs, "kind": "raw"})) as found:
        async for head, body in found:
            if "error" in head:
                raise ConfigError(head["error"], head.get("hint", ""))
            drawn.append((head["index"], head["shape"], body))
    drawn.sort(key=lambda each: each[0])
    searcher = await site.part(Nearest).of(str(site.run(request)))
    question = {"do": "nearest", "asker": _drawing(values).get("asker", "nearest"),
                "shape": [len(drawn), *drawn[0][1]]}  # fmt: skip
    pixels = b"".join(body for *_, body in drawn)
    return relayed(site, searcher.answers(question, pixels))
