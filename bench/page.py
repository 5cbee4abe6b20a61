"""The page: until it answers, its memory, how late a row is, a big run, a drop of pictures.

The server is the command in a process of its own, the visitor a Chromium on the same machine. The
big run is made up: a journal of 10 million bytes and 2,000 grids. An hour of watching is played in
a minute: as many rows, as often read.

Example: python -m bench.page
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.common import machine_line, parser, publish, spread, table
from bench.record import Row, machine, made, row
from ganwerk.web.run_table import id_of

JOURNAL_BYTES, GRIDS = 10_000_000, 2_000
HOUR_ROWS = 7_200
PICTURE_PX = 500
STEP = {"event": "step", "step": 0, "images": 0, "seconds": 0.0, "d_loss": 0.55, "g_loss": 0.86,
        "value": -0.55, "real_logit": 1.126, "fake_logit": 0.824, "logit_spread": 0.8,
        "d_accuracy": 0.56, "penalty_r1": 0.028, "penalty_r2": 0.034, "g_rate": 0.002,
        "d_rate": 0.002, "images_per_second": 1500.0}  # fmt: skip

SHOWN = """
(words) => new Promise((resolve) => {
  const look = () => document.querySelector(".tiles dd")?.textContent === words
    ? resolve(Date.now()) : setTimeout(look, 2);
  look();
})
"""
OPENED = """
() => new Promise((resolve) => {
  const look = () => {
    const picture = document.querySelector(".timeline img");
    return picture?.complete && picture.naturalWidth && document.querySelector(".chart canvas")
      ? resolve(performance.now()) : setTimeout(look, 5);
  };
  look();
})
"""


class Server:
    """`ganwerk serve` in the folder `home`."""

    def __init__(self, home: Path) -> None:
        import psutil

        began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ganwerk", "serve", "--no-browser", "--port", "0"],
            cwd=home, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        self.ready_seconds = time.perf_counter() - began
        self.told = psutil.Process(self.process.pid)

    @property
    def memory_bytes(self) -> int:
        return int(self.told.memory_info().rss)

    @property
    def cpu_seconds(self) -> float:
        return float(sum(self.told.cpu_times()[:2]))

    @property
    def upload_cpu_seconds(self) -> float:
        """Of the server and of the processes that look at what arrives."""
        looking = [p for p in self.told.children() if "ganwerk.web.inspector" in p.cmdline()]
        return self.cpu_seconds + float(sum(sum(p.cpu_times()[:2]) for p in looking))

    def close(self) -> None:
        self.process.terminate()
        self.process.communicate()


def step(number: int) -> dict[str, Any]:
    noise = np.random.default_rng(number).normal(size=3)
    return STEP | {"step": number, "images": 16 * number, "seconds": number / 100,
                   "d_loss": 0.55 + 0.1 * float(noise[0]), "g_loss": 0.86 + 0.1 * float(noise[1]),
                   "images_per_second": 1500 + 50 * float(noise[2])}  # fmt: skip


def made_up(run: Path) -> int:
    """A run that trains, with so many rows and grids. Returns the number of its last step."""
    (run / "pictures").mkdir(parents=True)
    plan = {"loss": "relativistic", "total_images": 10**7, "resolution": 32, "pictures": 1000,
            "held_out": 0}  # fmt: skip
    (run / "about.json").write_text(json.dumps({"format_version": 1, "plan": plan}))
    pixels = np.random.default_rng(0).integers(0, 256, (274, 274, 3), np.uint8)
    Image.fromarray(pixels).save(run / "pictures" / "real.png")
    size, number = 0, 0
    with open(run / "journal.jsonl", "w") as file:
        size += file.write('{"event":"start","images":0}\n')
        while size < JOURNAL_BYTES:
            number += 1
            size += file.write(json.dumps(step(number), separators=(",", ":")) + "\n")
    for place in range(GRIDS):
        images = 16 * (1 + place * (number - 1) // (GRIDS - 1))
        os.link(run / "pictures" / "real.png", run / "pictures" / f"grid-{images:09d}.png")
    return number


def appended(run: Path, rows: list[dict[str, Any]]) -> None:
    with open(run / "journal.jsonl", "a") as file:
        file.writelines(json.dumps(one, separators=(",", ":")) + "\n" for one in rows)


@contextmanager
def page_of(server: Server) -> Iterator[Callable[[str], Any]]:
    """Opens links, each in a profile of its own that has been let in."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))

        def opened(link: str) -> Any:
            page = browser.new_context().new_page()
            page.goto(server.address)
            page.goto("about:blank")
            page.goto(server.address.partition("?")[0] + link, timeout=0)
            return page

        yield opened
        browser.close()


