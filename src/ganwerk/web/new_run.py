"""A new run, step by step: choose pictures, look at them, see the plan, train."""

from __future__ import annotations

import asyncio
import base64
import os
import zipfile
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ganwerk import checks
from ganwerk.config.load import preset_names, preset_text
from ganwerk.data.formats import is_picture_name
from ganwerk.data.named import NAMED_SETS
from ganwerk.errors import ConfigError, DataError, did_you_mean
from ganwerk.web.commands import command_line, display_path
from ganwerk.web.run_table import id_of
from ganwerk.web.site import Site, answer, json_body, text
from ganwerk.web.sources import safe_name

THUMB_PX = 96
SAMPLE = 24
MOST_WALKED = 200_000
SHOWN = ("sample", "duplicates", "near_duplicates", "constant", "unreadable")
"""Lists of names in a health report whose pictures can be looked at."""


def routes() -> list[Route]:
    return [
        Route("/api/sources", listed),
        Route("/api/sources/{source}", inside),
        Route("/api/presets", presets),
        Route("/api/queries", submit_query, methods=["POST"]),
        Route("/api/queries/{query}", query_state),
        Route("/api/queries/{query}/pictures/{kind}/{group:int}/{place:int}", thumb),
        Route("/api/begin", begin, methods=["POST"]),
        Route("/api/begin/command", command, methods=["POST"]),
    ]


async def listed(request: Request) -> Response:
    """What can be trained on."""
    sources = Site.of(request).sources
    return answer(
        {
            "roots": await asyncio.to_thread(sources.top),
            "uploaded": await asyncio.to_thread(sources.uploaded),
            "named": [
                {"id": name, "download_bytes": known.download_bytes}
                for name, known in NAMED_SETS.items()
            ],
        }
    )


async def inside(request: Request) -> Response:
    sources, source = Site.of(request).sources, request.path_params["source"]
    found = sources.find(source)
    return answer({"name": found.name, "place": found.place,
                   "entries": await asyncio.to_thread(sources.inside, source)})  # fmt: skip


async def presets(_: Request) -> Response:
    """Name and first sentence of each."""
    return answer({"presets": [{"name": name, "about": _about(name)} for name in preset_names()]})


def _about(name: str) -> str:
    comment = []
    for row in preset_text(name).splitlines():
        if not row.startswith("#"):
            break
        comment.append(row.lstrip("# "))
    return " ".join(comment)


async def submit_query(request: Request) -> Response:
    """kind 'look': what is in the pictures; 'plan': what a training of them would be."""
    site, values = Site.of(request), await json_body(request)
    source = site.sources.find(text(values, "source"))
    kind = text(values, "kind")
    if kind == "look":
        arguments = ["data", "check", source.place, "--json"]
    elif kind == "plan":
        arguments = [*_training(source.place, values), "--dry-run", "--json"]
    else:
        raise ConfigError("A question is 'look' or 'plan'.", did_you_mean(kind, ["look", "plan"]))
    return answer({"id": site.queries.submit(arguments, bool(values.get("anew")))})


async def query_state(request: Request) -> Response:
    return answer(Site.of(request).queries.of(request.path_params["query"]).told())


async def thumb(request: Request) -> Response:
    """A small picture of one that a health report names. 'sample' are some of all."""
    site, wanted = Site.of(request), request.path_params
    known = site.queries.of(wanted["query"])
    health = (known.answer or {}).get("health")
    if not isinstance(health, dict) or wanted["kind"] not in SHOWN:
        raise DataError("There is no such picture.")
    folder = Path(str(health.get("where", "")))
    if wanted["kind"] == "sample" and known.sample is None:
        known.sample = await asyncio.to_thread(_sample, folder)
    lists = health | {"sample": [known.sample or []]}
    name = _named(lists, wanted["kind"], wanted["group"], wanted["place"])
    packed = folder.is_file()
    if name is None or not (packed or (folder / name).is_file()):
        raise DataError("There is no such picture (any more).")
    file, member = (folder, name) if packed else (folder / name, "")
    found = await site.inspection.look(file, THUMB_PX, thumb=True, member=member)
    if not found["ok"]:
        raise DataError(f"{name} {found['reason']}.")
    headers = {"cache-control": "private, max-age=600"}
    return Response(base64.b64decode(found["jpeg"]), media_type="image/jpeg", headers=headers)


