"""One run in full: its facts, its curves, its files to take away."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ganwerk.doctor.course import Course
from ganwerk.doctor.signs.given import many_copies
from ganwerk.errors import GanwerkError, RunError
from ganwerk.report.curves import plots
from ganwerk.report.plot import Plot, curve
from ganwerk.run import Run
from ganwerk.web.cards import grids, table
from ganwerk.web.commands import resume_command, sample_command
from ganwerk.web.history import Between, History
from ganwerk.web.launches import holder
from ganwerk.web.site import Site, answer

MOST_POINTS = 2_000


def routes() -> list[Route]:
    return [
        Route("/api/runs/{run}", details),
        Route("/api/runs/{run}/curves", curves),
        Route("/api/runs/{run}/process", process),
    ]


async def details(request: Request) -> Response:
    site = Site.of(request)
    path = site.run(request)
    return answer(await asyncio.to_thread(_details, site, path))


def _details(site: Site, path: Path) -> dict[str, Any]:
    run, trouble = Run(path), []
    try:
        about = run.about
    except GanwerkError as error:
        about, trouble = {}, [error.message]
    history = _history(site, path, about)
    try:
        checkpoints = [
            {"images": info.images, "size_bytes": info.size_bytes, "created": info.created,
             "best": info.best, "damage": info.damage}
            for info in run.checkpoints()
        ]  # fmt: skip
    except GanwerkError as error:
        checkpoints = []
        trouble.append(error.message)
    launch = site.launches.log_of(path)
    return {
        "offset": history.offset,
        "about": {"created": about.get("created"), "ganwerk": about.get("ganwerk")},
        "plan": table(about, "plan"),
        "machine": table(about, "machine"),
        "grids": grids(path),
        "real": (path / "pictures" / "real.png").is_file(),
        "checkpoints": checkpoints,
        "measures": history.told("measure"),
        "warnings": _each_once(history.told("warning")),
        "findings": history.told("finding"),
        "copied": _copied(run),
        "treatments": history.told("treatment"),
        "turns": [row for event in ("start", "resume", "end") for row in history.told(event)],
        "latest": history.latest,
        "launch": launch
        and {"first": launch.first, "error": launch.error, "lines": list(launch.lines)},
        "trouble": trouble,
        "commands": {"resume": resume_command(path), "sample": sample_command(path)},
    }


def _copied(run: Run) -> bool:
    """Whether many pictures of the run repeat others, as the doctor counts it (GW103). Findings of
    the pictures do not stand in a journal."""
    try:
        health = table(run.data, "health")
    except GanwerkError:
        return False
    return many_copies(Course(health=health), 0).holds is True


def _history(site: Site, path: Path, about: dict[str, Any]) -> History:
    loss = table(about, "plan").get("loss")
    return site.histories.of(path / "journal.jsonl", loss if isinstance(loss, str) else "")


def _each_once(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    told = [(str(row.get("message", "")), str(row.get("hint", ""))) for row in rows]
    return [{"message": message, "hint": hint} for message, hint in dict.fromkeys(told)]


async def curves(request: Request) -> Response:
    """The curves of the report. from, to: images between which; points: how many at most."""
    site = Site.of(request)
    path, asked = site.run(request), request.query_params
    first, last = _limit(asked.get("from"), 0.0), _limit(asked.get("to"), math.inf)
    points = min(max(int(_limit(asked.get("points"), 400)), 50), MOST_POINTS)

    def drawn() -> list[dict[str, Any]]:
        try:
            about = Run(path).about
        except GanwerkError:
            about = {}
        history = _history(site, path, about)
        return [_as_json(plot, points) for plot in plots(Between(history, first, last))]

    return answer({"plots": await asyncio.to_thread(drawn)})


async def process(request: Request) -> Response:
    """Memory and processor share of the process that trains, null where there is none here."""
    path = Site.of(request).run(request)
    return answer(await asyncio.to_thread(_process, path))


def _process(path: Path) -> dict[str, Any] | None:
    import psutil

    try:
        at_work = psutil.Process(holder(path))
        with at_work.oneshot():
            used = sum(at_work.cpu_times()[:2]) / max(time.time() - at_work.create_time(), 1e-9)
            return {"memory_bytes": at_work.memory_info().rss, "cores": round(used, 2)}
    except (RunError, psutil.Error):
        return None


def _limit(text: str | None, otherwise: float) -> float:
    try:
        value = float(text or "")
    except ValueError:
        return otherwise
    return value if math.isfinite(value) else otherwise


def _as_json(plot: Plot, points: int) -> dict[str, Any]:
    lines = []
    for series in plot.series:
        drawn = curve(series, plot.smooth, points)
        thinned = len(series.images) > len(drawn.images)
        lines.append(
            {
                "name": series.name,
                "role": series.role,
                "images": _rounded(drawn.images),
                "line": _rounded(drawn.line),
                "low": _rounded(drawn.low) if thinned or plot.smooth else None,
                "high": _rounded(drawn.high) if thinned or plot.smooth else None,
            }
        )
    return {
        "title": plot.title,
        "reading": plot.reading,
        "series": lines,
        "levels": [asdict(level) for level in plot.levels],
        "marks": list(plot.marks),
        "treated": [list(mark) for mark in plot.treated],
        "floor": plot.floor,
        "ceiling": plot.ceiling,
    }


def _rounded(values: np.ndarray[Any, Any]) -> list[float]:
    """Six digits, as the journal has them."""
    return [float(f"{value:.6g}") for value in values.tolist()]
