"""What a graphics card does, in at most eight minutes: one script for whoever has one.

Never run by those who wrote it: no machine with a card was at hand. Its stages, each in a process
of its own with a limit of its own, so that one that fails or hangs costs only itself:

  steps        every preset trains 640 images of the digits on the card; another run of it stops
               after 320, goes on, and draws on the card and on the processor
  feeding      batches made ahead are those made when asked for, on the card
  throughput   bench.throughput: plain PyTorch loops and ganwerk in turn
  published    images per second of the published StyleGAN2 networks at 128 px and R3GAN at 32 px
  compiled     bench.compiled: what torch.compile would bring
  cifar10      a minute of CIFAR-10 and its distances (needs the data: --data)
  two          two processes on two cards end with the weights of one (needs two cards)

Example: python -m bench.gpu --data ../shared/data
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.common import DEFAULT_DATA, machine_line, parser, publish
from bench.record import ROOT, Row, machine, made, row

SECONDS = 480.0
GANWERK = [sys.executable, "-m", "ganwerk"]
PRESETS = ("auto", "listing", "dcgan", "wgan-gp", "r3", "stylegan", "stylegan-first",
           "progressive", "multi-scale")  # fmt: skip
PUBLISHED = {
    "StyleGAN2, 128 px": ("stylegan", 128),
    "R3GAN, 32 px": ("r3-full", 32),
}


class Failed(Exception):
    """A stage did not do what it should; the words say what."""


class Stage:
    """What a stage may use. left: seconds until it must have ended."""

    def __init__(self, given: argparse.Namespace, work: Path, left: float) -> None:
        self.given, self.work, self.device = given, work, given.device
        self.end = time.monotonic() + left

    def run(self, command: list[str], **more: str) -> str:
        """What the command prints. Raises Failed with its last words."""
        left = self.end - time.monotonic()
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=max(left, 1.0),
                env=os.environ | {"GANWERK_CACHE": str(self.work / "cache")} | more,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise Failed(f"not done after {error.timeout:.0f} s: {command[2:5]}") from error
        if done.returncode:
            said = [*done.stderr.splitlines(), *done.stdout.splitlines()]
            raise Failed(f"{command[2:5]}: {said[-1] if said else done.returncode}")
        return done.stdout

    def train(self, data: str, out: Path, *options: str) -> dict[str, Any]:
        """The last event of a training."""
        told = self.run([*GANWERK, "train", data, "--device", self.device, "--out", str(out),
                         "--json", *options])  # fmt: skip
        events = [json.loads(line) for line in told.splitlines()]
        return next(event for event in reversed(events) if event.get("event") == "ended")


def steps(stage: Stage) -> list[Row]:
    rows = []
    for preset in PRESETS:
        whole, parts = stage.work / f"{preset}-whole", stage.work / f"{preset}-parts"
        ended = stage.train("digits", whole, "--preset", preset, "--images", "640")
        stage.train("digits", parts, "--preset", preset, "--images", "320")
        stage.run([*GANWERK, "resume", str(parts), "--images", "320", "--json"])
        rate = ended["images"] / max(ended["seconds"], 1e-9)
        rows.append(row(preset, {"drawn after": _drawn(stage, parts)}, images_per_second=rate))
    return rows


def _drawn(stage: Stage, run: Path) -> str:
    """That the generator draws on the card and on the processor, and whether the same."""
    for device in (stage.device, "cpu"):
        stage.run([*GANWERK, "sample", str(run), "--seeds", "0-3", "--device", device,
                   "--out", str(run / f"drawn-{device}")])  # fmt: skip
    return "on both"


def feeding(stage: Stage) -> list[Row]:
    side = 256 if stage.device == "cpu" else 2048  # to compute about as long as a batch takes
    code = f"""
import time, numpy as np, torch
from ganwerk.data import Feeder, Sampler, load_pictures
p = load_pictures("digits", memory_budget_bytes=1 << 30)
def feeder(ahead):
    return Feeder(p, Sampler(np.arange(len(p)), 64, 0), "{stage.device}", mirror=True, ahead=ahead)
now, ahead = feeder(False), feeder(True)
for i in range(200):
    assert torch.equal(now.batch(i).images, ahead.batch(i).images), i
