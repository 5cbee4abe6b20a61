"""Pictures per second: `ganwerk sample` against the bare forward pass of the same generator.

The bare pass only computes: latents ready, no conversion to bytes, nothing written, at the best of
several batch sizes. Ganwerk draws by seed and converts (`draw`), and also writes one file with all
pictures (`npz`) or one file each (`png`). The contenders take turns.

Example: python -m bench.sampling runs/fruits --json sampling.json
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from bench.common import machine_line, parser, publish, ratio_of, spread, table
from bench.record import machine, made, row
from ganwerk.sampling.sample import Sampler, sample

BATCHES = (16, 32, 64, 128, 256)


def bare(sampler: Sampler, batch: int, count: int) -> float:
    """Pictures per second in batches of `batch`, of at least `count` pictures."""
    batches = -(-count // batch)
    z = torch.randn(batch, sampler.settings.latent.dim, device=sampler.device)
    labels = torch.zeros(batch, dtype=torch.int64, device=sampler.device)
    given = labels if sampler.class_names else None
    start = time.perf_counter()
    with torch.inference_mode():
        for _ in range(batches):
            sampler.net(z, given)
    if sampler.device.type == "cuda":
        torch.cuda.synchronize()
    return batches * batch / (time.perf_counter() - start)


def contenders(run: Path, count: int) -> dict[str, Callable[[], float]]:
    """Name to a function that gives pictures per second."""
    sampler = Sampler.open(run)
    best = max(BATCHES, key=lambda b: max(bare(sampler, b, 512) for _ in range(3)))
    print(f"  best batch of the bare pass: {best}", flush=True)

    def drawn() -> float:
        start = time.perf_counter()
        sampler.draw(range(count))
        return count / (time.perf_counter() - start)

    def written(kind: str) -> float:
        with tempfile.TemporaryDirectory() as folder:
            return sample(run, range(count), out=Path(folder), image_format=kind).images_per_second

    return {
        "bare": lambda: bare(sampler, best, count),
        "draw": drawn,
        "npz": lambda: written("npz"),
        "png": lambda: written("png"),
    }


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("run", type=Path, help="a trained run")
    options.add_argument("--count", type=int, default=2048, help="pictures a turn (default: 2048)")
    options.add_argument("--rounds", type=int, default=7, help="turns of each (default: 7)")
    return options.parse_args()


def main() -> None:
    given = arguments()
    here = machine()
    print(machine_line(here), flush=True)
    lanes = contenders(given.run, given.count)
    rates: dict[str, list[float]] = {name: [] for name in lanes}
    for _ in range(given.rounds + 1):
        for name, measure in lanes.items():
            rates[name].append(measure())
    counted = {name: found[1:] for name, found in rates.items()}  # the first round warms up
    middle = statistics.median(counted["bare"])
    rows = [
        [name, f"{spread(found)}", f"{100 * statistics.median(found) / middle:.0f} %"]
        for name, found in counted.items()
    ]
    print(table(["", "pictures/s", "of bare"], rows))
    told = [
        row(name, images_per_second=spread(found), of_bare=ratio_of(found, counted["bare"]))
        for name, found in counted.items()
    ]
    record = made("sampling", "drawing", told, here)
    publish(given, record, {"count": given.count, "rates": counted})


if __name__ == "__main__":
    main()
