"""What is tried next, and whether it helped."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.doctor.finding import Finding
from ganwerk.doctor.table import kinds
from ganwerk.doctor.tried import candidates, helped, tried

CODE = "GW203"
FOUND = Finding(CODE, "missing", "act", "", since_images=10)


def row(number, state, images, **more):
    names = {"code": CODE, "name": kinds()[CODE].treatments[number - 1].name}
    return {"event": "treatment", "number": number, "state": state, "images": images} | names | more


def offered(findings, rows, images=1_000, window=100):
    return [(f.code, t.name) for f, t in candidates(findings, tried(rows), images, window)]


def test_treatments_come_in_their_order_and_none_twice():
    names = [treatment.name for treatment in kinds()[CODE].treatments]
    assert offered([FOUND], []) == [(CODE, name) for name in names]
    undone = [row(1, "begun", 100), row(1, "undone", 200)]
    assert offered([FOUND], undone) == [(CODE, name) for name in names[1:]]


def test_no_finding_has_its_second_before_each_has_had_its_first():
    other = Finding("GW302", "blind", "act", "", since_images=10)
    undone = [row(1, "begun", 100), row(1, "undone", 200)]
    codes = [code for code, _ in offered([FOUND, other], undone)]
    assert codes[:3] == ["GW302", CODE, "GW302"]


def test_the_surest_is_treated_first_also_where_it_is_said_last():
    stands = Finding("GW404", "plateau", "watch", "", since_images=10, sureness=0.6)
    few = Finding("GW102", "few", "watch", "", since_images=0, sureness=0.9)
    assert [code for code, _ in offered([stands, few], [])][:2] == ["GW102", "GW404"]


def test_what_may_pass_by_itself_is_treated_as_what_it_is_where_it_stays():
    early = replace(FOUND, weight="watch", sureness=0.6)
    few = Finding("GW102", "few", "watch", "", since_images=0, sureness=0.9)
    assert [code for code, _ in offered([few, early], [])][:2] == [CODE, "GW102"]


def test_one_that_was_kept_gets_time_to_show():
    kept = [row(1, "begun", 800), row(1, "kept", 950)]
    assert offered([FOUND], kept) == []
    assert len(offered([FOUND], kept, images=1_050)) == len(kinds()[CODE].treatments) - 1


def test_to_begin_again_is_tried_once_whatever_it_was_for():
    other = Finding("GW302", "blind", "act", "", since_images=10)
    assert [name for _, name in offered([FOUND, other], [])[:2]] == ["begin again", "begin again"]
    undone = [row(1, "begun", 100), row(1, "undone", 200)]
    assert "begin again" not in [name for _, name in offered([FOUND, other], undone)]


@pytest.mark.parametrize("changes", [{"weight": "note"}, {"until_images": 20}, {"code": "GW999"}])
def test_what_does_not_ask_for_it_is_not_treated(changes):
    assert offered([replace(FOUND, **changes)], []) == []


def test_rows_of_a_journal_from_anywhere_are_read_as_far_as_they_are_sound():
    rows = [row(1, "begun", 100, before="?", changes="x"), {"event": "treatment"},
            {"event": "treatment", "state": "kept", "number": "one"}, {"event": "step"},
            row(2, "undone", 300)]  # fmt: skip
    (one,) = tried(rows)
    assert (one.before, one.changes, one.outcome) == (None, (), "on trial")


def test_better_by_chance_is_not_better():
    before = {"coverage": 0.5, "distance": 4.0}
    told = helped("coverage", "higher", 0.05, before, {"coverage": 0.6, "distance": 4.0})
    assert not told.helped
    assert "not better by more than chance (0.14)" in told.reason
    assert helped("coverage", "higher", 0.01, before, {"coverage": 0.6, "distance": 4.0}).helped


def test_pictures_that_moved_away_are_not_better():
    before = {"coverage": 0.5, "distance": 4.0}
    told = helped("coverage", "higher", 0.01, before, {"coverage": 0.9, "distance": 5.5})
    assert not told.helped
    assert "distance 4 before, 5.5 after" in told.reason


@pytest.mark.parametrize("after", [{}, {"coverage": None}, {"coverage": float("nan")}])
def test_what_cannot_be_measured_did_not_help(after):
    told = helped("coverage", "higher", 0.0, {"coverage": 0.5}, after)
    assert (told.helped, told.reason) == (False, "coverage could not be measured")


@given(
    st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e3), st.sampled_from(["higher", "lower"])
)
def test_never_kept_where_nothing_changed_or_both_ways(old, new, noise, better):
    one = helped("s", better, noise, {"s": old}, {"s": new}).helped
    back = helped("s", better, noise, {"s": new}, {"s": old}).helped
    assert not (one and back)
    assert not helped("s", better, noise, {"s": old}, {"s": old}).helped
