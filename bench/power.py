"""What the measures can see: real pictures play a generator that leaves out kinds, or that copies.

digits   MNIST, 1,000 pictures of each kind: one digit of ten missing in 20 draws, none in 20.
classes  CIFAR-10 in the features selfsup64 and pixelpca64: power curves over the classes missing
         and the number of pictures.
copies   MNIST: 5 % copies of training pictures among 2,000, against none, in 20 draws each.

A draw is told from real pictures if any measure has |z| > 4, as `ganwerk evaluate` says it. The
rarest missing kind matters: draw i leaves out class i and those after it.
Nothing here trains a GAN: the fakes are real pictures that the reference does not hold.

Example: python -m bench.power digits copies --data ../shared/data
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.classifier import mnist
from bench.common import add_data_option, machine_line, parser, publish, table
from bench.record import Row, machine, made, row
from ganwerk.data import load_pictures
from ganwerk.evaluation.extractors import ExtractorOptions, Reals, kept_features, make
from ganwerk.metrics import copying, frechet_distance, kernel_distance, scale
from ganwerk.metrics.features import Extractor, PixelPca, extract

DRAWS = 20
POOL = 4
CURVE = "1000:1,1000:2,1000:3,1000:5,2000:1,5000:1,1000:0,5000:0"
Numbers = np.ndarray


def share_told(
    pool: torch.Tensor, others: torch.Tensor, labels: Numbers, *, n: int, missing: int,
    draws: range, distances: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Draw `draws` times n reals from the pool and n fakes from the others without some classes."""
    found: dict[str, list[float]] = {}
    told = 0
    if len(pool) < POOL * n:
        raise SystemExit(f"error: {POOL} times {n:,} reals are needed, there are {len(pool):,}.")
    for draw in draws:
        random = np.random.default_rng([draw, n, missing])
        reals = pool[torch.from_numpy(random.permutation(len(pool))[: POOL * n])]
        gone = [(draw + i) % 10 for i in range(missing)]
        left = np.flatnonzero(~np.isin(labels, gone))
        if len(left) < n:
            raise SystemExit(f"error: {n:,} fakes are needed, {len(left):,} are left.")
        fake = others[torch.from_numpy(random.permutation(left)[:n])]
        scores = without_errors(reals, fake, n, draw, distances)
        told += any(score.far for score in scores.values())
        for name, score in scores.items():
            found.setdefault(name, []).append(score.z)
    z = {name: float(np.mean(values)) for name, values in found.items()}
    least = {name: float(np.min(values)) for name, values in found.items()}
    told_of = {"n": n, "missing": missing, "told": told, "draws": len(draws)}
    return told_of | {"z": z, "least_z": least}


def without_errors(
    reals: torch.Tensor, fake: torch.Tensor, n: int, seed: int, distances: bool
) -> dict[str, scale.Scored]:
    """`scale.score` but for the standard errors, on which z does not depend."""
    scorer = scale.Scorer(reals, n, seed=seed)
    measure = two_distances if distances else scorer.all
    floors = scale.floors(measure, reals, n, seed=seed)
    steps = scorer.steps(n)
    return {
        name: scale.scored(value, 0.0, floors[name], steps.get(name, 0.0), scorer.bounds.get(name))
        for name, value in measure(reals[:n], fake).items()
    }


def two_distances(real: torch.Tensor, fake: torch.Tensor) -> scale.Scores:
    """The measures that cost a tenth of all."""
    return {
        "frechet": frechet_distance(real, fake),
        "kernel": kernel_distance(real, fake).value,
    }


def rows_of(found: list[dict[str, Any]]) -> list[list[str]]:
    return [
        [f"{r['n']:,}", str(r["missing"]), f"{r['told']} of {r['draws']}",
         *(f"{z:+.1f}" for z in r["z"].values())]
        for r in found
    ]  # fmt: skip


def show(title: str, found: list[dict[str, Any]]) -> None:
    print(f"\n{title}")
    names = [scale.KINDS[name].name for name in found[0]["z"]]
    head = ["pictures", "missing", "told", *(f"z of {name}" for name in names)]
    print(table(head, rows_of(found)), flush=True)


