"""One contender of bench.scale: plays `auto` in rounds, when told to by files in a folder.

Started by bench.scale, alone or by torchrun: python -m bench.scale_play FOLDER PX PARTS BATCH
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ganwerk.config import auto, build, load
from ganwerk.game.step import train_step
from ganwerk.game.team import Alone, Team
from ganwerk.runtime import machine
from ganwerk.scale.processes import Processes, joined
from ganwerk.scale.shared import Shared
from ganwerk.training import probe
from ganwerk.training.footprint import dummy_batch
from ganwerk.values import DataFacts, Origin, PictureShape

WARM_UP, SUMS = 4, 20


def game(
    px: int, parts: int, batch: int, group: Processes | None
) -> tuple[Callable[[], int], int, Team]:
    """A step that returns how many images it showed, the bytes that the players' gradients take,
    and who adds them up."""
    draft = load.collect(preset="auto", sets=[f"budget.parts={parts}", f"budget.batch={batch}"])
    draft.give("data.where", "random pictures", Origin("asked for"))
    facts = machine.facts("cpu")
    auto.decide(draft, DataFacts(1000, PictureShape(px, 3), (), ()), facts)
    settings = load.settle(draft)
    if group is None:
        choices = probe.probe(settings, 0, facts).choices
    else:
        word = {"choices": probe.probe(settings, 0, facts).choices} if group.leads else None
        choices = group.tell(word)["choices"]
    recipe = build.recipe(settings)
    state = build.state(settings, 0, torch.device("cpu"), 1e9, recipe)
    probe.apply_choices(state, choices)
    state.team = Alone(parts) if group is None else Shared(group, parts)
    shown = dummy_batch(settings, state.device, batch)
    weights = sum(p.numel() for net in (state.g_net, state.d_net) for p in net.parameters())

    def step() -> int:
        with probe.computing(choices):
            return train_step(state, lambda _: shown, recipe).images

    return step, 4 * weights, state.team


def rounds(folder: Path, step: Callable[[], int], team: Team, group: Processes | None) -> None:
    """A round of so many seconds for each file go-N in the folder; 'end' ends."""
    number = 0
    while True:
        word = heard(folder, number) if group is None or group.leads else None
        if group is not None:
            word = group.tell(word)
        assert word is not None
        if "end" in word:
            return
        images, spent, start = 0, getattr(team, "seconds", 0.0), time.perf_counter()
        for _ in range(word["steps"]):
            images += step()
        found = {
            "images": images,
            "steps": word["steps"],
            "seconds": time.perf_counter() - start,
            "communication_seconds": getattr(team, "seconds", 0.0) - spent,
        }
        if group is None or group.leads:
            said(folder / f"done-{number}", found)
        number += 1


def heard(folder: Path, number: int) -> dict[str, Any]:
    while True:
        for name in (f"go-{number}", "end"):
            if (folder / name).exists():
                return {"end": True} if name == "end" else json.loads((folder / name).read_text())
        time.sleep(0.01)


def said(path: Path, word: object) -> None:
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(word))
    beside.replace(path)


def cost_of_a_sum(team: Team, numbers: int) -> float:
    """Seconds of one sum over all processes, the least of several."""
    found = []
    for _ in range(SUMS):
        start = time.perf_counter()
        team.add_up([[torch.zeros(numbers)]])
        found.append(time.perf_counter() - start)
    return min(found)


def contend() -> None:
    folder, (px, parts, batch) = Path(sys.argv[1]), map(int, sys.argv[2:5])
    with joined() as group:
        step, size, team = game(px, parts, batch, group)
        for _ in range(WARM_UP):
            step()
        facts: dict[str, float] = {"bytes": size, "threads": torch.get_num_threads()}
        if group is not None:
            facts |= {"empty_sum_seconds": cost_of_a_sum(team, 1)}
            facts |= {"half_sum_seconds": cost_of_a_sum(team, size // 8)}
        if group is None or group.leads:
            said(folder / "ready", facts)
        rounds(folder, step, team, group)


if __name__ == "__main__":
    contend()
