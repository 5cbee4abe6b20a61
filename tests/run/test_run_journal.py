from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.errors import DivergedError, MachineError
from ganwerk.run import EVENTS, Journal
from ganwerk.run.journal import _continuous


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    with Journal(tmp_path / "journal.jsonl") as journal:
        yield journal


def step(images: int, **more: Any) -> dict[str, Any]:
    return {"event": "step", "step": images // 10, "images": images} | more


def images(journal: Journal, event: str = "step") -> list[int]:
    return [row["images"] for row in journal.rows(event)]


def test_rows_come_back_in_order(journal: Journal) -> None:
    rows = [
        {"event": "start", "seed": 1},
        step(10, seconds=1.5, d_loss=-0.25),
        {"event": "picture", "images": 10, "path": "pictures/grid-000000010.png"},
        {"event": "warning", "message": "zeile\nzwei \u2028 ü"},
        {"event": "end", "reason": "finished"},
    ]
    for row in rows:
        journal.append(row)
    assert Journal(journal.path).rows() == rows
    assert Journal(journal.path).rows("warning") == rows[3:4]
    assert journal.path.read_bytes().count(b"\n") == len(rows)


def test_a_missing_journal_is_empty(tmp_path: Path) -> None:
    assert Journal(tmp_path / "none.jsonl").rows() == []


def test_numbers_are_rounded_and_of_any_make(journal: Journal) -> None:
    journal.append(
        step(
            1_234_567_890,
            pi=3.14159265358979,
            small=1.23456789e-20,
            half=np.float32(0.1),
            loss=torch.tensor(2.5),
            logits=[1 / 3, np.int64(7)],
            by={"class": 2 / 3},
        )
    )
    [row] = journal.rows()
    assert row == step(
        1_234_567_890,
        pi=3.14159,
        small=1.23457e-20,
        half=0.1,
        loss=2.5,
        logits=[0.333333, 7],
        by={"class": 0.666667},
    )


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"g_loss": float("nan")}, "g_loss is nan"),
        ({"g_loss": float("inf")}, "g_loss is inf"),
        ({"g_loss": np.float32("-inf")}, "g_loss is -inf"),
        ({"g_loss": torch.tensor(float("nan"))}, "g_loss is nan"),
        ({"logits": [0.0, float("nan")]}, r"logits\[1\] is nan"),
        ({"by": {"apple": float("nan")}}, r"by\.apple is nan"),
    ],
)
def test_a_number_that_is_not_finite_stops_the_run(
    journal: Journal, value: dict[str, Any], name: str
) -> None:
    with pytest.raises(DivergedError, match=f"{name} in step 12: the training has diverged") as e:
        journal.append(step(120, **value))
    assert "lower learning rate" in e.value.hint
    assert journal.rows() == []
    with pytest.raises(DivergedError, match="x is nan in the row 'end'"):
        journal.append({"event": "end", "x": float("nan")})


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"event": "stepp"}, "'stepp'; possible: start, resume, step"),
        ({}, "cannot be about None"),
        ({"event": "step", "images": 1}, "about 'step' needs step"),
        ({"event": "step"}, "about 'step' needs step, images"),
        ({"event": "picture"}, "about 'picture' needs images"),
        ({"event": "checkpoint"}, "about 'checkpoint' needs images"),
        ({"event": "resume"}, "about 'resume' needs from_images"),
    ],
)
def test_the_vocabulary_is_fixed(journal: Journal, row: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        journal.append(row)
    assert not journal.path.exists()


def test_what_json_cannot_hold_is_named(journal: Journal) -> None:
    with pytest.raises(TypeError, match="odd is a set"):
        journal.append(step(1, odd={1}))


def test_a_torn_last_line_is_ignored_and_then_stepped_over(journal: Journal) -> None:
    journal.append(step(10))
    journal.append(step(20))
    journal.close()
    os.truncate(journal.path, journal.path.stat().st_size - 5)
    assert images(journal) == [10]
    assert journal.torn == 0
    journal.append(step(30))
    journal.append(step(40))
    assert images(journal) == [10, 30, 40]
    assert journal.torn == 1


@pytest.mark.parametrize("damage", [b"\0" * 50, b"7", b'"a"', b"[1", b"{}{}", b"\xff\xfe", b'{"a"'])
def test_damaged_lines_in_the_middle_are_skipped_and_counted(
    journal: Journal, damage: bytes
) -> None:
    journal.append(step(10))
    with journal.path.open("ab") as file:
        file.write(damage + b"\n\n" + damage + b"\n")
    journal.append(step(20))
    assert images(journal) == [10, 20]
    assert journal.torn == 2


def test_a_last_line_without_newline_counts_if_it_is_whole(journal: Journal) -> None:
    journal.path.write_text(json.dumps(step(10)))
    assert images(journal) == [10]
    journal.append(step(20))
    assert images(journal) == [10, 20]
    assert journal.torn == 0


def test_what_was_done_twice_is_told_once(journal: Journal) -> None:
    journal.append({"event": "start"})
    for count in (10, 20, 30, 40):
        journal.append(step(count, life=1))
        journal.append({"event": "picture", "images": count})
    journal.append({"event": "checkpoint", "images": 20})
    journal.append({"event": "checkpoint", "images": 40})
    journal.append({"event": "warning", "images": 40, "message": "hm"})
    journal.append({"event": "resume", "from_images": 20})
    for count in (30, 40, 50):
        journal.append(step(count, life=2))
    assert [(row["images"], row["life"]) for row in journal.rows("step")] == [
        *[(10, 1), (20, 1)],
        *[(30, 2), (40, 2), (50, 2)],
    ]
    assert images(journal, "picture") == [10, 20]
    assert images(journal, "checkpoint") == [20]
    assert len(journal.rows("warning")) == len(journal.rows("resume")) == 1


def test_a_second_resume_reaches_back_beyond_the_first(journal: Journal) -> None:
    for row in (
        *map(step, (10, 20, 30)),
        {"event": "resume", "from_images": 20},
        *map(step, (30, 40)),
        {"event": "resume", "from_images": 10},
        step(15),
        {"event": "resume", "from_images": 15},
        step(25),
    ):
        journal.append(row)
    assert images(journal) == [10, 15, 25]
    assert [row["from_images"] for row in journal.rows("resume")] == [20, 10, 15]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=12))
