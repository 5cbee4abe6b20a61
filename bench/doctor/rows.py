"""The record of a score: what bench/results/doctor.json holds."""

from __future__ import annotations

from bench.common import spread
from bench.doctor.score import Summary, wilson
from bench.record import Row, row


def share(name: str, hits: int, of: int) -> Row:
    """A share with its 95 % interval."""
    low, high = wilson(hits, of)
    return row(name, hits=hits, of=of, share=hits / of if of else 0.0, low=low, high=high)


def rows(found: Summary) -> list[Row]:
    made = [
        share("broken runs with a right finding among the first two", found.named, found.broken),
        share("healthy runs without a finding of weight act", found.silent, found.healthy),
        share("broken runs that a tutorial's rule notices", found.tutorial_right, found.broken),
        share("healthy runs that it leaves alone", found.tutorial_silent, found.healthy),
    ]
    counts = row("runs", broken=found.broken, healthy=found.healthy, survived=found.survived,
                 doubtful=found.doubtful)  # fmt: skip
    made.append(counts)
    if found.delays:
        made.append(row("from onset to finding", share_of_run=spread(found.delays)))
    return made


def confusion(found: Summary) -> list[Row]:
    """For each way to fail, how often which finding came first."""
    ways: dict[str, list[str]] = {}
    totals: dict[str, int] = {}
    for (way, code), count in found.confusion.most_common():
        ways.setdefault(way, []).append(f"{code} {count}")
        totals[way] = totals.get(way, 0) + count
    return [
        row(way, {"first findings": ", ".join(codes)}, runs=totals[way])
        for way, codes in sorted(ways.items(), key=lambda item: -totals[item[0]])
    ]
