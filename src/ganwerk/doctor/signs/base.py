"""What a sign is: what can be seen at one look, with its numbers in words.

Limits in the pictures are shares of what the user's own pictures score against each other, so that
they mean the same for any pictures. They were set on the development part of bench.doctor.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ganwerk.config.auto import NEEDS, need_of
from ganwerk.doctor.course import Course

EARLY = 0.1
"""Share of the run in which nothing is said of the pictures: every generator begins with noise."""
SETTLED = 0.6
LEAST_RISE = 0.03
A_TENTH = 0.09
"""Of a run, or a little less: looks do not come to the minute."""
YOUNG = 0.25
"""In a short run stricter limits hold until here: its pictures are still much alike."""
GROWN = 0.05
"""Of the images that pictures of this size need: from there on a game is no longer young, however
small a share of a long run that is."""


@dataclass(frozen=True, slots=True)
class Sign:
    """holds: None where it cannot be told. words: what was seen, with its numbers. beyond: how far
    past the limit, 0 at it, 1 twice as far."""

    holds: bool | None
    words: str
    beyond: float = 0.0


See = Callable[[Course, int], Sign]


def percent(value: float) -> str:
    return f"{value:.0%}"


def below(value: float | None, limit: float, words: str, *, when: bool = True) -> Sign:
    if value is None:
        return Sign(None, "not measured")
    return Sign(when and value < limit, words, max(0.0, 1 - value / limit) if limit else 0.0)


def above(value: float | None, limit: float, words: str, *, when: bool = True) -> Sign:
    if value is None:
        return Sign(None, "not measured")
    return Sign(when and value > limit, words, min(1.0, max(0.0, value / limit - 1)))


def ripe(course: Course, i: int, share: float = EARLY, name: str = "") -> bool:
    """Whether the run is far enough, and the score beyond what real pictures score."""
    return course.age(i) >= share and (not name or course.outside(name, i))


def grown(course: Course, i: int, name: str = "") -> bool:
    """Whether the game is young no longer, and the score beyond what real pictures score."""
    return not young(course, i) and (not name or course.outside(name, i))


def young(course: Course, i: int) -> bool:
    """Whether healthy pictures may still be much alike at look i."""
    learned = course.age(i) * (course.total_images or course.images)
    return course.age(i) < EARLY or (course.age(i) < YOUNG and learned < GROWN * need(course))


def need(course: Course) -> float:
    """Images that pictures of this size usually need; endless where the size is not known."""
    resolution = course.setting("data.resolution")
    known = isinstance(resolution, int) and resolution <= NEEDS[-1].largest_px
    return need_of(resolution).images if known else math.inf


def by_age(course: Course, i: int, limit: float, early: float) -> float:
    """The limit that holds at look i: `early` while the run is young."""
    return early if young(course, i) else limit


def rising(course: Course, i: int, name: str) -> bool:
    """Whether a score of a run before SETTLED of its time is still on its way up, or may be."""
    if course.progress(i) > SETTLED:
        return False
    now, then = course.value(name, i), course.ago(i, A_TENTH)
    known = then is not None and course.value(name, then) is not None
    return now is not None and (not known or climbs(course, i, name))


def climbs(course: Course, i: int, name: str) -> bool:
    """Whether a score is a tenth, and LEAST_RISE, above that of a tenth of the run ago."""
    now, then = course.value(name, i), course.ago(i, A_TENTH)
    before = None if then is None else course.value(name, then)
    return now is not None and before is not None and now > max(1.1 * before, before + LEAST_RISE)
