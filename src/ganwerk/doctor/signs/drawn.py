"""Signs in the pictures that are drawn. Pure functions of the evidence."""

from __future__ import annotations

import statistics

from ganwerk.doctor.course import Course
from ganwerk.doctor.signs.base import (
    EARLY,
    Sign,
    above,
    below,
    by_age,
    grown,
    percent,
    ripe,
    rising,
)


def no_variety(course: Course, i: int) -> Sign:
    value = course.value("variety", i)
    words = f"drawn pictures differ from each other {percent(value or 0)} as much as yours do"
    limit = by_age(course, i, 0.3, 0.1)
    grows = rising(course, i, "variety")
    return below(value, limit, words, when=ripe(course, i, EARLY, "variety") and not grows)


THIN_LIMIT = 0.45
"""Variety below which pictures that look real, and that no real one lies among, are too alike."""
THIN_CLASS_LIMIT = 0.5
"""The same within a class."""

TINY_LATENT = 4
"""Random numbers that a picture is made of: so few cannot hold the ways in which pictures vary."""


def _thin(course: Course, i: int) -> bool:
    """Whether from the middle of the run on what is drawn looks real, but next to no real picture
    lies among what is drawn: it fills too little room (recall of Kynkaanniemi et al. 2019)."""
    recall, precision = course.share("recall", i), course.share("precision", i)
    if recall is None or precision is None:
        return False
    return ripe(course, i, 0.45) and recall < 0.05 and precision > 0.85


def _room(course: Course, i: int) -> str:
    """What `_thin` sees, in words."""
    return (
        f"{percent(course.value('precision', i) or 0)} of what is drawn looks like yours, but "
        f"{percent(course.value('recall', i) or 0)} of yours like something that is drawn"
    )


UNFORMED = 0.25
"""Share of drawn pictures among real ones below which a generator draws no pictures yet."""


def _unformed(course: Course, i: int) -> bool:
    """Whether in the first half of a run nothing that is drawn looks real yet: then the classes are
    blurs, and blurs of one class are alike in many a healthy run."""
    precision = course.share("precision", i)
    return course.age(i) < 0.5 and precision is not None and precision < UNFORMED


def no_class_variety(course: Course, i: int) -> Sign:
    value = course.value("class_variety", i)
    if value is None:
        return Sign(None, "no classes are known")
    words = (
        f"drawn pictures of the same class differ {percent(value)} as much as yours do, while "
        f"those of all classes together differ {percent(course.value('variety', i) or 0)} as much"
    )
    limit = 0.2 if _unformed(course, i) else by_age(course, i, 0.35, 0.2)
    if _thin(course, i):
        limit, words = THIN_CLASS_LIMIT, f"{words}; {_room(course, i)}"
    grows = rising(course, i, "class_variety")
    return below(value, limit, words, when=ripe(course, i, EARLY, "class_variety") and not grows)


def kinds_missing(course: Course, i: int) -> Sign:
    """Kinds are missing if many real pictures have no drawn one near, though what is drawn lies
    among real ones."""
    coverage, precision = course.share("coverage", i), course.share("precision", i)
    missing = course.value("missing", i)
    if coverage is None or precision is None:
        return Sign(None, "not measured")
    words = (
        f"{percent(1 - min(1.0, coverage))} of your kinds of pictures have no drawn one near "
        f"(coverage {course.value('coverage', i) or 0:.2f}; your own against each other "
        f"{course.null['coverage'][0]:.2f}), though {percent(min(1.0, precision))} of what is "
        "drawn looks like yours"
    )
    few = coverage < 0.28 and precision > 0.6 and (missing is None or missing > 0.3)
    clean = missing is not None and missing > 0.3 and coverage < 0.8 and precision > 0.93
    ready = grown(course, i, "coverage") and not rising(course, i, "coverage")
    variety, numbers = course.value("variety", i), course.setting("latent.dim")
    alike = variety is not None and variety < THIN_LIMIT
    tiny = isinstance(numbers, int) and numbers <= TINY_LATENT
    if (alike or tiny) and _thin(course, i):
        why = (
            f"a picture is made of {numbers} random numbers"
            if tiny
            else (
                f"drawn pictures differ from each other {percent(variety or 0)} as much as yours do"
            )
        )
        return Sign(True, f"{_room(course, i)}; {why}", max(0.0, 1 - coverage / 0.8))
    return Sign((few or clean) and ready, words, max(0.0, 1 - coverage / 0.8))


MIXED, MIXED_EARLY = 0.66, 0.55
"""Share of drawn pictures that look like their class, over that of real ones, below which classes
are mixed: in the second half of a game, and in the first, in which they are still being learnt."""


