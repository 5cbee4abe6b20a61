"""A published page and an export: sizes, the first picture, pictures per second, half precision.

The page is measured in Chromium, served from localhost, with WebAssembly on one thread. Drawing
from the export is measured beside torch at its best batch size, both on one thread, in turns. Half
precision is compared with float32 over many pictures.

Example: python -m bench.publish runs/digits --runtime .vendor/onnxruntime-web-1.30.0.tgz
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.common import machine_line, parser, publish, ratio_of, spread, table
from bench.record import Row, machine, made, row
from ganwerk.evaluation.judging import reals_of_run
from ganwerk.metrics.features.pixels import PixelPca
from ganwerk.metrics.frechet import frechet_distance
from ganwerk.metrics.scale import errors
from ganwerk.publish.drawing import Drawer
from ganwerk.publish.export import export
from ganwerk.publish.exported import PICTURE, STYLES
from ganwerk.publish.publish import publish as publish_page
from ganwerk.run import Run
from ganwerk.sampling.sample import Sampler
from ganwerk.values import ignore_progress

BATCHES = (1, 2, 4, 8, 16, 32, 64)

FIRST = """
addEventListener("DOMContentLoaded", () => {
  new MutationObserver(() => {
    if (!document.body.classList.contains("waiting")) window.first ??= performance.now();
  }).observe(document.body, {attributes: true});
});
"""

READY = """
async () => {
  const { Painter } = await import("./draw.js");
  const { sources } = await import("./sources.js");
  const { files, sizes, worker } = await sources();
  const painter = new Painter(worker);
  const draw = (n) => painter.draw({ seed: BigInt(n), label: null, psi: 1, moves: [] });
  await new Promise((resolve) => {
    worker.onmessage = ({ data }) => {
      if (data.kind === "engine") resolve();
      if (data.kind === "drawn") painter.drawn(data);
    };
    worker.postMessage({ kind: "open", files, sizes });
  });
  window.drawn = (count) => Promise.all([...Array(count).keys()].map(draw));
  await window.drawn(3);
}
"""

MANY = """
async (count) => {
  const begun = performance.now();
  await window.drawn(count);
  return 1000 * count / (performance.now() - begun);
}
"""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A static host on localhost."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    handler.func.log_message = lambda *_: None  # type: ignore[attr-defined]
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


def cpu_seconds(children: bool) -> float:
    """That this process has taken, or with `children` all that it has started and that still run
    or have ended."""
    import psutil

    me = psutil.Process()
    times = me.cpu_times()
    if not children:
        return float(times.user + times.system)
    running = sum(sum(p.cpu_times()[:2]) for p in me.children(recursive=True))
    return float(running + times.children_user + times.children_system)


def in_browser(site: Path, rounds: int, count: int) -> dict[str, list[float]]:
    """Seconds from the call of the page to its first picture, with an empty profile each time; the
    seconds that processors worked for it; pictures per second after it, asked for at once, and the
    seconds that processors worked for one."""
    from playwright.sync_api import sync_playwright

    firsts, works, rates, busy = [], [], [], []
    with sync_playwright() as playwright, serving(site) as address:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        for _ in range(rounds):
            context = browser.new_context(service_workers="block")
            page = context.new_page()
            page.add_init_script(FIRST)
            before = cpu_seconds(children=True)
            page.goto(f"{address}#0", timeout=0)
            while (first := page.evaluate("window.first")) is None:
                time.sleep(0.05)
            firsts.append(first / 1000)
            works.append(cpu_seconds(children=True) - before)
            page.evaluate(READY)
            before = cpu_seconds(children=True)
            rates.append(page.evaluate(MANY, count))
            busy.append((cpu_seconds(children=True) - before) / count)
            context.close()
        browser.close()
    return {"first_picture": firsts, "first_picture_cpu": works, "browser": rates,
            "browser_cpu_per_picture": busy}  # fmt: skip


def of_torch(sampler: Sampler, batch: int, count: int) -> float:
    """Pictures per second, as `Sampler.draw` computes them, in batches of `batch`."""
    sampler.batch = batch
    start = time.perf_counter()
    sampler.draw(range(count))
    return count / (time.perf_counter() - start)


def of_export(drawer: Drawer, count: int) -> float:
    start = time.perf_counter()
    seeds = range(count)
    for _ in drawer.batches(seeds, drawer.labels(seeds)):
        pass
    return count / (time.perf_counter() - start)


def drawing(run: Path, folder: Path, rounds: int, count: int) -> tuple[list[float], list[float]]:
    """Pictures per second of torch, at its best batch size, and of the export, in turns."""
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    sampler, drawer = Sampler.open(run, device="cpu"), Drawer(folder)
    of_export(drawer, drawer.batch)
    best = max(BATCHES, key=lambda b: max(of_torch(sampler, b, min(count, 64)) for _ in range(2)))
    print(
        f"  torch's best batch: {best}; the export draws in batches of {drawer.batch}", flush=True
    )
    pairs = [(of_torch(sampler, best, count), of_export(drawer, count)) for _ in range(rounds)]
    return [torchs for torchs, _ in pairs], [exports for _, exports in pairs]


def start_to_picture(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds that `ganwerk sample EXPORT --seeds 7` takes, start and writing included, and that
    processors worked for it."""
    found, works = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as out:
            asked = [sys.executable, "-m", "ganwerk", "sample", str(folder), "--seeds", "7"]
            start, before = time.perf_counter(), cpu_seconds(children=True)
            subprocess.run([*asked, "--out", out], check=True, capture_output=True)
            found.append(time.perf_counter() - start)
            works.append(cpu_seconds(children=True) - before)
    return {"sample": found, "sample_cpu": works}


