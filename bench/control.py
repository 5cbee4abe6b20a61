"""What steering a generator is worth: projection of unseen pictures, and what style mixing moves.

projection  20 pictures the run never learned from are projected; each result is compared with the
            training picture nearest to the goal, by the same perceptual distance. The claim: the
            projection is nearer in at least 15.
mixing      Styles of one picture are put into another, coarse layers alone and fine layers alone.
            Measured is how far the picture moves in shape and in colour, each in units of the
            distance between two pictures drawn independently. The claim: coarse styles move shape
            more than colour, fine ones colour more than shape.

  python -m bench.control projection RUN [--count 20] [--tune 200] [--json FILE]
  python -m bench.control mixing RUN [--count 200]
"""

from __future__ import annotations

import json
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.common import machine_line, parser, publish, spread, table, write_json
from bench.record import Row, machine, made, row
from ganwerk.control.layers import band
from ganwerk.control.mix import crossed, require_styles
from ganwerk.control.perception import Perception
from ganwerk.control.project import STEPS, TRIES, Projection
from ganwerk.control.steered import Steered
from ganwerk.errors import GanwerkError
from ganwerk.evaluation.judging import reals_of_run
from ganwerk.run import Run
from ganwerk.values import ignore_progress

LUMA = (0.299, 0.587, 0.114)
SHAPE_PX = 16
HISTOGRAM_BINS = 16
FULLY = 0.25
"""From this distance in RGB on, a pixel is no part of the ground."""


# Projection -----------------------------------------------------------------------------------


def projection(
    run: Path, count: int, steps: int, tries: int, tune: int, kept: Path | None
) -> dict[str, Any]:
    """kept: a file that each result is written to at once, and that is gone on with."""
    steered = Steered.open(run)
    side = reals_of_run(Run.open(run), steered.sampler.settings, ignore_progress)
    perception = Perception.by("compact", steered.sampler.device)
    if count > len(side.held_out):
        raise SystemExit(f"error: {count} pictures asked for, {len(side.held_out)} are held out.")
    chosen = np.random.default_rng(0).permutation(side.held_out)[:count]
    goals = side.images[chosen]
    asked = {"run": str(run), "count": count, "steps": steps, "tries": tries, "tune": tune}
    done: dict[str, Any] = {}
    if kept is not None and kept.exists():
        done = json.loads(kept.read_text("utf-8"))
        if done["asked"] != asked:
            raise SystemExit(f"error: {kept} is of another measurement: {done['asked']}.")
    if not done:
        nearest, rms = nearest_training(perception, goals, side.images[side.train])
        done = {"asked": asked, "nearest": nearest, "rms": rms, "rows": []}
        if kept is not None:
            write_json(kept, done)
    for number in range(len(done["rows"]), len(goals)):
        picture = np.ascontiguousarray(goals[number].transpose(1, 2, 0))
        began = time.monotonic()
        job = Projection(steered, perception, picture, (), own_noise=True)
        found = job.work(steps, tries, ignore_progress)
        line = {"picture": side.names[chosen[number]], "found": found.perceptual}
        if tune:
            found = job.tune(found, tune, ignore_progress)
            line["others moved"] = moved(perception, steered, job.steered)
        line |= {
            "projected": found.perceptual,
            "best of random": job.begun,
            "nearest training": done["nearest"][number],
            "rms projected": found.pixel**0.5,
            "rms nearest training": done["rms"][number],
            "seconds": time.monotonic() - began,
        }
        print(", ".join(f"{k} {v:.4f}" if isinstance(v, float) else str(v)
                        for k, v in line.items()), flush=True)  # fmt: skip
        done["rows"].append(line)
        if kept is not None:
            write_json(kept, done)
    return done | _score(done["rows"])


def moved(perception: Perception, before: Steered, after: Steered) -> float:
    """The mean perceptual distance that pictures elsewhere were moved by the tuning."""
    numbers = before.places(range(1000, 1032))
    goal = perception.features(_signed(before.draw(numbers).transpose(0, 3, 1, 2)))
    drawn = _signed(after.draw(numbers).transpose(0, 3, 1, 2))
    with torch.no_grad():
        return float(perception.distance(drawn, goal).mean())


def _score(rows: list[dict[str, Any]]) -> dict[str, Any]:
    wins = sum(row["projected"] < row["nearest training"] for row in rows)
    closer = sum(row["rms projected"] < row["rms nearest training"] for row in rows)
    print(f"Projection nearer than the nearest training picture in {wins} of {len(rows)} "
          f"(by pixels in {closer}).")  # fmt: skip
    return {"wins": wins, "wins_by_pixels": closer}


@torch.no_grad()
def nearest_training(
    perception: Perception, goals: np.ndarray, train: np.ndarray
) -> tuple[list[float], list[float]]:
    """Of each goal, the least perceptual and the least root mean squared distance to any training
    picture, which need not be the same one."""
    wanted = [perception.features(_signed(goal[None])) for goal in goals]
    perceptual, pixel = [], []
    for start in range(0, len(train), 32):
        batch = _signed(train[start : start + 32])
        features = perception.features(batch)
        perceptual.append(torch.stack([_distance(features, goal) for goal in wanted]))
        pixel.append(torch.stack([
            ((batch - _signed(goal[None])) / 2).square().mean((1, 2, 3)) for goal in goals
        ]))  # fmt: skip
    best = torch.cat(perceptual, 1).amin(1)
    return best.tolist(), torch.cat(pixel, 1).amin(1).sqrt().tolist()


def _distance(features: list[Tensor], goal: list[Tensor]) -> Tensor:
    parts = [(a - b).square().sum(1).mean((1, 2)) for a, b in zip(features, goal, strict=True)]
    return torch.stack(parts).mean(0)