def starting(home: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds from the command to the printed address, which answers, and its memory."""
    seconds, memory, busy = [], [], []
    for _ in range(rounds):
        server = Server(home)
        seconds.append(server.ready_seconds)
        busy.append(server.cpu_seconds)
        memory.append(float(server.memory_bytes))
        server.close()
    return {"ready_seconds": seconds, "ready_cpu_seconds": busy, "memory_bytes": memory}


def watching(home: Path, rounds: int) -> dict[str, list[float]]:
    """A big run: until it is shown; how late a row is; memory in two hours of rows; processor."""
    run = home / "runs" / "big"
    number = made_up(run)
    server = Server(home)
    link = f"#/run/{id_of(run)}/watch"
    found: dict[str, list[float]] = {"open_seconds": [], "row_seconds": [], "hour_bytes": []}
    with page_of(server) as opened:
        for _ in range(rounds):
            page = opened(link)
            found["open_seconds"].append(page.evaluate(OPENED) / 1000)
            page.context.close()
        page = opened(link)
        page.evaluate(OPENED)
        for _ in range(4 * rounds):
            number += 1
            time.sleep(0.3)
            wrote = time.time()
            appended(run, [step(number)])
            found["row_seconds"].append(page.evaluate(SHOWN, f"{16 * number:,}") / 1000 - wrote)
        busy, began = server.cpu_seconds, time.perf_counter()
        for _ in range(20):  # as a training writes them
            number += 1
            appended(run, [step(number)])
            time.sleep(0.5)
        share = (server.cpu_seconds - busy) / (time.perf_counter() - began)
        found["watching_cores"] = [share]
        for _ in range(2):
            for _ in range(60):
                rows = [step(number + n) for n in range(1, HOUR_ROWS // 60 + 1)]
                number += len(rows)
                appended(run, rows)
                time.sleep(0.4)
            page.evaluate(SHOWN, f"{16 * number:,}")
            found["hour_bytes"].append(float(server.memory_bytes))
    server.close()
    return found


def dropping(home: Path, count: int) -> dict[str, float]:
    """Pictures per second of a folder of pictures of about 100 kB, from the drop to the last."""
    folder = home / "drop"
    smooth = np.random.default_rng(0).integers(0, 256, (PICTURE_PX // 4, PICTURE_PX // 4, 3))
    picture = Image.fromarray(smooth.astype(np.uint8)).resize((PICTURE_PX, PICTURE_PX))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=92)
    for number in range(count):
        target = folder / f"class{number % 4}" / f"{number}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.getvalue() + number.to_bytes(8, "big"))
    server = Server(home)
    with page_of(server) as opened:
        page = opened("#/new")
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose a folder").click()
        began = time.perf_counter()
        chooser.value.set_files(str(folder))
        page.get_by_role("region", name="Plan").wait_for(timeout=0)
        seconds = time.perf_counter() - began
        busy = server.upload_cpu_seconds
    memory = server.memory_bytes
    server.close()
    arrived = [p for p in (home / "pictures" / "drop").rglob("*") if p.is_file()]
    assert len(arrived) == count, f"{len(arrived)} of {count}"
    return {"uploads_per_second": count / seconds, "upload_cpu_seconds": busy / count,
            "upload_bytes": float(len(file.getvalue())), "uploads": float(count),
            "memory_after_uploads_bytes": float(memory)}  # fmt: skip


def measured(given: argparse.Namespace) -> tuple[Row, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        (home / "runs").mkdir()
        times = starting(home, given.rounds)
        print(f"  {times}", flush=True)
        times |= watching(home, given.rounds)
        print(f"  {times}", flush=True)
        drop = dropping(home, given.count)
    figures: dict[str, Any] = {name: spread(values) for name, values in times.items()}
    first, second = times["hour_bytes"]
    figures["second_hour_bytes"] = second - first
    figures["worst_row_seconds"] = max(times["row_seconds"])
    figures |= drop
    print(table(["", "page"], [[name, f"{figure:.4g}"] for name, figure in figures.items()]))
    return row("page", **figures), times | drop


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=5, help="turns of each (default: 5)")
    options.add_argument("--count", type=int, default=5_000, help="pictures dropped")
    given = options.parse_args()
    here = machine()
    print(machine_line(here), flush=True)
    told, numbers = measured(given)
    publish(given, made("page", "page", [told], here), numbers)


if __name__ == "__main__":
    main()
