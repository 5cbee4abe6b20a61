from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from picture_files import Painter, noise
from PIL import Image

from ganwerk.data import Changes, changed_files, load, load_pictures, scan, store
from ganwerk.data import cache as cache_module
from ganwerk.data.pictures import variance_of
from ganwerk.errors import ConfigError, DataError, MachineError
from ganwerk.values import DataFacts, PictureShape, Progress

BUDGET = 1 << 26


def loaded(where: Path, **options: Any) -> Any:
    return load_pictures(where, memory_budget_bytes=BUDGET, **options)


@pytest.fixture
def no_decoding(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """After the call, decoding anything fails the test."""

    def forbid() -> None:
        def decode(*_: object) -> None:
            raise AssertionError("decoded again")

        monkeypatch.setattr(store, "decode", decode)

    return forbid


def test_pictures_and_facts(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "p" / "cat", 12)
    paint(tmp_path / "p" / "dog", 8, first=12)
    found = loaded(tmp_path / "p")
    assert found.images.shape == (20, 3, 32, 32)
    assert (found.images[0] == noise(0).transpose(2, 0, 1)).all()
    assert len(found) == 20
    assert found.names[0] == "cat/0000.png"
    assert found.fit == "crop"
    reason, variance = found.health.mirror_reason, variance_of(found.images)
    assert found.facts() == DataFacts(
        20, PictureShape(32, 3), ("cat", "dog"), (12, 8), False, reason, variance
    )


def test_second_load_comes_from_the_cache(
    tmp_path: Path, paint: Painter, no_decoding: Callable[[], None]
) -> None:
    paint(tmp_path / "p" / "a", 10)
    paint(tmp_path / "p" / "b", 10, first=10)
    (tmp_path / "p" / "a" / "bad.png").write_bytes(b"bad")
    first = loaded(tmp_path / "p")
    no_decoding()
    second = loaded(tmp_path / "p")
    assert second.health == first.health
    assert (second.images == first.images).all()
    assert (second.labels == first.labels).all()
    for name in ("names", "class_names", "files", "fingerprint"):
        assert getattr(second, name) == getattr(first, name)
    # The same files elsewhere are the same pictures; only the report's path differs.
    (tmp_path / "p").rename(tmp_path / "q")
    (tmp_path / "q" / "notes.txt").write_text("new")
    moved = loaded(tmp_path / "q")
    assert moved.fingerprint == first.fingerprint
    assert moved.health.where == str(tmp_path / "q")
    assert moved.health.ignored == {".txt": 1}


@pytest.mark.parametrize("part", [".npy", "x3-crop-v1.json", "advice-v1.json", "digests"])
@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "other"])
def test_a_damaged_cache_is_rebuilt(
    tmp_path: Path, paint: Painter, cache_dir: Path, part: str, harm: str
) -> None:
    paint(tmp_path / "p", 20)
    first = loaded(tmp_path / "p")
    # Found anew each time, so that a test that damages nothing fails.
    (path,) = [
        path for path in cache_dir.rglob("*.*") if part in str(path.relative_to(cache_dir))
    ] or [cache_dir / "digests" / "none.json"]
    if part == "digests" and not path.exists():
        # Files of this very moment are not remembered; make the remembered ones wrong instead.
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    data = path.read_bytes()
    changed = {
        "cut": data[: len(data) // 2],
        "flip": data[: len(data) - 9] + bytes([data[-9] ^ 1 if len(data) > 9 else 0]) + data[-8:],
        "empty": b"",
        "other": b"[1, 2]",
    }[harm]
    path.write_bytes(changed)
    again = loaded(tmp_path / "p")
    assert (again.images == first.images).all()
    assert again.health.readable == 20
    third = loaded(tmp_path / "p")
    assert (third.images == first.images).all()


def test_an_npy_with_objects_is_not_opened(tmp_path: Path, paint: Painter, cache_dir: Path) -> None:
    paint(tmp_path / "p", 20)
    first = loaded(tmp_path / "p")
    (path,) = cache_dir.rglob("*.npy")
    np.save(path, np.array([print], object), allow_pickle=True)
    assert (loaded(tmp_path / "p").images == first.images).all()


def test_digests_are_remembered_and_a_change_is_seen(
    tmp_path: Path, paint: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    paths = paint(tmp_path / "p", 20)
    for path in paths:
        os.utime(path, (1_000_000, 1_000_000))
    first = loaded(tmp_path / "p")
    from ganwerk.data import digests

    read: list[Path] = []
    real = digests.digest_file
    monkeypatch.setattr(digests, "digest_file", lambda path: read.append(path) or real(path))
    assert loaded(tmp_path / "p").fingerprint == first.fingerprint
    assert read == []
    Image.fromarray(noise(99)).save(paths[3])
    paths[4].unlink()
    paths[5].rename(tmp_path / "p" / "new.png")
    second = loaded(tmp_path / "p")
    assert {path.name for path in read} == {"0003.png", "new.png"}
    assert changed_files(first.files, second.files) == Changes(
        added=("new.png",), removed=("0004.png", "0005.png"), altered=("0003.png",)
    )
    assert not changed_files(first.files, dict(first.files))
    assert second.fingerprint != first.fingerprint


def test_larger_than_the_budget_is_a_read_only_map(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "p", 150)
    (tmp_path / "p" / "0070x.png").write_bytes(b"bad")
    small = load_pictures(tmp_path / "p", memory_budget_bytes=10_000)
    assert isinstance(small.images, np.memmap)
    assert not small.images.flags.writeable
    assert small.images.shape == (150, 3, 32, 32)
    again = load_pictures(tmp_path / "p", memory_budget_bytes=10_000)
    assert isinstance(again.images, np.memmap)
    large = loaded(tmp_path / "p")
    assert not isinstance(large.images, np.memmap)
    assert (large.images == small.images).all()
    assert again.health == large.health == small.health


def full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk(
    tmp_path: Path, paint: Painter, monkeypatch: pytest.MonkeyPatch, cache_dir: Path
) -> None:
    paint(tmp_path / "p", 20)
    monkeypatch.setattr(cache_module.os, "fsync", full)
    assert loaded(tmp_path / "p").images.shape == (20, 3, 32, 32)
    assert [path for path in cache_dir.rglob("*") if path.is_file()] == []
    with pytest.raises(MachineError, match="No space left on device") as caught:
        load_pictures(tmp_path / "p", memory_budget_bytes=10_000)
    assert "more than the memory budget" in caught.value.message
    assert "GANWERK_CACHE" in caught.value.hint
    assert [path for path in cache_dir.rglob("*") if path.is_file()] == []


def test_unreadable_files_are_skipped_and_named(tmp_path: Path, paint: Painter) -> None:
    paths = paint(tmp_path / "p", 20)
    paths[2].write_bytes(b"")
    paths[5].write_bytes(paths[5].read_bytes()[:100])
    found = loaded(tmp_path / "p")
    assert [(bad.name, bad.reason) for bad in found.health.unreadable] == [
        ("0002.png", "is empty"),
        ("0005.png", "is truncated or damaged"),
    ]
    assert found.health.found == 20
    assert len(found) == len(found.names) == 18
    assert "0002.png" in found.files
    assert (found.images[2] == noise(3).transpose(2, 0, 1)).all()


def test_too_many_unreadable(tmp_path: Path, paint: Painter, cache_dir: Path) -> None:
    paths = paint(tmp_path / "p", 40)
    for path in paths[:21]:
        path.write_bytes(b"bad")
    with pytest.raises(DataError, match=r"Only 19 of 40 pictures in .* can be read") as caught:
        loaded(tmp_path / "p")
    assert "0000.png is not a picture" in caught.value.message
    assert "and 16 more" in caught.value.message
    assert "Copy or convert" in caught.value.hint
    assert list(cache_dir.rglob("*.npy")) == []
    with pytest.raises(DataError, match="Only 19 of 40"):
        load_pictures(tmp_path / "p", memory_budget_bytes=100)
    assert list(cache_dir.rglob("*.npy")) == []
    for path in paths:
        path.write_bytes(b"bad")
    with pytest.raises(DataError, match="None of 40 pictures"):
        loaded(tmp_path / "p")


def test_too_few(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "p", 15)
    with pytest.raises(DataError, match=r"has 15 pictures .* at least 16") as caught:
        loaded(tmp_path / "p")
    assert "Add more" in caught.value.hint
    paint(tmp_path / "p", 1, first=15)
    assert len(loaded(tmp_path / "p")) == 16


def test_a_class_without_a_readable_picture_is_left_out(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "p" / "a", 10)
    paint(tmp_path / "p" / "b", 2)
    paint(tmp_path / "p" / "c", 10, first=10)
    for path in (tmp_path / "p" / "b").iterdir():
        path.write_bytes(b"bad")
    found = loaded(tmp_path / "p")
    assert found.class_names == ("a", "c")
    assert found.labels.tolist() == [0] * 10 + [1] * 10
    assert found.health.empty_classes == ("b",)


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"resolution": 4}, "resolution of 4 px", "8 to 1024"),
        ({"resolution": 5000}, "resolution of 5000 px", "8 to 1024"),
        ({"channels": 2}, "cannot have 2 channels", "1 .grey., 3"),
        ({"fit": "squeeze"}, "'squeeze' is no way", "'crop' or 'pad'"),
    ],
)
def test_values_out_of_range(
    tmp_path: Path, options: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        loaded(tmp_path, **options)
    import re

    assert re.search(hint, caught.value.hint)


def test_resolution_channels_and_fit_have_their_own_place(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "p", 20, width=48)
    for resolution, channels, fit in (
        (16, 1, "crop"),
        (16, 3, "crop"),
        (16, 3, "pad"),
        (20, 4, "pad"),
    ):
        options = {"resolution": resolution, "channels": channels, "fit": fit}
        first, second = (loaded(tmp_path / "p", **options) for _ in range(2))
        assert first.images.shape == (20, channels, resolution, resolution)
        assert (first.images == second.images).all()
        assert second.fit == fit
    crop, pad = (loaded(tmp_path / "p", resolution=16, channels=3, fit=f) for f in ("crop", "pad"))
    assert (crop.images != pad.images).any()


def write_all(folder: Path, array: np.ndarray, count: int = 20) -> None:
    folder.mkdir()
    for number in range(count):
        turned = np.roll(array, number, axis=1)
        Image.fromarray(turned).save(folder / f"{number}.png")


@pytest.mark.parametrize(
    ("pixels", "channels", "why"),
    [
        (noise(0, channels=3)[..., 0], 1, "all are grey."),
        (np.repeat(noise(0, channels=1), 3, axis=2), 1, "stored as colour"),
        (noise(0), 3, "in colour"),
        (np.dstack([noise(0), np.full((32, 32), 255, np.uint8)]), 3, "in colour."),
        (np.dstack([noise(0), noise(5)[..., 0]]), 4, "100% of a sample have transparent parts"),
    ],
)
def test_advised_channels(tmp_path: Path, pixels: np.ndarray, channels: int, why: str) -> None:
    write_all(tmp_path / "p", np.ascontiguousarray(pixels))
    found = loaded(tmp_path / "p")
    assert found.images.shape[1] == channels
    assert why in found.health.channels_reason


def test_few_transparent_pictures_do_not_decide(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "p", 20)
    seen_through = np.dstack([noise(0), noise(5)[..., 0]])
    Image.fromarray(seen_through).save(tmp_path / "p" / "a.png")
    found = loaded(tmp_path / "p")
    assert found.health.advised_channels == 3
    assert "laid on white" in found.health.channels_reason


@pytest.mark.parametrize(
    ("size", "advised"), [(9, 16), (16, 16), (31, 28), (33, 32), (60, 56), (64, 64), (500, 64)]
)
def test_advised_resolution(tmp_path: Path, paint: Painter, size: int, advised: int) -> None:
    paint(tmp_path / "p", 16, height=size, width=size + 7)
    report = scan(tmp_path / "p")
    assert report.advised_resolution == report.resolution == advised
    assert f"short side is {size} px" in report.resolution_reason


def test_progress_reaches_the_end(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "p", 100)
    heard: list[Progress] = []
    loaded(tmp_path / "p", progress=heard.append)
    last = {report.task: report for report in heard}
    assert set(last) == {"reading files", "decoding pictures", "checking pictures"}
    assert all(report.done == report.total == 100 for report in last.values())


def test_nothing_is_printed(
    tmp_path: Path, paint: Painter, capfd: pytest.CaptureFixture[str]
) -> None:
    paint(tmp_path / "p", 16)
    loaded(tmp_path / "p")
    assert capfd.readouterr() == ("", "")


def test_home_is_the_last_resort(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_module.cache_home(None) == tmp_path / "cache"
    assert cache_module.cache_home(tmp_path / "x") == tmp_path / "x"
    monkeypatch.delenv("GANWERK_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_module.cache_home(None) == tmp_path / ".cache" / "ganwerk"


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, json, ganwerk.data, ganwerk.data.load, ganwerk.data.sampler;"
        "print(json.dumps([m for m in ('torch', 'sklearn', 'torchvision', 'scipy')"
        " if m in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(load.__file__).parents[2],
    )
    assert json.loads(done.stdout) == []


def test_every_public_name_exists() -> None:
    import ganwerk.data

    for name in ganwerk.data.__all__:
        assert getattr(ganwerk.data, name).__class__ is not None
    assert dir(ganwerk.data) == sorted(ganwerk.data.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ganwerk.data.nothing
