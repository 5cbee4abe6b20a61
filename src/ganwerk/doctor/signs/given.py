"""Signs in the pictures that were given. Pure functions of the evidence."""

from __future__ import annotations

from ganwerk.doctor.course import Course
from ganwerk.doctor.signs.base import Sign, above, percent


def _of_pictures(course: Course, count: int, limit: float, what: str) -> Sign:
    readable = course.counted("readable")
    if not readable:
        return Sign(None, "the health report of the pictures is missing")
    share = count / readable
    return above(share, limit, f"{count:,} of {readable:,} pictures {what}")


def many_unreadable(course: Course, i: int) -> Sign:
    count = course.counted("unreadable")
    return _of_pictures(course, count, 0.05, "more could not be read")


def few_pictures(course: Course, i: int) -> Sign:
    readable = course.counted("readable")
    if not readable:
        return Sign(None, "the health report of the pictures is missing")
    augmented = {"ada", "diffaugment"} & remedies(course)
    words = f"there are {readable:,} pictures"
    return Sign(readable < 300 and not augmented, words, 1 - readable / 300)


def remedies(course: Course) -> set[str]:
    """Names of the remedies that the run has."""
    found = course.settings.get("remedy")
    listed = found if isinstance(found, list | tuple) else ()
    return {str(part.get("kind")) for part in listed if isinstance(part, dict)}


def many_copies(course: Course, i: int) -> Sign:
    count = course.counted("duplicate_count") + course.counted("near_duplicate_count")
    return _of_pictures(course, count, 0.1, "repeat another one, exactly or nearly")


def constant_border(course: Course, i: int) -> Sign:
    """A frame: the border is the same everywhere, and the pictures begin right inside of it. The
    empty margin around a drawn letter is none."""
    band = course.null.get("frame")
    if band is None:
        return Sign(None, "not measured")
    words = f"{percent(band[0])} of the border is the same in all pictures"
    return Sign(band[0] > 0.95 and band[1] > 40, words, band[0])


def empty_content(course: Course, i: int) -> Sign:
    count = course.counted("constant_count")
    return _of_pictures(course, count, 0.02, "are of one single colour")


def many_enlarged(course: Course, i: int) -> Sign:
    readable, count = course.counted("readable"), course.counted("enlarged")
    mixed = count < readable
    found = _of_pictures(course, count, 0.3, "are smaller than what is trained, and were enlarged")
    return Sign(found.holds and mixed, found.words, found.beyond)
