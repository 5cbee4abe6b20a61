"""How good the defaults are: many data sets and seeds, for equal processor time of one thread.

Each contender trains on each data set with each seed until the last point in time; at every point
2,000 pictures are measured by three extractors that no recipe was chosen by. A ratio is a Fréchet
distance over that of two halves of the real pictures; the table shows the geometric mean over
extractors and seeds. Other load on the machine does not count, except through its caches.

Trainings that are there already (in --out) are not played again.
Example: python -m bench.defaults --rows digits,emoji --contenders auto,script --points 30,100
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.common import DEFAULT_DATA, parser, publish, spread, table
from bench.defaults.contenders import CONTENDERS
from bench.defaults.judge import Judge
from bench.defaults.play import play, stem_of
from bench.defaults.rows import ROWS
from bench.record import Row, machine, made, row

Found = dict[str, Any]


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    listed: dict[str, Iterable[str]] = {"rows": ROWS, "contenders": CONTENDERS}
    for name, known in listed.items():
        default = "all" if name == "rows" else "auto,auto-before,script"
        options.add_argument(f"--{name}", default=default, metavar="A,B",
                             help=f"of {', '.join(known)} (default: {default})")  # fmt: skip
    options.add_argument("--seeds", default="0,1,2", metavar="A,B", help="(default: 0,1,2)")
    options.add_argument("--points", default="30,60,120,300", metavar="S,S",
                         help="processor seconds; the last ends the training "
                         "(default: 30,60,120,300)")  # fmt: skip
    options.add_argument("--data", type=Path, default=DEFAULT_DATA, metavar="DIR",
                         help="folder with mnist, fruits, cifar10-*.zip, emoji.zip")  # fmt: skip
    options.add_argument("--out", type=Path, default=Path("out/defaults"), metavar="DIR",
                         help="where journals and pictures are kept")  # fmt: skip
    options.add_argument("--replay", action="store_true", help="only tell what is kept in --out")
    return options.parse_args()


def chosen(text: str, known: Iterable[str]) -> list[str]:
    """The names in 'a,b'. Raises SystemExit for an unknown one."""
    names = list(known) if text == "all" else text.split(",")
    if unknown := set(names) - set(known):
        listed = ", ".join(known)
        raise SystemExit(f"error: unknown: {', '.join(sorted(unknown))}; there are {listed}")
    return names


def played(given: argparse.Namespace) -> Iterator[Found]:
    """What was measured at every point, of trainings made now or before."""
    points = [float(point) for point in given.points.split(",")]
    seeds = [int(seed) for seed in given.seeds.split(",")]
    names = chosen(given.contenders, CONTENDERS)
    for row_name in chosen(given.rows, ROWS):
        judge = None
        for seed in seeds:
            for name in names:
                kept = given.out / f"{stem_of(row_name, name, seed, points)}.json"
                if given.replay and not kept.exists():
                    continue
                if not kept.exists():
                    if judge is None:
                        judge = Judge(ROWS[row_name](given.data, given.out / "made"))
                    play(name, CONTENDERS[name], judge, seed, points, given.out)
                for found in json.loads(kept.read_text("utf-8")):
                    print(line_of(found), flush=True)
                    yield found


def line_of(found: Found) -> str:
    return (
        f"{found['row']:13} {found['contender']:20} seed {found['seed']} {found['seconds']:4g} s "
        f"{found['images']:7,} images  ratio {found['ratio']:7.1f}  coverage "
        f"{found['coverage']:.2f} of {found['coverage_floor']:.2f}  variety {found['variety']:.2f}"
        f"  highest loss of D {found['d_loss_highest']:.1f}"
    )


def geometric(values: Iterable[float]) -> float:
    return float(np.exp(np.mean(np.log(list(values)))))


def summary(found: list[Found], seconds: float) -> list[Row]:
    """A row for each data set and contender at this point, and one for each contender over all the
    data sets that everyone played."""
    here = [each for each in found if each["seconds"] == seconds]
    names = list(dict.fromkeys(each["contender"] for each in here))
    sets = list(dict.fromkeys(each["row"] for each in here))
    rows, means = [], {}
    for data in sets:
        for name in names:
            mine = [e for e in here if (e["row"], e["contender"]) == (data, name)]
            if mine:
                means[data, name] = geometric(each["ratio"] for each in mine)
                rows.append(_row_of(data, name, mine))
    common = [data for data in sets if all((data, name) in means for name in names)]
    for name in names:
        if len(common) > 1:
            ratios = [means[data, name] for data in common]
            rows.append(row(f"all of {len(common)}: {name}", {"data": "all", "contender": name},
                            ratio=geometric(ratios), worst_ratio=max(ratios)))  # fmt: skip
    return rows


def _row_of(data: str, name: str, mine: list[Found]) -> Row:
    figures = {
        key: spread([each[key] for each in mine])
        for key in ("ratio", "coverage", "coverage_floor", "variety", "images", "d_loss_highest")
    }
    for key in ("tail_ratio", "fd_lenet-mnist"):
        there = [each[key] for each in mine if key in each]
        if there:
            figures[key] = spread(there)
    return row(f"{data}: {name}", {"data": data, "contender": name},
               seeds=len(mine), **figures)  # fmt: skip


def shown(rows: list[Row]) -> str:
    head = ["data", "contender", "ratio", "coverage", "variety", "images"]
    lines = []
    for each in rows:
        figures = each.figures
        cells = [f"{figures[k].value:{form}}" if k in figures else ""
                 for k, form in (("ratio", ".1f"), ("coverage", ".2f"), ("variety", ".2f"),
                                 ("images", ",.0f"))]  # fmt: skip
        lines.append([each.words["data"], each.words["contender"], *cells])
    return table(head, lines)


def main() -> None:
    given = arguments()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    here = machine()
    found = list(played(given))
    for point in sorted({each["seconds"] for each in found}):
        rows = summary(found, point)
        print(f"\nAfter {point:g} processor seconds\n\n{shown(rows)}", flush=True)
        publish(given, made("defaults", f"after {point:g} s", rows, here), {"found": found})


if __name__ == "__main__":
    main()
