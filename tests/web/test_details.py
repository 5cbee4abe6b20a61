"""One run in full, as the page is given it."""

from __future__ import annotations

import json

import pytest

from ganwerk.run import Journal
from ganwerk.web.run_table import id_of


@pytest.fixture
def run(site):
    return site.runs.home / "digits"


def test_the_facts_of_a_run(client, run):
    facts = client.get(f"/api/runs/{id_of(run)}").json()
    assert facts["grids"] == sorted(facts["grids"])
    assert facts["grids"][-1] == 160
    assert facts["real"] is True
    assert facts["offset"] == (run / "journal.jsonl").stat().st_size
    assert facts["plan"]["resolution"] == 16
    assert facts["checkpoints"][-1]["images"] == 160
    assert facts["turns"][-1]["event"] == "end"
    assert facts["trouble"] == []
    assert facts["commands"]["resume"].startswith("ganwerk resume ")
    for images in facts["grids"]:
        picture = client.get(f"/api/runs/{id_of(run)}/grids/{images}")
        assert picture.headers["content-type"] == "image/png"
        assert picture.content.startswith(b"\x89PNG")


def test_whether_many_pictures_are_near_copies(client, run):
    def said() -> bool:
        return client.get(f"/api/runs/{id_of(run)}").json()["copied"]

    assert said() is False
    stored = json.loads((run / "data.json").read_text())
    stored["health"] |= {"readable": 100, "duplicate_count": 0, "near_duplicate_count": 80}
    (run / "data.json").write_text(json.dumps(stored))
    assert said() is True
    for damaged in ("{", "[]", '{"health": 7}'):
        (run / "data.json").write_text(damaged)
        assert said() is False


def test_a_damaged_run_is_shown_as_far_as_it_goes(client, run):
    (run / "about.json").write_text("{")
    card = client.get("/api/runs").json()["runs"][0]
    assert "damaged" in card["trouble"]
    facts = client.get(f"/api/runs/{id_of(run)}").json()
    assert "damaged" in facts["trouble"][0]
    assert facts["grids"]
    (run / "journal.jsonl").unlink()
    assert client.get(f"/api/runs/{id_of(run)}").json()["latest"] == {}
    assert client.get(f"/api/runs/{id_of(run)}/curves").json() == {"plots": []}


def test_foreign_values_break_nothing(client, run):
    (run / "about.json").write_text(
        '{"format_version": 1, "plan": {"total_images": "many", "classes": 7}, "created": []}'
    )
    with open(run / "journal.jsonl", "ab") as file:
        file.write(b'{"event":"measure","images":"x"}\n{"event":"finding"}\n{"event":7}\n')
    assert client.get("/api/runs").json()["runs"][0]["total_images"] == 0
    assert client.get(f"/api/runs/{id_of(run)}").status_code == 200


def test_curves_are_thinned_and_cut(client, run):
    with Journal(run / "journal.jsonl") as journal:
        journal.append({"event": "resume", "from_images": 160})
        for images in range(161, 4_161):
            journal.append({"event": "step", "step": images, "images": images,
                            "d_loss": images % 7, "g_loss": 1.0})  # fmt: skip
    whole = client.get(f"/api/runs/{id_of(run)}/curves", params={"points": 100}).json()["plots"]
    losses = next(plot for plot in whole if plot["title"].startswith("Losses"))
    d = losses["series"][0]
    assert len(d["images"]) == len(d["line"]) == len(d["low"]) <= 100
    assert max(d["high"]) == 6
    assert min(d["low"]) == 0
    assert losses["marks"] == [160]
    assert losses["levels"]
    part = client.get(
        f"/api/runs/{id_of(run)}/curves", params={"from": 1000, "to": 1050, "points": 100}
    ).json()["plots"]
    images = next(p for p in part if p["title"].startswith("Losses"))["series"][0]["images"]
    assert len(images) > 45
    assert images[0] >= 999
    assert images[-1] <= 1052


@pytest.mark.parametrize("value", ["nan", "inf", "x", "", "-1", "1e400", "9" * 400])
def test_odd_limits_are_none(client, run, value):
    for key in ("from", "to", "points"):
        answer = client.get(f"/api/runs/{id_of(run)}/curves", params={key: value})
        assert answer.status_code == 200


def test_only_a_process_that_is_there_is_told(client, run):
    at_work = client.get(f"/api/runs/{id_of(run)}/process").json()  # this process trained it
    assert at_work["memory_bytes"] > 10**7
    (run / "lock").write_text('{"pid": 1, "host": "elsewhere", "started": "2026"}')
    assert client.get(f"/api/runs/{id_of(run)}/process").json() is None
    (run / "lock").write_text("[]")
    assert client.get(f"/api/runs/{id_of(run)}/process").json() is None
