"""Limits of the doctor from both sides, in games that began late, and beside odd numbers."""

from __future__ import annotations

import json

import pytest

from ganwerk.doctor.course import Course
from ganwerk.doctor.signs.drawn import improving, no_progress, plateau, worse_than_before
from ganwerk.doctor.verdict import Doctor

from .courses import LOOKS, NOISE, codes, diagnosis, journal, said_of, treatment


def begun_again(share, before, after):
    """A run that begins again at this share of it, with the rows of another from there on."""
    doctor = Doctor(Course(total_images=10_000, health={"readable": 2000}))
    for old, new in zip(journal(**before), journal(**after), strict=True):
        late = new.get("progress", 0.0) > share or new["event"] == "end"
        if late and not doctor.course.born:
            doctor.add(treatment("begun", doctor.course.images, anew=True))
        doctor.add(new if late else old)
    return [finding.code for finding in doctor.finish().lasting]


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6])
def test_limits_of_a_late_game_hold_late_in_one_that_began_again(share):
    mixed = {"agreement": 0.62}
    film = {"coverage": 0.02, "precision": 0.02, "spread": 2.0, "d_right": 1.0, "d_gap": 9.0}
    stuck = film | {"distance": [200.0] * 13 + [80.0] * 7}
    assert begun_again(share, {}, mixed) == ["GW205"]
    assert "GW301" in begun_again(share, film, stuck)


@pytest.mark.parametrize("share", [0.65, 0.7])
def test_a_game_that_began_again_late_is_no_progress_since_its_noise(share):
    stands = {"distance": [20.0] * 14 + [5.0] * 6}
    assert "GW602" not in begun_again(share, {}, NOISE | stands)


@pytest.mark.parametrize(
    ("distance", "said"),
    [
        ([8.0] * LOOKS, []),  # twenty times theirs from each other: many games get no nearer
        ([12.0] * LOOKS, ["GW301"]),
        ([30.0] * 4 + [12.0] * 13 + [8.0] * 3, []),  # it was far, but fell, and is not at the end
        ([30.0] * 4 + [12.0] * 16, ["GW301"]),
    ],
)
def test_frames_of_a_film_are_far_only_at_many_times_their_distance(distance, said):
    film = {"coverage": 0.02, "precision": 0.02, "spread": 2.0, "d_right": 1.0, "d_gap": 9.0}
    other = film | {"spread": 0.9}
    assert "GW301" in {f.code for f in diagnosis(journal(**other, distance=distance)).findings}
    found = diagnosis(journal(**film, distance=distance)).findings
    assert [finding.code for finding in found if finding.weight == "act"] == said


@pytest.mark.parametrize(
    ("agreement", "said"),
    [
        ([0.9] * 10 + [0.62] * 10, {"GW205"}),
        ([0.9] * 10 + [0.65] * 10, {"GW205"}),
        ([0.9] * 10 + [0.67] * 10, set()),
        ([0.62] * 10 + [0.9] * 10, set()),  # classes are learnt late
        ([0.56] * 10 + [0.9] * 10, set()),
        ([0.54] * 10 + [0.9] * 10, {"GW205"}),
    ],
)
def test_classes_may_be_mixed_more_in_the_first_half_of_a_run(agreement, said):
    assert said_of(agreement=agreement) == said


def test_what_the_game_shows_stands_before_what_was_known_of_the_pictures():
    copies = {"readable": 1000, "duplicate_count": 200, "near_duplicate_count": 1}
    stands = [4.0] * 4 + [2.0] * 16
    assert codes(journal(distance=stands), health=copies) == ["GW404", "GW103"]
    assert codes(journal(class_variety=0.1), health=copies) == ["GW202", "GW103"]


@pytest.mark.parametrize("third", [0.5, 0.92, 0.93, 0.94, 1.0, 1.4, 1.5, 1.51, 3.0])
def test_between_progress_standstill_and_turning_back_is_no_gap(third):
    """A distance that changed once, a third of the run ago, is one of the three."""
    course = Course(total_images=10_000)
    for row in journal(distance=[9.0] * 2 + [4.0] * 11 + [4.0 * third] * 7):
        course.add(row)
    signs = (improving, plateau, worse_than_before)
    said = [sign for sign in signs if sign(course, LOOKS - 1).holds]
    assert said == [signs[(third >= 0.93) + (third > 1.5)]]


@pytest.mark.parametrize("name", ["distance", "agreement", "spread", "d_gap", "coverage"])
@pytest.mark.parametrize("value", [0.0, 1e-300, -1.0, 10**400])
def test_no_number_in_a_look_breaks_it(name, value):
    """Nothing is lost, the answer is JSON, and what cannot be a score is as if it was not seen."""
    band = journal(spread=2.0, distance=100.0)
    band[1][name] = [value, value]
    for rows in (journal(**{name: value}), journal(**{name: [value] * 2 + [1.0] * 18}), band):
        found = diagnosis(rows)
        told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert (told["looks"], told["images"]) == (LOOKS, 10_000)
        assert all(0.6 <= finding.sureness <= 1 for finding in found.findings)
    if value > 1e15:
        del band[1][name]
        assert diagnosis(journal(**{name: value})) == diagnosis(journal(**{name: None}))
        assert found == diagnosis(band)