def _sample(folder: Path) -> list[str]:
    """Names of some pictures, evenly from all."""
    found = _packed(folder) if folder.is_file() else _walked(folder)
    count = min(SAMPLE, len(found))
    return [found[place * len(found) // count] for place in range(count)]


def _packed(archive: Path) -> list[str]:
    try:
        with zipfile.ZipFile(archive) as file:
            names = [name for name in file.namelist() if is_picture_name(name)]
            return sorted(name for name in names if not name.startswith(("__MACOSX", ".")))
    except (OSError, zipfile.BadZipFile):
        return []


def _walked(folder: Path) -> list[str]:
    found: list[str] = []
    for inside, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            os.path.relpath(os.path.join(inside, name), folder)
            for name in sorted(names)
            if is_picture_name(name)
        ]
        if len(found) > MOST_WALKED:
            break
    return found


def _named(health: dict[str, Any], kind: str, group: int, place: int) -> str | None:
    try:
        entry = health[kind][group]
        name = (
            entry["name"] if kind == "unreadable" else entry if kind == "constant" else entry[place]
        )
    except (LookupError, TypeError):
        return None
    return name if isinstance(name, str) else None


async def begin(request: Request) -> Response:
    """Start the training. Returns the id that the run has or will have, and the command."""
    site = Site.of(request)
    arguments, run = _training_into(site, await json_body(request))
    launch = await asyncio.to_thread(site.launches.start, arguments, run)
    return answer({"id": id_of(run), "name": run.name, "command": launch.command})


async def command(request: Request) -> Response:
    """What `begin` would run for the same request."""
    arguments, _ = _training_into(Site.of(request), await json_body(request))
    return answer({"command": command_line(arguments)})


def _training_into(site: Site, values: dict[str, Any]) -> tuple[list[str], Path]:
    """The arguments of the training and the run that it makes. Raises GanwerkError."""
    source = site.sources.find(text(values, "source"))
    name = safe_name(text(values, "name")) or safe_name(source.name) or "run"
    run = _free(site.runs.home, name)
    return [*_training(source.place, values), "--out", display_path(run)], run


def _free(home: Path, name: str) -> Path:
    """A place for a run of that name, with the first number that is free."""
    path, number = home / name, 1
    while path.exists() or path.with_name(f".{name}").exists():
        number += 1
        path = home / f"{name}-{number}"
    return path


def _training(place: str, values: dict[str, Any]) -> list[str]:
    """The arguments of a training, each checked. Raises ConfigError."""
    arguments = ["train", place]
    arguments += [f"--rename-class={old}={new}" for old, new in _renamed(values).items()]
    preset = text(values, "preset")
    if preset and preset != "auto":
        if preset not in preset_names():
            raise ConfigError(f"There is no preset '{checks.shown(preset)}'.")
        arguments += ["--preset", preset]
    for kind in ("minutes", "images"):
        amount = values.get(kind)
        if amount is not None:
            budget = checks.budget(**{kind: amount})
            assert budget is not None
            arguments += [f"--{kind}", f"{budget.amount:g}"]
    for key, flags in (("conditional", ("--conditional", "--unconditional")),
                       ("mirror", ("--mirror", "--no-mirror"))):  # fmt: skip
        if isinstance(values.get(key), bool):
            arguments.append(flags[not values[key]])
    resolution = values.get("resolution")
    if resolution is not None:
        arguments += [
            "--resolution",
            str(checks.whole(resolution, "--resolution", least=16, most=1024)),
        ]
    return arguments


def _renamed(values: dict[str, Any]) -> dict[str, str]:
    """Names of classes as they were found, and what they are to be called. Raises ConfigError."""
    given = values.get("rename", {})
    if not isinstance(given, dict):
        raise ConfigError(f"rename cannot be {checks.given(given)}.", "Load the page again.")
    return {old: text(given, old) for old in given if given[old] != old}
