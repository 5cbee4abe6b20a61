"""Folders of one's own: replaced whole, never over what belongs to others."""

from __future__ import annotations

import errno
import os

import pytest

from ganwerk.errors import MachineError
from ganwerk.publish import folder as folders
from ganwerk.publish.folder import MARK, STAGE, replace_folder


def files_of(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_new_empty_and_again(tmp_path):
    site = tmp_path / "deep" / "site"
    replace_folder(site, "site", {"a.txt": b"1", "sub/b.txt": b"2"})
    assert files_of(site) == {"a.txt", "sub/b.txt", MARK}
    replace_folder(site, "site", {"a.txt": b"3", "c.txt": b"4"})
    assert files_of(site) == {"a.txt", "c.txt", MARK}
    assert (site / "a.txt").read_bytes() == b"3"
    assert not (site / "sub").exists()
    empty = tmp_path / "empty"
    empty.mkdir()
    replace_folder(empty, "site", {"a": b""})
    assert files_of(empty) == {"a", MARK}


def test_other_files_are_refused(tmp_path):
    site = tmp_path / "site"
    replace_folder(site, "site", {"a.txt": b"1"})
    (site / "CNAME").write_text("example")
    with pytest.raises(MachineError, match="holds other files: CNAME"):
        replace_folder(site, "site", {"a.txt": b"2"})
    assert (site / "a.txt").read_bytes() == b"1"
    with pytest.raises(MachineError, match="other files"):
        replace_folder(tmp_path, "site", {"a.txt": b"2"})
    (tmp_path / "file").write_text("x")
    with pytest.raises(MachineError, match="is a file"):
        replace_folder(tmp_path / "file", "site", {"a.txt": b"2"})


def test_another_kind_or_a_broken_mark_is_refused(tmp_path):
    replace_folder(tmp_path / "x", "export", {"a.txt": b"1"})
    with pytest.raises(MachineError, match="other files"):
        replace_folder(tmp_path / "x", "site", {"a.txt": b"2"})
    (tmp_path / "x" / MARK).write_text("{")
    with pytest.raises(MachineError, match="other files"):
        replace_folder(tmp_path / "x", "export", {"a.txt": b"2"})


@pytest.mark.parametrize("before", [False, True])
def test_a_full_disk_leaves_what_was_there(before, tmp_path, monkeypatch):
    site = tmp_path / "site"
    if before:
        replace_folder(site, "site", {"a.txt": b"1"})

    def full(path, content):
        if path.name == "b.txt":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        path.write_bytes(content)

    monkeypatch.setattr(folders, "_write", full)
    with pytest.raises(MachineError, match="disk is full"):
        replace_folder(site, "site", {"a.txt": b"2", "b.txt": b"3"})
    assert site.exists() == before
    if before:
        assert files_of(site) == {"a.txt", MARK}
        assert (site / "a.txt").read_bytes() == b"1"


def test_what_a_killed_process_left_is_cleared_away(tmp_path):
    site = tmp_path / "site"
    (site / STAGE).mkdir(parents=True)
    (site / STAGE / "half.txt").write_text("x")
    replace_folder(site, "site", {"a.txt": b"1"})
    assert files_of(site) == {"a.txt", MARK}
