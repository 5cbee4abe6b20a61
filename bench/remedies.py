"""What each remedy costs: the time of a training step with it, in plain steps.

Plain and all remedies of the round take turns for a few steps each in one process, so that
whatever else the machine does meets all of them. A figure is the ratio of the medians; in brackets
stand the quartiles of the rounds' own ratios.

  pictures   what ganwerk chooses for colour pictures at 64 px, unconditional, with its lazy R1
  points     the laboratory's perceptrons: 2 x 128 units each, batch 512, in two dimensions

With --clock arithmetic nothing is timed, but the operations of convolutions and matrix products are
counted: what the remedy must cost, whatever the machine does.

Example: python -m bench.remedies pictures --only packing replay ada --json remedies.json
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from bench.common import Spread, machine_line, parser, publish, spread, table
from bench.record import Row, machine, made, row
from bench.task import noise
from ganwerk.config import auto, build, load
from ganwerk.game.optimisers import Adam
from ganwerk.game.recipe import Recipe, adapt
from ganwerk.game.remedies import REMEDIES, apply_remedies
from ganwerk.game.remedies.augmented import Adaptive
from ganwerk.game.start import start
from ganwerk.game.step import train_step
from ganwerk.nn.layers import Linear, LogitHead
from ganwerk.nn.types import Batch, Scales
from ganwerk.runtime import machine as here
from ganwerk.training import probe
from ganwerk.training.footprint import dummy_batch
from ganwerk.values import Origin

Steps = Callable[[int], None]
RESOLUTION = 64
POINTS, UNITS, LATENT = 512, 128, 256
ADA_AT_WORK = 0.5  # the probability at which ADA is measured: at 0 it does nothing
UNROLLED = {f"unrolled-{k}": f"unrolled:steps={k}" for k in (1, 2, 5, 10)}
MOST_UNROLLED = 1.3  # plain steps per step looked ahead, beside the step itself
MOST = 1.15
CLOCKS = ("wall", "processor", "arithmetic")


class Arithmetic(TorchDispatchMode):
    """Counts the operations of convolutions and matrix products inside its block.

    torch's FlopCounterMode counts the same, but follows modules by hooks that fail where a gradient
    is taken of a copy that requires one, as gradient penalties and unrolling do."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch gives it no types
        self.operations = 0

    def __torch_dispatch__(self, call: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = call(*args, **kwargs)
        count = flop_registry.get(call._overloadpacket)
        if count is not None:
            self.operations += count(*args, **kwargs, out_val=result)
        return result


@contextmanager
def clock_of(kind: str) -> Iterator[Callable[[], float]]:
    """Seconds, or 10^12 operations."""
    if kind == "arithmetic":
        with Arithmetic() as counted:
            yield lambda: counted.operations / 1e12
    else:
        yield time.perf_counter if kind == "wall" else time.process_time


@dataclass
class Lane:
    """A contender, and what a step of it took in each round, by the clock."""

    steps: Steps
    spent: list[float] = field(default_factory=list)


def pictures_lane(remedy: str | None, choices: dict[str, str] | None) -> tuple[Steps, Any]:
    """Steps at 64 px, and the precision of the layers that the plain game chose."""
    pictures = noise(RESOLUTION)
    sets = ["run.precision=measured", f"data.resolution={RESOLUTION}"]
    draft = load.collect(remedies=[remedy] if remedy else [], sets=sets)
    draft.give("data.where", "noise", Origin("benchmark"))
    draft.give("data.conditional", False, Origin("benchmark"))
    facts = here.facts(None)
    auto.decide(draft, pictures.facts(), facts)
    settings = load.settle(draft)
    if choices is None:
        choices = probe.probe(settings, 0, facts, anew=True).choices
    recipe = build.recipe(settings)
    state = build.state(settings, 0, torch.device("cpu"), 1e9, recipe)
    named = {name.replace("d.", "d.net."): value for name, value in choices.items()}
    probe.apply_choices(state, named if remedy and remedy.startswith("packing") else choices)
    if "ada" in state.parts:
        cast(Adaptive, state.parts["ada"]).p = ADA_AT_WORK
    batch = dummy_batch(settings, state.device, settings.budget.batch)

    def steps(count: int) -> None:
        with probe.computing(choices):
            for _ in range(count):
                train_step(state, lambda _: batch, recipe)

    return steps, choices


class PointG(nn.Module):
    latent_dim = LATENT

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            Linear(LATENT, UNITS), nn.ReLU(), Linear(UNITS, UNITS), nn.ReLU(), Linear(UNITS, 2)
        )

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Scales:
        return (self.net(z),)


class PointD(nn.Module):
    group_size = 1

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Sequential(Linear(2, UNITS), nn.ReLU(), Linear(UNITS, UNITS), nn.ReLU())
        self.verdict = LogitHead(UNITS, 0)

    def forward(self, scales: Scales, labels: Tensor | None = None) -> Tensor:
        logits: Tensor = self.verdict(self.hidden(scales[-1]), labels)
        return logits


