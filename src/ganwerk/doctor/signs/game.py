"""Signs in the game of the two networks. Pure functions of the evidence."""

from __future__ import annotations

import math
import statistics

from ganwerk.doctor.course import Course
from ganwerk.doctor.signs.base import GROWN, Sign, above, below, grown, need, percent
from ganwerk.doctor.signs.drawn import (
    far_from_real,
    far_off,
    improving,
    no_class_variety,
    no_progress,
    no_variety,
)

GONE = 0.05
"""A share of the learning rate at which nothing more is learnt."""
LEAST_SHARE = 0.01
NEARLY_ALL = 0.95
"""Of the weights of a network: so many that stand still are a fault even where it gets better."""
WON = 4.0
"""Deviations between real and drawn beyond which a judge's gradient is gone, and with it steps."""


def d_certain(course: Course, i: int) -> Sign:
    right, gap = course.value("d_right", i), course.value("d_gap", i)
    if right is None or gap is None:
        return Sign(None, "not measured")
    words = (
        f"the judge ranks a real picture that it never saw above a drawn one in {right:.1%} of "
        f"cases, {gap:.1f} deviations apart"
    )
    return Sign(right > 0.97 and gap > 2.5, words, min(1.0, gap / 10))


def d_blind(course: Course, i: int) -> Sign:
    right = course.value("d_right", i)
    if right is None:
        return Sign(None, "not measured")
    words = (
        f"the judge ranks a real picture above a drawn one in {right:.0%} of cases; 50% is chance"
    )
    return Sign(right < 0.62, words, max(0.0, 1 - right))


def d_shortcut(course: Course, i: int) -> Sign:
    value, certain = course.value("border", i), d_certain(course, i)
    if value is None:
        return Sign(None, "not measured")
    words = (
        f"drawn pictures within the border of real ones close {percent(max(0.0, value))} of the "
        "gap that the judge sees"
    )
    return Sign(value > 0.6 and certain.holds is True, words, min(1.0, value))


def overfit(course: Course, i: int) -> Sign:
    value = course.value("overfit", i)
    words = (
        f"the judge takes real pictures that it never saw for drawn ones to {percent(value or 0)} "
        "(0%: as those it trains on, 100%: as drawn ones)"
    )
    return above(value, 0.4, words)


def churn(course: Course, i: int) -> Sign:
    value = course.value("churn", i)
    words = (
        f"from look to look the picture of a fixed random input moves {percent(value or 0)} as far "
        "as two of your pictures are apart"
    )
    return above(value, 0.6, words, when=grown(course, i))


def oscillation(course: Course, i: int) -> Sign:
    gaps = course.recent("d_gap", i, 6)
    if len(gaps) < 6:
        return Sign(None, "too few looks")
    turns = sum((b - a) * (c - b) < 0 for a, b, c in zip(gaps, gaps[1:], gaps[2:], strict=False))
    spread = statistics.pstdev(gaps)
    words = f"the gap that the judge sees swung between {min(gaps):.1f} and {max(gaps):.1f}"
    moved = churn(course, i)
    return Sign(turns >= 3 and spread > 0.8 and moved.holds is True, words, min(1.0, spread / 2))


def exploding(course: Course, i: int) -> Sign:
    sizes = course.series("d_size", i)
    if len(sizes) < 3:
        return Sign(None, "too few looks")
    before, now = statistics.median(sizes[:-1]), sizes[-1]
    words = f"the judge's verdicts grew to {now:.3g} from {before:.3g}"
    return Sign(now > 50 and now > 5 * before, words, min(1.0, now / 1000))


