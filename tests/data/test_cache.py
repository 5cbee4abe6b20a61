"""The cache: where it is for whom, and that nothing found there is believed unseen."""

from __future__ import annotations

import json
import os
import pwd
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from ganwerk.data import cache, load_pictures
from ganwerk.data.cache import cache_home, read_json, read_rows

ODD = [None, [], {}, "", "x", -1, 0, 1, 0.5, 1e308, 10**30, True, [[]], [None], {"a": None}]


@pytest.fixture
def nobody(monkeypatch, tmp_path):
    """No variable names a cache; temporary files are in tmp_path."""
    for name in ("GANWERK_CACHE", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cache._homeless.cache_clear()
    yield tmp_path
    cache._homeless.cache_clear()


def test_the_usual_places(nobody, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    assert cache_home(None) == tmp_path / "home/.cache/ganwerk"
    monkeypatch.setenv("GANWERK_CACHE", "~/elsewhere")
    assert cache_home(None) == tmp_path / "home/elsewhere"
    assert cache_home(tmp_path / "here") == tmp_path / "here"


def test_somebody_without_a_home(nobody, monkeypatch):
    def unknown(_):
        raise KeyError("uid not found")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    found = cache_home(None)
    assert found == cache_home(None) == nobody / f"ganwerk-{os.getuid()}"
    assert found.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("home", ["a file", "gone/and/forbidden", "not writable"])
def test_a_home_that_cannot_be_written(nobody, monkeypatch, home):
    (nobody / "a file").write_text("")
    (nobody / "not writable").mkdir()
    monkeypatch.setenv("HOME", str(nobody / home))
    real = os.access
    closed = {nobody / "not writable", nobody}
    monkeypatch.setattr(os, "access", lambda path, mode: path not in closed and real(path, mode))
    assert cache_home(None) == nobody / f"ganwerk-{os.getuid()}"


def test_a_temporary_place_that_another_user_holds_is_not_used(nobody, monkeypatch):
    (nobody / "no home").write_text("")
    monkeypatch.setenv("HOME", str(nobody / "no home"))
    (nobody / "mine").mkdir()
    (nobody / f"ganwerk-{os.getuid()}").symlink_to(nobody / "mine")
    found = cache_home(None)
    assert found.parent == nobody
    assert not found.is_symlink()
    assert found == cache_home(None)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for kind in "ab":
        (folder / kind).mkdir()
        for i in range(10):
            pixels = np.random.default_rng(i).integers(0, 255, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(folder / kind / f"{i}.png")
        old = 10**9
        for file in (folder / kind).iterdir():
            os.utime(file, (old, old))
    return folder


def loaded(pictures: Path, place: Path):
    return load_pictures(pictures, memory_budget_bytes=1 << 30, cache_dir=place)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_lies_in_the_cache_the_pictures_are_the_same(tmp_path_factory, pictures, data):
    place = tmp_path_factory.mktemp("odd cache")
    fresh = loaded(pictures, place)
    files = sorted(place.rglob("*.json"))
    assert len(files) == 3, "digests, advice and what was decoded"
    file = data.draw(st.sampled_from(files))
    content = json.loads(file.read_text())
    key = data.draw(st.sampled_from([*content, None]))
    odd = data.draw(st.sampled_from(ODD))
    sound = key == "channels" and type(odd) is int and odd == 1  # advice to take them as grey
    assume(not sound)
    if key is None:
        content = odd
    elif isinstance(content[key], dict) and content[key]:
        content[key][data.draw(st.sampled_from(sorted(content[key])))] = odd
    else:
        content[key] = odd
    file.write_text(json.dumps(content))
    again = loaded(pictures, place)
    assert np.array_equal(again.images, fresh.images)
    assert again.files == fresh.files
    assert again.health.lines()


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "nul", "\x00", "\udcff"])
def test_json_that_is_none(tmp_path, text):
    (tmp_path / "x.json").write_bytes(text.encode(errors="surrogateescape"))
    assert read_json(tmp_path / "x.json") is None
    assert read_json(tmp_path / "absent.json") is None
    (tmp_path / "folder.json").mkdir()
    assert read_json(tmp_path / "folder.json") is None


def test_rows_that_are_none(tmp_path):
    shape = (2, 1, 4, 4)
    np.savez(tmp_path / "zip.npz", a=np.zeros(3))
    (tmp_path / "zip.npz").rename(tmp_path / "zip.npy")
    huge = b"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 4, 4), }" + b" " * 300 + b"\n"
    header = b"\x93NUMPY\x01\x00" + len(huge).to_bytes(2, "little") + huge
    (tmp_path / "short.npy").write_bytes(header)
    (tmp_path / "offset.npy").write_bytes(header + bytes(32))
    (tmp_path / "nested.npy").write_bytes(
        b"\x93NUMPY\x02\x00" + (60_000).to_bytes(4, "little") + b"(" * 60_000
    )
    (tmp_path / "folder.npy").mkdir()
    for name in ("zip", "short", "offset", "nested", "folder", "absent"):
        assert read_rows(tmp_path / f"{name}.npy", shape, 0, mapped=False) is None, name
