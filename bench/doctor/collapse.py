"""Whether the collapse that `make demo` once had is named: one picture per class, which losses and
accuracy do not show.

Digits with the recipe that `auto` was until 2026-11-29, as many images as a slow machine trained in
its 90 seconds. Whether it collapsed is said by the run's last coverage, measured by other features
and with more pictures than the doctor has.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.common import spread, table
from bench.defaults.contenders import CONTENDERS
from bench.doctor.cases import NARROW
from bench.record import Row, row
from ganwerk.doctor.diagnose import diagnose
from ganwerk.run import Run

IMAGES, RESOLUTION = 22_500, 16
COLLAPSED = 0.5
"""Coverage; real pictures have 0.97 among themselves."""
NOTE = (
    "Digits with the recipe of before, 22,500 images, one thread. Collapsed: the last coverage is "
    "below 0.5; a run is named by GW201 to GW204 at its end"
)


@dataclass(frozen=True)
class Played:
    """coverage: of the last measurement. codes: of the findings that last."""

    seed: int
    coverage: float
    codes: tuple[str, ...]

    @property
    def collapsed(self) -> bool:
        return self.coverage < COLLAPSED


def command(seed: int, out: Path, doctor: str) -> list[str]:
    """What a user would type, one setting after the other."""
    before = CONTENDERS["auto-before"]
    settings = (*before.sets(RESOLUTION), "network.init=he")
    return [
        sys.executable, "-m", "ganwerk", "train", "digits", "--seed", str(seed),
        "--images", str(IMAGES), "--doctor", doctor, "--out", str(out),
        *(word for name in before.remedies for word in ("--remedy", name)),
        *(word for text in settings for word in ("--set", text)),
    ]  # fmt: skip


def play(seeds: Sequence[int], work: Path, doctor: str) -> Iterator[Played]:
    """Runs that are there already are not played again."""
    work.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        out = work / (f"seed-{seed}" if doctor == "watch" else f"seed-{seed}-{doctor}")
        if not out.exists():
            _run(command(seed, out, doctor))
        elif not Run.open(out).journal.rows("end"):  # it was broken off
            _run([sys.executable, "-m", "ganwerk", "resume", str(out)])
        found = read(seed, out)
        print(line(found), flush=True)
        yield found


def _run(words: list[str]) -> None:
    alone = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(words, check=True, capture_output=True, env=alone)


def read(seed: int, out: Path) -> Played:
    coverage = float(Run.open(out).journal.rows("measure")[-1]["coverage"])
    found = tuple(finding.code for finding in diagnose(out).lasting if finding.code in NARROW)
    return Played(seed, coverage, found)


def line(found: Played) -> str:
    said = ", ".join(found.codes) or "nothing"
    return f"seed {found.seed}: coverage {found.coverage:.2f} at the end; named {said}"


def rows(played: Sequence[Played]) -> list[Row]:
    """The runs that collapsed, and those that did not."""
    made = []
    for name, those in (
        ("collapsed", [run for run in played if run.collapsed]),
        ("did not", [run for run in played if not run.collapsed]),
    ):
        figures: dict[str, Any] = {"runs": len(those), "named": sum(bool(r.codes) for r in those)}
        if those:
            figures["coverage"] = spread([run.coverage for run in those])
        made.append(row(name, **figures))
    return made


def shown(made: Sequence[Row]) -> str:
    lines = [
        [each.name, *(f"{each.figures[key].value:.0f}" for key in ("runs", "named"))]
        for each in made
    ]
    return table(["runs that", "number", "named"], lines)
