"""Training on 60,000 pictures that come as shards over http, beside the same from the disk.

MNIST is written as shards and served by a web server on this machine. Four trainings see the same
number of images: on MNIST itself, on all shards over http, on shards over http of which the disk
may hold a third (windows), and on the same windows from the folder. Told are the speed, how long
feeding waited for shards after the first window, the most memory and disk, and whether the weights
are equal to the last bit: the first two, and the last two.

Example: python -m bench.shards --images 90000 (about three minutes)
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.common import add_data_option, data_folder, machine_line, parser, publish
from bench.record import ROOT, machine, made, row

SHARD_MB = 1.5
CACHE_MB = 16
WINDOWED = {"data.cache_mb": CACHE_MB, "data.window": 3}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def serve(folder: Path) -> ThreadingHTTPServer:
    handler = functools.partial(Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def write(data: Path, target: Path) -> int:
    """MNIST's 60,000 as shards; how many files."""
    from ganwerk.data import load_pictures
    from ganwerk.data.shards.write import write_shards
    from ganwerk.values import ignore_progress

    pictures = load_pictures("mnist", root=data, resolution=28, memory_budget_bytes=1 << 28)
    index = write_shards(pictures, target, shard_mb=SHARD_MB, progress=ignore_progress)
    return len(index.shards)


def one(where: str, out: Path, images: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Train once, in this process, and say what was seen."""
    import resource

    from ganwerk.data.shards import load
    from ganwerk.data.shards.store import Shards
    from ganwerk.run import Run
    from ganwerk.runtime.events import Stepped
    from ganwerk.training.train import Request, train

    stores: list[Any] = []
    told: list[tuple[int, float, int]] = []

    class Kept(Shards):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            stores.append(self)

    def watch(event: Any) -> None:
        if isinstance(event, Stepped):
            store = stores[0] if stores else None
            disk = sum(p.stat().st_size for p in store.kept_in.glob("*/*")) if store else 0
            told.append((event.images, store.waited_seconds if store else 0.0, disk))

    flags = {"budget.images": (images, "--images"), "run.precision": ("float32", "--set"),
             **{key: (value, "--set") for key, value in settings.items()}}  # fmt: skip
    begun = time.perf_counter()
    request = Request(where, preset="listing", flags=flags, out=out)
    with patch.object(load, "Shards", Kept):
        run = Run.open(train(request, watch))
    checkpoint = run.load("latest")
    digest = hashlib.sha256()
    for tensors in (checkpoint.weights, checkpoint.state):
        for name in sorted(tensors):
            digest.update(name.encode() + tensors[name].contiguous().numpy().tobytes())
    end = run.journal.rows("end")[-1]
    return {
        "digest": digest.hexdigest()[:16],
        "images_per_second": end["images"] / end["seconds"],
        "all_seconds": time.perf_counter() - begun,
        "waited_first_seconds": told[0][1] if told else 0.0,
        "waited_later_seconds": told[-1][1] - told[0][1] if told else 0.0,
        "disk_bytes": max((disk for *_, disk in told), default=0),
        "memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def measure(given: argparse.Namespace, where: str, name: str, **settings: Any) -> dict[str, Any]:
    """The same in a process of its own, with an empty cache."""
    work = Path(given.work) / name
    asked = json.dumps({"where": where, "out": str(work / "run"), "images": given.images,
                        "settings": settings})  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "bench.shards", "--one", asked],
        cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "GANWERK_CACHE": str(work / "cache")},
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{name:22} {found}", flush=True)
    return found


def main() -> None:
    options = parser(__doc__)
    add_data_option(options)
    options.add_argument("--images", type=int, default=90_000, help="of each training")
    options.add_argument("--work", help="folder for shards and runs (default: a temporary one)")
    options.add_argument("--one", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.one:
        asked = json.loads(given.one)
        print(json.dumps(one(asked["where"], Path(asked["out"]), asked["images"],
                             asked["settings"])))  # fmt: skip
        return
    data = data_folder(given.data, "mnist")
    here = machine("cpu")
    print(machine_line(here))
    with tempfile.TemporaryDirectory() as folder:
        given.work = given.work or folder
        shards = Path(given.work) / "shards"
        files = write(data, shards)
        server = serve(shards)
        address = f"http://127.0.0.1:{server.server_port}/index.json"
        found = {
            "MNIST itself": measure(given, "mnist", "itself", **{"data.root": str(data)}),
            "all shards, over http": measure(given, address, "all"),
            "windows, over http": measure(given, address, "windows", **WINDOWED),
            "windows, from the folder": measure(
                given, str(shards / "index.json"), "folder", **WINDOWED
            ),
        }
        server.shutdown()
    equal = {
        "MNIST itself": found["MNIST itself"]["digest"] == found["all shards, over http"]["digest"],
        "windows, over http": found["windows, over http"]["digest"]
        == found["windows, from the folder"]["digest"],
    }
    print(f"equal weights: {equal}")
    names = {
        "MNIST itself": "all shards, over http",
        "windows, over http": "windows, from the folder",
    }
    words = {}
    for first, second in names.items():
        words[first] = words[second] = "yes" if equal[first] else "NO"
    rows = [
        row(name, {"the other of the pair has the same weights": words[name]},
            **{key: value for key, value in facts.items() if key != "digest"})
        for name, facts in found.items()
    ]  # fmt: skip
    note = (
        f"60,000 pictures of 28 px in {files} shards of {SHARD_MB} MiB; {given.images:,} images; "
        f"windows of {WINDOWED['data.window']} shards, cache of {CACHE_MB} MiB"
    )
    publish(given, made("shards", "60,000 pictures from shards", rows, here, note=note),
            {"found": found, "equal": equal})  # fmt: skip


if __name__ == "__main__":
    main()
