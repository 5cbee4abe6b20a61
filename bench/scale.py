"""Several processes: how fast two of one thread are beside one of two threads, and a model of it.

  pair        `auto` at 32 and 64 px on random pictures: two processes of one thread each (two parts
              of a batch) against one process of two threads, in rounds that take turns
  model       the time of a step from its parts: computing (fitted to one thread with half and with
              a quarter of a batch; slower by what two unconnected trainings side by side lose),
              bytes added up (measured between two processes), nothing else; beside what one and
              two processes really took with a whole batch
  drawn       the same model for up to 1,024 cards: a calculation from assumed figures, not measured

Example: python -m bench.scale --rounds 6
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.common import machine_line, parser, publish, spread
from bench.record import ROOT, Row, machine, made, row

BATCH = 16
HALF, NEIGHBOUR = "one thread, half the batch", "its neighbour"
BESIDE = "half the batch, two at once"
"""Another one like HALF, and a round of both at once: what they lose to each other's memory traffic
is lost by processes that compute parts of one batch too."""
CONTENDERS = {"one process, two threads": (1, 2, 1, BATCH), "two processes": (2, 1, 2, BATCH),
              "one thread, whole batch": (1, 1, 1, BATCH),
              HALF: (1, 1, 1, BATCH // 2),
              "one thread, a quarter of it": (1, 1, 1, BATCH // 4)}  # fmt: skip
"""Name to (processes, threads of each, parts, batch)."""
CARD_IMAGES_PER_SECOND = 1_000.0
PER_CARD = 32
WEIGHTS_BYTES = 4 * 54_000_000
LATENCY_SECONDS, BYTES_PER_SECOND = 20e-6, 25e9
"""Assumed: StyleGAN2 at 256 px (30 million weights of G, 24 of D), pictures per card and second,
and a network of 200 Gbit/s."""
CARDS = (1, 2, 4, 8, 16, 64, 256, 1024)


class Contender:
    """A process, or two under torchrun, that play a round when told to."""

    def __init__(self, folder: Path, px: int, processes: int, threads: int, parts: int, batch: int):
        folder.mkdir()
        command = [sys.executable, "-m"]
        if processes > 1:
            command += ["torch.distributed.run", "--standalone"]
            command += ["--nproc-per-node", str(processes), "-m"]
        command += ["bench.scale_play", str(folder), str(px), str(parts), str(batch)]
        places = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": places}
        self.folder, self.number = folder, 0
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        self.facts = self._wait("ready")

    def play(self, steps: int) -> dict[str, Any]:
        self.begin(steps)
        return self.finish()

    def begin(self, steps: int) -> None:
        go = self.folder / f"go-{self.number}"
        beside = go.with_suffix(".part")
        beside.write_text(json.dumps({"steps": steps}))
        beside.replace(go)
        self.number += 1

    def finish(self) -> dict[str, Any]:
        return self._wait(f"done-{self.number - 1}")

    def end(self) -> None:
        (self.folder / "end").touch()
        self.process.wait()

    def _wait(self, name: str) -> dict[str, Any]:
        while not (self.folder / name).exists():
            if self.process.poll() is not None:
                sys.exit(f"error: a contender of {self.folder} ended by itself.")
            time.sleep(0.01)
        found: dict[str, Any] = json.loads((self.folder / name).read_text())
        return found


@dataclass(frozen=True, slots=True)
class Model:
    """Seconds of a step: `fixed` and so many for each picture of the part that a process computes,
    times `beside` where others compute on the same machine, and for each of two sums a latency and
    the bytes that pass."""

    fixed: float
    each: float
    latency: float
    bytes_per_second: float
    beside: float = 1.0

    def step(self, batch: int, processes: int, size: int) -> float:
        computing = self.fixed + self.each * batch / processes
        if processes == 1:
            return computing
        passed = 2 * (processes - 1) / processes * size
        hops = 2 * math.ceil(math.log2(processes))
        return self.beside * computing + hops * self.latency + passed / self.bytes_per_second


def measured(px: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Rounds of all contenders in turn, each of about so many seconds."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in (*CONTENDERS, BESIDE)}
    with tempfile.TemporaryDirectory() as place:
        players = {
            name: Contender(Path(place) / str(i), px, *what)
            for i, (name, what) in enumerate((CONTENDERS | {NEIGHBOUR: CONTENDERS[HALF]}).items())
        }
        try:
            steps = {
                n: max(1, round(seconds / (p.play(2)["seconds"] / 2))) for n, p in players.items()
            }
            for _ in range(rounds):
                for name in CONTENDERS:
                    found[name].append(players[name].play(steps[name]))
                found[BESIDE].append(_both(players[HALF], players[NEIGHBOUR], steps[HALF]))
            facts = players["two processes"].facts
        finally:
            for player in players.values():
                player.end()
    return {"rounds": found, "facts": facts}


def _both(one: Contender, other: Contender, steps: int) -> dict[str, Any]:
    """A round of two at once: of the slower one, for whom the other would wait."""
    one.begin(steps)
    other.begin(steps)
    return max(one.finish(), other.finish(), key=lambda played: float(played["seconds"]))


def rate(played: dict[str, Any]) -> float:
    return float(played["images"] / played["seconds"])


def rows_of(px: int, found: dict[str, Any]) -> tuple[list[Row], list[Row]]:
    """Of the pair and of the model."""
    rounds = found["rounds"]
    one, two = rounds["one process, two threads"], rounds["two processes"]
    ratios = [rate(b) / rate(a) for a, b in zip(one, two, strict=True)]
    shares = [played["communication_seconds"] / played["seconds"] for played in two]
    pair = row(
        f"{px} px",
        one_images_per_second=spread([rate(played) for played in one]),
        two_images_per_second=spread([rate(played) for played in two]),
        two_to_one=spread(ratios),
        communication_share=spread(shares),
    )
    took = {name: min(p["seconds"] / p["steps"] for p in played) for name, played in rounds.items()}
    half, quarter = took[HALF], took["one thread, a quarter of it"]
    each = (half - quarter) / (BATCH / 4)
    facts = found["facts"]
    size, least = facts["bytes"], facts["empty_sum_seconds"]
    passing = max(facts["half_sum_seconds"] - least, 1e-9)
    model = Model(half - each * BATCH / 2, each, least, (size / 2) / passing, took[BESIDE] / half)
    told = [
        row(
            f"{px} px, {n} {'process' if n == 1 else 'processes'}",
            predicted_step_seconds=model.step(BATCH, n, size),
            measured_step_seconds=real,
            predicted_to_measured=model.step(BATCH, n, size) / real,
        )
        for n, real in ((1, took["one thread, whole batch"]), (2, took["two processes"]))
    ]
    return [pair], told


def drawn() -> list[Row]:
    """Calculated, not measured."""
    made_up = Model(0.0, 1 / CARD_IMAGES_PER_SECOND, LATENCY_SECONDS, BYTES_PER_SECOND)
    alone = PER_CARD / made_up.step(PER_CARD, 1, WEIGHTS_BYTES)
    found = []
    for cards in CARDS:
        seconds = made_up.step(PER_CARD * cards, cards, WEIGHTS_BYTES)
        images = PER_CARD * cards / seconds
        found.append(
            row(f"{cards:,}", step_seconds=seconds, images_per_second=images,
                share_of_ideal=images / (alone * cards))
        )  # fmt: skip
    return found


def main() -> None:
    given = arguments()
    here = machine()
    print(machine_line(here))
    pairs: list[Row] = []
    models: list[Row] = []
    for px in given.px:
        pair, model = rows_of(px, measured(px, given.rounds, given.seconds))
        pairs, models = pairs + pair, models + model
    for study, rows in {"pair": pairs, "model": models, "drawn": drawn()}.items():
        note = "a calculation from assumed figures, not measured" if study == "drawn" else ""
        for each in rows:
            print(study, each.name, {k: round(f.value, 5) for k, f in each.figures.items()})
        publish(given, made("scale", study, rows, here, note=note), {})


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--px", type=int, action="append", help="(default: 32 and 64)")
    options.add_argument("--rounds", type=int, default=6, help="(default: 6)")
    options.add_argument("--seconds", type=float, default=2.0, help="of a round (default: 2)")
    given = options.parse_args()
    given.px = given.px or [32, 64]
    return given


if __name__ == "__main__":
    main()
