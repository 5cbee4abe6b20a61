"""Whose picture is drawn next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ganwerk.web.request_queue import MOST_ASKERS, Request, RequestQueue


def asked(number, asker="a", parts=1, urgent=False):
    return Request(number, asker, tuple(range(parts)), urgent)


def taken(waiting, most=1, urgent=8):
    return [(p.request.number, p.index) for p in waiting.take(most, urgent)]


def test_of_each_asker_only_the_latest_counts():
    waiting = RequestQueue()
    first, second = asked(1, parts=3), asked(2)
    assert waiting.add(first) is None
    assert taken(waiting) == [(1, 0)]
    assert waiting.add(second) is first
    assert taken(waiting, 9) == [(2, 0)]
    assert len(waiting) == 0


def test_a_sheet_does_not_keep_single_ones_waiting():
    waiting = RequestQueue()
    waiting.add(asked(1, "sheet", parts=100))
    waiting.add(asked(2, "one"))
    waiting.add(asked(3, "two"))
    assert [taken(waiting)[0] for _ in range(5)] == [(1, 0), (2, 0), (3, 0), (1, 1), (1, 2)]


def test_urgent_ones_come_first_and_alone():
    waiting = RequestQueue()
    waiting.add(asked(1, "sheet", parts=5))
    waiting.add(asked(2, "slider", urgent=True))
    assert taken(waiting, most=3) == [(2, 0)]
    assert taken(waiting, most=3) == [(1, 0), (1, 1), (1, 2)]
    waiting.add(asked(3, "slider", parts=9, urgent=True))
    assert taken(waiting, most=1, urgent=4) == [(3, k) for k in range(4)]


def test_who_has_gone_is_dropped_and_only_if_it_is_that_request():
    waiting = RequestQueue()
    old, new = asked(1), asked(2)
    waiting.add(old)
    waiting.add(new)
    assert waiting.drop("a", 1) is None
    assert len(waiting) == 1
    assert waiting.drop("a", 2) is new
    assert waiting.drop("b", 2) is None
    assert taken(waiting, 9) == []


def test_too_many_are_refused():
    waiting = RequestQueue()
    for number in range(MOST_ASKERS):
        assert waiting.add(asked(number, f"asker {number}")) is None
    late = asked(-1, "late")
    assert waiting.add(late) is late
    known = asked(-2, "asker 5")
    assert waiting.add(known).number == 5


ACTIONS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(1, 6), st.booleans(), st.integers(0, 5)), max_size=40
)


@given(ACTIONS)
def test_every_part_is_given_once_in_order_or_dropped_with_the_rest(actions):
    waiting, given_out, dropped = RequestQueue(), {}, set()
    requests = {}
    for number, (who, parts, urgent, take) in enumerate(actions):
        requests[number] = asked(number, f"asker {who}", parts, urgent)
        former = waiting.add(requests[number])
        if former is not None:
            dropped.add(former.number)
        for request, index in taken(waiting, take, take):
            given_out.setdefault(request, []).append(index)
            assert request not in dropped
    while pieces := taken(waiting, 3, 2):
        for request, index in pieces:
            given_out.setdefault(request, []).append(index)
    assert len(waiting) == 0
    for number, request in requests.items():
        got = given_out.get(number, [])
        assert got == list(range(len(got)))
        assert number in dropped or len(got) == len(request.parts)
