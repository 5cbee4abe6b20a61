"""Journals that were recorded by bench.doctor, with what its oracle says of each."""

from __future__ import annotations

import gzip
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ganwerk.doctor.course import Course
from ganwerk.doctor.verdict import Doctor

RECORDED = Path(__file__).with_name("journals.jsonl.gz")
with gzip.open(RECORDED, "rt", encoding="utf-8") as file:
    RUNS: list[dict[str, Any]] = [json.loads(line) for line in file]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run["name"])
def test_the_doctor_names_what_failed_and_is_silent_where_nothing_did(run):
    doctor = Doctor(
        Course(
            health=run["health"],
            settings=tomllib.loads(run["settings"]),
            total_images=run["total_images"],
        )
    )
    for row in run["rows"]:
        doctor.add(row)
    found = doctor.finish()
    if run["failed"]:
        assert {f.code for f in found.lasting[:2]} & set(run["right"])
        assert found.wrong
    else:
        assert [f.code for f in found.findings if f.weight == "act"] == []


def test_both_kinds_are_among_them():
    assert sum(bool(run["failed"]) for run in RUNS) >= 6
    assert sum(not run["failed"] for run in RUNS) >= 6
