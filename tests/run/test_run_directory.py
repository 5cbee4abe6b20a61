from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ganwerk
import ganwerk.run
from ganwerk.errors import MachineError, RunError
from ganwerk.run import Run

NOTHING: dict[str, Any] = {"settings_toml": "", "origins": {}, "about": {}, "data": {}}


def failing(code: int, after: int = 0) -> Any:
    """An os.fsync that fails with the error number `code`, after `after` calls that work."""
    calls = []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > after:
            raise OSError(code, os.strerror(code))

    return fsync


def test_what_is_created_can_be_opened(run: Run) -> None:
    again = Run.open(str(run.path))
    assert again.settings_toml == "batch = 64\n"
    assert again.origins == {"batch": "default"}
    assert again.data == {"files": {"apple.png": "ab12"}}
    assert again.name == "fruits"
    assert again.checkpoints() == []
    assert again.journal.rows() == []


def test_about_says_who_wrote_it_and_when(run: Run) -> None:
    about = run.about
    assert about["format_version"] == 1
    assert about["ganwerk"] == ganwerk.__version__
    assert about["name"] == "fruits"
    assert about["created"].endswith("+00:00")
    assert about["data"] == {"where": "fruits/"}


def test_the_layout_is_the_documented_one(run: Run) -> None:
    names = {path.name for path in run.path.iterdir()}
    wanted = {"run.toml", "origins.json", "about.json", "data.json", "journal.jsonl"}
    assert names == wanted | {"checkpoints", "pictures"}
    assert [path.name for path in run.path.parent.iterdir()] == ["fruits"]
    assert run.grid_path(123456) == run.path / "pictures" / "grid-000123456.png"
    assert run.report_path == run.path / "report.html"
    assert run.settings_path.read_text() == run.settings_toml


def test_a_run_may_be_created_deep_down(tmp_path: Path) -> None:
    assert Run.create(tmp_path / "a" / "b" / "c", **NOTHING).about["name"] == "c"


def test_an_empty_folder_is_used_and_stays_the_same_folder(tmp_path: Path) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()
    before = folder.stat().st_ino
    run = Run.create(folder, **NOTHING)
    assert Run.open(folder).about == run.about
    assert folder.stat().st_ino == before


def test_records_may_hold_numpy_values_and_paths(tmp_path: Path) -> None:
    about = {"plan": {"speed": np.float32(0.5), "out": tmp_path, "shape": np.arange(2)}}
    run = Run.create(tmp_path / "x", **(NOTHING | {"about": about}))
    assert run.about["plan"] == {"speed": 0.5, "out": str(tmp_path), "shape": [0, 1]}


def test_a_run_keeps_its_place(run: Run) -> None:
    before = run.about
    with pytest.raises(RunError, match=r"There already is a run at .*fruits") as caught:
        Run.create(run.path, **NOTHING)
    assert "ganwerk resume" in caught.value.hint
    assert "--out" in caught.value.hint
    assert run.about == before


