"""How exact and how fast the measures are, beside the packages that others use.

    fréchet     10,000 x 2,048 features     torch-fidelity (numpy's general eigenvalues)
    neighbours  10,000 x 10,000 x 2,048     prdc (scikit-learn distances in float64)

Contenders take turns; what counts is the ratio of medians, and that the values agree. On a busy
machine compare the processor time, which the neighbours hardly change. Peak memory is that of the
process above the features. Peers are looked for in the folders of --peers.

Example: python -m bench.metrics --peers PEERS --rounds 3
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.common import machine_line, parser, publish, spread, table
from bench.record import Row, machine, made, row
from ganwerk.metrics import frechet_distance, neighbour_scores

Values = dict[str, float]


def features(n: int, d: int, seed: int) -> np.ndarray:
    """Correlated, not negative, as those of a network after its last ReLU."""
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(7).normal(size=(64, d)) / 8
    base = random.normal(size=(n, 64)) @ mixing + 0.3 * random.normal(size=(n, d))
    return np.maximum(base + 0.2, 0).astype(np.float32)


def ours_frechet(x: np.ndarray, y: np.ndarray) -> Values:
    return {"frechet": frechet_distance(x, y)}


def theirs_frechet(x: np.ndarray, y: np.ndarray) -> Values:
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    moments = [fid_features_to_statistics(torch.from_numpy(z).double()) for z in (x, y)]
    found = fid_statistics_to_metric(*moments, verbose=False)
    return {"frechet": float(next(iter(found.values())))}


def ours_neighbours(x: np.ndarray, y: np.ndarray) -> Values:
    return asdict(neighbour_scores(x, y, 5))


def theirs_neighbours(x: np.ndarray, y: np.ndarray) -> Values:
    from prdc import compute_prdc

    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        found = compute_prdc(x.astype(np.float64), y.astype(np.float64), nearest_k=5)
    return {name: float(value) for name, value in found.items()}


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def contend(
    name: str, ours: Callable[..., Values], theirs: Callable[..., Values] | None,
    x: np.ndarray, y: np.ndarray, rounds: int,
) -> dict[str, Any]:  # fmt: skip
    """Ours first, so that its peak of memory is its own; then turn about."""
    before = peak_bytes()
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    processor: dict[str, list[float]] = {"ours": [], "theirs": []}
    values: dict[str, Values] = {}
    peak = 0
    for _ in range(rounds):
        for who, run in (("ours", ours), ("theirs", theirs)):
            if run is None:
                continue
            start, used = time.perf_counter(), time.process_time()
            values[who] = run(x, y)
            seconds[who].append(time.perf_counter() - start)
            processor[who].append(time.process_time() - used)
            peak = peak or peak_bytes() - before
    medians = {who: statistics.median(t) for who, t in seconds.items() if t}
    used_medians = {who: statistics.median(t) for who, t in processor.items() if t}
    apart = max(
        (abs(values["ours"][k] - v) / max(abs(v), 1e-12) for k, v in values["theirs"].items()),
        default=float("nan"),
    ) if theirs else float("nan")  # fmt: skip
    print(f"{name}: {medians}, processor {used_medians}", flush=True)
    found = {"name": name, "seconds": medians, "processor_seconds": used_medians}
    found |= {"all_seconds": seconds, "all_processor_seconds": processor}
    return found | {"peak_bytes": peak, "apart": apart, "values": values}


def told(found: dict[str, Any], peers: dict[str, str]) -> Row:
    """A row of the record."""
    times = {
        f"{who}_{kind}": spread(taken)
        for kind in ("seconds", "processor_seconds")
        for who, taken in found[f"all_{kind}"].items()
        if taken
    }
    apart = {} if math.isnan(found["apart"]) else {"apart": found["apart"]}
    words = {"peer": peers[found["name"]]} if peers else {}
    return row(found["name"], words, **times, peak_bytes=found["peak_bytes"], **apart)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--peers", type=Path, metavar="DIR", help="folder with prdc/ and others")
    options.add_argument("--rounds", type=int, default=3, metavar="N")
    options.add_argument("--count", type=int, default=10_000, metavar="N")
    options.add_argument("--width", type=int, default=2048, metavar="D")
    options.add_argument("--only", choices=["frechet", "neighbours"])
    options.add_argument("--alone", action="store_true", help="without the peers")
    given = options.parse_args()
    if given.peers:
        sys.path += [str(folder) for folder in sorted(given.peers.iterdir())]
    here = machine("cpu")
    print(machine_line(here), flush=True)
    x, y = (features(given.count, given.width, seed) for seed in (0, 1))
    pairs = {
        "frechet": (ours_frechet, theirs_frechet),
        "neighbours": (ours_neighbours, theirs_neighbours),
    }
    found = [
        contend(name, ours, None if given.alone else theirs, x, y, given.rounds)
        for name, (ours, theirs) in pairs.items()
        if given.only in (None, name)
    ]
    rows = [
        [r["name"],
         *(f"{r[kind].get(who, float('nan')):.1f} s"
           for kind in ("seconds", "processor_seconds") for who in ("ours", "theirs")),
         f"{r['peak_bytes'] / 2**20:,.0f} MiB", f"{r['apart']:.0e}"]
        for r in found
    ]  # fmt: skip
    print(
        table(
            [
                "measure",
                "ganwerk",
                "peer",
                "ganwerk, processor",
                "peer, processor",
                "peak memory",
                "apart",
            ],
            rows,
        )
    )
    peers = {} if given.alone else {"frechet": "torch-fidelity", "neighbours": "prdc"}
    record = made("metrics", "peers", [told(each, peers) for each in found], here)
    publish(given, record, {"found": found})


if __name__ == "__main__":
    main()
