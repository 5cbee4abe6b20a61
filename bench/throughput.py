"""Images per second: plain PyTorch, ganwerk, and a loop by hand with all of ganwerk's tricks.

The three take turns (plain, ganwerk, by hand, plain, ...) for a few seconds each in one process,
so that whatever else the machine does meets all of them. A figure is the median over the rounds;
a ratio is that of the medians, and in brackets stand the quartiles of the rounds' own ratios.

  listing   the first GAN of every tutorial, 28 px, MNIST
  auto-32   what ganwerk chooses for colour pictures of four classes at 32 px
  auto-64   the same at 64 px
  dcgan-32  the strided DCGAN with 64 channels at 32 px

Example: python -m bench.throughput --rounds 12 --json throughput.json
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import torch

from bench import fast, plain
from bench.common import (
    add_data_option,
    machine_line,
    parser,
    publish,
    ratio_of,
    spread,
    table,
)
from bench.plain import Steps
from bench.record import Row, machine, made, row
from bench.task import TASKS, Task

CONTENDERS = ("plain", "ganwerk", "by hand")
PLAIN: dict[str, Callable[[Task], Steps]] = {
    "listing": plain.listing,
    "auto-32": plain.auto,
    "auto-64": plain.auto,
    "dcgan-32": plain.dcgan,
}
LEAST_STEPS = 8  # between two looks at the clock
WARM_UP_BLOCKS = 1
METER_MILLISECONDS = 200


@dataclass
class Lane:
    """A contender and what it did."""

    steps: Steps
    rates: list[float] = field(default_factory=list)
    gpu_percent: list[float] = field(default_factory=list)


class GpuMeter:
    """How busy the graphics card is, by nvidia-smi, while the block runs."""

    def __init__(self, device: torch.device) -> None:
        self.wanted = device.type == "cuda" and shutil.which("nvidia-smi") is not None
        self.device = device
        self.percent: float | None = None

    def __enter__(self) -> GpuMeter:
        if self.wanted:
            command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
            command += [f"-lms={METER_MILLISECONDS}", f"-i={self.device.index or 0}"]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        if not self.wanted:
            return
        self.process.terminate()
        text = self.process.communicate()[0]
        found: list[float] = []
        for line in text.split():
            with suppress(ValueError):
                found.append(float(line))
        self.percent = sum(found) / len(found) if found else None


def run_block(lane: Lane, task: Task, seconds: float, *, counts: bool = True) -> None:
    """Train for about `seconds`, in whole periods, and note the images per second."""
    at_once = task.period * -(-LEAST_STEPS // task.period)
    with GpuMeter(task.device) as meter:
        images, start = 0, _now(task)
        while (elapsed := _now(task) - start) < seconds or not images:
            images += sum(next(lane.steps) for _ in range(at_once))
    if counts:
        lane.rates.append(images / elapsed)
        if meter.percent is not None:
            lane.gpu_percent.append(meter.percent)


def _now(task: Task) -> float:
    if task.device.type == "cuda":
        torch.cuda.synchronize(task.device)
    return time.perf_counter()


def race(task: Task, rounds: int, seconds: float) -> dict[str, Lane]:
    """All contenders in turn, after a warm-up."""
    lanes = {
        "plain": Lane(PLAIN[task.name](task)),
        "ganwerk": Lane(fast.ganwerk(task)),
        "by hand": Lane(fast.by_hand(task)),
    }
    for turn in range(WARM_UP_BLOCKS + rounds):
        for lane in lanes.values():
            run_block(lane, task, seconds, counts=turn >= WARM_UP_BLOCKS)
        if turn >= WARM_UP_BLOCKS:
            latest = ", ".join(f"{name} {lane.rates[-1]:,.0f}" for name, lane in lanes.items())
            done = turn + 1 - WARM_UP_BLOCKS
            print(f"  {task.name} round {done} of {rounds}: {latest} images/s", flush=True)
    return lanes


def summary(task: Task, lanes: dict[str, Lane]) -> dict[str, Any]:
    settings = task.settings
    faster = ratio_of(lanes["ganwerk"].rates, lanes["plain"].rates)
    overhead = ratio_of(lanes["by hand"].rates, lanes["ganwerk"].rates)
    return {
        "row": task.name,
        "network": settings.network.model_dump(),
        "resolution": settings.data.resolution,
        "channels": settings.data.channels,
        "classes": task.class_count,
        "batch": settings.budget.batch,
        "loss": settings.game.loss,
        "remedies": [remedy.model_dump() for remedy in settings.remedy],
        "layers": len(task.choices),
        "bfloat16_layers": task.half_precision_layers,
        "choices": task.choices,
        "images_per_second": {name: spread(lane.rates) for name, lane in lanes.items()},
        "ganwerk_to_plain": faster,
        "overhead_percent": overhead.scaled(100, -100),
        "gpu_percent": {n: spread(v.gpu_percent) for n, v in lanes.items() if v.gpu_percent},
        "rounds": {name: lane.rates for name, lane in lanes.items()},
    }


def as_text(rows: list[dict[str, Any]]) -> str:
    on_gpu = any(found["gpu_percent"] for found in rows)
    head = ["row", "network", "size", "batch", "bf16 layers"]
    head += [f"{name}, images/s" for name in CONTENDERS]
    head += ["ganwerk to plain", "overhead, %", *(["GPU busy, ganwerk"] if on_gpu else [])]
    lines = []
    for found in rows:
        size = f"{found['resolution']} px, {found['channels']} ch"
        faster, over = found["ganwerk_to_plain"], found["overhead_percent"]
        line = [found["row"], found["network"]["kind"], size, str(found["batch"])]
        line.append(f"{found['bfloat16_layers']} of {found['layers']}")
        line += [f"{found['images_per_second'][name]:,.0f}" for name in CONTENDERS]
        line += [f"{faster:.2f}", f"{over:.1f}"]
        if on_gpu:
            line.append(f"{found['gpu_percent']['ganwerk'].median:.0f} %")
        lines.append(line)
    return table(head, lines)


def told(found: dict[str, Any]) -> Row:
    """A row of the record."""
    words = {
        "network": found["network"]["kind"],
        "batch": str(found["batch"]),
        "bfloat16_layers": f"{found['bfloat16_layers']} of {found['layers']}",
    }
    rates = {
        f"{name.replace(' ', '_')}_images_per_second": found["images_per_second"][name]
        for name in CONTENDERS
    }
    gpu = {"gpu_percent": found["gpu_percent"]["ganwerk"]} if found["gpu_percent"] else {}
    return row(
        found["row"],
        words,
        **rates,
        ganwerk_to_plain=found["ganwerk_to_plain"],
        overhead_percent=found["overhead_percent"],
        **gpu,
    )


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    add_data_option(options)
    only = f"one of {', '.join(TASKS)}; may be repeated (default: all)"
    options.add_argument("--only", choices=TASKS, action="append", metavar="ROW", help=only)
    options.add_argument("--rounds", type=int, default=12, help="turns of each (default: 12)")
    options.add_argument("--seconds", type=float, default=2.5, help="of a turn (default: 2.5)")
    options.add_argument("--device", help="cpu, cuda (default: the best there is)")
    sets = "change a setting of every row, for example budget.batch=32"
    options.add_argument(
        "--set", dest="sets", action="append", default=[], metavar="KEY=VALUE", help=sets
    )
    return options.parse_args()


def main() -> None:
    given = arguments()
    here = machine(given.device)
    print(machine_line(here), flush=True)
    rows = []
    for name in given.only or TASKS:
        torch.manual_seed(0)
        task = TASKS[name](given.data, given.device, tuple(given.sets))
        rows.append(summary(task, race(task, given.rounds, given.seconds)))
    print(f"\n{as_text(rows)}\n")
    print("Medians of the rounds; in brackets the quartiles. Overhead: by hand to ganwerk.")
    record = made("throughput", "loops", [told(found) for found in rows], here)
    publish(given, record, {"seconds": given.seconds, "rows": rows})


if __name__ == "__main__":
    main()
