from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from picture_files import Painter, zipped
from PIL import Image

from ganwerk.data import archive, folder, load_pictures
from ganwerk.data.archive import ZipSource
from ganwerk.data.classes import labels_of
from ganwerk.data.folder import FolderSource
from ganwerk.errors import DataError

BUDGET = 1 << 26


def refuse(where: str | Path, message: str, hint: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load_pictures(where, memory_budget_bytes=BUDGET)
    assert hint in caught.value.hint


def test_folder_is_recursive_sorted_and_knows_suffixes(tmp_path: Path, paint: Painter) -> None:
    pictures = tmp_path / "p"
    paint(pictures / "b" / "deep", 9)
    paint(pictures / "a", 9, suffix=".JPG")
    paint(pictures, 2, suffix=".Png")
    paint(pictures / ".hidden", 1)
    paint(pictures / "__MACOSX", 1)
    (pictures / "._0001.jpg").write_bytes(b"macOS")
    (pictures / "notes.txt").write_text("no picture")
    (pictures / "photo.HEIC").write_bytes(b"x")
    source = FolderSource(pictures)
    assert list(source.names) == sorted(source.names)
    assert len(source.names) == 20
    assert source.ignored == {".txt": 1, ".heic": 1}
    found = load_pictures(pictures, memory_budget_bytes=BUDGET)
    assert found.names == source.names
    assert found.labels is None
    assert set(found.files) == set(source.names)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["b/1.png", "a/2.png", "a/x/3.png"], [1, 0, 0]),
        (["a/1.png", "b/2.png", "3.png"], None),
        (["a/1.png", "a/2.png"], None),
        (["1.png", "2.png"], None),
    ],
)
def test_first_folders_are_classes(names: list[str], expected: list[int] | None) -> None:
    labels, _ = labels_of(names)
    assert (None if labels is None else labels.values.tolist()) == expected


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zip_gives_what_the_folder_gives(tmp_path: Path, paint: Painter, packing: int) -> None:
    paint(tmp_path / "p" / "cat", 10)
    paint(tmp_path / "p" / "dog", 10, first=10)
    paint(tmp_path / "p" / "__MACOSX" / "dog", 1)
    path = zipped(tmp_path / "p.zip", tmp_path / "p", packing)
    inside = load_pictures(path, memory_budget_bytes=BUDGET)
    outside = load_pictures(tmp_path / "p", memory_budget_bytes=BUDGET)
    assert (inside.images == outside.images).all()
    assert inside.names == outside.names
    assert inside.class_names == ("cat", "dog")
    assert inside.labels is not None
    assert inside.labels.tolist() == [0] * 10 + [1] * 10
    assert list(inside.files) == ["p.zip"]
    assert inside.fingerprint != outside.fingerprint


def test_zip_paths_cannot_lead_anywhere(tmp_path: Path, paint: Painter) -> None:
    paths = paint(tmp_path / "p", 18)
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as target:
        for number, path in enumerate(paths):
            target.write(path, f"../../up/{number}.png" if number % 2 else f"win\\{number}.png")
    found = load_pictures(tmp_path / "evil.zip", memory_budget_bytes=BUDGET)
    assert found.class_names == ("up", "win")
    assert not (tmp_path.parent / "up").exists()
    assert not (tmp_path / "up").exists()


def test_zip_with_a_damaged_and_a_huge_entry(
    tmp_path: Path, paint: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(tmp_path / "p", 20)
    large = tmp_path / "p" / "zz_large.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)).save(large)
    path = zipped(tmp_path / "p.zip", tmp_path / "p")
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive_file:
        data[archive_file.getinfo("0003.png").header_offset + 60] ^= 255
    path.write_bytes(data)
    monkeypatch.setattr(archive, "MAX_FILE_BYTES", 10_000)
    report = load_pictures(path, memory_budget_bytes=BUDGET).health
    assert [bad.name for bad in report.unreadable] == ["0003.png", "zz_large.png"]
    assert "damaged inside the zip file" in report.unreadable[0].reason
    assert "when unpacked" in report.unreadable[1].reason


def test_bad_zips(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "p", 20)
    path = zipped(tmp_path / "p.zip", tmp_path / "p")
    data = bytearray(path.read_bytes())
    path.write_bytes(data[: len(data) // 2])
    refuse(path, "is damaged: no zip file, or not complete", "again")
    # Flag bit 0 of the first entry in the central directory: encrypted.
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    refuse(path, "protected by a password", "Unpack")
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("a.txt", "text")
    refuse(path, "no pictures in the zip file", r".txt (1)")
    with zipfile.ZipFile(path, "w"):
        pass
    refuse(path, "no pictures in the zip file", "It is empty")


def test_bad_paths(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "pictures", 20)
    refuse(tmp_path / "pictuers", "does not exist", "Did you mean 'pictures'?")
    refuse(tmp_path / "gone" / "deep" / "x", "does not exist", "There is no 'gone'")
    refuse("mnits", "no built-in set of that name", "Did you mean 'mnist'?")
    refuse("", "No path to pictures", "digits")
    refuse("x" * 5000, "cannot be opened: File name too long", "Check the path")
    refuse(tmp_path / "pictures" / "0000.png", "is a single picture", str(tmp_path / "pictures"))
    (tmp_path / "empty").mkdir()
    refuse(tmp_path / "empty", "no pictures in the folder", "It is empty")
    (tmp_path / "empty" / "a.heic").write_bytes(b"x")
    refuse(tmp_path / "empty", "no pictures in the folder", ".heic (1). Convert them")
    (tmp_path / "text.txt").write_text("text")
    refuse(
        tmp_path / "text.txt", "is neither a folder, a zip file nor an IDX file", "Name a folder"
    )


def test_no_permission(tmp_path: Path, paint: Painter, monkeypatch: pytest.MonkeyPatch) -> None:
    paint(tmp_path / "p" / "a", 20)
    scandir = os.scandir

    def locked(path: str) -> object:
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(folder.os, "scandir", locked)
    refuse(tmp_path / "p", "p/a cannot be read: Permission denied", "permissions")


def test_a_link_into_a_circle_ends(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "elsewhere", 20)
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "p")
    assert len(FolderSource(tmp_path / "p").names) == 20


def test_a_file_name_that_is_no_text(tmp_path: Path, paint: Painter) -> None:
    paths = paint(tmp_path / "p", 20)
    paths[0].rename(os.fsdecode(os.fsencode(tmp_path / "p") + b"/\xff.png"))
    os.truncate(os.fsdecode(os.fsencode(tmp_path / "p") + b"/\xff.png"), 40)
    report = load_pictures(tmp_path / "p", memory_budget_bytes=BUDGET).health
    assert report.unreadable[0].name == "\\xff.png"


def test_zip_source_reads_from_several_threads(tmp_path: Path, paint: Painter) -> None:
    from concurrent.futures import ThreadPoolExecutor

    paint(tmp_path / "p", 40)
    source = ZipSource(zipped(tmp_path / "p.zip", tmp_path / "p", zipfile.ZIP_DEFLATED))
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(source.read, list(range(40)) * 5))
    assert read == [(tmp_path / "p" / name).read_bytes() for name in source.names] * 5
    assert Image.open(io.BytesIO(read[0])).size == (32, 32)
