"""Measuring while training: when, what, and that it changes nothing."""

from __future__ import annotations

import pytest

from ganwerk.run import Run
from ganwerk.work import gauge, play
from ganwerk.work.events import Judged
from ganwerk.work.gauge import NAME, Gauge
from ganwerk.work.train import train


@pytest.fixture
def eager(monkeypatch):
    """Measures as often as the share of the run allows, whatever it costs."""
    monkeypatch.setattr(gauge, "PREPARING_SECONDS", 0.0)
    monkeypatch.setattr(gauge, "DRAWING_SPEED", 1e12)
    monkeypatch.setattr(gauge, "COST_SHARE", 1e12)
    monkeypatch.setattr(gauge, "SAMPLES", 100)
    monkeypatch.setattr(play, "TELL_SECONDS", 0.0)
    monkeypatch.setattr(play, "COST_SHARE", 1e12)  # else a slow disk leaves a best one unsaved


def test_measured_in_journal_events_and_the_best_is_kept(tiny, eager):
    events = []
    path = train(tiny(images=960), events.append)
    run = Run.open(path)
    rows = run.journal.rows("measure")
    assert len(rows) >= 5
    assert {NAME, "precision", "coverage", f"floor {NAME}", "floor coverage", "n"} <= rows[0].keys()
    judged = [event for event in events if isinstance(event, Judged)]
    assert [event.images for event in judged] == [row["images"] for row in rows]
    lowest = min(row[NAME] for row in rows)
    best = run.load("best")
    assert best.meta[NAME] == pytest.approx(lowest, rel=1e-5)  # the journal has six digits
    assert best.images == min(rows, key=lambda row: row[NAME])["images"]
    assert judged[0].best


def test_a_checkpoint_that_is_due_leaves_the_mark_of_the_best(tiny, eager):
    run = Run.open(train(tiny(images=320, run__checkpoint_minutes=0.0005)))
    rows = run.journal.rows("measure")
    assert run.load("best").images == min(rows, key=lambda row: row[NAME])["images"]
    measured = [row["images"] for row in rows]
    assert len(measured) == len(set(measured))


def test_measuring_changes_nothing_in_the_training(tiny, eager):
    measured, unmeasured = train(tiny("a")), train(tiny("b", run__measure=False))
    weights = [Run.open(path).load_weights().weights for path in (measured, unmeasured)]
    assert weights[0].keys() == weights[1].keys()
    assert all(weights[0][name].equal(weights[1][name]) for name in weights[0])
    assert Run.open(measured).journal.rows("measure")
    assert not Run.open(unmeasured).journal.rows("measure")


def test_a_run_of_a_second_is_not_measured(tiny):
    assert not Run.open(train(tiny())).journal.rows("measure")


class Clocked:
    def __init__(self, images, seconds):
        self.images, self.seconds, self.horizon_images = images, seconds, 1000.0


def test_never_more_than_its_share_of_the_time():
    """Whatever a measurement costs, all together stay below five hundredths of the time."""
    for cost, rate in ((0.2, 500.0), (3.0, 50.0)):
        import numpy as np

        watch = Gauge(None, None, np.arange(2000), 0, rate)  # type: ignore[arg-type]
        spent, seconds = 0.0, 0.0
        while seconds < 600:
            seconds += 0.5
            state = Clocked(seconds / 600 * 1000, seconds)
            if watch.due(state):
                seconds += cost
                spent += cost
                watch.done(Clocked(state.images, seconds), cost)
        assert 0 < spent / seconds < 0.05


def test_too_few_pictures_are_not_measured():
    import numpy as np

    assert Gauge.possible(np.arange(128))
    assert not Gauge.possible(np.arange(127))
