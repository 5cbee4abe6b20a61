"""Plays the runs, each in a process of its own, and keeps what the doctor and the oracle saw."""

from __future__ import annotations

import gzip
import json
import multiprocessing
import shutil
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.doctor.cases import BROKEN, HEALTHY, NETWORKS, Case
from bench.doctor.data import SETS, where

CASES = {case.name: case for case in (*BROKEN, *HEALTHY)}
KEPT = ("null", "look", "finding", "start", "end", "warning")
COST_SHARE = 0.5
"""Runs of a dozen seconds are looked at as often as runs of minutes are in use: about 25 times."""
FIRST_LOOK = 0.05
"""Share of a run after which the first look comes, as in runs of minutes (0.03 in `make demo`)."""
PATIENCE_SECONDS = 400


def hurry() -> None:
    """From now on this process looks at its trainings as often as at longer ones."""
    from ganwerk.training import exam

    exam.COST_SHARE = COST_SHARE
    exam.first_look_seconds = lambda rate, run_seconds, share: FIRST_LOOK * run_seconds


@dataclass(frozen=True)
class Job:
    """One run."""

    case: str
    data: str
    network: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.case}/{self.data}/{self.network}/{self.seed}"


def suits(case: Case, data: str, network: str) -> bool:
    """Whether this can be played."""
    classes = SETS[data].conditional if case.classes is None else case.classes
    if case.name in ("shuffled-labels", "unclassed", "short-many-classes"):
        return classes and network != "mlp"
    if network == "mlp":
        kinds = ("dead-relu", "batch-norm-d", "ada-150", "ada-400", "hinge-spectral")
        return case.preset is None and case.name not in kinds
    return case.preset is None or network == "small"


def begun(
    job: Job, data: Path, work: Path, folder: Path, watch_state: Callable[[Any], None],
    oracle: Callable[[Any], Callable[[Any], None]] | None = None,
) -> tuple[Any, str]:  # fmt: skip
    """Train. watch_state: is given the state with its first weights. oracle: made of what is
    prepared, and told the events. Returns what was prepared, and what stopped the training."""
    import torch

    torch.set_num_threads(1)
    from ganwerk.errors import GanwerkError
    from ganwerk.training.prepare import prepare
    from ganwerk.training.train import begin

    case = CASES[job.case]
    ready = prepare(_request(job, case, data, work, folder), lambda _: None)
    tell = oracle(ready) if oracle else lambda _: None

    def plant(state: Any) -> None:
        watch_state(state)
        if case.plant is not None:
            case.plant(state)

    with ExitStack() as stack:
        if case.around is not None:
            stack.enter_context(case.around())
        try:
            begin(ready, tell, plant)
        except GanwerkError as error:
            return ready, error.message
    return ready, ""


def play(job: Job, data: Path, work: Path) -> dict[str, Any]:
    """Play one run in this process. Returns what is kept of it."""
    from bench.doctor.oracle import Moments, Oracle
    from ganwerk.run import Run
    from ganwerk.sampling.sample import Sampler

    hurry()
    folder, start = work / "run", time.process_time()
    shutil.rmtree(folder, ignore_errors=True)
    moments: list[Moments] = []

    def oracle(ready: Any) -> Callable[[Any], None]:
        p = ready.pictures

        def sampler(state: Any) -> Sampler:
            return Sampler(state.ema.net, ready.settings, p.class_names, p.health.class_counts,
                           state.device)  # fmt: skip

        moments.append(Moments(Oracle(p, ready.train), sampler))
        return moments[0].tell

    _, stopped = begun(job, data, work, folder, lambda s: moments[0].plant(s), oracle)
    if not stopped:
        moments[0].look()
    run = Run.open(folder)
    rows = [row for row in run.journal.rows() if row["event"] in KEPT]
    kept = {
        "job": [job.case, job.data, job.network, job.seed],
        "rows": [{k: _short(v) for k, v in row.items()} for row in rows],
        "settings": run.settings_toml,
        "about": {k: run.about.get(k) for k in ("plan", "data")},
        "health": {
            k: v
            for k, v in run.data["health"].items()
            if isinstance(v, int | float | str) or k in ("class_counts", "class_names")
        },
        "oracle": [{k: _short(v) for k, v in row.items()} for row in moments[0].found],
        "stopped": stopped,
        "processor_seconds": round(time.process_time() - start, 1),
    }
    shutil.rmtree(folder, ignore_errors=True)
    return kept


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}") if abs(value) < 1e300 else None
    return [_short(v) for v in value] if isinstance(value, list) else value


def _request(job: Job, case: Case, data: Path, work: Path, folder: Path) -> Any:
    from ganwerk.training.prepare import Request

    chosen = SETS[job.data]
    size = {"listing": NETWORKS["mlp"]}.get(case.preset or "", NETWORKS[job.network])
    if case.preset not in (None, "dcgan"):
        size = {"network.generator_width": 8, "network.discriminator_width": 8,
                "network.max_width": 32, "latent.dim": 32}  # fmt: skip
    classes = chosen.conditional if case.classes is None else case.classes
    wanted = {
        "data.resolution": chosen.resolution,
        "data.conditional": classes and job.network != "mlp",
        "budget.images": int(chosen.images * case.images),
        "budget.batch": 16,
        "run.seed": job.seed,
        "run.precision": "float32",
        "run.device": "cpu",
        "run.measure": False,
        "run.picture_seconds": 1000.0,
    }
    flags = wanted | size | case.flags
    return Request(
        where=where(job.data, data, work, case.pictures),
        preset=case.preset,
        remedies=case.remedies,
        flags={k: (v, k) for k, v in flags.items()},
        out=folder,
    )


def _child(job: Job, data: Path, work: Path, out: Path) -> None:
    try:
        kept = play(job, data, work)
    except Exception:
        kept = {"job": [job.case, job.data, job.network, job.seed],
                "failed": traceback.format_exc()}  # fmt: skip
    out.write_text(json.dumps(kept, separators=(",", ":"), allow_nan=True))


def play_all(jobs: list[Job], data: Path, work: Path, journals: Path, until: float) -> None:
    """Play what is not kept yet, one after the other, until the moment `until` (time.time())."""
    known = {tuple(kept["job"]) for kept in read(journals)}
    out = work / "one.json"
    for job in jobs:
        if (job.case, job.data, job.network, job.seed) in known:
            continue
        if time.time() > until:
            break
        start = time.time()
        child = multiprocessing.get_context("spawn").Process(
            target=_child, args=(job, data, work, out)
        )
        child.start()
        child.join(PATIENCE_SECONDS)
        if child.is_alive():
            child.kill()
            child.join()
            print(f"{job.name}: took too long", flush=True)
            continue
        text = out.read_text()
        out.unlink()
        with gzip.open(journals, "at", encoding="utf-8") as file:
            file.write(text + "\n")
        kept = json.loads(text)
        told = kept.get("failed") or f"{kept['processor_seconds']} s, {kept['stopped'][:60]}"
        print(f"{job.name}: {time.time() - start:.0f} s, {told}", flush=True)


def read(journals: Path) -> list[dict[str, Any]]:
    """All that was kept, in the order in which it was played."""
    if not journals.exists():
        return []
    with gzip.open(journals, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write(journals: Path, everything: list[dict[str, Any]]) -> None:
    """Keep these in the place of what was kept."""
    with gzip.open(journals, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(kept, separators=(",", ":")) + "\n" for kept in everything)
