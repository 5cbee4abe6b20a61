"""Works of minutes: folders, their words, stops, and what bad requests get."""

from __future__ import annotations

import io
import sys
import time

import numpy as np
import pytest
from PIL import Image

from ganwerk.errors import RunError
from ganwerk.web import jobs
from ganwerk.web.run_table import id_of


def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come to be")


def over(folder):
    return until(lambda: (w := jobs.standing(folder))["state"] != "running" and w)


def script(code):
    return [sys.executable, "-c", code]


def test_a_work_from_its_beginning_to_its_end(tmp_path):
    folder = jobs.make(tmp_path / "works", "walk")
    assert jobs.standing(folder) == {"key": folder.name, "state": "waiting"}
    jobs.begin(folder, script("print('noise'); print('{\"ok\": true, \"film\": \"a.mp4\"}')"),
               "ganwerk x", seconds=6)  # fmt: skip
    found = over(folder)
    assert found["state"] == "finished"
    assert found["told"]["film"] == "a.mp4"
    assert (found["command"], found["seconds"]) == ("ganwerk x", 6)
    assert [work["key"] for work in jobs.listed(tmp_path / "works")] == [folder.name]
    assert jobs.find(tmp_path / "works", folder.name) == folder
    with pytest.raises(RunError, match="ended already"):
        jobs.stop(folder)


@pytest.mark.parametrize(
    ("code", "state", "error"),
    [
        ('print(\'{"error": "No.", "hint": "Yes."}\'); raise SystemExit(2)', "failed", "No."),
        ("raise SystemExit(1)", "failed", "ended before"),
        ('print(\'{"event": "stopped"}\'); raise SystemExit(130)', "stopped", ""),
        ("print('[1]'); print('{}')", "failed", "ended before"),
    ],
)
def test_how_it_can_end(tmp_path, code, state, error):
    folder = jobs.make(tmp_path, "walk")
    jobs.begin(folder, script(code), "ganwerk x")
    found = over(folder)
    assert found["state"] == state
    assert error in found.get("error", "")


def test_it_can_be_stopped_and_outlives_nobody_asking(tmp_path):
    folder = jobs.make(tmp_path, "walk")
    jobs.begin(folder, script("import time; print('{}', flush=True); time.sleep(600)"), "ganwerk x")
    assert jobs.standing(folder)["state"] == "running"
    jobs.stop(folder)
    assert over(folder)["state"] == "failed"


@pytest.mark.parametrize("key", ["..", "a/b", "", "none", "A" * 99])
def test_keys_are_looked_up(tmp_path, key):
    with pytest.raises(RunError, match="no such work"):
        jobs.find(tmp_path, key)


def png(side=16, channels=3):
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, channels), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(file, "PNG")
    return file.getvalue()


def test_a_style_transfer(client, site):
    key = client.post("/api/styles", json={}).json()["key"]
    at = f"/api/styles/{key}"
    assert "photo is missing" in client.post(f"{at}/start", json={}).json()["error"]
    for which in ("photo", "painting"):
        assert client.request("PUT", f"{at}/{which}", content=png(128)).status_code == 200
    assert client.get(f"{at}/preview").status_code == 204
    for spec, why in (
        ({"strength": 2}, "strength cannot be 2"),
        ({"colours": "blue"}, "'blue'"),
        ({"size_px": 9}, "size_px cannot be 9"),
    ):
        assert why in client.post(f"{at}/start", json=spec).json()["error"]
    began = client.post(f"{at}/start", json={"size_px": 128, "strength": 0.7}).json()
    assert began["state"] == "running"
    assert "--strength 0.7 --colours style --size 128" in began["command"]
    assert "already" in client.post(f"{at}/start", json={}).json()["error"]
    assert client.request("PUT", f"{at}/photo", content=png(128)).status_code == 400
    found = until(lambda: (w := client.get(at).json())["state"] != "running" and w)
    assert found["state"] == "finished", found
    assert found["told"]["event"] == "finished"
    with Image.open(io.BytesIO(client.get(f"{at}/result").content)) as result:
        assert result.size == (128, 128)
    assert client.get(f"{at}/preview").status_code == 200
    assert [work["key"] for work in client.get("/api/styles").json()["jobs"]] == [key]


@pytest.mark.parametrize("content", [b"", b"no picture", png()[:200]])
def test_what_is_no_picture_is_refused_and_leaves_nothing(client, site, content):
    key = client.post("/api/styles", json={}).json()["key"]
    response = client.request("PUT", f"/api/styles/{key}/photo", content=content)
    assert response.status_code == 400
    assert list((site.runs.home / "styles" / key).iterdir()) == []
    at = f"/api/runs/{id_of(site.folders[0] / 'digits')}/projections"
    assert client.post(at, content=content).status_code == 400
    assert list((site.folders[0] / "digits" / "projected").iterdir()) == []


def test_ids_only(client, stranger, site):
    for path in ("/api/styles/../x", "/api/styles/none", "/api/styles/%2e%2e/photo"):
        assert client.get(path).status_code in (400, 404)
    at = f"/api/runs/{id_of(site.folders[0] / 'digits')}"
    assert client.get(f"{at}/films/none/film.webp").status_code == 400
    assert "2 to 64" in client.post(f"{at}/films", json={"stops": ["seed=1"]}).json()["error"]
    assert stranger.post("/api/styles", json={}).status_code in (401, 403)


def test_a_film_and_a_projection(client, site, monkeypatch):
    monkeypatch.setattr("ganwerk.web.run_jobs.STEPS", 4)
    at = f"/api/runs/{id_of(site.folders[0] / 'digits')}"
    asked = {"stops": ["seed=1", "seed=2&truncation=0.5"], "seconds": 0.2}
    film = client.post(f"{at}/films", json=asked).json()
    assert film["command"].startswith("ganwerk interpolate ")
    photo = client.post(f"{at}/projections", content=png(channels=1)).json()
    for kind, begun in (("films", film), ("projections", photo)):
        path = f"{at}/{kind}/{begun['key']}"
        found = until(lambda path=path: (w := client.get(path).json())["state"] != "running" and w)
        assert found["state"] == "finished", found
        assert client.get(f"{path}/{found['told']['film']}").status_code == 200
        assert client.get(f"{path}/job.json").status_code == 400  # no picture and no film
    assert client.get(f"{at}/projections/{photo['key']}/residual.png").status_code == 200
    assert client.get(f"{at}/generator").json()["places"] == [photo["key"]]
    spec = {"spec": f"place={photo['key']}&move=1:1"}
    assert client.get(f"{at}/picture", params=spec).status_code == 200
