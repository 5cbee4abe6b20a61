"""Whether treatments cure: broken runs treated and untreated in pairs, healthy runs treated.

The other half of a pair is played as a sham: the same looks, checkpoints and windows, and no
change. Where no treatment was kept the two halves are the same run to the last bit (a test of the
suite), so the sham is played only where one was. Faults in code are left out: no setting mends
them.
"""

from __future__ import annotations

import gzip
import json
import shutil
import statistics
import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.doctor.cases import BROKEN, HEALTHY
from bench.doctor.oracle import truth
from bench.doctor.play import CASES, Job, _request, hurry
from bench.doctor.score import wilson

TREAT, SHAM = "treat", "sham"
IMAGES = 2.5
"""Times the usual budget of a run: 60,000 images, which take about 50 processor seconds. In less
no recipe gets anywhere: a window of a quarter has to show whether it does."""
WORSE = 1.25
"""Times the distance of the sham: the treatment did harm."""
DOUBLED = 2.0
SETS = ("digits", "mnist", "emoji", "fruits")
"""The treatments were made while looking at runs on digits."""
MENDABLE = tuple(
    case.name for case in BROKEN
    if case.plant is None and case.around is None and case.images >= 1
)  # fmt: skip
"""Broken by settings or by too few pictures, which a treatment can change. A run that ends too
early is cured by more time, which is the user's."""


@dataclass(frozen=True)
class Half:
    """One run of a pair as it is kept. last: what the oracle says of its end."""

    job: Job
    arm: str
    last: dict[str, float]
    stopped: str
    treatments: list[dict[str, Any]]
    processor_seconds: float

    @property
    def kept(self) -> list[dict[str, Any]]:
        return [one for one in self.treatments if one["outcome"] == "kept"]


@dataclass(frozen=True)
class Pair:
    """A run treated and untreated, and what the oracle says of both."""

    treated: Half
    untreated: Half
    failed: bool
    doubtful: bool
    cured: bool
    worse: bool


def play(job: Job, arm: str, data: Path, work: Path) -> dict[str, Any]:
    """Play one half in this process."""
    import torch

    torch.set_num_threads(1)
    from bench.doctor.oracle import Oracle
    from ganwerk.doctor.tried import tried
    from ganwerk.errors import GanwerkError
    from ganwerk.run import Run
    from ganwerk.sampling.sample import Sampler
    from ganwerk.training import probe
    from ganwerk.training.prepare import prepare
    from ganwerk.training.train import begin

    hurry()
    probe.STEPS_SECONDS = 0.0  # no figure here is of speed
    folder = work / "cure"
    shutil.rmtree(folder, ignore_errors=True)
    begun, stopped = time.process_time(), ""
    asked = _request(job, CASES[job.case], data, work, folder)
    images, why = asked.flags["budget.images"]
    flags = {**asked.flags, "budget.images": (int(IMAGES * images), why), "run.doctor": (arm, why)}
    ready = prepare(replace(asked, flags=flags), lambda _: None)
    try:
        begin(ready, lambda _: None)
    except GanwerkError as error:
        stopped = error.message
    last = {} if stopped else Oracle(ready.pictures, ready.train).judge(Sampler.open(folder))
    treatments = [asdict(one) for one in tried(Run.open(folder).journal.rows("treatment"))]
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "job": [job.case, job.data, job.network, job.seed],
        "arm": arm,
        "last": last,
        "stopped": stopped,
        "treatments": treatments,
        "processor_seconds": round(time.process_time() - begun, 1),
    }


def jobs(seeds: int) -> list[Job]:
    """Healthy and broken ones in turn, each case on another set with each seed."""
    plain = [Job("plain", data, "small", 0) for data in SETS]
    healthy = [case for case in HEALTHY if case.preset is None and case.name != "plain"]
    made = []
    for seed in range(seeds):
        for i, name in enumerate(MENDABLE):
            made.append(Job(name, SETS[(i + seed) % len(SETS)], "small", seed))
            case = healthy[(i + seed * len(MENDABLE)) % len(healthy)]
            made.append(Job(case.name, SETS[(i + 3 * seed + 1) % len(SETS)], "small", 30 + seed))
    return list(dict.fromkeys([*plain, *made]))


def play_all(chosen: Sequence[Job], data: Path, work: Path, file: Path, until: float) -> None:
    """Play what is not kept yet until the moment `until`; a sham right after what it belongs to."""
    for job in chosen:
        for arm in (TREAT, SHAM):
            known = {(half.job, half.arm): half for half in read(file)}
            treated = known.get((job, TREAT))
            done = (job, arm) in known or (arm == SHAM and (treated is None or not treated.kept))
            if done or time.time() > until:
                continue
            _play_one(job, arm, data, work, file)


