"""What a course says of its looks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ganwerk.doctor.course import Course

odd = st.none() | st.floats(0, 1) | st.just("x")


@given(st.lists(st.tuples(odd, st.floats(0, 1)), min_size=1, max_size=12), st.floats(0, 1))
def test_recent_and_ago_are_what_a_search_from_the_front_finds(looks, share):
    course = Course()
    for value, progress in looks:
        course.add({"event": "look", "images": 1, "progress": progress, "distance": value})
    for i in range(len(looks)):
        for count in (1, 3, 20):
            assert course.recent("distance", i, count) == course.series("distance", i)[-count:]
        before = [k for k in range(i) if course.progress(k) <= course.progress(i) - share]
        assert course.ago(i, share) == (before[-1] if before else None)