def digits(given: argparse.Namespace) -> dict[str, Any]:
    images, labels = mnist(given.data, "train")
    # Drawn at random: MNIST's writers stand in blocks, and other writers are a real difference
    order = np.random.default_rng(0).permutation(len(images))
    reals = np.ascontiguousarray(images[order[:12_000], None])
    others, of = images[order[12_000:24_000], None], labels[order[12_000:24_000]]
    result: dict[str, Any] = {}
    for name in given.features or ["lenet-mnist", "pixelpca64"]:
        extractor = make(name, Reals(reals, mirror=False), ExtractorOptions())
        pool, rest = extract(extractor, reals), extract(extractor, others)
        found = [
            share_told(pool, rest, of, n=1000, missing=missing, draws=given.range)
            for missing in given.missing
        ]
        show(f"MNIST, {extractor.name}", found)
        result[extractor.name] = found
    return {"digits": result}


def copies(given: argparse.Namespace) -> dict[str, Any]:
    images, _ = mnist(given.data, "train")
    extractor = PixelPca.fit(images[:6000, None])
    features = extract(extractor, np.ascontiguousarray(images[:20_000, None]))
    train, held_out, fresh = features[:6000], features[6000:8000], features[8000:]
    flags = {0.0: 0, 0.05: 0}
    for share in flags:
        for draw in given.range:
            random = np.random.default_rng([draw, 9])
            fake = fresh[torch.from_numpy(random.permutation(len(fresh))[:2000])].clone()
            count = int(share * 2000)
            chosen = torch.from_numpy(random.permutation(len(train))[:count])
            fake[:count] = train[chosen]
            flags[share] += copying(train, held_out, fake).flagged
    for share, count in flags.items():
        print(f"{share:.0%} copies among 2,000: flagged in {count} of {given.draws}", flush=True)
    return {"copies": {str(share): count for share, count in flags.items()}}


def classes(given: argparse.Namespace) -> dict[str, Any]:
    parts = [
        load_pictures(given.data / f"cifar10-{part}.zip", memory_budget_bytes=1 << 30)
        for part in ("train", "test")
    ]
    images, labels = parts[0].images, parts[0].labels
    assert labels is not None
    order = np.random.default_rng(0).permutation(len(images))
    first, second = order[: given.taught], order[given.taught : 2 * given.taught]
    wishes = ExtractorOptions()
    result: dict[str, Any] = {}
    reals = np.ascontiguousarray(images[np.sort(first)])
    others = np.ascontiguousarray(images[second[: given.looked]])
    # The files are sorted by class, so what is looked at has to be drawn from all of them
    some = reals[np.random.default_rng(1).permutation(len(reals))[: given.looked]]
    for name in given.features or ["selfsup64", "pixelpca64"]:
        start = time.perf_counter()
        extractor: Extractor = make(name, Reals(reals, mirror=True), wishes)
        made = time.perf_counter() - start
        pool, rest = (kept_features(extractor, x, wishes) for x in (some, others))
        print(f"\n{extractor.name} ready after {made:.0f} s", flush=True)
        found = []
        for n, missing in given.curve:
            found.append(
                share_told(pool, rest, labels[second[: given.looked]], n=n, missing=missing,
                           draws=given.range, distances=given.distances)
            )  # fmt: skip
        show(f"CIFAR-10, {extractor.name}", found)
        result[extractor.name] = {"seconds_to_make": made, "weights": extractor.weights,
                                  "curve": found}  # fmt: skip
    return {"classes": result}


