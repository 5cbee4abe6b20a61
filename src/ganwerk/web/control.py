"""What is done to a run: stop, go on, finish, rename, put away."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ganwerk import checks
from ganwerk.errors import ConfigError, RunError
from ganwerk.run.files import disk_errors
from ganwerk.run.state import State
from ganwerk.web.commands import command_line, display_path
from ganwerk.web.launches import ask_to_stop, holder
from ganwerk.web.run_table import id_of
from ganwerk.web.site import Site, answer, json_body, text
from ganwerk.web.sources import safe_name

TRASH = ".trash"
STOP_SECONDS = 300
"""How long a training may take to save and end."""


def routes() -> list[Route]:
    return [
        Route("/api/runs/{run}/stop", stop, methods=["POST"]),
        Route("/api/runs/{run}/resume", resume, methods=["POST"]),
        Route("/api/runs/{run}/rename", rename, methods=["POST"]),
        Route("/api/runs/{run}/remove", remove, methods=["POST"]),
    ]


async def stop(request: Request) -> Response:
    """Asks the training to save and end; it does in a moment. One that only prepares ends."""
    site, run = Site.of(request), request.path_params["run"]
    _stop(site, run)
    return answer({"stopping": True})


def _stop(site: Site, run: str) -> None:
    card = site.cards.all().get(run)
    if card is None:
        raise RunError("There is no such run here (any more).", "See the list of runs.")
    if card["state"] == "starting":
        ask_to_stop(card["pid"])
        return
    if card["state"] != State.RUNNING:
        raise RunError(f"{card['name']} is not being trained.")
    ask_to_stop(holder(site.runs.path(run)))


async def resume(request: Request) -> Response:
    """Go on; with `minutes` for so long from where it stands, after a stop if it is running."""
    site, run, values = Site.of(request), request.path_params["run"], await json_body(request)
    path = site.run(request)
    arguments = ["resume", display_path(path)]
    if values.get("minutes") is not None:
        arguments += ["--minutes", f"{checks.positive(values['minutes'], '--minutes'):g}"]
    running = site.cards.all()[run]["state"] == State.RUNNING
    if running and "--minutes" not in arguments:
        raise RunError(f"{path.name} is being trained already.")
    if running:
        _stop(site, run)
    ending = site.launches.log_of(path)
    if running or (ending is not None and ending.alive):  # it has said its end, and unloads
        site.later(_resume_when_stopped(site, run, arguments, path))
    else:
        await asyncio.to_thread(site.launches.start, arguments, path)
    return answer({"command": command_line(arguments)})


async def _resume_when_stopped(site: Site, run: str, arguments: list[str], path: Path) -> None:
    for _ in range(STOP_SECONDS * 5):
        await asyncio.sleep(0.2)
        card = (await asyncio.to_thread(site.cards.all)).get(run)
        launch = site.launches.log_of(path)
        if card is None:
            return
        if card["state"] != State.RUNNING and not (launch and launch.alive):
            await asyncio.to_thread(site.launches.start, arguments, path)
            return


async def rename(request: Request) -> Response:
    site, values = Site.of(request), await json_body(request)
    path = _at_rest(site, request)
    name = text(values, "name").strip()
    if not name or safe_name(name) != name:
        raise ConfigError(
            f"A run cannot be named '{checks.shown(name)}'.", "Use letters, digits, dashes."
        )
    target = path.with_name(name)
    if target.exists():
        raise RunError(f"There is a run or file named {name} already.", "Choose another name.")
    with disk_errors(target, "rename to"):
        os.rename(path, target)
    site.launches.forget(path)
    site.runs.look_again()
    return answer({"id": id_of(target), "name": name})


async def remove(request: Request) -> Response:
    """Into the folder of what was thrown away, beside the run; nothing is deleted. A training that
    came to nothing leaves only its log, which goes."""
    site, run = Site.of(request), request.path_params["run"]
    card = site.cards.all().get(run)
    if card is not None and card["state"] == "failed":
        site.launches.forget_id(run)
        return answer({"place": None})
    path = _at_rest(site, request)
    moment = datetime.now().strftime("%Y%m%d-%H%M%S")
    target = path.parent / TRASH / f"{path.name}-{moment}"
    with disk_errors(target, "move to"):
        target.parent.mkdir(exist_ok=True)
        os.rename(path, target)
    site.launches.forget(path)
    site.runs.look_again()
    return answer({"place": display_path(target)})


def _at_rest(site: Site, request: Request) -> Path:
    """The folder of a run that nobody trains. Raises RunError."""
    path = site.run(request)
    card = site.cards.all()[request.path_params["run"]]
    if card["state"] == State.RUNNING:
        raise RunError(f"{path.name} is being trained.", "Stop it first.")
    return path
