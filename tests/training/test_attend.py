"""The doctor at a training: what it writes, and that the training does not notice it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganwerk.doctor.diagnose import diagnose
from ganwerk.errors import DivergedError
from ganwerk.run import Run
from ganwerk.runtime.events import Found
from ganwerk.training.exam import first_look_seconds, share_for
from ganwerk.training.exam_pictures import Pictured, frame_of
from ganwerk.training.train import resume, train

SMALL = {"data__mirror": False}


@pytest.fixture
def eager(monkeypatch):
    """Looks at every row of the journal, and a row for each step."""
    monkeypatch.setattr("ganwerk.training.play.TELL_SECONDS", 0.0)
    monkeypatch.setattr("ganwerk.training.exam.COST_SHARE", 1e9)
    monkeypatch.setattr("ganwerk.training.exam.SHARE_OF_RUN", 0.2)
    monkeypatch.setattr("ganwerk.training.exam_pictures.POOL", 256)
    monkeypatch.setattr("ganwerk.training.exam_pictures.MOST", 40)
    monkeypatch.setattr("ganwerk.training.exam_pictures.REPEATS", 3)


def test_what_is_seen_stands_in_the_journal(tiny, eager):
    run = Run.open(train(tiny()))
    (null,) = run.journal.rows("null")
    looks = run.journal.rows("look")
    assert null["n"] == 40
    assert null["coverage"][0] > 0.8
    assert 4 <= len(looks) <= 7
    assert looks[-1]["images"] == 320
    needed = {"distance", "coverage", "precision", "recall", "density", "variety", "spread",
              "missing", "class_variety", "agreement", "detail", "saturation", "pattern",
              "tail_ratio", "churn", "lag", "raw_distance", "d_right", "d_gap", "overfit",
              "border", "d_slope", "g_signal", "d_dead", "g_update", "d_still", "waiting",
              "g_rate_share", "progress", "cost_seconds"}  # fmt: skip
    assert needed <= looks[-1].keys()
    assert 0 < looks[-1]["g_update"] < 1
    assert looks[0]["coverage"] < 0.5  # noise so far


@pytest.mark.parametrize("preset", ["dcgan", "stylegan", "multi-scale", None])
def test_the_weights_are_those_of_a_training_without_a_doctor(tiny, eager, preset):
    watched = Run.open(train(tiny("watched", images=160, preset=preset)))
    alone = Run.open(train(tiny("alone", images=160, preset=preset, run__doctor="off")))
    assert watched.journal.rows("look")
    assert not alone.journal.rows("look")
    one, other = watched.load(), alone.load()
    for parts in ("weights", "state"):
        ours, theirs = getattr(one, parts), getattr(other, parts)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_first_look_comes_early_in_all_but_the_shortest_runs():
    """512 pictures, drawn four times as fast as trained: 0.128 s at 1,000 a second."""
    assert first_look_seconds(1000.0, 60.0, 0.03) == pytest.approx(0.128 / 0.03)
    assert first_look_seconds(1000.0, 60.0, 0.1) == pytest.approx(1.28)
    assert first_look_seconds(1000.0, 20.0, 0.03) == pytest.approx((0.128 + 0.7) / 0.03)


def test_a_run_with_time_for_few_looks_pays_a_twentieth_for_them_and_no_more():
    """8 looks of 0.1 s are 0.03 of 26.7 s; what is learnt before the first one takes 0.7 s."""
    assert share_for(0.1, 27.0, 0.03) == 0.03
    assert share_for(0.5, 70.0, 0.03) == pytest.approx(0.05 - (0.7 + 0.5) / 70)
    assert share_for(0.5, 20.0, 0.03) == 0.03
    assert share_for(0.5, 70.0, 0.1) == 0.1
    assert share_for(0.5, 0.0, 0.03) == 0.03


def test_a_resumed_training_goes_on_with_what_was_seen(tiny, eager):
    path = train(tiny())
    before = len(Run.open(path).journal.rows("look"))
    resume(path, more=("images", 160))
    assert len(Run.open(path).journal.rows("look")) > before
    assert diagnose(path).looks > before


def test_a_short_run_is_looked_at_when_it_ends(tiny, monkeypatch):
    monkeypatch.setattr("ganwerk.training.exam.LAST_SHARE", 1e9)
    rows = Run.open(train(tiny())).journal.rows("look")
    assert [row["images"] for row in rows] == [320] * 3
    assert len({row["coverage"] for row in rows} | {row["distance"] for row in rows}) > 2
    monkeypatch.setattr("ganwerk.training.exam.LAST_SHARE", 0.0)
    assert Run.open(train(tiny("none"))).journal.rows("look") == []


def test_numbers_that_are_not_finite_are_told_and_named(tiny, eager, monkeypatch):
    told = []

    def broken(*_):
        raise DivergedError("A loss is not finite in step 3.", "Lower rates.")

    monkeypatch.setattr("ganwerk.training.record.Recorder.take", broken)
    with pytest.raises(DivergedError):
        train(tiny(), told.append)
    (found,) = [event for event in told if isinstance(event, Found)]
    assert (found.code, found.weight) == ("GW403", "act")
    (finding,) = diagnose(tiny().out).lasting
    assert finding.code == "GW403"
    assert "not finite in step 3" in finding.text


def test_too_few_pictures_are_not_judged(tiny, eager, monkeypatch):
    monkeypatch.setattr("ganwerk.training.exam.FEWEST", 10_000)
    run = Run.open(train(tiny()))
    assert run.journal.rows("null") == []
    assert "d_right" in run.journal.rows("look")[-1]
    assert "coverage" not in run.journal.rows("look")[-1]


def test_a_generator_that_repeats_its_pictures_is_seen():
    """Real pictures play the generator: all of them, one of each class, and a single one."""
    from ganwerk.data import load_pictures

    pictures = load_pictures("digits", resolution=16, channels=1, memory_budget_bytes=1 << 30)
    images, labels = pictures.images, pictures.labels
    pictured = Pictured(images[:1400], labels[:1400], images[1400:1500], 10, seed=0)
    fresh = torch.arange(1400, 1400 + 384)
    first = torch.tensor([int((torch.from_numpy(labels) == k).nonzero()[0]) for k in range(10)])
    of_class = first[torch.from_numpy(labels[fresh.numpy()])]

    def look(chosen):
        return pictured.look(images[chosen.numpy()], torch.from_numpy(labels[chosen.numpy()]))

    honest, each, one = look(fresh), look(of_class), look(fresh * 0)
    null = pictured.null()
    assert abs(honest["class_variety"] - null["class_variety"][0]) < 0.1
    assert each["class_variety"] == pytest.approx(0, abs=1e-3)
    assert each["variety"] > 0.8
    assert one["variety"] == pytest.approx(0, abs=1e-3)
    assert each["coverage"] < 0.2 < honest["coverage"]
    assert each["agreement"] > 0.8
    copied = look(torch.arange(384))
    assert copied["copies_p"] < 1e-6 < honest["copies_p"]


def test_a_frame_around_real_pictures_is_measured():
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (200, 3, 32, 32), dtype=np.uint8)
    assert frame_of(pictures)[0] == 0
    pictures[:, :, :2] = pictures[:, :, -2:] = 0
    pictures[..., :2] = pictures[..., -2:] = 255
    share, inside = frame_of(pictures)
    assert share == 1
    assert inside > 60
