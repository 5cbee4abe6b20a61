"""Short games whose parts are shared by as many processes as there are, or all played by one.

python -m tests.scale.games STEPS [PRESET,REMEDY ...]   prints {"PRESET,REMEDY": digest} as JSON;
under torchrun process 0 prints, and all have compared their digests.
"""

from __future__ import annotations

import itertools
import json
import sys

import torch

from ganwerk.config import build
from ganwerk.game.step import train_step
from ganwerk.game.team import Alone
from ganwerk.nn.types import Batch
from ganwerk.scale.agreement import agree, digest
from ganwerk.scale.processes import joined
from ganwerk.scale.shared import Shared
from tests.golden.curves import blobs, settings_of

PARTS = 4
PRESETS = ("auto", "stylegan", "r3")
REMEDIES = ("ada:speed_images=500", "lecam", "packing", "balance", "unrolled:steps=1")
GAMES = [f"{preset},{remedy}" for preset, remedy in itertools.product(PRESETS, REMEDIES)]


def pictures(number: int, labelled: bool) -> Batch:
    """32 of them."""
    two = [blobs(2 * number + i, labelled) for i in (0, 1)]
    labels = [batch.labels for batch in two if batch.labels is not None]
    return Batch(torch.cat([batch.images for batch in two]), torch.cat(labels) if labels else None)


def played(game: str, steps: int, team) -> str:
    """The digest of all weights, moments and memories after so many steps."""
    preset, remedy = game.split(",", 1)
    settings = settings_of(
        preset, f"budget.parts={PARTS}", "budget.batch=32", remedies=[remedy] if remedy else []
    )
    recipe = build.recipe(settings)
    state = build.state(settings, 3, torch.device("cpu"), 16.0 * steps, recipe)
    state.team = team
    conditional = settings.data.conditional
    state.held_out = lambda i: pictures(10_000 + i, conditional)
    for _ in range(steps):
        train_step(state, lambda i: pictures(i, conditional), recipe)
    return digest({f"ema.{k}": v for k, v in state.weights().items()} | state.tensors())


def main(steps: int, games: list[str]) -> None:
    torch.set_num_threads(1)
    with joined() as group:
        team = Alone(PARTS) if group is None else Shared(group, PARTS)
        found = {game: played(game, steps, team) for game in games or GAMES}
        if group is not None:
            agree(group, found, "{other} {key}: {said} {first}", "")
        if group is None or group.leads:
            print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
