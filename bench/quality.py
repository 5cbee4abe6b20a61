"""How good the pictures become, on MNIST and on fruits, with ganwerk used as a user would.

  listing             preset listing on MNIST for its 50 epochs
  auto                no options at all on MNIST, for 10 minutes; learns the ten classes
  auto-unconditional  the same without classes
  fruits              no options but the size on the fruits at 64 px, for 20 minutes
  tutorial            a common tutorial's DCGAN in plain PyTorch on the same fruits and minutes
  figure              the tutorial beside ganwerk, from what `fruits` and `tutorial` wrote
  all                 one after the other (about 90 minutes on two cores)

MNIST is judged by FD[lenet], the Fréchet distance of 10,000 samples to the 10,000 test pictures in
the features of a small classifier (bench/classifier.py), at each checkpoint of the run.
Example: python -m bench.quality auto --out out/quality
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import figures, tutorial
from bench.classifier import CLASSES, Judge, add_cache_option, judge
from bench.common import (
    add_data_option,
    data_folder,
    machine_line,
    parser,
    publish,
    spread,
    write_json,
)
from bench.record import Machine, Row, machine, made, row
from ganwerk.errors import GanwerkError
from ganwerk.run import Run, grid, write_picture
from ganwerk.runtime.events import Ended, Event, Planned, Stepped, Warned
from ganwerk.sampling.sample import Sampler
from ganwerk.training.train import Request, train

SAMPLES, SHOWN, COLUMNS = 10_000, 64, 8
FRUITS_PX = 64
TELL_SECONDS = 30.0
KEEP_ALL = 100  # checkpoints, so that each can be scored
LEAST_PERCENT, MOST_PERCENT = 7.0, 13.0  # of the samples, for each digit


@dataclass(frozen=True)
class Job:
    """What one subcommand was asked for."""

    given: argparse.Namespace
    out: Path
    here: Machine

    @property
    def data(self) -> Path:
        folder: Path = self.given.data
        return folder

    @property
    def run(self) -> Path:
        return self.out / "run"

    def minutes(self, default: float) -> float:
        return float(self.given.minutes or default)


class Teller:
    """Prints what a training tells, a line every half a minute."""

    def __init__(self) -> None:
        self.told = time.monotonic()

    def __call__(self, event: Event) -> None:
        match event:
            case Planned(plan):
                print(f"  {plan.network}, {plan.loss}, batch {plan.batch}, {plan.precision}, about "
                      f"{plan.images_per_second:,.0f} images/s", flush=True)  # fmt: skip
            case Warned():
                print(f"  warning: {event.message}", flush=True)
            case Stepped() if time.monotonic() - self.told >= TELL_SECONDS:
                self.told = time.monotonic()
                print(f"  {event.seconds / 60:.1f} min, {event.images:,} of {event.total_images:,} "
                      f"images, {event.images_per_second:,.0f} images/s", flush=True)  # fmt: skip
            case Ended():
                print(f"  {event.reason} after {event.seconds / 60:.1f} minutes", flush=True)


def train_once(job: Job, request: dict[str, Any], flags: dict[str, Any]) -> str:
    """Train the run of the job. If only its score was asked for: a word about how far it came, if
    that is not to its end. The end of the program if the training was stopped."""
    if job.given.score_only:
        return unfinished(job.run)
    typed = {key: (value, f"{key}={value}") for key, value in flags.items()}
    typed["run.keep_checkpoints"] = (KEEP_ALL, "benchmark")
    typed["run.checkpoint_minutes"] = (job.given.point_minutes, "benchmark")
    sets = tuple(job.given.sets)
    train(Request(flags=typed, sets=sets, out=job.run, **request), Teller())
    if stopped := unfinished(job.run):
        raise SystemExit(f"error: {job.run}: {stopped}.\nhint: ganwerk resume {job.run}")
    return ""


def unfinished(run: Path) -> str:
    """'' of a run that came to its end."""
    opened = Run.open(run)
    if any(end["reason"] == "finished" for end in opened.journal.rows("end")):
        return ""
    done, whole = opened.journal.rows("step")[-1]["images"], opened.about["plan"]["total_images"]
    return f"stopped after {done:,} of {whole:,} images"


def score(job: Job, at: int, referee: Judge) -> dict[str, Any]:
    """FD[lenet] and classes of one checkpoint, on the pictures 0, 1, 2 ..."""
    sampler = Sampler.open(job.run, at=at)
    seeds = range(job.given.samples)
    pictures = sampler.draw(seeds)
    return {"images": at} | referee.score(pictures, sampler.labels(seeds))


def score_all(job: Job, referee: Judge) -> list[dict[str, Any]]:
    """The checkpoints but the untrained one, or those nearest to --at, with the minutes of training
    until then and the epochs."""
    points = []
    run = Run.open(job.run)
    epoch = run.about["plan"]["pictures"] - run.about["plan"]["held_out"]
    infos = [info for info in run.checkpoints() if info.images]
    if job.given.at:
        nearest = {min(infos, key=lambda i: abs(i.images - at * epoch)).images
                   for at in job.given.at}  # fmt: skip
        infos = [info for info in infos if info.images in nearest]
    for info in infos:
        seconds = (info.meta or {})["counters"]["seconds"]
        found = {"minutes": round(seconds / 60, 2), "epochs": round(info.images / epoch, 2)}
        found |= score(job, info.images, referee)
        points.append(found)
        asked = f", as asked {found['asked_percent']:.1f} %" if "asked_percent" in found else ""
        shares = found["class_percent"]
        print(f"  {found['minutes']:6.1f} min, {info.images:>9,} images: FD[lenet] "
              f"{found['FD[lenet]']:7.3f}, each digit {min(shares):.1f} to {max(shares):.1f} %"
              f"{asked}", flush=True)  # fmt: skip
    return points


def draw_grid(job: Job, name: str) -> Path:
    """The pictures 0 to 63 of the trained run."""
    path = job.out / name
    write_picture(path, grid(Sampler.open(job.run).draw(range(SHOWN)), COLUMNS))
    print(f"Written: {path}")
    return path


def summary_of(run: Path) -> dict[str, Any]:
    """What was trained, from the run itself."""
    opened = Run.open(run)
    last = opened.journal.rows("step")[-1]
    plan = opened.about["plan"]
    return {
        "settings": opened.settings_toml,
        "images": last["images"],
        "minutes": last["seconds"] / 60,
        "images_per_second": last["images"] / last["seconds"],
        "precision": plan["precision"],
        "parameters": {k: plan[f"{k}_parameters"] for k in ("generator", "discriminator")},
    }


def on_mnist(job: Job, request: dict[str, Any], flags: dict[str, Any]) -> None:
    root = data_folder(job.data, "mnist")
    referee = judge(job.data, job.given.cache)
    stopped = train_once(job, {"where": "mnist"} | request, flags | {"data.root": str(root)})
    points = score_all(job, referee)
    draw_grid(job, "grid.png")
    last = points[-1]
    shares = last["class_percent"]
    balanced = min(shares) >= LEAST_PERCENT and max(shares) <= MOST_PERCENT
    print(f"{job.out.name}: FD[lenet] {last['FD[lenet]']:.3f} after {last['minutes']:.1f} minutes; "
          f"{sum(share > 0 for share in shares)} of {CLASSES} digits, each between "
          f"{LEAST_PERCENT:g} and {MOST_PERCENT:g} %: {'yes' if balanced else 'no'}")  # fmt: skip
    note = f"the judge's weights: {referee.digest}; {job.given.samples:,} samples a point"
    note += f"; {stopped}" if stopped else ""
    record = made("quality", job.out.name, [point_row(p) for p in points], job.here, note=note)
    result = {"trained": summary_of(job.run), "points": points}
    publish(job.given, record, result)
    write_json(job.out / f"{job.out.name}.json", {"machine": job.here.model_dump()} | result)


def point_row(point: dict[str, Any]) -> Row:
    """A checkpoint as a row of the record."""
    shares = point["class_percent"]
    asked = {"asked_percent": point["asked_percent"]} if "asked_percent" in point else {}
    return row(
        f"{point['images']:,} images", epochs=point["epochs"], minutes=point["minutes"],
        fd=point["FD[lenet]"], least_percent=min(shares), most_percent=max(shares), **asked,
    )  # fmt: skip


def listing(job: Job) -> None:
    epochs = job.given.epochs
    budget = {"budget.minutes": job.given.minutes} if job.given.minutes else {}
    on_mnist(job, {"preset": "listing"}, budget or {"budget.epochs": epochs})


def auto(job: Job) -> None:
    on_mnist(job, {}, {"budget.minutes": job.minutes(10)})


def auto_unconditional(job: Job) -> None:
    on_mnist(job, {}, {"budget.minutes": job.minutes(10), "data.conditional": False})


def fruits(job: Job) -> None:
    folder = data_folder(job.data, "fruits/train") / "fruits" / "train"
    flags = {"budget.minutes": job.minutes(20), "data.resolution": FRUITS_PX}
    stopped = train_once(job, {"where": str(folder)}, flags)
    draw_grid(job, "grid.png")
    trained = summary_of(job.run)
    told = row(
        f"after {trained['minutes']:.0f} minutes", images=trained["images"],
        minutes=trained["minutes"], images_per_second=trained["images_per_second"],
    )  # fmt: skip
    publish(
        job.given, made("quality", "fruits", [told], job.here, note=stopped), {"trained": trained}
    )


def plain_tutorial(job: Job) -> None:
    folder = data_folder(job.data, "fruits/train") / "fruits" / "train"
    story = tutorial.run(folder, job.out, job.minutes(20), lambda line: print(line, flush=True))
    last = story.rows[-1]
    minute = [each for each in story.rows if each.seconds > last.seconds - 60]
    told = row(
        f"after {last.seconds / 60:.0f} minutes", images=last.images, minutes=last.seconds / 60,
        d_loss=spread([each.d_loss for each in minute]),
        d_right_percent=spread([100 * each.d_accuracy for each in minute]),
    )  # fmt: skip
    note = "the discriminator's figures: medians over the last minute"
    record = made("quality", "tutorial", [told], job.here, note=note)
    publish(job.given, record, story.to_dict())
    write_json(job.out / "tutorial.json", story.to_dict())


def figure(job: Job) -> None:
    beside = job.out.parent
    needed = [beside / "tutorial" / "tutorial.json", beside / "fruits" / "grid.png"]
    for path in needed:
        if not path.is_file():
            raise SystemExit(
                f"error: there is no {path}.\nhint: run `fruits` and `tutorial` first."
            )
    path = job.out.with_suffix(".png")
    figures.side_by_side(needed[0].parent, beside / "fruits" / "run", needed[1], path)
    print(f"Written: {path}")


JOBS: dict[str, Callable[[Job], None]] = {
    "listing": listing,
    "auto": auto,
    "auto-unconditional": auto_unconditional,
    "fruits": fruits,
    "tutorial": plain_tutorial,
    "figure": figure,
}


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    add_data_option(options)
    add_cache_option(options)
    options.add_argument("what", choices=[*JOBS, "all"], help="see above")
    out = "for runs and pictures (default: out/quality)"
    options.add_argument("--out", type=Path, default=Path("out/quality"), metavar="DIR", help=out)
    options.add_argument("--minutes", type=float, help="instead of the time stated above")
    options.add_argument("--epochs", type=float, default=50, help="of the listing (default: 50)")
    options.add_argument("--samples", type=int, default=SAMPLES, help="(default: 10,000)")
    point = "between scored checkpoints (default: 1)"
    options.add_argument("--point-minutes", type=float, default=1.0, metavar="X", help=point)
    at = "score the checkpoints nearest to these epochs (default: all)"
    options.add_argument(
        "--at", type=lambda t: [float(x) for x in t.split(",")], metavar="LIST", help=at
    )
    options.add_argument("--score-only", action="store_true", help="of runs that are there")
    sets = "change a setting of the runs, for example run.seed=1"
    options.add_argument(
        "--set", dest="sets", action="append", default=[], metavar="KEY=VALUE", help=sets
    )
    return options.parse_args()


def main() -> None:
    given = arguments()
    here = machine()
    print(machine_line(here), flush=True)
    for name in JOBS if given.what == "all" else [given.what]:
        print(f"{name}:", flush=True)
        try:
            JOBS[name](Job(given, given.out / name, here))
        except GanwerkError as error:
            raise SystemExit(f"error: {error.message}\nhint: {error.hint}") from error


if __name__ == "__main__":
    main()