def classes_ignored(course: Course, i: int) -> Sign:
    value = course.value("agreement", i)
    words = f"{percent(value or 0)} as many drawn pictures as real ones look like their class"
    grows = rising(course, i, "agreement")
    limit = MIXED if course.age(i) > 0.5 * (1 - course.born) else MIXED_EARLY
    return below(value, limit, words, when=grown(course, i, "agreement") and not grows)


FAR_OFF = 8.0
"""Times the distance of real pictures: far, though each picture may have one near."""


def poor(course: Course, i: int) -> Sign:
    """Few drawn pictures lie among real ones, or few real ones among drawn; or most do, but the
    distance is many times that of real pictures."""
    near = few_near(course, i)
    share = course.share("distance", i)
    if near.holds is not False or share is None or not far_off(course, i):
        return near
    words = (
        f"the distance to your pictures is {course.value('distance', i) or 0:.3g}, {share:.0f} "
        "times as far as they are from each other"
    )
    return Sign(True, words, min(1.0, share / FAR_OFF - 1))


def few_near(course: Course, i: int) -> Sign:
    """Few drawn pictures lie among real ones, or few real ones among drawn."""
    shares = [course.share(name, i) for name in ("precision", "coverage")]
    known = [share for share in shares if share is not None]
    if not known:
        return Sign(None, "not measured")
    words = (
        f"{percent(course.value('precision', i) or 0)} of the drawn pictures lie among yours, and "
        f"{percent(course.value('coverage', i) or 0)} of yours have one near"
    )
    return Sign(ripe(course, i) and min(known) < 0.4, words, max(0.0, 1 - min(known) / 0.4))


def far_from_real(course: Course, i: int) -> Sign:
    """As `poor`, but for pictures that lie too near to each other to tell it by that."""
    far = poor(course, i)
    excuse = _excused_by_copies(course, i) if far.holds else None
    return far if excuse is None else Sign(False, excuse)


def far_off(course: Course, i: int, times: float = FAR_OFF) -> bool:
    """Whether the distance is so many times that of real pictures."""
    share = course.share("distance", i)
    return share is not None and ripe(course, i) and share > times


LOST, LATE = 25.0, 0.85
"""Times the distance of near copies among real pictures that no healthy run is away from them so
late."""


CROWDED = 1.5
"""Times the distance from each other that real pictures have: drawn ones so far apart show that
many of the real ones are near copies."""


def _excused_by_copies(course: Course, i: int) -> str | None:
    """Near copies among the real pictures, such as frames of a film, lie so near to each other that
    nothing that is drawn gets between them. Then it counts whether the distance is many times what
    is usual there and, while the run is not at its end, whether it falls. In words; None: no
    excuse."""
    spread, distances = course.value("spread", i), course.series("distance", i)
    if spread is None or spread <= CROWDED or not distances:
        return None
    share = course.share("distance", i)
    if share is not None and not far_off(course, i, LOST):
        return (
            f"the distance to your pictures is {share:.0f} times theirs from each other, which is "
            "little where many of them are near copies"
        )
    first, now = max(distances), distances[-1]
    if course.progress(i) <= LATE and now < 0.6 * first:
        return f"the distance to your pictures fell from {first:.3g} to {now:.3g}"
    return None


def _best_before(course: Course, i: int) -> float | None:
    series = course.series("distance", i)
    return min(series[:-1]) if len(series) > 1 else None


OUTSIDE, TOLD = 0.1, 0.3
"""Share of the reals' coverage below which hardly a real picture has a drawn one near; and of the
run from which on its pace is told."""


def no_progress(course: Course, i: int) -> Sign:
    """The distance is hardly lower than a fifth of the run ago; or, where hardly a real picture has
    a drawn one near, it falls so slowly that the rest of the run does not bring it near."""
    then = level_ago(course, i, 0.2)
    now = level(course, i)
    if then is None or now is None:
        return Sign(None, "too few looks")
    words = f"the distance to your pictures went from {then:.3g} to {now:.3g} in a fifth of the run"
    stands, pace = grown(course, i) and now > 0.95 * then, now / then if then > 0 else 1.0
    if not stands and grown(course, i) and _never_near(course, i, pace):
        stands, words = True, f"{words}: at this pace it does not come near"
    return Sign(stands, words, max(0.0, min(1.0, pace - 0.95)) if then > 0 else 1.0)


def _never_near(course: Course, i: int, pace: float) -> bool:
    """Whether the distance stays many times that of real pictures if it goes on to change by the
    factor `pace` in each fifth of the run."""
    coverage, share = course.share("coverage", i), course.share("distance", i)
    if coverage is None or share is None or course.age(i) < TOLD or coverage > OUTSIDE:
        return False
    fifths = 5 * (1 - course.progress(i))
    return share * max(0.0, min(pace, 1.0)) ** fifths > FAR_OFF


