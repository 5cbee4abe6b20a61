"""Drawing through the page's routes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ganwerk.sampling.sample import Sampler
from ganwerk.web.framing import read
from ganwerk.web.run_table import id_of
from tests.web.client import Client, site_of


@pytest.fixture(scope="module")
def site(digits_run, tmp_path_factory):
    """One for all: nothing here writes."""
    return site_of(digits_run, tmp_path_factory.mktemp("explore"))


@pytest.fixture(scope="module")
def client(site):
    """One, so that one process draws."""
    made = Client(site)
    yield made
    made.close()


def messages(response):
    assert response.status_code == 200, response.text
    stream = io.BytesIO(response.content)
    return list(iter(lambda: read(stream), None))


def test_a_single_picture_comes_in_one_piece_and_says_what_is_wrong_with_it(
    client, at, monkeypatch
):
    monkeypatch.setattr("ganwerk.web.relay.SOON_SECONDS", 60.0)  # the process may be starting yet
    whole = client.post(f"{at}/draw", json={"specs": ["seed=1"]})
    assert whole.headers["content-length"] == str(len(whole.content))
    assert whole.headers["cache-control"] == "no-store"
    (head, body), *more = messages(whole)
    assert (head["last"], more) == (True, [])
    several = client.post(f"{at}/draw", json={"specs": ["seed=1", "seed=2"]})
    assert "content-length" not in several.headers
    assert body in [body for _, body in messages(several)]
    ((wrong, _),) = messages(client.post(f"{at}/draw", json={"specs": ["seed=1&mix=2:coarse"]}))
    assert "styles" in wrong["error"]


def pixels(body):
    with Image.open(io.BytesIO(body)) as picture:
        return np.asarray(picture)


@pytest.fixture
def run(site):
    return site.folders[0] / "digits"


@pytest.fixture
def at(run):
    return f"/api/runs/{id_of(run)}"


def test_a_picture_has_an_address_a_file_and_a_command(client, run, at):
    expected = Sampler.open(run).draw([7], ["3"])[0, ..., 0]
    exact = client.get(f"{at}/picture", params={"spec": "seed=7&class=3", "exact": ""})
    assert exact.headers["content-type"] == "image/png"
    assert exact.headers["cache-control"] == "no-store"
    assert np.array_equal(pixels(exact.content), expected)
    images = int(exact.headers["x-images"])
    saved = client.get(f"{at}/picture", params={"spec": "seed=7", "save": "", "at": images})
    assert saved.headers["content-disposition"] == 'attachment; filename="digits-seed-7.png"'
    assert "immutable" in saved.headers["cache-control"]
    told = client.get(f"{at}/command", params={"spec": "seed=7&class=3&truncation=0.5"}).json()
    assert told["command"].startswith("ganwerk sample ")
    assert told["command"].endswith("--seeds 7 --class 3 --truncation 0.5")
    told = client.get(f"{at}/command", params={"spec": "seed=7&move=1:2", "at": images}).json()
    assert told["command"].endswith(f"'seed=7&move=1:2' --at {images}")


def test_pictures_walks_and_neighbours(client, at):
    facts = client.get(f"{at}/generator").json()
    assert facts["classes"] == [str(digit) for digit in range(10)]
    assert facts["places"] == []
    specs = ["seed=1", "seed=2&class=3:1&class=8:1"]
    drawn = messages(client.post(f"{at}/draw", json={"specs": specs, "kind": "webp"}))
    assert sorted(head["index"] for head, _ in drawn) == [0, 1]
    walked = messages(client.post(f"{at}/walk", json={"stops": specs, "shares": [0, 0.5, 1]}))
    assert len(walked) == 3
    near = messages(client.post(f"{at}/nearest", json={"specs": specs}))
    assert [head["index"] for head, _ in near] == [0, 1]
    for head, body in near:
        assert head["name"]
        assert head["distance"] > 0
        assert 0 <= head["nearer"] <= 1
        assert pixels(body).shape == (facts["resolution"],) * 2


@pytest.mark.parametrize(
    ("path", "asked", "why"),
    [
        ("draw", {"specs": []}, "1 to 256 pictures"),
        ("draw", {"specs": ["seed=1"] * 257}, "1 to 256 pictures"),
        ("draw", {"specs": ["seed=1"] * 9, "urgent": True}, "1 to 8 pictures"),
        ("draw", {"specs": "seed=1"}, "1 to 256 pictures"),
        ("draw", {"specs": [7]}, "cannot be 7"),
        ("draw", {"specs": ["place=../x"]}, "a name of letters"),
        ("draw", {"specs": ["seed=1"], "kind": "raw"}, "'raw'"),
        ("draw", {"specs": ["seed=1"], "asker": "<b>"}, "letters and digits"),
        ("draw", {"specs": ["seed=1"], "at": "../x"}, "--at"),
        ("walk", {"stops": ["seed=1"] * 65, "shares": [0]}, "1 to 64 pictures"),
        ("walk", {"stops": ["seed=1"] * 2, "shares": [2]}, "shares cannot be 2"),
        ("walk", {"stops": ["seed=1"] * 2, "shares": []}, "1 to 256"),
        ("nearest", {"specs": ["seed=1"] * 9}, "1 to 8 pictures"),
    ],
)
def test_bad_requests(client, at, path, asked, why):
    response = client.post(f"{at}/{path}", json=asked)
    assert response.status_code == 400
    assert why in response.json()["error"]
    assert response.json()["hint"]


def test_what_the_generator_cannot_is_told_beside_what_it_can(client, at):
    drawn = messages(client.post(f"{at}/draw", json={"specs": ["seed=1&mix=2:coarse", "seed=1"]}))
    told = {head["index"]: head.get("error", "") for head, _ in drawn}
    assert "needs a generator with styles" in told[0]
    assert told[1] == ""
    response = client.get(f"{at}/picture", params={"spec": "seed=1&class=lemon"})
    assert response.status_code == 400
    assert "lemon" in response.json()["error"]


def test_no_run_and_no_stranger(client, stranger, at):
    assert client.post("/api/runs/0000/draw", json={"specs": ["seed=1"]}).status_code == 404
    assert stranger.get(f"{at}/picture").status_code in (401, 403)
