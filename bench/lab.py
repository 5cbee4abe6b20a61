"""What the laboratory must reach: modes over ten seeds, the plain game beside each remedy.

    python -m bench.lab points            ring and grid, about half an hour on two quiet cores
    python -m bench.lab stacked           stacked MNIST with tiny discriminators, hours
    python -m bench.lab full              stacked MNIST with an ordinary DCGAN

Games that are finished are kept in --out and not played again, so it may be stopped at any time.
The settings of balance and two-rates were chosen on the seeds 10 to 12 of the ring, which are not
in the table; those of the best recipe of the ring on its seeds 3 and 5, and of stacked MNIST on its
seed 0, which are.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.common import DEFAULT_DATA, machine_line, parser, publish, table
from bench.record import Deviation, Figure, Row, machine, made, row
from ganwerk.lab.compare import Compared, compare, problem
from ganwerk.lab.stacked import ready
from ganwerk.lab.table import cell
from ganwerk.values import Progress


@dataclass(frozen=True)
class Round:
    """Methods on a problem, over seeds. steps: None for those of the preset."""

    problem: str
    methods: tuple[str, ...]
    seeds: int
    steps: int | None = None


ROUNDS: dict[str, tuple[Round, ...]] = {
    "points": (
        Round(
            "ring:collapse",
            (
                "plain",
                "unrolled:steps=5",
                "balance:speed=0.2,every=4",
                "two-rates:generator=1,discriminator=20",
                "packing:size=2",
            ),
            seeds=10,
        ),
        Round("ring:best", ("plain", "r1:weight=0.02"), seeds=10),
        Round("grid:best", ("plain", "r1:weight=0.1+r2:weight=0.1"), seeds=10),
    ),
    "stacked": (
        Round(
            "stacked:best",
            ("plain", "loss=relativistic+r1:weight=0.1+r2:weight=0.1+packing:size=2"),
            seeds=3,
        ),
        Round(
            "stacked:quarter",
            (
                "plain",
                "packing:size=4",
                "unrolled:steps=1",
                "unrolled:steps=5",
                "unrolled:steps=10",
            ),
            seeds=1,
            steps=1_000,
        ),
    ),
    "full": (Round("stacked:full", ("r1:weight=0.1,every=8",), seeds=1),),
}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("what", choices=sorted(ROUNDS))
    options.add_argument("--data", type=Path, default=DEFAULT_DATA, metavar="DIR")
    options.add_argument("--out", type=Path, default=Path("out/lab"), metavar="DIR")
    options.add_argument("--processes", type=int, default=os.cpu_count() or 1, metavar="N")
    given = options.parse_args()
    here = machine("cpu")
    print(machine_line(here), flush=True)
    if given.what != "points":
        ready(given.data, show)
    results = {}
    for each in ROUNDS[given.what]:
        chosen = problem(each.problem, each.steps, given.data)
        folder = given.out / each.problem.replace(":", "-")
        found = compare([chosen], each.methods, each.seeds, folder, given.processes, show)
        print_table(found, each)
        results[each.problem] = found.means[each.problem]
        record = made("lab", each.problem, told(found, each), here)
        publish(given, record, {"means": results})


def show(progress: Progress) -> None:
    """One line that is rewritten."""
    line = f"{progress.task}: {progress.done:,} of {progress.total or 0:,} {progress.unit}"
    print(f"\r{line}", end="", flush=True)


def print_table(found: Compared, each: Round) -> None:
    """The means as Markdown, and every seed's modes below."""
    means = found.means[each.problem]
    columns = found.problems[0].experiment.columns
    rows = [
        [name, *(cell(facts[c.fact], c) for c in columns), all_of(facts["modes"].values)]
        for name, facts in means.items()
    ]
    print(f"\n\n{each.problem}, {each.seeds} seeds, mean ± standard error\n")
    print(table(["method", *(c.head for c in columns), "modes of each seed"], rows), flush=True)


def told(found: Compared, each: Round) -> list[Row]:
    """The means over the seeds as rows of the record. What no game has a value of is left out."""
    rows = []
    for name, facts in found.means[each.problem].items():
        figures = {}
        for column in found.problems[0].experiment.columns:
            mean, factor = facts[column.fact], column.factor
            key = column.fact + "_percent" * (factor == 100)
            if mean.mean is not None:
                spread = None if mean.error is None else _deviation(factor * mean.error)
                figures[key] = Figure(value=factor * mean.mean, spread=spread)
        words = {"modes_of_each_seed": all_of(facts["modes"].values)}
        if "high_quality" in facts:
            words["worst_seed"] = worst_of(facts["modes"].values, facts["high_quality"].values)
        rows.append(row(name, words, seeds=each.seeds, **figures))
    return rows


def worst_of(modes: Sequence[float | None], quality: Sequence[float | None]) -> str:
    """Modes and percent of high quality of the game with the fewest modes."""
    least, share = min(zip((m or 0 for m in modes), (q or 0 for q in quality), strict=True))
    return f"{least:.0f}, {100 * share:.1f}"


def _deviation(size: float) -> Deviation:
    return Deviation(kind="standard error", size=size)


def all_of(values: Sequence[float | None]) -> str:
    return " ".join("-" if value is None else f"{value:.0f}" for value in values)


if __name__ == "__main__":
    main()
