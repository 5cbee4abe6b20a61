"""Whole trainings with remedies: from the flag to the checkpoint and back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ganwerk.config.remedies import REMEDIES
from ganwerk.errors import ConfigError
from ganwerk.run import Run
from ganwerk.runtime.events import Warned
from ganwerk.training.train import plan, resume, train
from tests.training.test_train import assert_same, everything, stop_after

CHEAP = {
    "unrolled": "unrolled:steps=1",
    "replay": "replay:size=32,span_images=64",
    "steps": "steps:d=2",
    "balance": "balance:every=2",
    "ada": "ada:target=-0.9,speed_images=100",
}
EXCLUDED = {"optimistic", "extra-gradient", "packing"}
"""By unrolled, and by a game with classes."""


@pytest.fixture(autouse=True)
def tell_every_step(monkeypatch):
    monkeypatch.setattr("ganwerk.training.play.TELL_SECONDS", 0.0)


def test_all_remedies_on_resumes_bit_by_bit(tiny):
    asked = tuple(CHEAP.get(name, name) for name in REMEDIES if name not in EXCLUDED)

    def request(name):
        return replace(tiny(name, images=80, budget__batch=16), remedies=asked)

    straight = train(request("straight"))
    part = train(request("part"), stop_after(2))
    resume(part)
    assert_same(straight, part)
    tensors, _ = everything(part)
    parts = {name.split(".")[1] for name in tensors if name.startswith("part.")}
    assert parts == {"replay", "skip", "balance", "ada", "lecam"}


def test_the_three_that_need_other_company(tiny):
    for asked in (("packing:size=4", "optimistic"), ("extra-gradient", "minibatch-stddev")):
        name = asked[0].split(":")[0]
        straight, part = (
            replace(tiny(f"{name}-{kind}", images=128), remedies=asked) for kind in "ab"
        )
        path = train(straight)
        other = train(part, stop_after(3))
        resume(other)
        assert_same(path, other)


def test_the_journal_tells_what_remedies_do(tiny):
    asked = ("ada:target=-0.9,speed_images=100", "balance:every=2", "replay", "skip")
    run = Run.open(train(replace(tiny(images=160), remedies=asked)))
    row = run.journal.rows("step")[-1]
    told = {"ada_p", "balance_factor", "balance_accuracy", "replay_pictures", "d_rested"}
    assert told <= row.keys()
    assert row["ada_p"] > 0


def test_the_plan_names_them(tiny):
    planned = plan(replace(tiny(), remedies=("none", "unrolled:steps=2")))
    assert planned.remedies == ("unrolled (steps 2, first_order false, objective own)",)


@pytest.mark.parametrize("asked", [("unroled",), ("optimistic", "extra-gradient")])
def test_nothing_is_made_where_it_cannot_be(tiny, tmp_path, asked):
    with pytest.raises(ConfigError):
        train(replace(tiny(), remedies=asked))
    assert not (tmp_path / "run").exists()


def test_leaks_are_looked_for_and_told_once(tiny, monkeypatch):
    """A generator that draws noise does not look like shifted digits; one that is shown to draw
    shifted digits is found out."""
    from ganwerk.game.leak import Leak
    from ganwerk.training import leaks

    asked = ("ada:policy=translation+colour,target=-0.9",)
    quiet = Run.open(train(replace(tiny("quiet", images=64), remedies=asked)))
    row = quiet.journal.rows("picture")[-1]
    assert all(0 <= row[key] <= 1 for key in row if key.startswith("leak_"))
    monkeypatch.setattr(leaks, "leak", lambda *_: Leak(0.5, 0.01))
    monkeypatch.setattr("ganwerk.training.play.COST_SHARE", 1e9)
    seen = []
    request = tiny("loud", images=64, run__picture_seconds=1e-6)
    loud = Run.open(train(replace(request, remedies=asked), seen.append))
    assert loud.journal.rows("picture")[-1]["leak_colour"] == 0.5
    told = [e.message for e in seen if isinstance(e, Warned) and "leaks" in e.message]
    assert len(told) == 2  # one for each transform, however many grids
    assert "50% of the generated pictures look as if 'colour'" in "".join(told)
