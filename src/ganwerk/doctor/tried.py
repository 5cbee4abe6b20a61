"""What was tried on a run, read from its journal; what is tried next; whether it helped."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganwerk.doctor.finding import HEAVY, Direction, Finding, Treatment
from ganwerk.doctor.table import kinds

Row = Mapping[str, Any]

NOISE = 2.0  # deviations of the difference of two looks
LEAST_GAIN = 0.05  # of the value before
DISTANCE = "distance"
MOST_HARM = 1.25
"""The distance to the real pictures may grow by this factor where another signal is treated."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A treatment of a run. outcome: 'on trial', 'kept' or 'undone'. images: where it began.
    from_images: whose weights it began with. changes: 'key: old -> new'. before, after: of the
    signal, None where it was not measured. reason: of the outcome, in words."""

    number: int
    code: str
    name: str
    words: str
    changes: tuple[str, ...]
    images: int
    from_images: int
    until_images: int
    signal: str
    better: Direction
    before: float | None
    after: float | None = None
    outcome: str = "on trial"
    ended_images: int | None = None
    reason: str = ""


def tried(rows: Sequence[Row]) -> list[Tried]:
    """Oldest first. rows: the journal's."""
    ends = {int(row["number"]): row for row in rows if _is(row, "kept") or _is(row, "undone")}
    begun = {int(row["number"]): row for row in rows if _is(row, "begun")}
    return [_tried(row, ends.get(number)) for number, row in sorted(begun.items())]


def _is(row: Row, state: str) -> bool:
    """Whether it is such a row, and sound: a journal may come from anywhere."""
    whole = all(_number(row.get(key)) is not None for key in ("number", "images"))
    return row.get("event") == "treatment" and row.get("state") == state and whole


def _tried(row: Row, end: Row | None) -> Tried:
    end = end or {}
    changes = row.get("changes", ())
    return Tried(
        number=int(row["number"]),
        code=str(row.get("code", "")),
        name=str(row.get("name", "")),
        words=str(row.get("words", "")),
        changes=tuple(map(str, changes)) if isinstance(changes, list | tuple) else (),
        images=int(row["images"]),
        from_images=int(_number(row.get("from_images")) or 0),
        until_images=int(_number(row.get("until_images")) or 0),
        signal=str(row.get("signal", "")),
        better="lower" if row.get("better") == "lower" else "higher",
        before=_number(row.get("before")),
        after=_number(end.get("after")),
        outcome=str(end.get("state", "on trial")),
        ended_images=int(end["images"]) if "images" in end else None,
        reason=str(end.get("reason", "")),
    )


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known and math.isfinite(value) else None


def candidates(
    findings: Sequence[Finding], before: Sequence[Tried], images: int, window: int
) -> list[tuple[Finding, Treatment]]:
    """What may be tried now, the first first: treatments of findings that last and are more than a
    note, none twice, and none for what was treated so few images ago that it cannot show yet. The
    weightiest and surest first, also where it is of the pictures: too few are the cause of much
    else. No finding has its second before each has had its first: what did not help may not have
    been the cause.

    window: so many images."""
    found = []
    known = [f for f in findings if f.lasts and f.weight != "note" and f.code in kinds()]
    for finding in sorted(known, key=_grave):
        same = [one for one in before if one.code == finding.code]
        lately = [one for one in same if one.outcome == "kept" and _end_of(one) + window > images]
        if not lately:
            found += [(len(same) + i, order) for i, order in enumerate(untried(finding, before))]
    return [order for _, order in sorted(found, key=lambda pair: pair[0])]  # stable


def _grave(finding: Finding) -> tuple[int, float, str]:
    """By what a kind weighs where it stays: a treatment is undone where it does not help, so nobody
    has to wait whether the finding passes by itself."""
    return HEAVY[kinds()[finding.code].weight], -finding.sureness, finding.code


def untried(finding: Finding, before: Sequence[Tried]) -> Iterator[tuple[Finding, Treatment]]:
    """The treatments of a finding that the run has not had, in order. To begin again is the same
    whatever it was for."""
    own = {one.name for one in before if one.code == finding.code}
    all_names = {one.name for one in before}
    for treatment in kinds()[finding.code].treatments:
        if treatment.name not in (all_names if treatment.anew else own):
            yield finding, treatment


def _end_of(one: Tried) -> int:
    return one.images if one.ended_images is None else one.ended_images


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a treatment helped, and why one thinks so."""

    helped: bool
    reason: str


def helped(signal: str, better: Direction, noise: float, before: Row, after: Row) -> Verdict:
    """Whether the signal is better than before by more than looks differ by chance, without the
    pictures being further from the real ones.

    noise: the deviation of the signal among real pictures. before, after: looks, values by name.
    """
    old, new = _number(before.get(signal)), _number(after.get(signal))
    if old is None or new is None:
        return Verdict(False, f"{signal} could not be measured")
    gain = (new - old) * (1 if better == "higher" else -1)
    least = max(NOISE * math.sqrt(2) * noise, LEAST_GAIN * abs(old))
    told = f"{signal} {old:.3g} before, {new:.3g} after"
    if gain <= least:
        return Verdict(False, f"{told}: not better by more than chance ({least:.2g})")
    far, farther = _number(before.get(DISTANCE)), _number(after.get(DISTANCE))
    if signal != DISTANCE and far and farther and farther > MOST_HARM * far:
        return Verdict(False, f"{told}, but the pictures moved away from the real ones "
                              f"({DISTANCE} {far:.3g} before, {farther:.3g} after)")  # fmt: skip
    return Verdict(True, told)