def test_a_folder_with_other_things_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(RunError, match="a folder with other things in it") as caught:
        Run.create(tmp_path, **NOTHING)
    assert "--out" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_file_is_no_place_for_a_run(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("dear")
    with pytest.raises(RunError, match="is a file"):
        Run.create(file, **NOTHING)
    with pytest.raises(MachineError, match=r"inside: a part of this path is a file") as caught:
        Run.create(file / "inside", **NOTHING)
    assert "Check the path for a slip" in caught.value.hint


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        (errno.ENOSPC, r"The disk is full: .* needs .* bytes, .* free", "Free some space"),
        (errno.EDQUOT, r"Your disk quota is used up: ", "Free some space"),
        (errno.EACCES, r"Cannot write .*: permission denied", "folder of your own"),
        (errno.EROFS, r"Cannot write .*: its file system is read-only", "folder of your own"),
        (errno.EIO, r"Cannot write .*: Input/output error", "connected and healthy"),
    ],
)
def test_a_disk_that_refuses_leaves_nothing_behind(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    existing: bool,
    code: int,
    message: str,
    hint: str,
) -> None:
    path = tmp_path / "x"
    if existing:
        path.mkdir()
    monkeypatch.setattr(os, "fsync", failing(code, after=3))
    with pytest.raises(MachineError, match=message) as caught:
        Run.create(path, **NOTHING)
    assert str(path) in caught.value.message
    assert ".new-" not in caught.value.message
    assert hint in caught.value.hint
    assert [p.name for p in tmp_path.rglob("*")] == (["x"] if existing else [])


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root may write everywhere")
def test_a_folder_of_someone_else(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(MachineError, match="permission denied") as caught:
        Run.create(tmp_path / "x", **NOTHING)
    assert "--out" in caught.value.hint


def test_another_process_that_was_faster_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, path = os.rename, tmp_path / "x"

    def late(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "rename", rename)
        Run.create(path, **(NOTHING | {"settings_toml": "first"}))
        rename(source, target)

    monkeypatch.setattr(os, "rename", late)
    with pytest.raises(RunError, match="There already is a run"):
        Run.create(path, **(NOTHING | {"settings_toml": "second"}))
    assert Run.open(path).settings_toml == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_a_missing_run_names_the_closest(run: Run) -> None:
    with pytest.raises(RunError, match=r"There is no run at .*friuts") as caught:
        Run.open(run.path.with_name("friuts"))
    assert caught.value.hint == f"Did you mean '{run.path}'?"


def test_a_missing_run_without_any_around(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="There is no run at ") as caught:
        Run.open(tmp_path / "x")
    assert "ganwerk train" in caught.value.hint


def test_the_folder_of_runs_names_the_runs_in_it(run: Run) -> None:
    with pytest.raises(RunError, match="is not a run") as caught:
        Run.open(run.path.parent)
    assert str(run.path) in caught.value.hint


def test_a_part_of_a_run_names_the_run(run: Run) -> None:
    with pytest.raises(RunError, match="checkpoints is not a run") as caught:
        Run.open(run.path / "checkpoints")
    assert caught.value.hint == f"It is a part of the run {run.path}: name that."


def test_a_run_of_a_newer_ganwerk(run: Run) -> None:
    run.update_about(format_version=2, ganwerk="9.0")
    with pytest.raises(RunError, match=r"was written by ganwerk 9\.0, which is newer") as caught:
        Run.open(run.path)
    assert "pip install --upgrade ganwerk" in caught.value.hint


def test_a_run_without_version(run: Run) -> None:
    (run.path / "about.json").write_text("{}")
    with pytest.raises(RunError, match="names no format_version") as caught:
        Run.open(run.path)
    assert "backup" in caught.value.hint


@pytest.mark.parametrize("text", [b"{", b"[]", b"\xff\xfe"])
def test_a_damaged_about(run: Run, text: bytes) -> None:
    (run.path / "about.json").write_bytes(text)
    with pytest.raises(RunError, match=r"about\.json is damaged") as caught:
        Run.open(run.path)
    assert "backup" in caught.value.hint


def test_missing_settings(run: Run) -> None:
    run.settings_path.unlink()
    with pytest.raises(RunError, match=r"run\.toml is missing") as caught:
        _ = run.settings_toml
    assert "backup" in caught.value.hint


def test_update_merges_tables_and_replaces_values(run: Run) -> None:
    run.update_about(choices={"precision": {"g": "bf16"}}, plan={"batch": 64})
    run.update_about(choices={"precision": {"d": "f32"}, "threads": 1})
    about = Run.open(run.path).about
    assert about["choices"] == {"threads": 1, "precision": {"g": "bf16", "d": "f32"}}
    assert about["plan"] == {"batch": 64}
    assert about["data"] == {"where": "fruits/"}


def test_an_update_that_fails_leaves_the_old_content(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run.about
    monkeypatch.setattr(os, "fsync", failing(errno.ENOSPC))
    with pytest.raises(MachineError, match=r"The disk is full: .*about\.json"):
        run.update_about(plan={"batch": 64})
    assert run.about == before
    assert not list(run.path.glob(".*"))


def test_a_run_that_was_moved_is_the_same_run(run: Run, save: Any) -> None:
    save(10)
    moved = Run.open(run.path.rename(run.path.with_name("apples")))
    assert moved.name == "apples"
    assert moved.about["name"] == "fruits"
    assert moved.load().images == 10


def test_records_are_read_by_people(run: Run) -> None:
    text = (run.path / "about.json").read_text()
    assert text.endswith("}\n")
    assert '\n  "data": {\n    "where": "fruits/"' in text
    assert json.loads(text) == run.about


def test_looking_at_a_run_does_not_import_torch(run: Run) -> None:
    program = (
        "import sys; from ganwerk.run import Run; r = Run.open(sys.argv[1]); r.checkpoints(); "
        "r.journal.rows(); sys.exit('torch' in sys.modules)"
    )
    source = str(Path(ganwerk.run.__file__).parents[2])
    command = [sys.executable, "-c", program, str(run.path)]
    assert subprocess.call(command, env=os.environ | {"PYTHONPATH": source}) == 0
