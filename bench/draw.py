"""How fast the page draws: `ganwerk serve` at work, asked as browsers ask it.

  server   seconds from the command to the address, and the memory of the server (not of its
           children) before a picture was drawn and after many were
  slider   a slider that is dragged without a pause: seconds from each move to its picture, alone;
           with CLIENTS on the page "This one does not exist", each asking for another picture a
           second after it has one; and with a training running besides. Beside each the bare
           forward pass of one picture in a process that does nothing else, in the same situation
  watched  images per second of that training while nobody looks, and while a tab follows it
  lab      seconds from opening the laboratory, and from the next game, to the first frame

The generator is a fresh one of `auto` (or PRESET) for pictures of 64 px: speed does not depend on
what it has learned. Example: python -m bench.draw --data ../shared/data
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from bench.common import (
    add_data_option,
    data_folder,
    machine_line,
    parser,
    publish,
    ratio_of,
    spread,
)
from bench.draw_clients import GANWERK, Page, dragged, served, visited
from bench.record import Row, machine, made, row
from ganwerk.web.launches import yields

PIECES = 4
BARE = """
import sys, time, torch
from pathlib import Path
from ganwerk.control.steered import Steered
torch.set_num_threads(1)
steered = Steered.open(Path(sys.argv[1]))
place = steered.places([5])
seconds, end = [], time.perf_counter() + float(sys.argv[2])
with torch.inference_mode():
    while time.perf_counter() < end or len(seconds) < 20:
        began = time.perf_counter()
        steered.drawn(place)
        seconds.append(time.perf_counter() - began)
print(*seconds[3:])
"""


def quantile(values: list[float], share: float) -> float:
    """The value that this share of all lies at or below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@asynccontextmanager
