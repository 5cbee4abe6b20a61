"""Pictures that are sent: complete or not at all, and never where they do not belong."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganwerk.web import uploads
from ganwerk.web.sources import safe_name, safe_path


def picture(colour: int = 90, side: int = 20, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), colour, np.uint8)).save(file, kind)
    return file.getvalue()


def bomb(side: int = 60_000) -> bytes:
    """A PNG of a few kilobytes that would fill ten gigabytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 20), 9) * 4
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture
def target(client) -> str:
    return client.post("/api/sets", json={"name": "fruits"}).json()["id"]


@pytest.fixture
def folder(site) -> Path:
    return site.sources.sets / "fruits"


def send(client, target, name, content, **headers):
    headers = {"x-name": quote(name, safe=""), **headers}
    return client.request("PUT", f"/api/sets/{target}/files", content=content, headers=headers)


def everything(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_pictures_arrive_with_their_folders_and_times(client, target, folder):
    modified = {"x-modified": "1700000000123"}
    assert send(client, target, "apple/rot grün.png", picture(), **modified).status_code == 200
    assert send(client, target, "lemon/1.jpg", picture(9, kind="JPEG")).status_code == 200
    assert everything(folder) == ["apple/rot grün.png", "lemon/1.jpg"]
    assert (folder / "apple/rot grün.png").read_bytes() == picture()
    files = client.get(f"/api/sets/{target}/files").json()["files"]
    assert ["apple/rot grün.png", len(picture()), 1700000000123] in files
    assert [one["name"] for one in client.get("/api/sets").json()["sets"]] == ["fruits"]


def test_a_set_of_before_goes_on(client, target):
    send(client, target, "1.png", picture())
    again = client.post("/api/sets", json={"name": "fruits"}).json()
    assert again["id"] == target
    assert len(client.get(f"/api/sets/{target}/files").json()["files"]) == 1


@pytest.mark.parametrize(
    "name",
    ["../../../evil.png", "/etc/evil.png", "a/../../evil.png", "..\\..\\evil.png", "~/evil.png",
     "C:\\evil.png", "a/./b.png", "<img src=x>.png", "con.png", "nul\x00.png", "‮gnp.png",
     "x" * 300 + ".png", "\ud800.png".encode("utf-8", "replace").decode()],
)  # fmt: skip
def test_hostile_names_stay_in_the_set(client, target, folder, site, name):
    before = everything(site.runs.home.parent)
    answer = send(client, target, name, picture())
    after = set(everything(site.runs.home.parent)) - set(before)
    if answer.status_code == 200:
        assert len(after) == 1
        assert next(iter(after)).startswith("pictures/fruits/")
    else:
        assert after == set()
        assert "error" in answer.json()


@given(st.text(max_size=300))
def test_a_safe_path_leads_nowhere_else(name):
    path = safe_path(name)
    if path is not None:
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert all(safe_name(part) == part or len(part) > 90 for part in path.parts)
        assert Path(os.path.normpath(Path("/a/b") / path)).is_relative_to("/a/b")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.png", b"", "empty"),
        ("a.png", b"no picture at all", "not a picture"),
        ("a.png", picture()[:-30], "truncated"),
        ("a.png", bomb(), "million pixels"),
        ("a.exe", picture(), "no name of a picture"),
        ("a.svg", b"<svg onload=alert(1)>", "no name of a picture"),
        ("", picture(), "no name"),
    ],
)
def test_what_is_no_picture_is_refused(client, target, folder, name, content, told):
    answer = send(client, target, name, content)
    assert answer.status_code == 400
    assert told in answer.json()["error"]
    assert everything(folder) == []
    assert send(client, target, "good.png", picture()).status_code == 200, "and it goes on"


def test_a_picture_is_not_too_large(client, target, folder, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_FILE_BYTES", 500)
    for headers in ({}, {"transfer-encoding": "chunked"}):
        parts = iter([b"x" * 300, b"x" * 300])
        content = b"x" * 600 if not headers else parts
        answer = send(client, target, "a.png", content if not headers else _slowly(content))
        assert answer.status_code == 400
        assert "at most" in answer.json()["error"]
    assert everything(folder) == []


async def _slowly(parts, pause: float = 0.0):
    import asyncio

    for part in parts:
        yield part
        await asyncio.sleep(pause)


def test_a_full_disk_is_told(client, target, monkeypatch):
    monkeypatch.setattr(uploads, "free_bytes", lambda _: 1_000)
    assert "nearly full" in send(client, target, "a.png", picture()).json()["error"]


def test_only_uploaded_sets_are_written_to(client, site):
    (site.runs.home.parent / "own").mkdir()
    roots = client.get("/api/sources").json()["roots"]
    inside = client.get(f"/api/sources/{roots[0]['id']}").json()["entries"]
    for known in (roots[0]["id"], *(one["id"] for one in inside), "digits", "0" * 16):
        answer = send(client, known, "a.png", picture())
        assert answer.status_code == 400, known
    assert everything(site.runs.home.parent / "own") == []


def test_links_that_lead_out_are_not_shown(client, site, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret").mkdir()
    root = site.runs.home.parent
    (root / "link").symlink_to(outside)
    (root / "plain").mkdir()
    top = client.get("/api/sources").json()["roots"][0]
    names = [one["name"] for one in client.get(f"/api/sources/{top['id']}").json()["entries"]]
    assert "plain" in names
    assert "link" not in names


def test_names_of_sets(client, site):
    for name in ("", "..", "///", "."):
        assert client.post("/api/sets", json={"name": name}).status_code in (200, 400)
    assert all(path.parent == site.sources.sets for path in site.sources.sets.glob("*"))
    for body in ("[]", "{", "x" * 70_000, '{"name": 7}'):
        assert client.post("/api/sets", content=body).status_code == 400
