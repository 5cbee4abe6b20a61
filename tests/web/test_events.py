"""The stream of a tab: every row once, whatever happens in between."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.run.journal import Journal
from ganwerk.web.events import Feed
from ganwerk.web.run_table import id_of
from ganwerk.web.tail import LastRows, rows_after


def step(images: int) -> dict[str, object]:
    return {"event": "step", "step": images, "images": images, "d_loss": 1.5}


def feed(news: list[str], name: str) -> list[object]:
    """The data of the events of a name."""
    found = []
    for one in news:
        lines = dict(line.split(": ", 1) for line in one.strip().splitlines())
        if lines["event"] == name:
            found.append(json.loads(lines["data"]))
    return found


@pytest.fixture
def run(site) -> Path:
    return site.runs.home / "digits"


def follow(site, run: Path, offset: int | None) -> Feed:
    return Feed(site.cards, run, id_of(run), offset)


def test_first_all_cards_then_what_changes(site, run):
    tab = follow(site, run, None)
    [cards] = feed(tab.news(), "runs")
    assert [card["name"] for card in cards] == ["digits"]
    assert cards[0]["state"] == "finished"
    assert cards[0]["grid"] == cards[0]["images"]
    assert tab.news() == []
    (run / "lock").unlink()  # it names this process, which trained the run and lives
    with Journal(run / "journal.jsonl") as journal:
        journal.append({"event": "resume", "from_images": 160})
        journal.append(step(176))
    news = tab.news()
    assert [row["event"] for rows in feed(news, "rows") for row in rows] == ["resume", "step"]
    [change] = feed(news, "changes")
    assert change["runs"][0]["images"] == 176
    assert change["runs"][0]["state"] == "interrupted", "nobody holds the lock"
    assert change["gone"] == []


def test_a_tab_goes_on_where_the_break_was(site, run):
    journal = run / "journal.jsonl"
    first, offset = rows_after(journal, 0, 500)
    tab = follow(site, run, offset)
    rest = [row for rows in feed(tab.news(), "rows") for row in rows]
    assert [*first, *rest] == Journal(journal).rows()
    assert 0 < len(first) < len(first) + len(rest)


def test_another_journal_is_told(site, run):
    tab = follow(site, run, 10**6)
    assert feed(tab.news(), "reset") == [id_of(run)]
    assert feed(tab.news(), "reset") == []


def test_a_run_that_is_removed_is_gone(site, run, monkeypatch):
    monkeypatch.setattr("ganwerk.web.run_table.AGAIN_SECONDS", -1)
    tab = follow(site, run, None)
    tab.news()
    run.rename(run.with_name(".away"))
    assert feed(tab.news(), "changes") == [{"runs": [], "gone": [id_of(run)]}]


@given(st.lists(st.integers(0, 10**6), max_size=30), st.integers(1, 200))
def test_every_row_comes_once_however_the_file_is_cut(tmp_path_factory, counts, most):
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    with Journal(path) as journal:
        for images in counts:
            journal.append(step(images))
    found, offset = [], 0
    while True:
        rows, after = rows_after(path, offset, most)
        if after == offset:
            break
        found, offset = [*found, *rows], after
    assert [row["images"] for row in found] == counts


def test_a_torn_line_waits_for_its_end(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"event":"start"}\n{"event":"st')
    rows, offset = rows_after(path, 0)
    assert [row["event"] for row in rows] == ["start"]
    assert rows_after(path, offset) == ([], offset)
    with open(path, "ab") as file:
        file.write(b'ep","step":1,"images":2}\nnot json\n[1]\n{"event":"end"}\n')
    assert [row["event"] for row in rows_after(path, offset)[0]] == ["step", "end"]


def test_no_journal_has_no_rows(tmp_path):
    assert rows_after(tmp_path / "journal.jsonl", 0) == ([], 0)
    assert rows_after(tmp_path / "journal.jsonl", 5) == ([], -1)
    assert LastRows(tmp_path / "journal.jsonl", ["step"]).now() == {}


def test_the_last_rows_stand_in_their_order(tmp_path):
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        for row in (
            {"event": "start"}, step(1), {"event": "end", "reason": "stopped"}, step(2),
            {"event": "resume", "from_images": 1}, step(3),
            {"event": "warning", "message": '{"event":"measure","images":9}'},
        ):  # fmt: skip
            journal.append(row)
    with open(path, "ab") as file:
        file.write(b'{"event":"step","step":4,')
    last = LastRows(path, ("start", "resume", "end", "step", "measure"))
    found = last.now()
    assert list(found) == ["start", "end", "resume", "step"]
    assert [row["images"] for row in found["step"]] == [3]
    many = LastRows(path, ("start",), ("step", "finding")).now()
    assert [row["images"] for row in many["step"]] == [1, 2, 3]
    with open(path, "ab") as file:
        file.write(b'"images":4}\n{"event":"end","reason":"finished"}\n')
    found = last.now()
    assert list(found) == ["start", "resume", "step", "end"]
    assert found["step"][0]["images"] == 4
    path.write_bytes(b'{"event":"start"}\n')
    assert list(last.now()) == ["start"]


@given(st.lists(st.sampled_from(["step", "end", "warning"]), max_size=30), st.integers(1, 90))
def test_last_rows_are_the_same_however_they_are_found(tmp_path_factory, events, cut):
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    text = "".join(f'{{"event":"{one}","images":{n},"step":{n}}}\n' for n, one in enumerate(events))
    path.write_bytes(b"")
    growing = LastRows(path, ("end",), ("step",))
    for start in range(0, len(text), cut):
        with open(path, "ab") as file:
            file.write(text[start : start + cut].encode())
        growing.now()
    assert growing.now() == LastRows(path, ("end",), ("step",)).now()