async def training(pictures: Path, out: Path) -> AsyncIterator[None]:
    """A training of its own, as it is begun from the page: in a session of its own."""
    process = subprocess.Popen(
        [*GANWERK, "train", str(pictures), "--minutes", "60", "--resolution", "64",
         "--out", str(out)], start_new_session=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yields(process.pid)
    try:
        while not steps(out):
            await asyncio.sleep(0.5)
        await asyncio.sleep(5)  # the first steps are slower
        yield
    finally:
        process.terminate()
        process.wait(120)


def steps(run: Path) -> list[dict[str, Any]]:
    """The journal's rows about steps."""
    with suppress(OSError):
        text = (run / "journal.jsonl").read_text("utf-8")
        rows = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
        return [each for each in rows if each.get("event") == "step"]
    return []


async def bare(run: Path, seconds: float) -> list[float]:
    """Seconds of single forward passes in a process that does nothing else."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BARE, str(run), str(seconds), stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    said, _ = await process.communicate()
    return [float(word) for word in said.split()]


async def situation(
    name: str, page: Page, home: Path, clients: int, seconds: float
) -> Row:  # fmt: skip
    """One row: the slider and the bare pass, one after the other."""
    alone = await bare(home / "runs" / "drawn", seconds / 2)
    run = await page.run_id("drawn")
    dragged(page, run, 2)
    async with visited(page, run, clients) as taken:
        slider = dragged(page, run, seconds)
    figures: dict[str, Any] = {
        "p50_seconds": quantile(slider, 0.5), "p99_seconds": quantile(slider, 0.99),
        "bare_p50_seconds": quantile(alone, 0.5), "bare_p99_seconds": quantile(alone, 0.99),
        "pictures": len(slider),
    }  # fmt: skip
    if taken:
        figures |= {"visitor_p50_seconds": quantile(taken, 0.5), "visitor_pictures": len(taken)}
    told = " ".join(f"{key.removesuffix('_seconds')} {1e3 * value:.0f} ms,"
                    for key, value in figures.items() if key.endswith("_seconds"))  # fmt: skip
    print(f"{name:20} {told} {len(taken)} pictures of {clients} visitors", flush=True)
    return row(name, clients=clients, **figures)


async def next_row(run: Path) -> tuple[int, float]:
    """The images of the journal's next row of steps, and when it came."""
    before = steps(run)[-1]["images"]
    while (images := steps(run)[-1]["images"]) == before:
        await asyncio.sleep(0.05)
    return images, time.perf_counter()


async def speed(run: Path, seconds: float) -> float:
    """Images per second of a training over so long, from row to row of its journal."""
    first, began = await next_row(run)
    await asyncio.sleep(seconds)
    last, ended = await next_row(run)
    return (last - first) / (ended - began)


async def watched(page: Page, run: Path, seconds: float, rounds: int) -> Row:
    """A training beside an open tab, and without one, in turn: in short pieces, as the speed of a
    machine changes from minute to minute."""
    seconds, rounds = seconds / PIECES, rounds * PIECES
    ident = await page.run_id(run.name)
    alone: list[float] = []
    seen: list[float] = []

    async def follow() -> None:
        stream = page.client.stream("GET", f"/events?run={ident}&from=0", timeout=None)
        async with stream as response:
            async for _ in response.aiter_lines():
                pass

    for k in range(rounds):
        for tabs in (k % 2, 1 - k % 2):
            tab = asyncio.create_task(follow()) if tabs else None
            (seen if tabs else alone).append(await speed(run, seconds))
            if tab is not None:
                tab.cancel()
                with suppress(asyncio.CancelledError):
                    await tab
    lost = 1 - ratio_of(seen, alone).median
    print(f"training: {spread(alone):.1f} images/s alone, {spread(seen):.1f} watched: "
          f"{lost:.1%} lost", flush=True)  # fmt: skip
    return row("training at 64 px", alone_images_per_second=spread(alone),
               watched_images_per_second=spread(seen), lost=lost)  # fmt: skip


async def first_frame(page: Page) -> float:
    """Seconds to the first frame of the game that the laboratory opens with."""
    from ganwerk.web.framing import read

    asked = {"experiment": "ring", "preset": "collapse", "methods": ["plain", "unrolled:steps=5"]}
    began, content = time.perf_counter(), b""
    async with page.client.stream("POST", "/api/lab/play", json=asked, timeout=600) as response:
        async for part in response.aiter_raw():
            content += part
            stream = io.BytesIO(content)
            with suppress(Exception):
                while (message := read(stream)) is not None:
                    if message[0].get("lanes"):
                        return time.perf_counter() - began
    sys.exit("error: the game ended before its first frame.")


async def lab(page: Page, rounds: int) -> list[Row]:
    found: dict[str, list[float]] = {"opened for the first time": [], "the next game": []}
    found["opened for the first time"].append(await first_frame(page))
    for _ in range(rounds):
        await asyncio.sleep(1)
        found["the next game"].append(await first_frame(page))
    for name, seconds in found.items():
        print(f"laboratory, {name:26} first frame after {spread(seconds):.2f} s", flush=True)
    return [row(name, seconds=spread(seconds)) for name, seconds in found.items()]


def prepared(home: Path, pictures: Path, preset: str) -> None:
    """A run whose generator draws pictures of 64 px."""
    options = ["--images", "64", "--resolution", "64", "--out", str(home / "runs" / "drawn")]
    command = [*GANWERK, "train", str(pictures), "--preset", preset, *options]
    subprocess.run(command, check=True, capture_output=True)


async def measure(given: argparse.Namespace, home: Path, pictures: Path) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    parts: list[str] = given.only or ["lab", "slider", "watched"]
    async with served(home) as page:
        fresh = page.memory_bytes()
        if "lab" in parts:
            found["lab"] = await lab(page, given.rounds)
        sliders = []
        if "slider" in parts:
            ask = partial(situation, page=page, home=home, seconds=given.seconds)
            sliders += [
                await ask("alone", clients=0),
                await ask("visited", clients=given.clients),
            ]
        async with training(pictures, home / "runs" / "trained"):
            if "slider" in parts:
                sliders.append(await ask("visited, training", clients=given.clients))
                found["slider"] = sliders
            if "watched" in parts:
                trained = home / "runs" / "trained"
                found["watched"] = [await watched(page, trained, given.seconds, given.rounds)]
        found["server"] = [
            row("ganwerk serve", ready_seconds=page.ready_seconds, fresh_bytes=fresh,
                later_bytes=page.memory_bytes())
        ]  # fmt: skip
        print(f"server: ready after {page.ready_seconds:.2f} s, {fresh / 2**20:.0f} MiB, later "
              f"{page.memory_bytes() / 2**20:.0f} MiB", flush=True)  # fmt: skip
    return found


def main() -> None:
    options = parser(__doc__)
    add_data_option(options)
    options.add_argument("--preset", default="auto", help="(default: auto)")
    options.add_argument("--only", action="append", choices=["lab", "slider", "watched"])
    options.add_argument("--clients", type=int, default=50, help="(default: 50)")
    options.add_argument("--seconds", type=float, default=20.0, help="of each part (default: 20)")
    options.add_argument("--rounds", type=int, default=3, help="(default: 3)")
    given = options.parse_args()
    pictures = data_folder(given.data, "fruits/train") / "fruits" / "train"
    with tempfile.TemporaryDirectory() as text:
        home = Path(text)
        (home / "runs").mkdir()
        prepared(home, pictures, given.preset)
        found = asyncio.run(measure(given, home, pictures))
    here = machine()
    print(machine_line(here))
    for study, rows in found.items():
        name = study if given.preset == "auto" else f"{study}, {given.preset}"
        publish(given, made("draw", name, rows, here), {study: [r.model_dump() for r in rows]})


if __name__ == "__main__":
    main()
