"""Who asks the page while bench.draw measures it: a hand on a slider, visitors, and the server."""

from __future__ import annotations

import asyncio
import http.client
import json
import multiprocessing
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

GANWERK = (sys.executable, "-m", "ganwerk")
PAUSE_SECONDS = 1.0


@dataclass
class Page:
    """A served folder and a way to ask it."""

    client: Any
    origin: str
    headers: dict[str, str]
    pid: int
    ready_seconds: float

    async def post(self, path: str, asked: dict[str, Any]) -> bytes:
        response = await self.client.post(path, json=asked, timeout=600)
        response.raise_for_status()
        return bytes(response.content)

    async def run_id(self, name: str) -> str:
        found = (await self.client.get("/api/runs")).json()["runs"]
        return str(next(card["id"] for card in found if card["name"] == name))

    def memory_bytes(self) -> int:
        import psutil

        return int(psutil.Process(self.pid).memory_info().rss)


def client_of(page: Page) -> Any:
    """Asks it as browsers do, several at once."""
    import httpx

    limits = httpx.Limits(max_connections=200)
    return httpx.AsyncClient(base_url=page.origin, headers=page.headers, limits=limits)


@asynccontextmanager
async def served(home: Path) -> AsyncIterator[Page]:
    """`ganwerk serve` in this folder."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [*GANWERK, "serve", "--port", "0", "--no-browser"], cwd=home, text=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    ready = time.perf_counter() - began
    origin = address.partition("/?")[0]
    headers = {"origin": origin, "sec-fetch-site": "same-origin"}
    page = Page(None, origin, headers, process.pid, ready)
    try:
        async with client_of(page) as client:
            await client.get(address)
            cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
            yield replace(page, client=client, headers={**headers, "cookie": cookie})
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def dragged(page: Page, run: str, seconds: float) -> list[float]:
    """Seconds from each move of a slider to its picture, over a connection that is kept."""
    line = http.client.HTTPConnection(page.origin.removeprefix("http://"), timeout=600)
    found: list[float] = []
    end, step = time.perf_counter() + seconds, 0
    while time.perf_counter() < end or len(found) < 20:
        step += 1
        asked = {"specs": [f"seed=5&move=1:{step % 100 / 20}"], "urgent": True,
                 "asker": "slider", "kind": "webp", "most_px": 128}  # fmt: skip
        began = time.perf_counter()
        line.request("POST", f"/api/runs/{run}/draw", json.dumps(asked), page.headers)
        with line.getresponse() as response:
            content = response.read()
        found.append(time.perf_counter() - began)
        assert response.status == 200 and b"error" not in content[:300], content[:300]
    line.close()
    return found


def visitors(page: Page, run: str, clients: int, end: Any, told: Any) -> None:
    """A process of so many visitors, each on the page "This one does not exist". Tells when each
    has had a picture, then how long they took; the error where one of them was refused."""
    try:
        told.put(asyncio.run(_visits(page, run, clients, end, told)))
    except Exception as error:
        told.put(error)


async def _visits(page: Page, run: str, clients: int, end: Any, told: Any) -> list[float]:
    async with client_of(page) as client:
        taken: list[float] = []
        warm = 0
        tasks = [
            asyncio.create_task(visitor(replace(page, client=client), run, k, taken))
            for k in range(clients)
        ]
        while not end.is_set() and not any(task.done() for task in tasks):
            await asyncio.sleep(0.1)
            if taken and len(taken) >= clients and not warm:
                warm = len(taken)
                told.put("warm")
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome
        return taken[warm:]


async def visitor(page: Page, run: str, number: int, taken: list[float]) -> None:
    """Somebody on the page "This one does not exist"."""
    seed = 1000 * number
    await asyncio.sleep(PAUSE_SECONDS * number / 50)
    while True:
        seed += 1
        began = time.perf_counter()
        asked = {"specs": [f"seed={seed}"], "asker": f"visitor {number}", "kind": "png"}
        await page.post(f"/api/runs/{run}/draw", asked)
        taken.append(time.perf_counter() - began)
        await asyncio.sleep(PAUSE_SECONDS)


@asynccontextmanager
async def visited(page: Page, run: str, clients: int) -> AsyncIterator[list[float]]:
    """While that many visit it, from a process of their own. The list is filled at the end."""
    taken: list[float] = []
    if not clients:
        yield taken
        return
    spawn = multiprocessing.get_context("spawn")
    end, told = spawn.Event(), spawn.Queue()
    arguments = replace(page, client=None), run, clients, end, told
    process = spawn.Process(target=visitors, args=arguments)
    process.start()
    try:
        _heard(told)
        yield taken
    finally:
        end.set()
    taken += _heard(told)
    process.join(60)


def _heard(told: Any) -> Any:
    said = told.get(timeout=60)
    if isinstance(said, Exception):
        raise said
    return said
