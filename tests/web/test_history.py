"""Columns of a journal say what the report says, also after resumes, and read on as it grows."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.report.curves import plots
from ganwerk.report.facts import gather
from ganwerk.run import Journal, Run
from ganwerk.web.history import Histories, History


def told(numbers):
    return [
        (plot.title, plot.levels, plot.marks,
         [(one.name, list(one.images), list(one.values)) for one in plot.series])
        for plot in plots(numbers)
    ]  # fmt: skip


@pytest.fixture
def run(site):
    return Run(site.runs.home / "digits")


def test_the_curves_are_those_of_the_report(run):
    with run.journal as journal:
        journal.append({"event": "resume", "from_images": 96})
        for images in (112, 128):
            journal.append({"event": "step", "step": images, "images": images, "d_loss": 1.0,
                            "g_loss": 2.0, "d_rate": 0.1, "g_rate": 0.2})  # fmt: skip
        for images in (112, 128):
            journal.append({"event": "measure", "images": images, "precision": 0.5,
                            "coverage": 0.25, "floor precision": 0.9})  # fmt: skip
    facts = gather(run)
    history = History(run.journal.path, facts.loss)
    history.read_on()
    assert told(history) == told(facts)
    assert history.resumed == (96.0,)
    assert len(told(facts)) == 3


STEPS = st.tuples(st.sampled_from(["step", "step", "resume"]), st.integers(0, 500))


@given(st.lists(STEPS, max_size=40), st.integers(1, 300))
def test_read_on_in_any_parts_is_read_at_once(tmp_path_factory, events, cut):
    """A training's images grow, and fall back only to where it is resumed from."""
    folder = tmp_path_factory.mktemp("journal")
    rows, images = [], 0
    for event, amount in events:
        if event == "resume":
            images = min(amount, images)
            rows.append({"event": "resume", "from_images": images})
        else:
            images += amount + 1
            rows.append({"event": "step", "step": 1, "images": images, "d_loss": amount})
    text = b"".join(f"{json.dumps(row)}\n".encode() for row in rows)
    whole, growing = folder / "whole", folder / "growing"
    whole.write_bytes(text)
    growing.write_bytes(b"")
    at_once, in_parts = History(whole, ""), History(growing, "")
    at_once.read_on()
    for start in range(0, len(text), cut):
        with open(growing, "ab") as file:
            file.write(text[start : start + cut])
        in_parts.read_on()
    assert in_parts.series("d_loss") == at_once.series("d_loss")
    kept = Journal(whole).rows("step")
    assert list(at_once.series("d_loss")[0]) == [row["images"] for row in kept]


def test_a_journal_that_was_replaced_is_read_anew(run):
    histories = Histories()
    first = histories.of(run.journal.path, "hinge")
    assert len(first.series("d_loss")[0]) > 0
    run.journal.path.write_bytes(b'{"event":"start"}\n')
    assert len(histories.of(run.journal.path, "hinge").series("d_loss")[0]) == 0


def test_few_histories_are_kept(tmp_path):
    histories = Histories()
    for number in range(20):
        histories.of(tmp_path / str(number), "")
    assert len(histories._kept) == 4


def test_numbers_that_are_none_are_passed_over(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(
        b'{"event":"step","images":true,"d_loss":1}\n{"event":"step","images":5,"d_loss":"x"}\n'
        b'{"event":"step","images":6,"d_loss":false}\n{"event":"step","images":7,"d_loss":NaN}\n'
        b'{"event":"step","images":8,"d_loss":2.5}\n{"event":"resume","from_images":null}\n'
    )
    history = History(path, "")
    history.read_on()
    assert [list(column) for column in history.series("d_loss")] == [[8.0], [2.5]]


@pytest.mark.parametrize("outcome", ["kept", "undone"])
@pytest.mark.parametrize("back", [96, 160])
def test_a_treatment_leaves_what_the_report_leaves(run, outcome, back):
    number = {"event": "treatment", "number": 1}
    with run.journal as journal:
        journal.append(number | {"state": "begun", "images": 160, "from_images": back})
        if back < 160:
            journal.append({"event": "resume", "from_images": back})
        for images in (176, 192):
            journal.append({"event": "step", "step": images, "images": images, "d_loss": 1.0,
                            "g_loss": 2.0, "d_rate": 0.1, "g_rate": 0.2})  # fmt: skip
        journal.append(number | {"state": outcome, "images": 192})
        journal.append({"event": "step", "step": 200, "images": 200, "d_loss": 1.0, "g_loss": 2.0,
                        "d_rate": 0.1, "g_rate": 0.2})  # fmt: skip
    facts = gather(run)
    history = History(run.journal.path, facts.loss)
    history.read_on()
    assert told(history) == told(facts)
    assert history.treated == facts.treated == ((160.0, f"treatment 1: {outcome}"),)