def level(course: Course, i: int) -> float | None:
    """The middle distance of the last three looks."""
    recent = course.recent("distance", i, 3)
    return statistics.median(recent) if recent else None


def level_ago(course: Course, i: int, ago: float) -> float | None:
    """The middle distance that far back, as a share of the run."""
    there = course.ago(i, ago)
    return None if there is None else level(course, there)


STANDS = 0.93
"""Of the distance a third of the run ago: less is still progress, more is none."""


def improving(course: Course, i: int) -> Sign:
    """The distance fell over the last third of the run; of a game that began less than that ago,
    over the last fifth, or since its first look."""
    then, now = level_ago(course, i, 0.33), level(course, i)
    if then is None:
        then = level_ago(course, i, 0.2)
    if then is None or now is None:
        then, now = (
            (course.value("distance", 0), course.value("distance", i)) if i else (None, None)
        )
    if then is None or now is None:
        return Sign(None, "too few looks")
    words = f"the distance to your pictures still fell, from {then:.3g} to {now:.3g} of late"
    return below(now / then if then > 0 else 1.0, STANDS, words)


TURNED = 1.5
"""Times the distance of a third of the run ago up to which a run stands still, and of its best look
from which on it has turned back."""


def worse_than_before(course: Course, i: int) -> Sign:
    best, now = _best_before(course, i), level(course, i)
    if best is None or now is None or best <= 0:
        return Sign(None, "too few looks")
    words = f"the distance to your pictures was {best:.3g} at best and is {now:.3g} now"
    return above(now / best, TURNED, words, when=ripe(course, i))


def worse_or_far(course: Course, i: int) -> Sign:
    worse, far = worse_than_before(course, i), far_from_real(course, i)
    return worse if worse.holds else far


def plateau(course: Course, i: int) -> Sign:
    """Nothing was gained over a third of the run, far from what real pictures score."""
    then, now, share = level_ago(course, i, 0.33), level(course, i), course.share("distance", i)
    if then is None or now is None or share is None:
        return Sign(None, "too few looks")
    words = (
        f"the distance to your pictures was {then:.3g} a third of the run ago and is {now:.3g} "
        f"now; your own score {course.null['distance'][0]:.3g}"
    )
    holds = STANDS * then <= now <= TURNED * then and share > 3
    return Sign(ripe(course, i, 0.5) and holds, words)


def copies(course: Course, i: int) -> Sign:
    ratio, p = course.value("tail_ratio", i), course.value("copies_p", i)
    if ratio is None or p is None:
        return Sign(None, "too few held-out pictures")
    words = (
        f"{course.value('copies', i) or 0:.0f} of {course.n} drawn pictures lie nearer to one of "
        f"your training pictures than unseen ones do: {ratio:.1f} times as many as by chance"
    )
    return Sign(ripe(course, i) and ratio > 3 and p < 1e-4, words, min(1.0, ratio / 10))


def near_real(course: Course, i: int) -> Sign:
    """The pictures are good enough that it is worth looking at them from near."""
    shares = [course.share(name, i) for name in ("precision", "coverage")]
    known = [share for share in shares if share is not None]
    if not known:
        return Sign(None, "not measured")
    words = f"{percent(course.value('coverage', i) or 0)} of your pictures have a drawn one near"
    return Sign(min(known) > 0.4, words)


def checkerboard(course: Course, i: int) -> Sign:
    value = course.value("pattern", i)
    words = f"a pattern of one pixel stands {value or 0:.1f} decibels out, more than in yours"
    return above(value, 6.0, words, when=grown(course, i, "pattern"))


def saturated(course: Course, i: int) -> Sign:
    value = course.value("saturation", i)
    words = f"{percent(max(0.0, value or 0))} more pixels than in yours are fully black or white"
    return above(value, 0.2, words, when=grown(course, i, "saturation"))


def blurred(course: Course, i: int) -> Sign:
    value = course.value("detail", i)
    words = f"fine detail is {percent(value or 0)} of that in your pictures"
    return below(value, 0.6, words, when=ripe(course, i, 0.5, "detail"))


def average_lags(course: Course, i: int) -> Sign:
    raw, same = course.value("raw_distance", i), course.value("same_distance", i)
    if raw is None or same is None or same <= 0:
        return Sign(None, "not measured")
    words = f"the trained generator stands at a distance of {raw:.3g}, its average at {same:.3g}"
    return below(raw / same, 0.6, words, when=grown(course, i))