def points_lane(remedy: str | None, choices: Any) -> tuple[Steps, Any]:
    """Steps of the laboratory's perceptrons."""
    from ganwerk.config.remedies import parse

    given = []
    if remedy:
        kind, values = parse(remedy)
        if kind in ("ada", "diffaugment"):
            values["policy"] = ("noise",)
        if kind in ("r1", "r2"):
            values["weight"] = 1.0
        given = [REMEDIES[kind](**values)]
    torch.manual_seed(0)
    recipe = apply_remedies(Recipe(), given)
    state = start(
        recipe, PointG(), adapt(recipe, PointD()),
        lambda net, rate: Adam(net.parameters(), rate, 0.5, 0.999),
        g_rate=1e-3, d_rate=1e-4, seed=0, horizon_images=1e9,
    )  # fmt: skip
    if "ada" in state.parts:
        cast(Adaptive, state.parts["ada"]).p = ADA_AT_WORK
    batch = Batch(torch.randn(POINTS, 2))

    def steps(count: int) -> None:
        for _ in range(count):
            train_step(state, lambda _: batch, recipe)

    return steps, choices


GAMES: dict[str, tuple[Callable[..., tuple[Steps, Any]], int]] = {
    "pictures": (pictures_lane, 4),  # steps at a time: the period of the lazy R1
    "points": (points_lane, 40),
}


def race(
    game: str, names: list[str], rounds: int, seconds: float, clock: Callable[[], float]
) -> dict[str, Lane]:
    """Rounds in which all take turns; none is begun after so many seconds."""
    until = time.monotonic() + seconds
    make, at_once = GAMES[game]
    plain, choices = make(None, None)
    lanes = {"plain": Lane(plain)}
    for name in names:
        lanes[name] = Lane(make(UNROLLED.get(name, name), choices)[0])
    for turn in range(rounds + 1):  # the first warms up
        for lane in lanes.values():
            begun = clock()
            lane.steps(at_once)
            if turn:
                lane.spent.append((clock() - begun) / at_once)
        if turn:
            print(f"  {game}: round {turn} of {rounds}", flush=True)
            if time.monotonic() > until:
                break
    return lanes


def limit(name: str) -> float:
    if name in UNROLLED:
        return 1 + MOST_UNROLLED * int(name.removeprefix("unrolled-"))
    return MOST


def summary(game: str, lanes: dict[str, Lane]) -> list[dict[str, Any]]:
    plain = lanes["plain"]
    rows = []
    for name, lane in lanes.items():
        rounds = spread([a / b for a, b in zip(lane.spent, plain.spent, strict=True)])
        spent = spread(lane.spent).median
        ratio = spent / spread(plain.spent).median
        rows.append({
            "game": game, "remedy": name, "thousandths": 1000 * spent, "ratio": ratio,
            "low": rounds.low, "high": rounds.high, "kind": rounds.kind, "limit": limit(name),
        })  # fmt: skip
    return rows


def as_text(rows: list[dict[str, Any]], clock: str) -> str:
    unit = "GFLOP" if clock == "arithmetic" else "ms"
    head = ("game", "remedy", f"{unit} per step", "plain steps", "goal")
    cells = [
        (
            row["game"], row["remedy"], f"{row['thousandths']:.2f}",
            f"{row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f})",
            "" if row["remedy"] == "plain" else f"at most {row['limit']:.2f}",
        )
        for row in rows
    ]  # fmt: skip
    return table(head, cells)


def told(found: dict[str, Any], clock: str) -> Row:
    """A row of the record: a step by the clock, and in plain steps."""
    spent = {"step_gflop" if clock == "arithmetic" else "step_ms": found["thousandths"]}
    steps = Spread(found["ratio"], found["low"], found["high"], found["kind"])
    return row(found["remedy"], plain_steps=steps, **spent)


def arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("games", nargs="*", default=[], metavar="GAME", help=", ".join(GAMES))
    made.add_argument("--only", nargs="+", metavar="REMEDY", help="unrolled-5, packing, ...")
    made.add_argument("--rounds", type=int, default=9)
    made.add_argument("--seconds", type=float, default=math.inf, help="no new round after them")
    made.add_argument(
        "--clock",
        choices=CLOCKS,
        default="wall",
        help="processor: on a busy machine; arithmetic: operations are counted, not timed",
    )
    return made.parse_args()


def main() -> None:
    given = arguments()
    here = machine("cpu")
    print(machine_line(here), flush=True)
    everything = [*UNROLLED, *(name for name in REMEDIES if name != "unrolled")]
    rows: list[dict[str, Any]] = []
    for game in given.games or GAMES:
        names = given.only or everything
        with clock_of(given.clock) as clock:
            found = summary(game, race(game, names, given.rounds, given.seconds, clock))
        rows += found
        study = game if given.clock == "wall" else f"{game}, {given.clock}"
        record = made("remedies", study, [told(each, given.clock) for each in found], here)
        publish(given, record, {"rounds": given.rounds, "clock": given.clock, "rows": rows})
    print(f"\n{as_text(rows, given.clock)}")


if __name__ == "__main__":
    main()