def test_the_resume_rule_is_what_it_says(story: list[tuple[bool, int]]) -> None:
    rows: list[dict[str, Any]] = [
        {"event": "resume", "from_images": n} if resume else step(n) for resume, n in story
    ]
    wanted = [
        row
        for place, row in enumerate(rows)
        if row["event"] == "resume"
        or all(later.get("from_images", 99) >= row["images"] for later in rows[place:])
    ]
    assert _continuous(rows) == wanted


def test_one_row_is_one_call_of_the_system(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[bytes] = []
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, line: (calls.append(line), write(fd, line))[1])
    journal.append(step(10, note="x" * 100_000))
    assert [call[-2:] for call in calls] == [b"}\n"]


def test_a_disk_that_fills_up_within_a_row_leaves_none_of_it(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(step(10))
    before = journal.path.read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, line: write(fd, line[: len(line) // 2]))
    with pytest.raises(MachineError, match=r"The disk is full: .*journal\.jsonl"):
        journal.append(step(20))
    assert journal.path.read_bytes() == before


def test_flush_reaches_the_disk(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    journal.flush()
    assert synced == []
    journal.append(step(10))
    journal.flush()
    assert len(synced) == 1
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.EIO, "I/O")))
    with pytest.raises(MachineError, match=r"Cannot write .*journal\.jsonl: I/O"):
        journal.flush()
    monkeypatch.undo()


def test_a_journal_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").mkdir()
    with pytest.raises(MachineError, match=r"Cannot read .*journal\.jsonl: Is a directory") as e:
        Journal(tmp_path / "journal.jsonl").rows()
    assert e.value.hint


def test_a_long_journal_is_read_fast(journal: Journal) -> None:
    row = {f"measure_{n}": 0.123456 + n for n in range(6)}
    line = json.dumps(step(10, **row), separators=(",", ":")) + "\n"
    journal.path.write_text(line * 100_000)
    began = time.process_time()
    assert len(journal.rows()) == 100_000
    # About 0.5 s; the limit leaves room for slow and busy machines
    assert time.process_time() - began < 3


def test_all_events_can_be_written(journal: Journal) -> None:
    for event in EVENTS:
        journal.append({"event": event, "step": 1, "images": 1, "from_images": 1, "number": 1})
    assert [row["event"] for row in journal.rows()] == list(EVENTS)


def treatment(number: int, state: str, images: int) -> dict[str, Any]:
    return {"event": "treatment", "number": number, "state": state, "images": images}


def test_what_a_treatment_did_that_was_undone_is_not_told(journal: Journal) -> None:
    for row in (
        step(10), step(20), treatment(1, "begun", 20),
        {"event": "resume", "from_images": 10}, step(20, treated=1), {"event": "end", "images": 20},
        {"event": "resume", "from_images": 20}, step(30, treated=1),
        {"event": "warning", "message": "told"},
        {"event": "warning", "diverged": True},
        treatment(1, "undone", 30), step(30),
        treatment(2, "begun", 30), step(40, treated=2), treatment(2, "kept", 40), step(50),
    ):  # fmt: skip
        journal.append(row)
    assert images(journal) == [10, 20, 30, 40, 50]
    assert [row.get("treated") for row in journal.rows("step")] == [None, None, None, 2, None]
    assert [row["state"] for row in journal.rows("treatment")] == [
        "begun", "undone", "begun", "kept",
    ]  # fmt: skip
    assert [row.get("message") for row in journal.rows("warning")] == ["told"]
    assert journal.rows("resume") == journal.rows("end") == []


def test_a_treatment_on_trial_tells_all(journal: Journal) -> None:
    for row in (step(10), treatment(1, "begun", 10), step(20), treatment(7, "undone", 20)):
        journal.append(row)  # the last one of a treatment that never began
    assert images(journal) == [10, 20]
