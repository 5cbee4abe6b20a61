"""Named pipes, sockets, devices and links: nothing waits, nothing is entered twice."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from picture_files import Painter, zipped

from ganwerk.data import load_pictures
from ganwerk.data.digests import digest_files
from ganwerk.data.folder import FolderSource
from ganwerk.data.sources import MAX_FILE_BYTES
from ganwerk.errors import DataError
from ganwerk.stylisation.pictures import read
from ganwerk.values import ignore_progress

BUDGET = 1 << 26
pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(os.name == "nt", reason="no such files there"),
]


def remarks(folder: Path) -> str:
    return "\n".join(f"{line.severity}: {line.text}" for line in FolderSource(folder).remarks)


def test_what_never_ends_is_passed_over(
    tmp_path: Path, paint: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "p"
    paint(folder / "a", 10)
    paint(folder / "b", 10, first=10)
    plain = load_pictures(folder, memory_budget_bytes=BUDGET)
    os.mkfifo(folder / "a" / "pipe.png")
    os.mkfifo(folder / "dataset.json")
    (folder / "zero.jpg").symlink_to("/dev/zero")
    (folder / "tty.png").symlink_to("/dev/tty")
    (folder / "kernel.png").symlink_to("/proc/kmsg")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("socket.webp")
    found = load_pictures(folder, memory_budget_bytes=BUDGET)
    assert found.fingerprint == plain.fingerprint
    assert found.class_names == ("a", "b")
    text = remarks(folder)
    assert (
        "warning: Passed over, because it cannot be read like a file: a/pipe.png (a named pipe)"
        in text
    )
    assert "dataset.json (a named pipe)" in text
    assert "socket.webp (a socket)" in text
    assert "kernel.png (a link into the system)" in text


@pytest.mark.parametrize("name", ["x.png", "train-images-idx3-ubyte", "set.zip", "x.tar"])
def test_a_pipe_instead_of_a_place(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match=f"{name} is a named pipe, not a file of pictures"):
        load_pictures(tmp_path / name, memory_budget_bytes=BUDGET)
    with pytest.raises(DataError, match="is a named pipe"):
        read(tmp_path / name, "photo")
    with pytest.raises(DataError, match="no pictures in the folder") as caught:
        load_pictures(tmp_path, memory_budget_bytes=BUDGET)
    assert "a named pipe (1)" in caught.value.hint


def test_a_device_instead_of_a_place() -> None:
    with pytest.raises(DataError, match="/dev/zero is a device"):
        load_pictures("/dev/zero", memory_budget_bytes=BUDGET)


def test_links_out_of_the_folder(tmp_path: Path, paint: Painter) -> None:
    folder = tmp_path / "p"
    paint(folder / "a", 20)
    paint(tmp_path / "elsewhere", 4, first=30)
    (folder / "out").symlink_to(tmp_path / "elsewhere")
    (folder / "out2").symlink_to(tmp_path / "elsewhere")
    (folder / "root").symlink_to("/")
    (folder / "up").symlink_to("..")
    (folder / "self").symlink_to(".")
    (folder / "again").symlink_to("a")
    (folder / "proc").symlink_to("/proc")
    (folder / "one.png").symlink_to(tmp_path / "elsewhere" / "0030.png")
    source = FolderSource(folder)
    assert len(source.names) == 20 + 4 + 1
    assert {name.split("/")[0] for name in source.names} == {"a", "out", "one.png"}
    text = remarks(folder)
    assert "Links that lead out of the folder were followed: one.png, out." in text
    for told in ("root (a link to what is around it)", "again (a link to what is here anyway)"):
        assert told in text
    assert "and 1 more" in text  # six links, five of them by name


def test_links_to_hidden_places_inside_are_followed(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "p" / ".store" / "x", 20)
    (tmp_path / "p" / "cat").symlink_to(tmp_path / "p" / ".store" / "x")
    assert len(FolderSource(tmp_path / "p").names) == 20
    assert "Passed over, because hidden: .store." in remarks(tmp_path / "p")


def test_broken_links_are_named_one_by_one(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "p", 20)
    (tmp_path / "p" / "zz.png").symlink_to("nowhere")
    (tmp_path / "p" / "zzz.png").symlink_to("zzz.png")
    report = load_pictures(tmp_path / "p", memory_budget_bytes=BUDGET).health
    assert [bad.name for bad in report.unreadable] == ["zz.png", "zzz.png"]
    assert all("cannot be read" in bad.reason for bad in report.unreadable)


def test_hidden_and_empty_folders_are_told(tmp_path: Path, paint: Painter) -> None:
    folder = tmp_path / "p"
    paint(folder / "cat", 10)
    paint(folder / "dog", 10, first=10)
    paint(folder / ".thumbs", 3)
    paint(folder / "__MACOSX" / "cat", 3)
    (folder / "bird" / "deep").mkdir(parents=True)
    (folder / "fish").mkdir()
    (folder / "fish" / "notes.txt").write_text("none yet")
    (folder / ".DS_Store").write_bytes(b"x")
    text = remarks(folder)
    assert "warning: Folders without a picture: bird, fish." in text
    assert "note: Passed over, because hidden: .thumbs, __MACOSX." in text
    inside = load_pictures(zipped(tmp_path / "p.zip", folder), memory_budget_bytes=BUDGET)
    assert "Folders without a picture: bird, fish." in [r.text for r in inside.health.remarks]
    assert inside.class_names == ("cat", "dog")


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "p", 20)
    with (tmp_path / "p" / "huge.png").open("wb") as file:
        file.truncate(1 << 42)  # four terabytes of nothing
    files = digest_files(tmp_path / "p", ["huge.png"], tmp_path / "c", ignore_progress)
    assert files == {"huge.png": f"too large: {1 << 42}"}
    report = load_pictures(tmp_path / "p", memory_budget_bytes=BUDGET).health
    assert report.unreadable[0].reason == f"is larger than {MAX_FILE_BYTES >> 20} MiB"