def _play_one(job: Job, arm: str, data: Path, work: Path, file: Path) -> None:
    """In this process: nothing is planted in code, so that one run leaves nothing to the next."""
    start = time.time()
    try:
        found = play(job, arm, data, work)
    except Exception:
        found = {"job": [job.case, job.data, job.network, job.seed], "arm": arm,
                 "failed": traceback.format_exc()}  # fmt: skip
    with gzip.open(file, "at", encoding="utf-8") as kept:
        kept.write(json.dumps(found, separators=(",", ":")) + "\n")
    told = found.get("failed") or [
        f"{t['code']} {t['name']} {t['outcome']}" for t in found["treatments"]
    ]
    print(f"{job.name} {arm}: {time.time() - start:.0f} s, {told}", flush=True)


def read(file: Path) -> list[Half]:
    """What was kept; runs that ended with a fault of the benchmark are left out."""
    if not file.exists():
        return []
    with gzip.open(file, "rt", encoding="utf-8") as kept:
        rows = [json.loads(line) for line in kept]
    return [
        Half(Job(*row["job"]), row["arm"], row["last"], row["stopped"], row["treatments"],
             row["processor_seconds"])
        for row in rows if "failed" not in row
    ]  # fmt: skip


def paired(halves: Iterable[Half]) -> list[Pair]:
    """Those pairs of which both halves are known, with a healthy twin to compare with."""
    known = {(half.job, half.arm): half for half in halves}
    twins: dict[str, list[float]] = {}
    for (job, _), half in known.items():
        if job.case == "plain" and half.last and (half.arm == SHAM or not half.kept):
            twins.setdefault(job.data, []).append(half.last["distance"])
    made = []
    for (job, arm), treated in known.items():
        untreated = known.get((job, SHAM)) if treated.kept else treated
        if arm == TREAT and untreated is not None and job.data in twins:
            made.append(_pair(treated, untreated, statistics.median(twins[job.data])))
    return made


def _pair(treated: Half, untreated: Half, twin: float) -> Pair:
    before, after = (
        truth([half.last | {"progress": 1.0}] if half.last else [], twin, bool(half.stopped))
        for half in (untreated, treated)
    )
    more = treated.last.get("coverage", 0.0) >= DOUBLED * max(
        untreated.last.get("coverage", 1.0), 0.05
    )
    far, now = (half.last.get("distance", float("inf")) for half in (untreated, treated))
    failed = bool(before.failed)
    return Pair(
        treated=treated,
        untreated=untreated,
        failed=failed,
        doubtful=before.doubtful,
        cured=failed and bool(treated.kept) and (not after.failed or more),
        worse=not failed and bool(treated.kept) and (bool(after.failed) or now > WORSE * far),
    )


def figures(pairs: Sequence[Pair]) -> list[tuple[str, int, int]]:
    """What was counted: in words, hits, of how many."""
    broken = [pair for pair in pairs if pair.failed]
    treated = [pair for pair in broken if pair.treated.treatments]
    healthy = [pair for pair in pairs if not pair.failed and not pair.doubtful]
    return [
        ("broken runs that were treated", len(treated), len(broken)),
        ("broken runs that were cured", sum(pair.cured for pair in broken), len(broken)),
        ("treated broken runs in which a treatment was kept",
         sum(bool(pair.treated.kept) for pair in treated), len(treated)),
        ("healthy runs that were treated",
         sum(bool(pair.treated.treatments) for pair in healthy), len(healthy)),
        ("healthy runs that were made worse", sum(pair.worse for pair in healthy), len(healthy)),
    ]  # fmt: skip


def table(pairs: Sequence[Pair]) -> str:
    """The figures with their intervals, and each run, for the docs."""
    lines = ["| | of | share | 95 % interval |", "|---|---|---|---|"]
    for what, hits, of in figures(pairs):
        low, high = (abs(end) for end in wilson(hits, of))  # no -0 %
        share = f"{hits / of:.0%}" if of else "none played"
        lines.append(f"| {what}: {hits} | {of} | {share} | {low:.0%} to {high:.0%} |")
    lines += ["", "| run | untreated | treatments | outcome |", "|---|---|---|---|"]
    for pair in pairs:
        job, tried = pair.treated.job, pair.treated.treatments
        state = "failed" if pair.failed else "doubtful" if pair.doubtful else "healthy"
        done = "; ".join(f"{one['code']} {one['name']}: {one['outcome']}" for one in tried)
        outcome = "cured" if pair.cured else "worse" if pair.worse else "as before"
        lines.append(f"| {job.case}, {job.data} | {state} | {done or 'none'} | {outcome} |")
    return "\n".join(lines)


def told(pairs: Sequence[Pair]) -> None:
    """The figures, each with its interval."""
    for what, hits, of in figures(pairs):
        low, high = wilson(hits, of)
        share = hits / of if of else 0.0
        print(f"{what}: {hits} of {of}, {share:.0%} ({low:.0%} to {high:.0%})")
