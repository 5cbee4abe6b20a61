"""Modules of the page, each by itself in the browser."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def run(opened: Any):
    """What an async function of `name`, a module below static/, returns."""
    page = opened("#/help")

    def call(name: str, code: str, *given: Any) -> Any:
        body = f"async (given) => {{ const m = await import('/static/{name}.js'); {code} }}"
        return page.evaluate(body, list(given))

    return call


def test_numbers_in_words(run):
    said = run("core/wording", """return [
        m.duration(42.4), m.duration(1203), m.duration(7500), m.duration(0.2), m.duration(90061),
        m.measured(-1.38629), m.measured(0.00002), m.measured(12345.6), m.measured(0),
        m.measured(NaN), m.shortCount(1250000), m.shortCount(40000), m.shortCount(900),
        m.bytes(96100000), m.bytes(12), m.images(1), m.images(1234), m.speed(9.87), m.speed(1234)]
    """)  # fmt: skip
    assert said == [
        "42 s", "20 min 3 s", "2 h 5 min", "0 s", "1 d 1 h",
        "−1.386", "2.0e−5", "12,346", "0", "–", "1.25M", "40k", "900",
        "96.1 MB", "12 bytes", "1 image", "1,234 images", "9.9 images/s", "1,234 images/s",
    ]  # fmt: skip


def test_addresses_there_and_back(run):
    found = run("core/route", """
        const there = m.link("explore", "a/b ?#", {seed: 7, none: null, empty: "", word: "ä&=#"});
        return [there, m.parsed(there, "runs"), m.parsed("", "runs"), m.parsed("#/run/x", "runs"),
                m.parsed("#/%E0%A4%A", "runs")]
    """)  # fmt: skip
    there, back, first, run_alone, broken = found
    assert there == "#/run/a%2Fb%20%3F%23/explore?seed=7&word=%C3%A4%26%3D%23"
    assert back == {"panel": "explore", "run": "a/b ?#", "asked": {"seed": "7", "word": "ä&=#"}}
    assert first == {"panel": "runs", "run": None, "asked": {}}
    assert run_alone["panel"] == "watch"
    assert broken["panel"] == "%E0%A4%A"


def test_folders_are_read_to_their_end(run):
    """A browser gives a hundred entries at a time."""
    found = run("new/drop", """
        const file = (name) => ({isFile: true, name, file: (done) => done(new File(["x"], name))});
        const folder = (name, inside) => ({isFile: false, name, createReader: () => {
            let at = 0;
            return {readEntries: (done) => done(inside.slice(at, at += 100))};
        }});
        const many = Array.from({length: 1050}, (_, i) => file(`${i}.png`));
        const tree = folder("fruits", [folder("apple", many), folder("lemon", [file("a.JPG"),
            file("notes.txt"), file(".DS_Store"), folder(".git", [file("b.png")])]),
                file("c.webp")]);
        const transfer = {items: [{webkitGetAsEntry: () => tree}, {webkitGetAsEntry: () => null}]};
        const set = m.asSet(await m.dropped(transfer), new Date(0));
        return [set.name, set.files.length, set.passed, set.files.at(-1).path, set.files[0].path];
    """)  # fmt: skip
    assert found == ["fruits", 1052, 3, "c.webp", "apple/0.png"]


def test_classes_come_together_under_one_name(run):
    found = run("new/health", """
        const names = ["a", "b", "c"];
        return [{}, {a: "b"}, {a: "b", b: "a"}, {a: "x", b: "x", c: "x"}, {c: "d"}]
            .map((rename) => m.together(names, rename));
    """)  # fmt: skip
    assert [one["classes"] for one in found] == [3, 2, 3, 1, 3]
    assert found[1]["merged"] == [["b", ["a", "b"]]]
    assert [len(one["merged"]) for one in found] == [0, 1, 0, 1, 0]


def test_names_of_an_address_are_read_with_care(run):
    found = run(
        "panels/new",
        """return [undefined, '{"a":"b","c":"c","d":""}', "{", "7"]
        .map((rename) => m.renaming({rename}))""",
    )
    assert found == [{}, {"a": "b"}, {}, {}]


def test_loose_pictures_get_a_name_by_the_hour(run):
    found = run("new/drop", """
        const one = (path) => ({file: null, path});
        return [m.asSet([one("a.png"), one("b.jpg")], new Date(0)).name,
                m.asSet([one("x/a.png"), one("y/a.png")], new Date(0)).files.map((f) => f.path),
                m.asSet([one("notes.txt")], new Date(0)).files.length]
    """)  # fmt: skip
    assert found == ["pictures-1970-01-01-0000", ["x/a.png", "y/a.png"], 0]


def test_an_address_that_changes_before_anybody_listens_is_not_missed(run):
    """The listener is there only after the first drawing; the event may have come before it."""
    panels = run("core/route", """
        const { html, render } = await import("/static/core/dom.js");
        const seen = [];
        const Shown = () => {
            const route = m.useRoute("runs");
            if (!seen.length) location.hash = "#/nothing";
            seen.push(route.panel);
            return null;
        };
        const box = document.createElement("div");
        render(html`<${Shown} />`, box);
        const late = performance.now() + 10_000;
        while (seen.at(-1) !== "nothing" && performance.now() < late)
            await new Promise((resolve) => setTimeout(resolve, 10));
        render(null, box);
        return seen;
    """)  # fmt: skip
    assert (panels[0], panels[-1]) == ("help", "nothing")


def test_rows_change_the_facts(run):
    facts = run("watch/news", """
        const before = {grids: [10, 30], measures: [], findings: [], treatments: [], warnings: [],
                        checkpoints: [], turns: [], latest: {}, rows: [], beat: 0};
        const rows = [{event: "picture", images: 20}, {event: "picture", images: 20},
            {event: "warning", message: "a", hint: "b"}, {event: "warning", message: "a",
                hint: "b"},
            {event: "step", images: 25, step: 3}, {event: "end", reason: "finished"},
                {event: "new"}];
        const after = m.advanced(before, rows);
        return {...after, untouched: before.grids.length};
    """)  # fmt: skip
    assert facts["grids"] == [10, 20, 30]
    assert facts["real"] is True
    assert facts["warnings"] == [{"message": "a", "hint": "b"}]
    assert facts["latest"]["step"]["images"] == 25
    assert facts["turns"] == [{"event": "end", "reason": "finished"}]
    assert (facts["beat"], facts["untouched"], len(facts["rows"])) == (1, 2, 7)


def test_findings_that_last_and_that_are_over(run):
    lasting, over = run("watch/news", """return m.standing([
        {code: "GW1", weight: "note"}, {code: "GW2", weight: "act"}, {code: "GW3",
            weight: "watch"},
        {code: "GW3", weight: "watch", over: true}, {code: "GW1", weight: "note", text: "newer"}])
    """)  # fmt: skip
    assert [row["code"] for row in lasting] == ["GW2", "GW1"]
    assert lasting[1]["text"] == "newer"
    assert [row["code"] for row in over] == ["GW3"]


def test_a_treatment_is_told_once_from_its_beginning_to_its_end(run):
    first, second = run("watch/news", """return m.treated([
        {number: 1, state: "begun", name: "see groups", images: 100, code: "GW203"},
        {number: 1, state: "undone", images: 200, code: "GW203", reason: "no better"},
        {number: 2, state: "begun", name: "begin again", images: 210, code: "GW302"}])
    """)  # fmt: skip
    assert first == {"number": 1, "state": "undone", "name": "see groups", "images": 100,
                     "code": "GW203", "reason": "no better"}  # fmt: skip
    assert (second["name"], second["state"]) == ("begin again", "begun")


def test_a_plot_has_room_for_what_counts(run):
    found = run("watch/chart", """
        const line = Array.from({length: 200}, (_, i) => 1 + i / 1000);
        const low = line.map((y) => y - 0.1), high = line.map((y) => y + 0.1);
        high[7] = 1e6;
        const plot = {series: [{images: line, line, low, high}], levels: [{value: 2}], floor: 0,
            ceiling: null};
        const joined = m.table({series: [{images: [1, 3], line: [5, 6], low: null, high: null},
                                         {images: [2, 3], line: [7, 8], low: [7, 8], high: [7,
                                             8]}]});
        return [m.reach(plot), joined];
    """)  # fmt: skip
    (bottom, top), joined = found
    assert bottom == 0
    assert 2 < top < 2.2
    assert joined[0] == [1, 2, 3]
    assert [joined[1][0], joined[1][2], joined[4][2]] == [5, 6, 8]


def test_the_slider_of_time(run):
    found = run("new/plan", """return [
        m.minutesAt(0), m.minutesAt(200), m.notchOf(0.1), m.notchOf(1e9),
        [1, 3, 7, 20, 45, 120, 600].map((minutes) => m.minutesAt(m.notchOf(minutes)) / minutes),
        m.forecast({images_per_second: 100, pictures: 1100, held_out: 100}, 10, 10,
                   new Date("2026-01-01T10:00")),
        m.forecast({images_per_second: 1, pictures: 1100, held_out: 100}, 1, 10,
                   new Date("2026-01-01T23:59:30"))]
    """)  # fmt: skip
    least, most, first, last, kept, said, tiny = found
    assert (least, most, first, last) == (0.5, 1440, 0, 200)
    assert all(0.9 < share < 1.1 for share in kept)
    assert said.startswith("60,000 images, each picture about 60 times. Done at about 10")
    assert "not each picture even once" in tiny
    assert "on Friday" in tiny
    assert "coarse" in tiny


def test_runs_are_sorted_and_found(run):
    found = run("panels/runs", """
        const card = (name, state, images, created) => ({name, state, images, created,
            folder: "runs", plan: {data: "d"}});
        const cards = [card("b10", "stopped", 1, "2026-01"), card("b2", "finished", 9,
            "2026-02"), card("a", "running", 5, "2025-01")];
        const names = (wanted) => m.chosen(cards, {words: "", state: "", order: "newest",
            ...wanted}).map((c) => c.name);
        return [names({}), names({order: "name"}), names({order: "longest"}),
            names({words: "B1"}), names({state: "finished"})];
    """)  # fmt: skip
    assert found == [["a", "b2", "b10"], ["a", "b2", "b10"], ["a", "b2", "b10"], ["b10"], ["b2"]]


def test_two_runs_share_their_axes(run):
    plots = run("panels/compare", """
        const plot = (title, names, value) => ({title, reading: "r", marks: [], levels: [{value,
            role: "d", name: "balance"}],
            floor: null, ceiling: null, series: names.map((name) => ({name, role: "d",
                images: [1], line: [1], low: [1], high: [1]}))});
        return m.joined([plot("Losses (hinge)", ["D"], 2), plot("Speed", ["s"], 0)],
            [plot("Losses (minimax)", ["D", "G"], 1)], ["one", "two"]);
    """)  # fmt: skip
    losses, speed = plots
    assert [one["name"] for one in losses["series"]] == ["one: D", "two: D", "two: G"]
    assert [one["dashed"] for one in losses["series"]] == [False, True, True]
    assert [level["name"] for level in losses["levels"]] == ["one: balance", "two: balance"]
    assert len(speed["series"]) == 1


def test_coverage_that_near_copies_keep_low_is_said_by_the_doctors_limit(run):
    from ganwerk.doctor.signs.drawn import CROWDED

    found = run("watch/tiles", f"""
        const facts = (spread, coverage, copied) =>
          ({{latest: {{look: {{spread, coverage}}}}, copied}});
        return [
          facts({CROWDED + 0.01}, 0.1, true), facts({CROWDED}, 0.1, true),
          facts({CROWDED + 0.01}, 0.41, true), facts({CROWDED + 0.01}, 0.1, false),
          facts({CROWDED + 0.01}, 0.1, undefined), facts(null, null, true),
        ].map(m.crowded).concat(m.crowded({{latest: {{}}, copied: true}}));
    """)  # fmt: skip
    assert [value is True for value in found] == [True] + 6 * [False]


def test_scores_as_measured_else_as_the_doctor_saw_them(run):
    found = run("watch/tiles", """
        const measure = {"FD[pixelpca64-v1]": 3, "floor FD[pixelpca64-v1]": 1, coverage: 0.5,
                         "floor coverage": 0.9};
        const look = {distance: 7, coverage: 0.4}, band = {distance: [2, 0.1], coverage: [0.8, 0]};
        return [m.scores({measure, look, null: band}), m.scores({look, null: band}),
                m.scores({look}), m.scores({})];
    """)  # fmt: skip
    assert found[0] == {"distance": [3, 1], "coverage": [0.5, 0.9], "by": ""}
    assert found[1] == {"distance": [7, 2], "coverage": [0.4, 0.8], "by": "by the doctor"}
    assert [pair[0] for pair in (found[2]["distance"], found[2]["coverage"])] == [7, 0.4]
    assert found[2]["distance"][1] is None
    assert found[3] == {"distance": [None, None], "coverage": [None, None], "by": ""}
