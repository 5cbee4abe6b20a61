"""What cannot be read at this moment is not damaged; links and leftovers block nothing."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ganwerk.errors import CheckpointError, MachineError
from ganwerk.run import Run

Save = Callable[..., Path]
PASSING = [errno.ESTALE, errno.EIO, errno.EACCES, errno.ETIMEDOUT]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganwerk.run.files._PAUSES_SECONDS", (0.0, 0.0))


def stumbling(
    monkeypatch: pytest.MonkeyPatch, call: str, part: str, code: int, times: int = 10**6
) -> None:
    """`call` of Path refuses files whose path contains `part`, so many times."""
    real, left = getattr(Path, call), [times]

    def refuse(self: Path, *rest: object, **options: object) -> object:
        if part in str(self) and left[0] > 0:
            left[0] -= 1
            raise OSError(code, os.strerror(code), str(self))
        return real(self, *rest, **options)

    monkeypatch.setattr(Path, call, refuse)


@pytest.mark.parametrize("code", PASSING)
@pytest.mark.parametrize(
    ("call", "file"),
    [("read_bytes", "meta.json"), ("stat", "weights.safetensors"), ("stat", "state.safetensors")],
)
def test_the_best_outlives_saves_that_cannot_read_it(
    run: Run, save: Save, monkeypatch: pytest.MonkeyPatch, call: str, file: str, code: int
) -> None:
    save(10, best=True)
    for images in (20, 30):
        save(images)
    with monkeypatch.context() as patch:
        stumbling(patch, call, f"000000010/{file}", code)
        save(40, keep=1)
        [info] = [info for info in run.checkpoints() if info.images == 10]
        assert info.unreadable
        assert "cannot be read" in info.damage
    assert run.load("best").images == 10
    assert run.load("best").skipped == ()


@pytest.mark.parametrize("file", ["meta.json", "weights.safetensors"])
def test_a_drive_that_stumbles_once_is_asked_again(
    run: Run, save: Save, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    save(10)
    save(20)
    stumbling(monkeypatch, "read_bytes", f"000000020/{file}", errno.ESTALE, times=1)
    found = run.load()
    assert (found.images, found.skipped) == (20, ())


def test_what_stays_unreadable_falls_back_and_says_so(
    run: Run, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(10)
    save(20)
    stumbling(monkeypatch, "read_bytes", "weights", errno.EIO)
    with pytest.raises(CheckpointError, match=r"000000020: it cannot be read: "):
        run.load()
    stumbling(monkeypatch, "read_bytes", "meta.json", errno.EACCES)
    with pytest.raises(CheckpointError) as caught:
        run.load()
    assert "disk is connected" in caught.value.hint


def test_a_folder_of_checkpoints_that_cannot_be_listed_is_not_empty(
    run: Run, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(10)

    def refuse(_: object) -> list[str]:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", refuse)
        with pytest.raises(MachineError, match=r"Cannot read .*checkpoints"):
            run.checkpoints()
    shutil.move(run.checkpoints_path, run.path / "elsewhere")
    run.checkpoints_path.symlink_to(run.path / "not mounted")
    with pytest.raises(MachineError, match="is a link to a place that is not there"):
        run.load()
    run.checkpoints_path.unlink()
    run.checkpoints_path.symlink_to(run.path / "elsewhere")
    assert run.load().images == 10


@pytest.mark.parametrize("whole", [True, False])
def test_the_best_on_another_disk_waits_for_it(run: Run, save: Save, whole: bool) -> None:
    linked = save(10, best=True) if whole else save(10, best=True) / "weights.safetensors"
    moved = shutil.move(linked, run.path / "moved")
    linked.symlink_to(run.path / "moved")
    moved.rename(run.path / "away")
    save(20, keep=1)
    save(30, keep=1)
    Path(run.path / "away").rename(moved)
    assert run.load("best").images == 10


def test_of_a_linked_old_one_the_link_goes(run: Run, save: Save) -> None:
    old = save(10)
    moved = shutil.move(old, run.path / "moved")
    old.symlink_to(moved)
    for images in (20, 30):
        with run.lock():
            save(images, keep=1)
    assert [path.name for path in run.checkpoints_path.iterdir()] == ["000000030"]
    assert (moved / "weights.safetensors").is_file()


def test_leftovers_of_any_kind_block_nothing(
    run: Run, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(10)
    precious = run.path / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine")
    for number, kind in enumerate(("new", "old", "gone")):
        (run.checkpoints_path / f".00000001{number}.{kind}-aa").symlink_to(precious)
        (run.checkpoints_path / f".00000001{number}.{kind}-bb").write_text("a file")
        (run.checkpoints_path / f".00000001{number}.{kind}-cc").symlink_to(run.path / "nowhere")
    (run.pictures_path / ".grid.png.new-dd").symlink_to(run.path / "nowhere")
    (run.path / ".run.toml.new-ee").mkdir()
    monkeypatch.setattr("ganwerk.run.files._ABANDONED_SECONDS", -1)
    for images in (20, 30):
        with run.lock():
            save(images)
    assert (precious / "file").read_text() == "mine"
    assert {info.images for info in run.checkpoints() if not info.damage} >= {10, 20, 30}
    assert not [p for p in run.checkpoints_path.glob(".*") if not p.name.startswith(".0000000")]


def test_what_cannot_be_cleared_away_stays_and_blocks_nothing(
    run: Run, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run.checkpoints_path / ".000000005.gone-aa").mkdir()
    (run.checkpoints_path / ".000000006.old-aa").mkdir()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    for name in ("rmdir", "rename"):
        monkeypatch.setattr(os, name, refuse)
    with run.lock():
        pass


def test_the_best_stays_without_its_state(run: Run, save: Save) -> None:
    for images in (10, 20):
        save(images)
        (run.checkpoints_path / f"{images:09d}" / "state.safetensors").unlink()
    run.mark_best(10)
    for images in (30, 40, 50):
        save(images, keep=1)
    assert [info.images for info in run.checkpoints()] == [10, 50]
    assert run.load_weights("best").images == 10
    assert run.load().images == 50


def test_weights_that_are_too_long_are_not_read(
    run: Run, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(10)
    os.truncate(save(20) / "weights.safetensors", 60 * 10**9)
    read, size = Path.read_bytes, []
    monkeypatch.setattr(Path, "read_bytes", lambda path: size.append(path) or read(path))
    assert run.load_weights().images == 10
    assert not [path for path in size if "000000020/weights" in str(path)]


def test_weights_larger_than_the_memory_are_not_read(
    run: Run, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    save(10)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("memory", (), {"total": 100}))
    with pytest.raises(CheckpointError, match="more than the memory of 100 bytes"):
        run.load_weights()


def test_names_that_only_look_like_numbers(run: Run, save: Save) -> None:
    save(10)
    for name in ("1²", "٣", "12 ", "0x1", "-5", "1.5"):
        (run.checkpoints_path / name).mkdir()
    assert [info.images for info in run.checkpoints()] == [10]


def test_a_run_half_made_in_a_folder_of_the_users_is_no_hindrance(tmp_path: Path) -> None:
    made = {"settings_toml": "", "origins": {}, "about": {}, "data": {}}
    folder = tmp_path / "mounted"
    (folder / "checkpoints").mkdir(parents=True)
    for name in ("run.toml", ".origins.json.new-0a1b2c3d"):
        (folder / name).write_text("half")
    assert Run.create(folder, **made).checkpoints() == []
    other = tmp_path / "other"
    (other / "checkpoints").mkdir(parents=True)
    (other / "checkpoints" / "mine").write_text("mine")
    with pytest.raises(Exception, match="a folder with other things in it"):
        Run.create(other, **made)
