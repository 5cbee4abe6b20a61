"""`stylise_file`: one transfer from files to a file, with previews, saved states and a record."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ganwerk.errors import ConfigError, MachineError, RunError, did_you_mean
from ganwerk.run.files import write_bytes
from ganwerk.run.pictures import make_folder
from ganwerk.runtime import machine
from ganwerk.runtime.events import Preparing, Warned
from ganwerk.runtime.memory import machine_errors
from ganwerk.runtime.stopping import stopping
from ganwerk.stylisation import saved
from ganwerk.stylisation.events import (
    Finished,
    Plan,
    Planned,
    Point,
    Previewed,
    Stepped,
    Stopped,
    Watcher,
    nobody,
)
from ganwerk.stylisation.job import Job, Options, Request, described, job_of
from ganwerk.stylisation.memory import estimate, fitting_tile
from ganwerk.stylisation.outputs import check_outputs, preview_of, steps_folder
from ganwerk.stylisation.pictures import encode, kind_of, to_pixels, write
from ganwerk.stylisation.precision import PRECISIONS
from ganwerk.stylisation.seen import Film
from ganwerk.stylisation.transfer import Machinery, Transfer, precision_for
from ganwerk.values import MachineFacts

FIRST_PREVIEW_SECONDS, PREVIEW_SECONDS, SAVE_SECONDS = 0.5, 3.0, 15.0
NO_MEMORY = (
    "Use a smaller --size, or --tile 256, or close other programs; --resume goes on, if begun."
)
COST_SHARE = 0.02
"""Previews and saved states wait longer where they would take more than this share of the time."""


@dataclass(frozen=True)
class Done:
    """What a transfer gave. picture: (H, W, 3 or 4) uint8."""

    picture: NDArray[np.uint8]
    trace: tuple[Point, ...]
    plan: Plan
    seconds: float
    path: Path | None


def stylise_file(
    request: Request, out: Path | None, options: Options | None = None, watch: Watcher = nobody
) -> Done:
    """Compute the transfer; with `out`, write the result there, and on the way
    `out`.preview.jpg and `out`.unfinished/ for a later resume.

    Ctrl-C and SIGTERM finish the step, save and raise KeyboardInterrupt; a second Ctrl-C raises it
    at once and leaves the state that was saved before. Raises GanwerkError subclasses.
    """
    options = options or Options()
    check_outputs(request, out, options)
    machine.keep_freed_memory()
    facts = machine.facts(options.device)
    job = job_of(request, lambda progress: watch(Preparing(progress)))
    if out is not None:
        kind_of(out, (job.height, job.width), alpha=job.content.alpha is not None)
    before = saved.load(out) if options.resume and out is not None else None
    if options.resume and before is None:
        raise RunError(f"There is no unfinished transfer to {out}.", "Begin it without --resume.")
    with machine_errors(NO_MEMORY):
        if before is None:
            machinery = _machinery(job, options, facts)
        else:
            saved.check(before[0], job.fingerprint(), out or Path())
            machinery = Machinery(**before[1])
        plan = plan_of(job, machinery, out)
        watch(Planned(plan))
        transfer = Transfer(job, machinery)
        if before is not None:
            transfer.restore(before[2], before[3])
        keeper = _Keeper(transfer, out, options, watch)
        stop = threading.Event()
        try:
            with stopping(stop):
                _run(transfer, keeper, watch, stop)
        except KeyboardInterrupt:
            if transfer.settled:
                keeper.save()
                watch(Stopped(len(transfer.trace), sum(job.steps), out))
            raise
    return _finish(transfer, plan, out, options, keeper, watch)


def _run(transfer: Transfer, keeper: _Keeper, watch: Watcher, stop: threading.Event) -> None:
    """Raises KeyboardInterrupt between two steps when `stop` is set."""
    restarts = transfer.restarts
    total = sum(transfer.job.steps)
    pace = _Pace(transfer)
    while not transfer.finished:
        if stop.is_set():
            raise KeyboardInterrupt
        point = transfer.advance()
        if transfer.restarts > restarts:
            restarts = transfer.restarts
            watch(Warned(f"The losses were not finite after closure {point.step}: the best picture "
                         f"so far was restored, and the steps are half as long."))  # fmt: skip
            continue
        share, left = pace.share_and_seconds_left()
        watch(Stepped(point, total, share, left, lambda: to_pixels(transfer.result())))
        keeper.after(point)


class _Pace:
    """How far, and how long still, from the work of the last seconds."""

    def __init__(self, transfer: Transfer) -> None:
        self._transfer = transfer
        self._marks = [(time.monotonic(), transfer.work()[0])]

    def share_and_seconds_left(self) -> tuple[float, float]:
        done, whole = self._transfer.work()
        now = time.monotonic()
        self._marks = [mark for mark in self._marks if mark[0] > now - 20] or self._marks[-1:]
        began, first = self._marks[0]
        self._marks.append((now, done))
        rate = (done - first) / max(now - began, 1e-6)
        return done / whole, (whole - done) / rate if rate > 0 else float("inf")


class _Due:
    """Lets something happen every so many seconds, less often where it is dear."""

    def __init__(self, first: float, every: float) -> None:
        self._at, self._every = time.monotonic() + first, every

    def run(self, what: Callable[[], None]) -> None:
        start = time.monotonic()
        if start >= self._at:
            what()
            cost = time.monotonic() - start
            self._at = time.monotonic() + max(self._every, cost / COST_SHARE)


class _Keeper:
    """Writes what is seen and what is needed to go on."""

    def __init__(
        self, transfer: Transfer, out: Path | None, options: Options, watch: Watcher
    ) -> None:
        self._transfer, self._out, self._options, self._watch = transfer, out, options, watch
        self._fingerprint = transfer.job.fingerprint() if out else ""
        self._preview_due = _Due(FIRST_PREVIEW_SECONDS, PREVIEW_SECONDS)
        self._save_due = _Due(SAVE_SECONDS, SAVE_SECONDS)
        self.film = Film(sum(transfer.job.steps)) if options.film else None

    def after(self, point: Point) -> None:
        if self.film:
            self.film.after(point.step, self._transfer.result)
        if self._out is None:
            return
        every = self._options.save_every
        if every and point.step % every == 0:
            path = steps_folder(self._out) / f"{point.step:05d}{self._out.suffix}"
            write(path, to_pixels(self._transfer.result()), described(self._transfer.job))
        self._preview_due.run(self._preview)
        self._save_due.run(self.save)

    def _preview(self) -> None:
        assert self._out is not None
        path = preview_of(self._out)
        make_folder(path.parent)
        content = encode(to_pixels(self._transfer.result()), "JPEG", {})
        write_bytes(path, content, durable=False)
        self._watch(Previewed(path, self._transfer.seconds))

    def save(self) -> None:
        if self._out is not None:
            tensors, numbers = self._transfer.state()
            machinery = asdict(self._transfer.machinery)
            saved.save(self._out, self._fingerprint, machinery, tensors, numbers)


def _finish(
    transfer: Transfer, plan: Plan, out: Path | None, options: Options, keeper: _Keeper,
    watch: Watcher,
) -> Done:  # fmt: skip
    job = transfer.job
    pixels = to_pixels(transfer.result(), job.content.alpha)
    if out is not None:
        settings = described(job) | asdict(transfer.machinery)
        settings["losses"] = asdict(transfer.trace[-1])
        write(out, pixels, settings)
        preview_of(out).unlink(missing_ok=True)
        saved.discard(out)
    if options.film and keeper.film:
        keeper.film.write(options.film, transfer.result())
    if options.curves:
        from ganwerk.stylisation.seen import write_curves

        write_curves(options.curves, transfer.trace)
    watch(Finished(out, transfer.seconds, len(transfer.trace), transfer.restarts))
    return Done(pixels, tuple(transfer.trace), plan, transfer.seconds, out)


def plan_of(job: Job, machinery: Machinery, out: Path | None) -> Plan:
    compute = PRECISIONS[machinery.precision]
    return Plan(
        job.content.name, tuple(style.name for style in job.styles), job.height, job.width,
        job.recipe.backbone, job.recipe.preset, machinery.precision, job.sides, job.steps,
        machinery.tile_px,
        estimate(job.recipe, job.height, job.width, compute, machinery.tile_px),
        str(out) if out else None,
    )  # fmt: skip


def _machinery(job: Job, options: Options, facts: MachineFacts) -> Machinery:
    precision = options.precision
    if precision != "auto" and precision not in PRECISIONS:
        raise ConfigError(
            f"There is no precision '{precision}'.", did_you_mean(precision, ["auto", *PRECISIONS])
        )
    if precision == "auto":
        precision = precision_for(job, facts)
    compute: torch.dtype = PRECISIONS[precision]
    if options.tile_px is None:
        tile = fitting_tile(job.recipe, job.height, job.width, compute, facts.free_memory_bytes)
        return Machinery(facts.device, precision, tile)
    tile = options.tile_px or None
    needed = estimate(job.recipe, job.height, job.width, compute, tile)
    if needed > facts.free_memory_bytes:
        from ganwerk.run.files import human_bytes

        raise MachineError(
            f"{job.width} x {job.height} px would take {human_bytes(needed)}, and "
            f"{human_bytes(facts.free_memory_bytes)} are free.",
            "Leave out --tile, so that ganwerk chooses tiles that fit.",
        )
    return Machinery(facts.device, precision, tile)
