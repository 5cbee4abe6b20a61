"""From evidence to findings: what holds, for how long, what it is not, and what cannot be told.

A finding begins when its signs held in m of the last n fresh looks, and ends after n looks without.
That, and limits that lie beyond what real pictures score among themselves in one of a hundred whole
runs (Course.outside), keep a healthy run silent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ganwerk.doctor.course import Course, Look, Row, finite
from ganwerk.doctor.finding import HEAVY, Finding, Kind, Weight
from ganwerk.doctor.signs import SIGNS, WITHOUT_LOOKS, Sign
from ganwerk.doctor.signs.base import climbs
from ganwerk.doctor.table import kinds

SCORES = (
    "distance", "coverage", "precision", "recall", "density", "variety", "spread", "missing",
    "class_variety", "class_variety_low", "agreement", "detail", "saturation", "pattern",
)  # fmt: skip
FIRST_LOOKS = 3
PROVEN, PAST = 0.33, 0.6
"""Shares of a run: for how long what may pass by itself must have stood, and how far the run must
be, before it is said that something must be done."""
SEEN_IN = {
    "no_variety": "variety", "no_class_variety": "class_variety", "kinds_missing": "coverage",
    "classes_ignored": "agreement",
}  # fmt: skip
"""The scores in which these signs see too little."""
MAY_PASS = " Early in a run this may pass by itself."
FALLING = 0.9
"""Share of the learning rate below which a schedule is taking it away."""
FAR_BEYOND = 0.5
"""So far past its limits, a share of them, is no chance."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A kind of finding of which nothing can be told, and why."""

    code: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """findings: the weightiest first, of these what the game shows before what was known of the
    pictures; those that ended last. unknown: what cannot be told.
    measured: the last look's scores, each with what real pictures score and how much that varies.
    power: what such looks can see at all, in sentences. gaps: what could not be read."""

    findings: tuple[Finding, ...]
    unknown: tuple[Unknown, ...]
    measured: Mapping[str, Mapping[str, float]]
    power: tuple[str, ...]
    gaps: tuple[str, ...] = ()
    looks: int = 0
    images: int = 0

    @property
    def lasting(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.lasts)

    @property
    def wrong(self) -> bool:
        """Whether something should be done: a finding lasts that is more than a note."""
        return any(finding.weight != "note" for finding in self.lasting)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"wrong": self.wrong}


@dataclass
class Standing:
    """How one kind stands, from look to look."""

    kind: Kind
    held: list[bool] = field(default_factory=list)
    known: bool = False
    since: int | None = None
    begun_at: int = 0
    sure: int = 0

    def take(self, holds: bool | None, i: int, beyond: float = 0.0, *, stays: bool = False) -> str:
        """What look i changes: 'begun', 'ended' or ''. beyond: how far past the limits it is; where
        that is far, a look less is asked for. stays: whether what has begun cannot end here."""
        self.known = self.known or holds is not None
        self.held.append(holds is True)
        self.sure = self.sure + 1 if holds and beyond >= FAR_BEYOND else 0
        m, n = self.kind.looks
        recent = self.held[-n:]
        enough = sum(recent) >= m or self.sure >= max(2, m - 1)
        if self.since is None and enough:
            self.since, self.begun_at = len(self.held) - len(recent) + recent.index(True), i
            return "begun"
        if self.since is not None and not stays and not any(recent) and len(recent) == n:
            self.since = None
            return "ended"
        return ""


