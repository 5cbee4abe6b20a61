"""Twenty-four trials by two processes, one of which is killed: all complete, none twice.

A sweep over R1's weight on the built-in digits. Two processes work on it; after some trials one of
them is killed (SIGKILL) in the middle of a training, and the other goes on alone. Told are how many
trials are complete, pruned or missing, how many were begun twice, and that the trial which the
killed process left was resumed.

Example: python -m bench.sweep --images 2000 (about five minutes)
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.common import machine_line, parser, publish
from bench.record import ROOT, machine, made, row

TRIALS = 24
KILLED_AFTER = 6
SMALL = {"network.generator_width": 8, "network.discriminator_width": 8, "network.max_width": 16,
         "run.precision": "float32"}  # fmt: skip


def join(folder: Path, images: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ganwerk", "sweep", "digits", "--out", str(folder),
               "--vary", "remedy.r1.weight=log:0.01..10", "--trials", str(TRIALS),
               "--images", str(images)]  # fmt: skip
    for key, value in SMALL.items():
        command += ["--set", f"{key}={value}"]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def events(place: Path) -> str:
    """The journal of a trial's run, without spaces; '' before it has one."""
    journal = place / "seed-0" / "journal.jsonl"
    return journal.read_text().replace(" ", "") if journal.exists() else ""


def kill_in_the_middle(process: subprocess.Popen[bytes], folder: Path) -> int:
    """Wait until a training of this process is under way, and kill it. Number of its trial."""
    while process.poll() is None:
        for place in sorted((folder / "trials").glob("*"))[KILLED_AFTER:]:
            lock = place / "lock"
            mine = lock.exists() and f'"pid": {process.pid},' in lock.read_text()
            under_way = '"event":"step"' in events(place) and '"event":"end"' not in events(place)
            if mine and under_way:
                process.send_signal(signal.SIGKILL)
                process.wait()
                return int(place.name)
        time.sleep(0.01)
    raise RuntimeError("it ended before it was killed")


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--images", type=int, default=2_000, help="of each trial")
    given = options.parse_args()
    here = machine("cpu")
    print(machine_line(here))
    from ganwerk.run import Run
    from ganwerk.sweep.directory import Folder
    from ganwerk.sweep.results import gather
    from ganwerk.sweep.study import Trials

    with tempfile.TemporaryDirectory() as work:
        place, begun = Path(work) / "sweep", time.perf_counter()
        first, second = join(place, given.images), join(place, given.images)
        killed = kill_in_the_middle(second, place)
        code = first.wait()
        seconds = time.perf_counter() - begun
        folder = Folder.open(place)
        outcome = gather(Trials(folder))
        journals = {n: Run.open(folder.run(n, 0)).journal.rows() for n in range(len(outcome.rows))}
        starts = [sum(r["event"] == "start" for r in rows) for rows in journals.values()]
        resumed = [
            n + 1 for n, rows in journals.items() if any(r["event"] == "resume" for r in rows)
        ]
        ends = [sum(r["event"] == "end" for r in rows) for rows in journals.values()]
    figures = {
        "trials": len(outcome.rows),
        "complete": outcome.count("complete"),
        "pruned": outcome.count("pruned"),
        "not_finished": outcome.count("running") + outcome.count("refused"),
        "begun_twice": sum(count != 1 for count in starts),
        "ended_twice": sum(count != 1 for count in ends),
        "resumed": len(resumed),
        "seconds": seconds,
    }
    print(f"killed in trial {killed}, resumed {resumed}, exit code {code}: {figures}")
    words = {"killed in trial": str(killed), "resumed trial": ", ".join(map(str, resumed))}
    note = f"{given.images:,} images each instead of a number of seconds; two processes of 1 thread"
    record = made("sweep", "24 trials, two processes, one killed",
                  [row("sweep", words, **figures)], here, note=note)  # fmt: skip
    publish(given, record, {"figures": figures})


if __name__ == "__main__":
    main()