x = torch.randn({side}, {side}, device="{stage.device}")
for made in (now, ahead):
    float(x.sum()); start = time.perf_counter()
    for i in range(200, 600):
        made.batch(i); x @ x
    float((x @ x).sum()); print(time.perf_counter() - start)
"""
    when_asked, ahead = map(float, stage.run([sys.executable, "-c", code]).split()[-2:])
    return [row("400 batches", when_asked_seconds=when_asked, ahead_seconds=ahead)]


def published(stage: Stage) -> list[Row]:
    rows = []
    for name, (preset, side) in PUBLISHED.items():
        told = stage.run([*GANWERK, "train", "digits", "--preset", preset, "--resolution",
                          str(side), "--device", stage.device, "--dry-run", "--json"])  # fmt: skip
        plan = json.loads(told.splitlines()[-1])["plan"]
        rows.append(row(name, {"precision": plan["precision"]},
                        images_per_second=plan["images_per_second"],
                        memory_bytes=plan["memory_bytes"], batch=plan["batch"]))  # fmt: skip
    return rows


def script(*words: str) -> Callable[[Stage], list[Row]]:
    """Another benchmark, which keeps its own record."""

    def stage_of(stage: Stage) -> list[Row]:
        results = ["--results", str(stage.given.results)]
        stage.run([sys.executable, "-m", *words, *results])
        return [row(words[0], {"kept": "in its own record"})]

    return stage_of


def cifar10(stage: Stage) -> list[Row]:
    out = stage.work / "cifar10"
    ended = stage.train("cifar10", out, "--data-root", str(stage.given.data), "--minutes", "1")
    told = stage.run([*GANWERK, "evaluate", str(out), "--json"])
    records = json.loads(told.splitlines()[-1])["records"]
    distances = {f"{r['name']}": r["value"] for r in records if r["name"].startswith("FD")}
    return [row("a minute of CIFAR-10", images_per_second=ended["images"] / ended["seconds"],
                **distances)]  # fmt: skip


def two(stage: Stage) -> list[Row]:
    import torch

    if torch.cuda.device_count() < 2:
        return [row("two cards", {"result": "not run: there is one"})]
    found = {}
    for count in (1, 2):
        out = stage.work / f"two-{count}"
        stage.run([
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node",
            str(count), "-m", "ganwerk", "train", "digits", "--images", "2048",
            "--set", "budget.parts=2", "--device", "cuda", "--out", str(out),
        ])  # fmt: skip
        newest = max((out / "checkpoints").glob("[0-9]*"))
        found[count] = (newest / "weights.safetensors").read_bytes()
    same = "equal" if found[1] == found[2] else "different"
    return [row("two cards", {"weights beside one card's": same})]


STAGES: dict[str, Callable[[Stage], list[Row]]] = {
    "steps": steps,
    "feeding": feeding,
    "throughput": script("bench.throughput", "--rounds", "3", "--seconds", "1"),
    "published": published,
    "compiled": script("bench.compiled", "--presets", "auto"),
    "cifar10": cifar10,
    "two": two,
}


def require(device: str) -> None:
    """Ends the program with a sentence where the device is not there."""
    from ganwerk.errors import GanwerkError
    from ganwerk.runtime.machine import facts

    try:
        facts(device)
    except GanwerkError as error:
        sys.exit(f"error: {error.message}\nhint: This script is for a machine with a card.")


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--device", default="cuda", help="cuda, cuda:1, mps")
    options.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder with CIFAR-10")
    options.add_argument("--stages", default=",".join(STAGES), help="which, with commas between")
    options.add_argument("--seconds", type=float, default=SECONDS, help="of all stages together")
    given = options.parse_args()
    require(given.device)
    here, end, failed = machine(given.device), time.monotonic() + given.seconds, 0
    print(machine_line(here))
    for name in given.stages.split(","):
        work = Path(tempfile.mkdtemp(prefix="ganwerk-gpu-"))
        begun = time.monotonic()
        try:
            if end - begun < 5:
                raise Failed("no time was left")
            rows = STAGES[name](Stage(given, work, end - begun))
            publish(given, made("gpu", name, rows, here), {"rows": [r.model_dump() for r in rows]})
            said = "done"
        except Failed as error:
            failed, said = failed + 1, f"FAILED: {error}"
        finally:
            shutil.rmtree(work, ignore_errors=True)
        print(f"{name:12} {time.monotonic() - begun:5.0f} s  {said}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
