"""What is found in journals whose fault is known, and that nothing is found where there is none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.doctor.course import LIMIT, Course
from ganwerk.doctor.signs import SIGNS
from ganwerk.doctor.table import kinds
from ganwerk.doctor.verdict import Doctor

from .courses import LOOKS, NOISE, codes, diagnosis, journal, said_of, treatment


def test_a_healthy_run_is_silent_and_what_cannot_be_told_is_said():
    found = diagnosis(journal())
    assert found.findings == ()
    assert not found.wrong
    assert found.measured["coverage"] == {"value": 0.85, "real": 0.97, "varies": 0.015}
    assert any("384" in sentence for sentence in found.power)
    assert {unknown.code for unknown in found.unknown} == {"GW104"}


@pytest.mark.parametrize(
    "ugly",
    [
        {"d_right": 0.99, "d_gap": 6.0},  # a judge that is right nearly always
        {"d_right": 0.5, "d_gap": 0.0},  # one that only guesses: the pictures are good
        {"d_gap": [(-1.0) ** i * 3 for i in range(LOOKS)], "churn": 0.9},
        {"overfit": 0.9},  # as of BigGAN, while the pictures still get better
        {"d_size": [10.0**i for i in range(LOOKS)]},
        {"class_variety": [0.1] * 4 + [0.8] * 16},  # every generator begins so
        {"saturation": -0.3},
    ],
    ids=lambda ugly: "+".join(ugly),
)
def test_odd_numbers_of_the_game_alone_are_no_finding(ugly):
    assert [c for c in codes(journal(**ugly)) if kinds()[c].weight == "act"] == []


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("GW201", {"variety": 0.05, "class_variety": 0.05, "coverage": 0.1}),
        ("GW202", {"class_variety": 0.1, "coverage": 0.2, "missing": 0.4}),
        ("GW203", {"coverage": 0.2, "missing": 0.6, "class_variety": 0.6}),
        ("GW204", {"coverage": 0.2, "missing": 0.6, "class_variety": 0.6, "churn": 0.9}),
        ("GW205", {"agreement": 0.1}),
        ("GW301", NOISE | {"d_right": 1.0, "d_gap": 9.0}),
        ("GW302", NOISE | {"d_right": 0.5, "d_gap": 0.0}),
        ("GW303", {"overfit": 0.8, "distance": [2.0] * 8 + [4.0] * 12}),
        ("GW304", NOISE | {"d_right": 1.0, "d_gap": 9.0, "border": 0.9}),
        ("GW305", NOISE | {"d_still": 0.9}),
        ("GW402", NOISE | {"d_size": [4.0**i for i in range(LOOKS)]}),
        ("GW501", {"tail_ratio": 9.0, "copies_p": 1e-9}),
        ("GW502", {"pattern": 12.0}),
        ("GW503", {"saturation": 0.6}),
        ("GW504", {"detail": 0.3}),
        ("GW601", NOISE | {"g_rate_share": [1.0] * 3 + [0.001] * 17}),
        ("GW603", NOISE | {"g_update": 0.2}),
        ("GW604", NOISE | {"g_update": 1e-5}),
        ("GW606", {"raw_distance": 1.0, "same_distance": 6.0}),
    ],
)
def test_each_fault_is_named_first(code, changes):
    assert code in codes(journal(**changes))[:2]


@pytest.mark.parametrize(("total", "first"), [(10_000, 0.35), (100_000, 0.25), (1_000_000, 0.25)])
def test_a_long_run_is_grown_before_a_quarter_of_it(total, first):
    """16 px need 60,000 images: after a twentieth of them noise is no longer excused, though never
    before a tenth of the run; a finding comes three looks of a twentieth later."""
    rows = [dict(row) for row in journal(agreement=0.5)]
    for row in rows:
        row["images"] = row["images"] * total // 10_000
    course = Course(total_images=total, settings={"data": {"resolution": 16}})
    doctor, said = Doctor(course), {}
    for row in rows:
        for finding in doctor.add(row):
            said.setdefault(finding.code, row.get("progress"))
    assert said["GW205"] == pytest.approx(first)


def test_a_game_that_begins_again_is_judged_by_its_own_looks_and_age():
    noise = [row for row in journal(**NOISE, g_update=1e-5) if row["event"] != "end"]
    doctor = Doctor(Course(total_images=10_000, health={"readable": 2000}))
    for row in noise[:12]:
        doctor.add(row)
    assert [f.code for f in doctor.diagnosis().lasting] == ["GW604"]
    doctor.add(treatment("begun", doctor.course.images, anew=True))
    (over,) = doctor.diagnosis().findings
    assert (over.code, over.until_images) == ("GW604", 5_000)
    early = dict(noise[12]) | {"images": 5_500, "progress": 0.55}
    for _ in range(4):  # young as it is, nothing is said of noise
        assert doctor.add(early) == []
    assert len(doctor.course.looks) == 4
    doctor.add(treatment("undone", 8_000))
    assert [(f.code, f.since_images) for f in doctor.diagnosis().lasting] == [("GW604", 1_000)]
    assert len(doctor.course.looks) == 10


def test_what_was_seen_under_a_treatment_that_was_undone_is_forgotten():
    rows = [row for row in journal() if row["event"] != "end"]
    bad = [row for row in journal(variety=0.05, class_variety=0.05) if row["event"] == "look"]
    doctor = Doctor(Course(total_images=10_000, health={"readable": 2000}))
    for row in [*rows[:12], treatment("begun", 5_000), *bad[10:15]]:
        doctor.add(row)
    assert "GW201" in [f.code for f in doctor.diagnosis().lasting]
    doctor.add(treatment("undone", 7_500))
    assert doctor.diagnosis().findings == ()


def test_the_verdict_says_what_it_is_not_and_why():
    found = diagnosis(journal(class_variety=0.1, coverage=0.2, missing=0.4)).lasting[0]
    assert found.code == "GW202"
    assert "differ 10% as much as yours" in found.text
    assert any(line.startswith("Not GW201") and "95%" in line for line in found.against)
    assert 0.6 <= found.sureness <= 1


def test_a_finding_begins_after_fresh_looks_and_ends_after_as_many_without():
    rows = journal(class_variety=[0.8] * 8 + [0.1] * 6 + [0.8] * 6)
    doctor = Doctor(Course(total_images=10_000))
    told = [(row.get("images"), f.code, f.lasts) for row in rows for f in doctor.add(row)]
    assert told == [(5000, "GW202", True), (8500, "GW202", False)]
    (over,) = doctor.finish().findings
    assert (over.since_images, over.until_images) == (4500, 8500)
    assert not doctor.finish().wrong


@pytest.mark.parametrize(("agreement", "looks"), [(0.5, 3), (0.1, 2)])
def test_where_it_is_far_past_its_limit_a_look_less_is_asked_for(agreement, looks):
    rows = journal(agreement=[0.9] * 8 + [agreement] * 12)
    doctor = Doctor(Course(total_images=10_000))
    told = [(row["images"], f.code, f.weight) for row in rows for f in doctor.add(row)]
    assert told[0] == (4000 + 500 * looks, "GW205", "watch")
    assert {code for _, code, _ in told} == {"GW205"}


@pytest.mark.parametrize("seen, numbers, said", [
    ({"class_variety": 0.42}, 64, ["GW202"]),
    ({"class_variety": 0.42, "recall": 0.3}, 64, []),
    ({"class_variety": None, "variety": 0.42}, 64, ["GW203"]),
    ({"variety": 0.9, "class_variety": 0.75}, 2, ["GW203"]),
    ({"variety": 0.9, "class_variety": 0.75}, 64, []),
])  # fmt: skip
def test_pictures_that_look_real_and_fill_no_room_are_too_alike(seen, numbers, said):
    rows = journal(**({"recall": 0.0} | seen))
    found = diagnosis(rows, settings={"latent": {"dim": numbers}}).lasting
    assert [finding.code for finding in found] == said
    for finding in found:
        assert "93% of what is drawn looks like yours, but 0% of yours like" in finding.text


def test_small_steps_of_a_game_that_the_judge_has_won_are_no_low_rate():
    lost = {"coverage": 0.0, "precision": 0.0, "distance": 30.0, "g_update": 1e-4, "d_update": 1e-4}
    assert codes(journal(**lost)) == ["GW604"]
    assert codes(journal(**lost, d_right=1.0, d_gap=8.0))[0] == "GW301"


def test_a_network_that_stands_still_is_named_though_pictures_of_a_film_get_nearer():
    film = {"coverage": 0.02, "precision": 0.02, "spread": 2.0}
    assert codes(journal(**film)) == []
    assert codes(journal(**film, g_still=0.98)) == ["GW305"]
    assert codes(journal(**film, g_still=0.9)) == []


def test_what_follows_from_another_finding_is_not_told_beside_it():
    doctor = Doctor(Course(total_images=10_000))
    rows = journal(class_variety=0.1, coverage=0.1, missing=0.6)
    told = {f.code for row in rows for f in doctor.add(row)}
    assert "GW202" in told
    assert "GW203" not in told
    assert "GW203" in {f.code for f in doctor.found}


def test_one_odd_look_is_no_finding():
    assert codes(journal(class_variety=[0.8] * 12 + [0.1] + [0.8] * 7)) == []


def test_what_lies_within_the_scatter_of_real_pictures_is_no_finding():
    """With few pictures the yardstick is wide: the same value then says nothing."""
    rows = journal(class_variety=0.3)
    assert codes(rows) == ["GW202"]
    rows[1]["class_variety"] = [0.9, 0.35]
    assert codes(rows) == []
    assert 4 < LIMIT < 5


def test_a_run_that_ended_while_it_still_got_better_was_too_short():
    rows = journal(**NOISE | {"distance": [20.0 - 0.9 * i for i in range(LOOKS)]})
    assert "GW602" in codes(rows)
    assert "GW602" not in codes(rows[:-1])  # it may still be running


PX_16 = {"data": {"resolution": 16}}
OTHER = PX_16 | {"transfer": {"run": "another"}}


@pytest.mark.parametrize(
    ("looks", "changes", "settings", "named"),
    [
        (0, {}, PX_16, True),  # too fast to be looked at
        (0, {}, {}, False),  # nobody knows how many images such pictures need
        (0, {}, OTHER, False),  # it began with what another run had learnt
        (LOOKS, {"class_variety": 0.1}, PX_16, True),
        (LOOKS, {}, PX_16, False),  # few images, but they were enough
    ],
)
def test_a_run_of_next_to_no_images_is_too_short_unless_it_draws_well(
    looks, changes, settings, named
):
    rows = journal(**changes)
    rows = [*rows[: 2 + looks], rows[-1] | {"images": 2_900}]
    for row in rows:
        row["images"] = min(row.get("images", 0), 2_900)
    found = diagnosis(rows, settings=settings)
    assert ("GW602" in {f.code for f in found.lasting}) == named
    if named:
        (finding,) = (f for f in found.lasting if f.code == "GW602")
        assert "2,900 images are few" in finding.text and "60,000" in finding.text


def test_classes_that_are_blurs_yet_are_waited_for():
    """Until the half of a run, where nothing that is drawn lies among real pictures."""
    alike = [0.3] * 9 + [0.8] * 11
    assert said_of(precision=[0.9] * LOOKS, class_variety=alike) == {"GW202"}
    assert said_of(precision=[0.1] * 9 + [0.9] * 11, class_variety=alike) == set()
    assert "GW202" in said_of(precision=[0.1] * LOOKS, class_variety=[0.3] * LOOKS)
    gone = said_of(precision=[0.1] * 9 + [0.9] * 11, class_variety=[0.1] * 9 + [0.8] * 11)
    assert gone == {"GW202"}  # far below what blurs have


def test_rates_that_fell_too_early_are_named_where_the_pictures_are_not_bad():
    cut = {"g_rate_share": [1.0] * 3 + [0.001] * 17, "distance": [4.0] * LOOKS}
    assert codes(journal(**cut)) == ["GW601"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"g_update": 0.2}, "one step moves the weights of the generator by 0.2 of their size"),
        ({"d_size": [1.0] * 5 + [400.0] * 15}, "the judge's verdicts grew to 400 from 1"),
        ({}, "nothing announced it"),
    ],
)
def test_what_announced_a_number_that_is_not_finite_is_said(changes, said):
    warning = {"event": "warning", "images": 9, "diverged": True, "message": "d_loss is nan."}
    rows = [*journal(**changes)[:8], warning]
    (found,) = [f for f in diagnosis(rows).lasting if f.code == "GW403"]
    assert f"d_loss is nan; before it, {said}" in found.text
    early = [*journal(**changes)[:1], warning]
    assert "before the first look" in diagnosis(early).lasting[0].text


def test_numbers_that_are_not_finite_are_named_and_gone_after_a_resume():
    rows = [*journal()[:8], {"event": "warning", "images": 9, "diverged": True, "message": "NaN"}]
    assert codes(rows) == ["GW403"]
    assert codes([*rows, {"event": "resume", "from_images": 5}]) == []


@pytest.mark.parametrize(
    ("code", "health"),
    [
        ("GW101", {"readable": 1000, "unreadable": [{}] * 100}),
        ("GW102", {"readable": 60}),
        ("GW103", {"readable": 1000, "duplicate_count": 200, "near_duplicate_count": 1}),
        ("GW105", {"readable": 1000, "constant_count": 50}),
        ("GW106", {"readable": 1000, "enlarged": 500}),
    ],
)
def test_the_health_of_the_pictures_is_told(code, health):
    assert codes(journal(), health=health) == [code]


def test_a_frame_is_told_and_an_empty_margin_is_none():
    rows = journal()
    rows[1]["frame"] = [1.0, 80.0]
    assert codes(rows) == ["GW104"]
    rows[1]["frame"] = [1.0, 5.0]
    assert codes(rows) == []


def test_augmentation_makes_few_pictures_enough():
    few, ada = {"readable": 60}, {"remedy": [{"kind": "ada"}]}
    assert codes(journal(), health=few, settings=ada) == []


def test_a_run_of_an_earlier_version_is_judged_by_what_it_has():
    rows = [{"event": "start", "images": 0}]
    for i in range(1, 11):
        rows.append({"event": "measure", "images": 1000 * i, "n": 1000, "precision": 0.9,
                     "FD[pixelpca64-v1]": 6.0, "coverage": 0.05, "floor precision": 0.95,
                     "floor coverage": 0.96, "floor FD[pixelpca64-v1]": 1.0})  # fmt: skip
    found = diagnosis(rows)
    assert "GW203" in [f.code for f in found.lasting]
    assert "GW202" in {unknown.code for unknown in found.unknown}


def test_without_a_look_nothing_is_said_and_that_is_said():
    found = diagnosis([])
    assert found.findings == ()
    assert "cannot be judged" in found.power[0]
    assert len(found.unknown) > 15


values = st.one_of(
    st.none(), st.booleans(), st.text(max_size=3), st.lists(st.none(), max_size=2),
    st.floats(allow_nan=True), st.integers(-(10**12), 10**12),
)  # fmt: skip
names = st.sampled_from(["images", "progress", "distance", "coverage", "precision", "variety",
                         "class_variety", "n", "overfit", "g_update", "reason"])  # fmt: skip
events = st.sampled_from(["null", "look", "measure", "end", "warning", "start", "resume", "odd", 3])
odd_rows = st.dictionaries(names, values).flatmap(
    lambda row: events.map(lambda event: row | {"event": event})
)


@given(st.lists(odd_rows, max_size=12))
def test_foreign_rows_break_nothing_and_the_answer_is_json(rows):
    told = json.loads(json.dumps(diagnosis(rows).to_dict(), allow_nan=False))
    lasting = [f for f in told["findings"] if f["until_images"] is None]
    assert {f["code"] for f in told["findings"]} <= set(kinds())
    assert told["wrong"] is any(f["weight"] != "note" for f in lasting)
    assert 0 <= told["looks"] <= sum(row["event"] in ("look", "measure") for row in rows)


def test_every_sign_of_the_table_exists_and_is_used():
    used = {name for kind in kinds().values() for name in (*kind.sample, *kind.dynamics)}
    assert used == set(SIGNS)


def test_what_is_hidden_exists_and_nothing_hides_itself():
    for kind in kinds().values():
        assert set(kind.hides) <= set(kinds()) - {kind.code}