def not_finite(course: Course, i: int) -> Sign:
    """With what announced it, which is its cause as far as a run can know it."""
    if not course.diverged:
        return Sign(False, "all numbers are finite")
    what = course.diverged.rstrip(".")
    if not course.looks:
        return Sign(True, f"{what}; it came before the first look", 1.0)
    announced = [sign.words for sign in (exploding(course, i), large_updates(course, i))
                 if sign.holds]  # fmt: skip
    before = " and ".join(announced) or (
        "nothing announced it, neither large steps nor growing verdicts: look at the arithmetic "
        "(run.precision) and at what was changed last"
    )
    return Sign(True, f"{what}; before it, {before}", 1.0)


def large_updates(course: Course, i: int) -> Sign:
    return _updates(course, i, 0.03, most=True)


def small_updates(course: Course, i: int) -> Sign:
    """At the whole rate: what a schedule takes away is no fault of the rate, nor is what is gone
    because the judge has won and nothing is gained any more."""
    small = _updates(course, i, 6e-4, most=False)
    won = d_certain(course, i).holds and (course.value("d_gap", i) or 0.0) > WON
    if small.holds and won and no_progress(course, i).holds:
        return Sign(False, "the steps are small because the judge has won")
    return small


def _updates(course: Course, i: int, limit: float, *, most: bool) -> Sign:
    known = []
    for name, key in (("generator", "g"), ("judge", "d")):
        update, share = course.value(f"{key}_update", i), course.value(f"{key}_rate_share", i)
        if update is not None:
            left = 1.0 if most or share is None else max(share, LEAST_SHARE)
            known.append((update / left, update, name))
    if not known:
        return Sign(None, "not measured")
    value, update, name = max(known) if most else min(known)
    words = f"one step moves the weights of the {name} by {update:.2g} of their size"
    return (above if most else below)(value, limit, words)


def still_weights(course: Course, i: int) -> Sign:
    pair = [(name, course.value(f"{key}_still", i)) for name, key in
            (("generator", "g"), ("judge", "d"))]  # fmt: skip
    known = [(value, name) for name, value in pair if value is not None]
    if not known:
        return Sign(None, "not measured")
    value, name = max(known)
    frozen = course.setting("transfer.freeze")
    words = f"{percent(value)} of the weights of the {name} do not move at all"
    stands = bool(no_progress(course, i).holds and far_from_real(course, i).holds)
    return Sign(not frozen and value > (0.4 if stands else NEARLY_ALL), words, value)


def rates_gone(course: Course, i: int) -> Sign:
    """The rates are gone, and were so when a good part of the run was still to come."""
    gone = [k for k in range(i + 1) if (course.value("g_rate_share", k) or 1.0) < GONE]
    value = course.value("g_rate_share", i)
    if value is None:
        return Sign(None, "not measured")
    early = bool(gone) and course.progress(gone[0]) < 0.7 and gone[-1] == i
    when = f", since {percent(course.progress(gone[0]))} of the run" if early else ""
    return Sign(early, f"{percent(value)} of the learning rate is left{when}", 1.0)


def slow_feeding(course: Course, i: int) -> Sign:
    value = course.value("waiting", i)
    return above(value, 0.4, f"{percent(value or 0)} of the time went into waiting for pictures")


def too_short(course: Course, i: int) -> Sign:
    """The budget is used up, and the pictures still got better, or are poor after so few images
    that no other can be told from it. A run that begins with weights of another needs few."""
    if course.ended != "finished":
        return Sign(False, "the run has not used up its budget")
    learned = (1 - course.born) * course.images
    few = learned < GROWN * need(course) < math.inf and course.setting("transfer") is None
    words = f"{learned:,.0f} images are few: pictures of this size usually need {need(course):,.0f}"
    if not course.looks:
        return Sign(few or None, words if few else "nothing was looked at", 1.0)
    poor = (far_from_real(course, i), no_class_variety(course, i), no_variety(course, i))
    if few and any(sign.holds for sign in poor):
        return Sign(True, words, 1.0)
    grows, far = improving(course, i), poor[0].holds or far_off(course, i)
    return Sign(bool(far and grows.holds), grows.words, grows.beyond)