def half(run: Path, exact: Path, stored: Path, count: int) -> dict[str, float]:
    """Half-precision weights beside float32: size, grey levels, FD to the run's real pictures."""

    def drawn(folder: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
        drawer = Drawer(folder)
        return np.concatenate(list(drawer.batches(range(count), drawer.labels(range(count)))))

    def measure(a: torch.Tensor, b: torch.Tensor) -> dict[str, float]:
        return {"fd": frechet_distance(a, b)}

    pictures = [drawn(folder) for folder in (exact, stored)]
    settings = Sampler.open(run, device="cpu").settings
    reals = reals_of_run(Run.open(run), settings, ignore_progress).images
    extractor = PixelPca.fit(reals)
    real = extractor.features(torch.from_numpy(reals).float())
    features = [
        extractor.features(torch.from_numpy(p).permute(0, 3, 1, 2).float()) for p in pictures
    ]
    sizes = [sum((f / n).stat().st_size for n in (STYLES, PICTURE)) for f in (exact, stored)]
    levels = np.abs(pictures[0].astype(np.int16) - pictures[1])
    return {
        "exact_bytes": sizes[0],
        "half_bytes": sizes[1],
        "mean_grey_levels": float(levels.mean()),
        "largest_grey_levels": int(levels.max()),
        "exact_fd": measure(real, features[0])["fd"],
        "half_fd": measure(real, features[1])["fd"],
        "fd_error": errors(measure, real, features[0])["fd"],
    }


def measured(given: argparse.Namespace) -> tuple[Row, dict[str, Any]]:
    run = given.run
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        stored = export(run, out=folder / "half").folder
        exact = export(run, out=folder / "exact", precision="float32").folder
        page = publish_page(stored, folder / "site", runtime=given.runtime)
        single = publish_page(stored, folder / "page.html", single=True, runtime=given.runtime)
        times = in_browser(folder / "site", given.rounds, given.count)
        print(f"  {times}", flush=True)
        times |= start_to_picture(stored, given.rounds)
        times["torch"], times["export"] = drawing(run, stored, given.rounds, given.count)
        print(f"  {times}", flush=True)
        compared = half(run, exact, stored, given.pictures)
    figures: dict[str, Any] = {"wire_bytes": page.wire, "one_file_bytes": single.stored}
    for name, values in times.items():
        unit = "images_per_second" if name in ("browser", "torch", "export") else "seconds"
        figures[f"{name}_{unit}"] = spread(values)
    figures["export_to_torch"] = ratio_of(times["export"], times["torch"])
    figures |= compared
    print(table(["", run.name], [[name, f"{figure:.4g}"] for name, figure in figures.items()]))
    return row("page", **figures), times | compared


def main() -> None:
    options = parser(__doc__)
    options.add_argument("run", type=Path, help="a trained run; its name becomes the study's")
    options.add_argument("--runtime", type=Path, help="onnxruntime-web as npm packs it")
    options.add_argument("--rounds", type=int, default=5, help="turns of each (default: 5)")
    options.add_argument("--count", type=int, default=100, help="pictures a turn (default: 100)")
    options.add_argument("--pictures", type=int, default=1000, help="compared (default: 1,000)")
    given = options.parse_args()
    here = machine()
    print(machine_line(here), flush=True)
    told, numbers = measured(given)
    publish(given, made("publish", given.run.name, [told], here), numbers)


if __name__ == "__main__":
    main()