def test_numbers_beside_the_journal_that_cannot_be_are_as_if_they_were_not_known():
    huge = {"readable": 10**400, "duplicate_count": 10**400}
    odd = {"data": {"channels": "many", "resolution": 99_999_999}}
    said = diagnosis(journal(), health=huge, settings=odd)
    assert said == diagnosis(journal(), health={}, settings={})
    assert "GW102" in {kind.code for kind in said.unknown}


def test_far_from_a_yardstick_that_is_not_known_is_far():
    rows = journal(distance=100.0, coverage=0.0, precision=0.0, spread=1.6, d_right=1.0, d_gap=9.0)
    del rows[1]["distance"]
    assert "GW301" in codes(rows)


@pytest.mark.parametrize(
    ("alike", "weights"),
    [
        ([1.0] * 4 + [0.1] * 16, ["watch", "act"]),  # it stays
        ([1.0] * 4 + [0.1] * 7 + [1.0] * 9, ["watch", "watch"]),  # and ends
        ([1.0] * 15 + [0.1] * 5, ["watch"]),  # it comes late
        ([1.0] * 4 + [0.1] * 9, ["watch", "act"]),  # a run that broke off later than PAST
        ([1.0] * 2 + [0.1] * 9, ["watch"]),  # and one before it
    ],
)
def test_what_may_pass_by_itself_is_only_watched_until_it_has_stood_for_long(alike, weights):
    rows = journal(class_variety=alike + [1.0] * (LOOKS - len(alike)))[: len(alike) + 2]
    doctor = Doctor(Course(total_images=10_000))
    told = [f for row in rows for f in doctor.add(row) if f.code == "GW202"]
    assert [f.weight for f in told] == weights
    assert told[0].text.endswith("may pass by itself.") == (alike[:12].count(0.1) > 0)
    assert all("by itself" not in f.text for f in told[1:])
    again = Doctor(Course(total_images=10_000))
    for row in rows:
        again.add(row)
    assert again.found == doctor.found
    assert codes(rows) == (["GW202"] if alike[-1] < 1 else [])


NOWHERE = {"coverage": 0.02, "precision": 0.02, "d_right": 1.0, "d_gap": 9.0}


@pytest.mark.parametrize(
    ("left", "coverage", "said"),
    [
        ([1.0] * 20, 0.02, []),  # the rates stay: it is progress
        ([1.0] * 12 + [0.3] * 8, 0.02, ["GW301"]),  # they fall: it is calm
        ([1.0] * 12 + [0.3] * 8, 0.9, []),  # near it is over all the same
    ],
)
def test_what_is_gained_while_the_rates_fall_is_no_progress(left, coverage, said):
    distance = [60.0] * 12 + [60.0 * 0.6**k for k in range(1, 9)]
    near = [0.02] * 12 + [coverage] * 8
    here = NOWHERE | {"coverage": near, "precision": near}
    found = diagnosis(journal(**here, distance=distance, g_rate_share=left))
    assert [f.code for f in found.lasting if f.code == "GW301"] == said
    assert "GW301" in {f.code for f in found.findings}


@pytest.mark.parametrize(
    ("pace", "coverage", "holds"),
    [
        (0.45, 0.02, False),  # 60 times theirs; three fifths are left, in each less than half
        (0.3, 0.02, False),
        (0.6, 0.02, True),
        (0.8, 0.02, True),
        (0.8, 0.12, False),  # real pictures have drawn ones near: it is no longer lost
        (0.8, 0.09, True),
        (0.99, 0.5, True),
    ],
)
def test_a_pace_that_does_not_bring_it_near_is_none(pace, coverage, holds):
    distance = [0.4 * 60.0 * pace ** ((k - 7) / 4) for k in range(LOOKS)]
    course = Course(total_images=10_000)
    for row in journal(**(NOWHERE | {"coverage": coverage}), distance=distance)[:10]:
        course.add(row)
    assert no_progress(course, len(course.looks) - 1).holds is holds


def test_a_pace_is_not_told_early():
    _, null, *looks = journal(**NOWHERE)[:13]
    course, held = Course(total_images=10_000), {}
    course.add(null)
    for k, row in enumerate(looks, 1):
        distance = 24.0 * 0.8 ** (k / 7)  # 60 times theirs, a fifth less in a fifth of the run
        course.add(row | {"distance": distance, "progress": 0.03 * k})
        held[k] = no_progress(course, k - 1).holds
    assert (held[8], held[9], held[10]) == (False, False, True)  # 24, 27 and 30 % of the run


