"""How often the doctor is right: broken and healthy trainings, judged by an oracle it cannot read.

Runs are played one at a time and kept as small journals, so that a change of a rule is scored anew
in seconds: --replay. Thresholds are set on the development part only.

Example: python -m bench.doctor --minutes 60
Cures:   python -m bench.doctor cure --minutes 60
The collapse that the demo once had: python -m bench.doctor collapse --seeds 12-19
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from pathlib import Path

from bench.common import add_data_option, parser, publish
from bench.doctor import collapse, cure
from bench.doctor.cases import BROKEN, HEALTHY, Case
from bench.doctor.data import SETS
from bench.doctor.play import Job, play_all, read, suits, write
from bench.doctor.rows import confusion, rows
from bench.doctor.score import Summary, line, scored, summary, wilson
from bench.record import keep, machine, made

NOTE = (
    "Runs of about 18 processor seconds at 16 px, looked at about 18 times (20 in the test part). "
    "Truth by an oracle; thresholds were set on the development part. Intervals of 95 %; "
    "runs of one breakage are not independent"
)
FOLDER = Path(__file__).resolve().parents[1] / "results" / "doctor"


def jobs(seeds: int) -> list[Job]:
    """Broken and healthy ones of the test part in turn, each on another set with each seed."""
    combinations = [(d, "small") for d in SETS] + [("mnist", "mlp"), ("fruits", "wide"),
                    ("mnist", "wide")]  # fmt: skip
    made: list[Job] = []
    for seed in range(1, seeds + 1):
        broken = [
            Job(case.name, *combinations[(i + 2 * seed) % len(combinations)], seed)
            for i, case in enumerate(BROKEN)
        ]
        healthy = [
            Job(case.name, *combinations[(i + shift + 2 * seed) % len(combinations)], seed)
            for shift in (0, 4)
            for i, case in enumerate(HEALTHY)
        ]
        twins = [Job("plain", d, n, 20 + seed) for d, n in combinations] if seed < 2 else []
        pairs = itertools.zip_longest([*twins, *healthy], broken)
        made += [job for pair in pairs for job in pair if job is not None]
    cases = {case.name: case for case in (*BROKEN, *HEALTHY)}
    fitting = [_fitted(job, cases) for job in made]
    return list(dict.fromkeys(fitting))


def _fitted(job: Job, cases: dict[str, Case]) -> Job:
    """The same on a set and network that it suits."""
    case = cases[job.case]
    if suits(case, job.data, job.network):
        return job
    for data in ("mnist", "digits", "fruits", "cifar"):
        if suits(case, data, "small"):
            return Job(job.case, data, "small", job.seed)
    raise ValueError(f"{job.name} cannot be played")


def told(part: str, found: Summary) -> None:
    """A part in lines."""
    for what, hits, of in (
        ("broken runs with a right finding among the first two", found.named, found.broken),
        ("healthy runs without a finding of weight 'act'", found.silent, found.healthy),
    ):
        low, high = wilson(hits, of)
        share = hits / of if of else 0.0
        print(f"{part}: {hits} of {of} {what}: {share:.0%} ({low:.0%} to {high:.0%})")
    delays = sorted(found.delays)
    middle = f"{statistics.median(delays):.0%}" if delays else "unknown"
    print(f"{part}: the finding came {middle} of the run after the onset (median)")
    alarms = found.healthy - found.silent
    print(f"{part}: {found.passed} of {alarms} alarms in healthy runs ended before the run did")
    print(f"{part}: {found.survived} broken runs survived; {found.doubtful} left out as doubtful")


def main() -> None:
    verbs = {"cure": cures, "collapse": collapses}
    if sys.argv[1:2] and sys.argv[1] in verbs:
        verbs[sys.argv[1]](sys.argv[2:])
    else:
        diagnoses()


def collapses(arguments: list[str]) -> None:
    """The collapse that the demo once had, with several seeds."""
    options = parser(collapse.__doc__)
    options.add_argument("--seeds", default="12-19", metavar="A-B", help="(default: 12-19)")
    options.add_argument("--doctor", choices=["watch", "treat"], default="watch")
    options.add_argument(
        "--work",
        type=Path,
        default=Path("runs/bench-collapse"),
        metavar="DIR",
        help="where the runs are kept; those that are there are only read",
    )
    given = options.parse_args(arguments)
    first, _, last = given.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    found = collapse.rows(list(collapse.play(seeds, given.work, given.doctor)))
    print(f"\n{collapse.shown(found)}")
    study = "the demo's collapse" + (", treated" if given.doctor == "treat" else "")
    record = made("doctor", study, found, machine("cpu"), note=collapse.NOTE)
    publish(given, record, {"rows": [each.model_dump() for each in found]})


def cures(arguments: list[str]) -> None:
    """Broken and healthy runs under `--doctor treat`, beside a sham."""
    options = parser(cure.__doc__)
    add_data_option(options)
    options.add_argument("--minutes", type=float, default=60, help="play for so long")
    options.add_argument("--seeds", type=int, default=3, help="how often everything is played")
    options.add_argument("--only", nargs="*", default=[], help="names of cases")
    options.add_argument("--work", type=Path, default=Path("runs/bench-doctor"), metavar="DIR")
    options.add_argument("--kept", type=Path, default=FOLDER / "cures.jsonl.gz")
    options.add_argument("--replay", action="store_true", help="only score what is kept")
    given = options.parse_args(arguments)
    chosen = [job for job in cure.jobs(given.seeds) if not given.only or job.case in given.only]
    if not given.replay:
        given.kept.parent.mkdir(parents=True, exist_ok=True)
        given.work.mkdir(parents=True, exist_ok=True)
        until = time.time() + 60 * given.minutes
        cure.play_all(chosen, given.data, given.work, given.kept, until)
    cure.told(cure.paired(cure.read(given.kept)))


def diagnoses() -> None:
    options = parser(__doc__)
    add_data_option(options)
    options.add_argument("--minutes", type=float, default=60, help="play for so long")
    options.add_argument("--seeds", type=int, default=3, help="how often everything is played")
    options.add_argument("--only", nargs="*", default=[], help="names of cases")
    options.add_argument("--work", type=Path, default=Path("runs/bench-doctor"), metavar="DIR")
    options.add_argument("--journals", type=Path, default=FOLDER / "journals.jsonl.gz")
    options.add_argument("--replay", action="store_true", help="only score what is kept")
    options.add_argument(
        "--seen", action="store_true",
        help="from now on what is kept belongs to the development part: do this before a rule or a "
        "limit is changed",
    )  # fmt: skip
    options.add_argument("--publish", action="store_true", help="write bench/results/doctor.json")
    options.add_argument("--verbose", action="store_true", help="each run of the first part")
    given = options.parse_args()
    chosen = [job for job in jobs(given.seeds) if not given.only or job.case in given.only]
    if not given.replay:
        given.journals.parent.mkdir(parents=True, exist_ok=True)
        given.work.mkdir(parents=True, exist_ok=True)
        until = time.time() + 60 * given.minutes
        play_all(chosen, given.data, given.work, given.journals, until)
    if given.seen:
        write(given.journals, [kept | {"part": "development"} for kept in read(given.journals)])
    runs = scored(read(given.journals))
    parts = {"development": False, "test": True}
    for part, test in parts.items():
        those = [run for run in runs if run.test is test]
        if given.verbose and not test:
            print(*(line(run) for run in sorted(those, key=lambda r: r.job.name)), sep="\n")
        told(part, summary(those))
        if given.publish:
            for study, made_rows in ((part, rows), (f"{part}: what came first", confusion)):
                record = made("doctor", study, made_rows(summary(those)), machine("cpu"), note=NOTE)
                print(f"Written: {keep('doctor', record, given.results)}")


if __name__ == "__main__":
    main()
