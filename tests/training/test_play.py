"""When what costs time is due."""

from __future__ import annotations

from ganwerk.training.play import COST_SHARE, Clock


def moments(clock: Clock, until: float, cost: float = 0.0) -> list[int]:
    found, now = [], 0.0
    while now <= until:
        if clock.due(now):
            found.append(round(now))
            clock.done(now, cost)
        now += 1.0
    return found


def test_pictures_come_often_at_first_and_then_evenly():
    assert moments(Clock(15.0, 0.0, eager=True), 50) == [0, 1, 3, 7, 15, 30, 45]
    assert moments(Clock(15.0, 0.0), 50) == [0, 15, 30, 45]
    assert moments(Clock(2.0, 0.0, eager=True), 8) == [0, 1, 3, 5, 7]


def test_what_costs_much_is_seldom_due_though_it_is_eager():
    clock = Clock(15.0, 0.0, eager=True)
    clock.done(0.0, 2.0)
    assert clock.next_seconds == 2.0 / COST_SHARE