def test_a_distance_below_nothing_is_no_error():
    distance = [24.0] * 8 + [-5.0] * 12
    assert "GW301" not in codes(journal(**NOWHERE, distance=distance))


def test_looks_of_an_earlier_version_are_forgotten_with_what_was_found_in_them():
    doctor = Doctor(Course(total_images=10_000))
    for images in range(500, 5000, 500):
        doctor.add({"event": "measure", "images": images, "coverage": 0.1, "precision": 0.9,
                    "floor coverage": 0.97, "floor precision": 0.96})  # fmt: skip
    assert {f.code for f in doctor.found if f.lasts} == {"GW203"}
    told = [f for row in journal() for f in doctor.add(row)]
    assert [(f.code, f.lasts) for f in told] == [("GW203", False)]
    assert doctor.finish().lasting == ()


def test_what_was_hidden_is_told_when_it_no_longer_is_and_with_its_weight():
    """Kinds are missing throughout; for some looks each class is one picture, which hides it."""
    missing = {"coverage": 0.15, "missing": 0.8}
    alike = [0.8] * 6 + [0.1] * 5 + [0.8] * 9
    doctor = Doctor(Course(total_images=10_000))
    told = [f for row in journal(**missing, class_variety=alike) for f in doctor.add(row)]
    assert [(f.code, f.weight, f.lasts) for f in told if f.code != "GW602"] == [
        ("GW203", "watch", True), ("GW202", "watch", True), ("GW203", "act", True),
        ("GW202", "watch", False),
    ]  # fmt: skip


def test_a_prolonged_run_counts_in_images_for_how_long_a_finding_stands():
    rows = journal(class_variety=[0.8] * 14 + [0.1] * 6)[:-1]  # from 75 % on
    more = journal(class_variety=0.1)[2:]
    rows += [row | {"images": row["images"] + 10_000, "progress": 0.5 + row["progress"] / 2}
             for row in more if row["event"] == "look"]  # fmt: skip
    found = diagnosis(rows).lasting
    assert [(f.code, f.weight) for f in found if f.code == "GW202"] == [("GW202", "act")]


def test_of_few_looks_the_first_may_show_that_it_has_stood():
    doctor = Doctor(Course(total_images=10_000))
    rows = journal(class_variety=0.05)
    told = [f for row in [*rows[:3], rows[5], rows[16]] for f in doctor.add(row)]
    assert [(f.code, f.weight) for f in told] == [("GW202", "act")]


def test_late_in_a_run_nothing_is_said_to_pass():
    (found,) = diagnosis(journal(class_variety=[0.8] * 15 + [0.1] * 5)).lasting
    assert (found.weight, "by itself" in found.text) == ("watch", False)


def test_an_undone_treatment_takes_the_weight_back():
    doctor = Doctor(Course(total_images=10_000))
    rows = journal(class_variety=[0.8] * 2 + [0.1] * 18)
    for row in rows[:12]:
        doctor.add(row)
    doctor.add(treatment("begun", 5000))
    weights = [f.weight for row in rows[12:18] for f in doctor.add(row)]
    assert weights == ["act"]
    assert [f.weight for f in doctor.add(treatment("undone", 5000))] == ["watch"]


def test_a_blind_judge_that_sees_again_is_blind_no_longer_while_rates_fall():
    rates, distance = [1.0] * 12 + [0.3] * 8, [60.0] * 12 + [60.0 * 0.6**k for k in range(1, 9)]
    sees = [0.5] * 12 + [0.99] * 8
    game = NOWHERE | {"d_right": sees, "d_gap": [0.1] * 12 + [3.0] * 8}
    assert "GW302" not in codes(journal(**game, distance=distance, g_rate_share=rates))
    game["d_right"] = 0.5
    assert "GW302" in codes(journal(**game, distance=distance, g_rate_share=rates))


def test_what_is_on_the_mend_is_only_watched():
    mends = [0.05] * 10 + [0.05 + 0.04 * k for k in range(1, 8)] + [0.8] * 3
    found = diagnosis(journal(class_variety=mends)).findings
    assert [(f.code, f.weight) for f in found] == [("GW202", "watch")]
    stays = [0.05] * 10 + [0.06 + 0.01 * k for k in range(1, 11)]
    found = diagnosis(journal(class_variety=stays)).findings
    assert [(f.code, f.weight) for f in found] == [("GW202", "act")]


@pytest.mark.parametrize(("spread", "said"), [(1.8, []), (0.9, ["GW301"])])
def test_near_copies_excuse_a_game_that_was_far_while_its_rates_fall(spread, said):
    rates, distance = [1.0] * 12 + [0.3] * 8, [20.0] * 12 + [20.0 * 0.8**k for k in range(1, 9)]
    rows = journal(**NOWHERE, spread=spread, distance=distance, g_rate_share=rates)
    assert [code for code in codes(rows) if code == "GW301"] == said
    assert "GW301" in {f.code for f in diagnosis(rows).findings}