class Doctor:
    """Watches a course as it grows. Pure: it reads rows and says what changed."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.standings = {code: Standing(kind) for code, kind in kinds().items()}
        self.found: list[Finding] = []
        self.told: dict[str, Weight] = {}
        self._untreated: tuple[list[Look], float, dict[str, Standing], list[Finding]] | None = None

    def add(self, row: Row) -> list[Finding]:
        """Take in a row; returns the findings to tell of: those that begin, of another weight than
        was told, or over."""
        known = len(self.course.looks)
        self.course.add(row)
        if len(self.course.looks) < known:  # those of an earlier version, by another measure
            self._forget(self.course.images)
        if row.get("event") == "treatment":
            self._treated(row)
        if len(self.course.looks) > known:
            self._judge(known)
        elif row.get("event") in ("start", "end", "warning"):
            self._judge_whole()
        hidden = _hidden(self.found)
        lasting = {f.code: f for f in self.found if f.lasts}
        new = [f for code, f in lasting.items() if code not in hidden
               and self.told.get(code) != f.weight]  # fmt: skip
        over = {f.code: f for f in self.found if f.code in self.told.keys() - lasting.keys()}
        for code in over:
            del self.told[code]
        self.told |= {f.code: f.weight for f in new}
        return [*new, *over.values()]

    def _forget(self, images: int) -> None:
        """What was found look by look is over: from here on other looks count."""
        for code, standing in self.standings.items():
            if not whole(standing.kind):
                self.standings[code] = Standing(standing.kind, known=standing.known)
        self.found = [
            _ended(f, images) if f.lasts and not whole(kinds()[f.code]) else f for f in self.found
        ]

    def _treated(self, row: Row) -> None:
        """Where a treatment is undone, all is as it was seen before it. Where it begins again, what
        was found of the game before it is over."""
        course, state = self.course, row.get("state")
        if state == "begun":
            standings = {k: replace(s, held=list(s.held)) for k, s in self.standings.items()}
            self._untreated = list(course.looks), course.born, standings, list(self.found)
        elif state == "undone" and self._untreated is not None:
            course.looks, course.born, self.standings, self.found = self._untreated
            self._untreated = None
        if state == "begun" and row.get("anew") is True:
            images = course.images
            course.begin_again()
            self._forget(images)

    def _judge(self, i: int) -> None:
        for standing in self.standings.values():
            if not whole(standing.kind):
                holds = self._holds(standing.kind, i)
                self._update(standing, holds, i, self._beyond(standing.kind, i) if holds else 0.0)

    def _judge_whole(self) -> None:
        """Kinds that are seen at once, of the pictures and of the end."""
        last = max(0, len(self.course.looks) - 1)
        for standing in self.standings.values():
            if whole(standing.kind):
                standing.held.clear()
                self._update(standing, self._holds(standing.kind, last), last)

    def _holds(self, kind: Kind, i: int) -> bool | None:
        sample = [self.sign(name, i).holds for name in kind.sample]
        dynamics = [self.sign(name, i).holds for name in kind.dynamics]
        if False in sample or (dynamics and True not in dynamics and None not in dynamics):
            return False
        if None in sample or (dynamics and True not in dynamics):
            return None
        return True

    def sign(self, name: str, i: int) -> Sign:
        if not self.course.looks and name not in WITHOUT_LOOKS:
            return Sign(None, "nothing was looked at")
        return SIGNS[name](self.course, i)

    def _beyond(self, kind: Kind, i: int) -> float:
        """How far past their limits the signs that hold are, on average."""
        signs = [self.sign(name, i) for name in (*kind.sample, *kind.dynamics)]
        holding = [sign.beyond for sign in signs if sign.holds]
        return sum(holding) / len(holding) if holding else 0.0

    def _update(self, standing: Standing, holds: bool | None, i: int, beyond: float = 0.0) -> None:
        change = standing.take(holds, i, beyond, stays=self._stays(standing.kind, i))
        if change == "begun":
            self.found.append(self._finding(standing, i))
        elif change == "ended":
            self._change(standing.kind, lambda f: _ended(f, self._images(i)))
        if not standing.kind.passes or standing.since is None:
            return
        if self.course.progress(i) >= PAST:
            self._change(standing.kind, lambda f: replace(f, text=f.text.removesuffix(MAY_PASS)))
            stays = holds and not self._mends(standing.kind, i)
            if stays and self._stood(standing.since, i) >= PROVEN:
                self._change(standing.kind, lambda f: replace(f, weight=standing.kind.weight))

    def _change(self, kind: Kind, change: Callable[[Finding], Finding]) -> None:
        """Change the finding of this kind that lasts."""
        self.found = [change(f) if f.code == kind.code and f.lasts else f for f in self.found]

    def _mends(self, kind: Kind, i: int) -> bool:
        """Whether what a kind finds too low is on its way up."""
        return any(climbs(self.course, i, SEEN_IN[name]) for name in kind.sample if name in SEEN_IN)

    def _stood(self, since: int, i: int) -> float:
        """For which share of the run a finding stands, counted in images: where a run is prolonged,
        its looks tell the progress in what was asked before."""
        images = self._images(i)
        return self.course.progress(i) * (1 - self._images(since) / images) if images else 0.0

    def _stays(self, kind: Kind, i: int) -> bool:
        """Whether a game that got nowhere is still far away while its rates fall: what is gained
        then is calm, and no progress that a longer run would have gone on with. Only steps become
        smaller by that."""
        if "no_progress" not in kind.sample:
            return False
        share = self.course.value("g_rate_share", i)
        if share is None or share >= FALLING:
            return False
        others = [*({*kind.sample} - {"no_progress"}), *({*kind.dynamics} - {"large_updates"})]
        return all(self.sign(name, i).holds for name in others)

    def _images(self, i: int) -> int:
        return self.course.looks[i].images if i < len(self.course.looks) else self.course.images

    def _finding(self, standing: Standing, i: int) -> Finding:
        kind = standing.kind
        signs = {name: self.sign(name, i) for name in (*kind.sample, *kind.dynamics)}
        holding = {name: sign for name, sign in signs.items() if sign.holds}
        said = "; ".join(sign.words for sign in holding.values())
        n = kind.looks[1]
        looks = "" if whole(kind) else f" Seen in {sum(standing.held[-n:])} of the last {n} looks."
        beyond = self._beyond(kind, i)
        since = 0 if whole(kind) else self._images(min(standing.since or 0, i))
        return Finding(
            code=kind.code,
            name=kind.name,
            weight="watch" if kind.passes else kind.weight,
            text=f"{kind.means} Measured: {said}.{looks}{MAY_PASS if kind.passes else ''}",
            since_images=since,
            sureness=round(0.6 + 0.4 * min(1.0, beyond), 2),
            evidence={name: sign.words for name, sign in holding.items()},
            against=tuple(self._against(kind, i)),
        )

    def _against(self, kind: Kind, i: int) -> Iterable[str]:
        """What it is not, of those in the same family, and what speaks against each."""
        for other in kinds().values():
            if other.code[:3] != kind.code[:3] or other.code == kind.code or whole(other):
                continue
            for name in (*other.sample, *other.dynamics):
                sign = self.sign(name, i)
                if sign.holds is False:
                    yield f"Not {other.code}, '{other.name}': {sign.words}."
                    break

    def finish(self) -> Diagnosis:
        """The diagnosis when all rows were read."""
        self._judge_whole()
        return self.diagnosis()

    def diagnosis(self) -> Diagnosis:
        """Everything that can be said now."""
        shown = _without_hidden(self.found)
        shown.sort(key=_order)
        return Diagnosis(
            findings=tuple(shown),
            unknown=tuple(self._unknown()),
            measured=self._measured(),
            power=tuple(self._power()),
            gaps=tuple(self.course.gaps),
            looks=len(self.course.looks),
            images=self.course.images,
        )

    def _unknown(self) -> Iterable[Unknown]:
        last = max(0, len(self.course.looks) - 1)
        for code, standing in self.standings.items():
            if standing.known:
                continue
            signs = [self.sign(name, last) for name in (*standing.kind.sample,
                                                        *standing.kind.dynamics)]  # fmt: skip
            reasons = [sign.words for sign in signs if sign.holds is None]
            if reasons:
                yield Unknown(code, standing.kind.name, reasons[0])

    def _measured(self) -> dict[str, dict[str, float]]:
        if not self.course.looks:
            return {}
        last = len(self.course.looks) - 1
        found: dict[str, dict[str, float]] = {}
        for name in SCORES:
            value = self.course.value(name, last)
            if value is None:
                continue
            found[name] = {"value": value}
            if name in self.course.null:
                mean, deviation = self.course.null[name]
                found[name] |= {"real": mean, "varies": deviation}
        return found

    def _power(self) -> Iterable[str]:
        course = self.course
        count = len(course.looks)
        if not count:
            yield (
                "Nothing was looked at in this run: its pictures cannot be judged, unless by a "
                "closer look now (--deep)."
            )
            return
        if count < FIRST_LOOKS:
            there = "was only 1 look" if count == 1 else f"were only {count} looks"
            yield f"There {there}: most findings need three."
        if not course.n:
            yield "What your own pictures score against each other is not known in full."
        else:
            yield f"Each look compared {course.n:,} drawn pictures with as many of yours."
        visible = course.value("copies_visible", count - 1)
        if visible is not None:
            yield f"Copies are sure to be seen above {visible:.0%} of the drawn pictures."
        if (finite(course.setting("data.channels")) or 1) >= 3 and course.n:
            yield (
                "In natural colour pictures a missing kind is hard to see: about half of the kinds "
                "must be missing before it shows."
            )


def whole(kind: Kind) -> bool:
    """Whether it is judged once, of the pictures or at the end, rather than look by look."""
    return kind.looks == (1, 1)


def _order(finding: Finding) -> tuple[bool, int, bool, float, str]:
    """The weightiest first; of these, what the game shows before what was known of the pictures."""
    given = finding.code.startswith("GW1")
    return not finding.lasts, HEAVY[finding.weight], given, -finding.sureness, finding.code


def _ended(finding: Finding, images: int) -> Finding:
    return replace(finding, until_images=images)


def _hidden(found: list[Finding]) -> dict[str, str]:
    """Codes of what follows from a finding that lasts, and of which one."""
    lasting = {finding.code for finding in found if finding.lasts}
    return {code: finding for finding in sorted(lasting) for code in kinds()[finding].hides}


def _without_hidden(found: list[Finding]) -> list[Finding]:
    """Without findings that follow from another one."""
    hidden = _hidden(found)
    return [f for f in found if not (f.lasts and f.code in hidden)]
