"""Measuring while training: when, what, and that it changes nothing."""

from __future__ import annotations

import math

import pytest

from ganwerk.errors import RunError
from ganwerk.run import Run
from ganwerk.runtime.events import SCORE, Judged
from ganwerk.training import gauge, play
from ganwerk.training.gauge import Gauge
from ganwerk.training.train import resume, train


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
    assert {SCORE, "precision", "coverage", f"floor {SCORE}", "floor coverage", "n"} <= rows[
        0
    ].keys()
    judged = [event for event in events if isinstance(event, Judged)]
    assert [event.images for event in judged] == [row["images"] for row in rows]
    lowest = min(row[SCORE] for row in rows)
    best = run.load("best")
    assert best.meta[SCORE] == pytest.approx(lowest, rel=1e-5)  # the journal has six digits
    assert best.images == min(rows, key=lambda row: row[SCORE])["images"]
    assert judged[0].best


def test_a_checkpoint_that_is_due_leaves_the_mark_of_the_best(tiny, eager):
    run = Run.open(train(tiny(images=320, run__checkpoint_minutes=0.0005)))
    rows = run.journal.rows("measure")
    assert run.load("best").images == min(rows, key=lambda row: row[SCORE])["images"]
    measured = [row["images"] for row in rows]
    assert len(measured) == len(set(measured))


def test_a_resumed_run_knows_its_best_by_its_own_numbers(tiny, eager):
    """Not by those of `evaluate --every-checkpoint`, which come from another number of pictures."""
    path = train(tiny(images=640))
    run = Run.open(path)
    rows = {row["images"]: row[SCORE] for row in run.journal.rows("measure")}
    best = run.load("best").images
    assert play._best_so_far(run, 640) == rows[best]
    with run.lock():
        run.mark_best(best, {SCORE: 1e9})
        assert play._best_so_far(run, 640) == rows[best]
        run.journal.append({"event": "measure", "images": 10_000, SCORE: -1.0})  # of a lost future
        assert play._best_so_far(run, 640) == rows[best]


def test_where_another_checkpoint_was_marked_the_lowest_score_counts(tiny, eager):
    run = Run.open(train(tiny(images=320)))
    with run.lock():
        run.journal.append({"event": "measure", "images": 1, SCORE: 0.125})
        checkpoint = run.load("latest")
        other = checkpoint.images + 1  # never measured by the training
        run.save(other, checkpoint.weights, checkpoint.state, checkpoint.meta)
        run.mark_best(other, {})
    assert play._best_so_far(run, 10_000) == 0.125


def test_without_a_mark_any_score_is_the_best(tiny):
    run = Run.open(train(tiny()))
    with run.lock():
        run.journal.append({"event": "measure", "images": 1, SCORE: 0.125})
    assert play._best_so_far(run, 10_000) == math.inf


def test_a_resume_that_is_stopped_at_once_leaves_the_mark_of_the_best(tiny, eager, monkeypatch):
    path = train(tiny(images=320))
    run = Run.open(path)
    with run.lock():
        run.mark_best(320, {})
    before = run.checkpoints()
    session = play.Session

    def stopped(*given, **named):
        made = session(*given, **named)
        made.stop.set()
        return made

    monkeypatch.setattr("ganwerk.training.session.Session", stopped)
    resume(path, more=("images", 320))
    assert run.checkpoints() == before
    monkeypatch.undo()
    resume(path, more=("images", 320))
    assert run.load().meta["budget"] == {"unit": "images", "end": 640.0}
    with pytest.raises(RunError, match="finished: 640 images"):
        resume(path)


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