def _signed(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures).float() / 127.5 - 1


# Mixing ---------------------------------------------------------------------------------------


def foreground(pictures: Tensor) -> Tensor:
    """(N, H, W) from 0 to 1: how far each pixel of (N, 3, H, W) is from the colour of the border,
    which for a fruit on a plain ground is the ground's."""
    border = torch.cat([pictures[..., 0], pictures[..., -1], pictures[..., 0, :],
                        pictures[..., -1, :]], dim=2)  # fmt: skip
    ground = border.median(dim=2).values[:, :, None, None]
    return ((pictures - ground).norm(dim=1) / FULLY).clamp(0, 1)


def shape_of(pictures: Tensor) -> Tensor:
    """The silhouette, (N, SHAPE_PX ** 2): it knows nothing of colour or texture."""
    return F.adaptive_avg_pool2d(foreground(pictures)[:, None], SHAPE_PX).flatten(1)


def colour_of(pictures: Tensor) -> Tensor:
    """Which colours the foreground has, wherever they are and however large it is: the root of the
    histogram of its colour differences (Cb, Cr), so that distances are Hellinger's."""
    r, g, b = pictures.unbind(1)
    luma = LUMA[0] * r + LUMA[1] * g + LUMA[2] * b
    cb, cr = 0.5 + (b - luma) * 0.564, 0.5 + (r - luma) * 0.713
    bins = [(c.clamp(0, 1) * HISTOGRAM_BINS).long().clamp_max(HISTOGRAM_BINS - 1) for c in (cb, cr)]
    place = (bins[0] * HISTOGRAM_BINS + bins[1]).flatten(1)
    weights = foreground(pictures).flatten(1)
    counts = torch.zeros(len(pictures), HISTOGRAM_BINS**2).scatter_add_(1, place, weights)
    return (counts / weights.sum(1, keepdim=True).clamp_min(1e-6)).sqrt()


MEASURES = {"shape": shape_of, "colour": colour_of}


def mixing(run: Path, count: int) -> dict[str, Any]:
    """Pairs of one class, where the run has classes: else a swap changes the fruit, and with it
    both shape and colour."""
    steered = Steered.open(run)
    require_styles(steered, "This benchmark")
    own = steered.places(range(count), steered.classes)
    other = steered.places(range(count, 2 * count), steered.classes)
    sides = steered.space.resolutions
    before, elsewhere = _drawn(steered, own), _drawn(steered, other)
    found: dict[str, dict[str, float]] = {}
    for name in ("coarse", "middle", "fine"):
        layers = [i for i, side in enumerate(sides) if band(side, max(sides)) == name]
        pairs = [crossed(own[i], other[i], layers) for i in range(count)]
        after = _drawn(steered, steered.joined(pairs))
        moved = {m: _moved(measure, before, after, elsewhere) for m, measure in MEASURES.items()}
        found[name] = moved | {"shape / colour": moved["shape"] / moved["colour"]}
    rows = [[name, *(f"{value:.3f}" for value in row.values())] for name, row in found.items()]
    print(table(["styles swapped", "shape", "colour", "shape / colour"], rows))
    return {"moved": found, "count": count}


def _moved(measure: Any, before: Tensor, after: Tensor, elsewhere: Tensor) -> float:
    """How far pictures moved, as a share of the way to the pictures the styles came from."""
    a, b, c = (measure(pictures) for pictures in (before, after, elsewhere))
    return float((a - b).norm(dim=1).mean() / (a - c).norm(dim=1).mean())


def _drawn(steered: Steered, places: Any) -> Tensor:
    return torch.from_numpy(steered.draw(places)).permute(0, 3, 1, 2).float() / 255


def main() -> None:
    options = parser(__doc__)
    options.add_argument("what", choices=["projection", "mixing"])
    options.add_argument("run", type=Path, help="a trained run of colour pictures")
    options.add_argument("--count", type=int, help="pictures (default: 20; of mixing 200)")
    options.add_argument("--keep", type=Path, help="write each projection there, and go on with it")
    options.add_argument("--steps", type=int, default=STEPS)
    options.add_argument("--tries", type=int, default=TRIES)
    options.add_argument("--tune", type=int, default=0, help="steps of tuning (default: 0)")
    given = options.parse_args()
    here = machine()
    print(machine_line(here), flush=True)
    try:
        if given.what == "projection":
            count = given.count or 20
            found = projection(given.run, count, given.steps, given.tries, given.tune, given.keep)
        else:
            found = mixing(given.run, given.count or 200)
    except GanwerkError as error:
        raise SystemExit(f"error: {error.message}\nhint: {error.hint}") from error
    told = projections(found) if given.what == "projection" else swaps(found)
    study = "projection, tuned" if given.tune and given.what == "projection" else given.what
    preset = tomllib.loads(Run.open(given.run).settings_toml)["preset"]
    record = made("control", f"{study}, {preset}", told, here)
    publish(given, record, {"what": given.what, "run": str(given.run)} | found)


def projections(found: dict[str, Any]) -> list[Row]:
    """Perceptual distances to the goal as rows of the record."""
    names = {"best of random": "best_of_random", "projected": "projected",
             "nearest training": "nearest_training", "others moved": "others_moved"}  # fmt: skip
    figures = {
        key: spread([line[name] for line in found["rows"]])
        for name, key in names.items()
        if name in found["rows"][0]
    }
    return [row("all", **figures, pictures=len(found["rows"]), nearer_than_training=found["wins"])]


def swaps(found: dict[str, Any]) -> list[Row]:
    return [
        row(name, shape=moved["shape"], colour=moved["colour"],
            shape_to_colour=moved["shape / colour"])
        for name, moved in found["moved"].items()
    ]  # fmt: skip


if __name__ == "__main__":
    main()