def draw_curves(result: dict[str, Any], path: Path) -> None:
    """How many draws are told, over the classes missing and over the number of pictures; a line per
    features."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

    figure = Figure((7.5, 3.0), dpi=120, layout="constrained")
    by_missing, by_count = figure.subplots(1, 2, sharey=True)
    for name, found in result["classes"].items():
        rows = sorted(found["curve"], key=lambda row: (row["n"], row["missing"]))
        least = rows[0]["n"]
        for panel, axis, held in ((by_missing, "missing", ("n", least)),
                                  (by_count, "n", ("missing", 1))):  # fmt: skip
            line = [row for row in rows if row[held[0]] == held[1]]
            panel.plot(
                [row[axis] for row in line], [row["told"] / row["draws"] for row in line],
                marker="o", ms=4, label=name,
            )  # fmt: skip
    by_missing.set_title(f"{least:,} pictures of each kind", fontsize=9)
    by_missing.set_xlabel("classes of ten missing", fontsize=8)
    by_missing.set_ylabel("draws told, |z| > 4", fontsize=8)
    by_count.set_title("one class of ten missing", fontsize=9)
    by_count.set_xlabel("pictures of each kind", fontsize=8)
    by_count.set_xscale("log")
    counts = sorted({row["n"] for row in rows})
    by_count.xaxis.set_major_locator(FixedLocator(counts))
    by_count.xaxis.set_minor_locator(NullLocator())
    by_count.set_xticklabels([f"{n:,}" for n in counts])
    by_missing.yaxis.set_major_formatter(PercentFormatter(1.0))
    for panel in (by_missing, by_count):
        panel.set_ylim(-0.03, 1.03)
        panel.grid(color="0.9")
        panel.spines[["top", "right"]].set_visible(False)
    by_missing.legend(frameon=False, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    print(f"Written: {path}")


STUDIES: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "digits": digits,
    "copies": copies,
    "classes": classes,
}


def draws_told(found: dict[str, Any], draws: int) -> list[Row]:
    """A row of the record for each features, number of pictures and number of classes missing."""
    lists = {name: of["curve"] if isinstance(of, dict) else of for name, of in found.items()}
    return [
        row(f"{name}, {r['n']:,} pictures, {r['missing']} missing", told=r["told"],
            draws=r["draws"], **{f"z_{kind}": z for kind, z in r["z"].items()})
        for name, rows in lists.items() for r in rows
    ]  # fmt: skip


def copies_told(found: dict[str, int], draws: int) -> list[Row]:
    return [row(f"{float(share):.0%} copies", told=n, draws=draws) for share, n in found.items()]


RECORDED: dict[str, Callable[[Any, int], list[Row]]] = {
    "digits": draws_told,
    "copies": copies_told,
    "classes": draws_told,
}


def _curve(text: str) -> list[tuple[int, int]]:
    pairs = [part.split(":") for part in text.split(",")]
    return [(int(n), int(missing)) for n, missing in pairs]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("study", nargs="+", choices=STUDIES)
    add_data_option(options)
    options.add_argument("--draws", type=int, default=DRAWS, metavar="N")
    options.add_argument("--first", type=int, default=0, metavar="N", help="number of a draw")
    options.add_argument("--features", type=lambda t: t.split(","),
                         metavar="LIST")  # fmt: skip
    options.add_argument("--taught", type=int, default=25_000, metavar="N",
                         help="pictures that the features learn from")  # fmt: skip
    options.add_argument("--looked", type=int, default=25_000, metavar="N",
                         help="pictures that reals, and fakes, are drawn from")  # fmt: skip
    options.add_argument("--missing", type=lambda t: [int(x) for x in t.split(",")], default=[1, 0],
                         metavar="LIST", help="digits that are missing")  # fmt: skip
    options.add_argument("--distances", action="store_true",
                         help="for classes: FD and KD alone, a tenth of the work")  # fmt: skip
    options.add_argument("--curve", type=_curve, default=_curve(CURVE), metavar="N:MISSING,...")
    options.add_argument("--figure", type=Path, metavar="FILE",
                         help="draw the curves of classes there")  # fmt: skip
    given = options.parse_args()
    given.range = range(given.first, given.first + given.draws)
    if given.figure and "classes" not in given.study:
        options.error("--figure draws the curves of the study classes")
    here = machine("cpu")
    print(machine_line(here), flush=True)
    result: dict[str, Any] = {}
    for study in given.study:
        result |= STUDIES[study](given)
        record = made("power", study, RECORDED[study](result[study], given.draws), here)
        publish(given, record, result)
    if given.figure:
        draw_curves(result, given.figure)


if __name__ == "__main__":
    main()
