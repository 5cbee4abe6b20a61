"""What a checkpoint survives: kill -9 at any moment, a full disk, damage by others."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganwerk.errors import CheckpointError, MachineError
from ganwerk.run import Run

Save = Callable[..., Path]
FILES = ("weights.safetensors", "state.safetensors", "meta.json")


def flip(path: Path) -> None:
    """Change one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


REASONS = {
    (flip, "weights.safetensors"): "has changed since it was written",
    (flip, "state.safetensors"): "has changed since it was written",
    (flip, "meta.json"): "is damaged",
    (truncate, "weights.safetensors"): r"has \d+ bytes instead of \d+",
    (truncate, "state.safetensors"): r"has \d+ bytes instead of \d+",
    (truncate, "meta.json"): "is damaged",
    (empty, "meta.json"): "is damaged",
    (os.remove, "weights.safetensors"): "is missing",
    (os.remove, "state.safetensors"): "is missing",
    (os.remove, "meta.json"): "is missing",
}


@pytest.mark.parametrize(("damage", "name"), REASONS)
def test_a_damaged_newest_falls_back_and_says_why(
    run: Run, save: Save, damage: Callable[[Path], None], name: str
) -> None:
    save(10)
    save(20)
    newest = save(30, best=True)
    damage(newest / name)
    found = run.load()
    assert found.images == 20
    assert found.weights["g.count"] == 20
    [(path, reason)] = found.skipped
    assert path == newest
    with pytest.raises(CheckpointError, match=f"{name} {REASONS[damage, name]}") as caught:
        run.load(30)
    assert reason in caught.value.message
    assert caught.value.hint == "Choose another one: 10, 20, or 'latest'."


def test_every_bit_of_meta_is_guarded(run: Run, save: Save) -> None:
    meta = save(10) / "meta.json"
    whole = meta.read_bytes()
    before = json.loads(whole)
    for place in range(0, len(whole), 3):
        meta.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        [info] = run.checkpoints()
        assert info.damage or json.loads(meta.read_bytes()) == before, place


def test_the_best_falls_back_to_the_best_before(run: Run, save: Save) -> None:
    save(10, best=True)
    flip(save(20, best=True) / "state.safetensors")
    save(30)
    assert run.load("best").images == 10
    assert run.load_weights("best").images == 20


def test_a_checkpoint_under_a_wrong_number_is_not_believed(run: Run, save: Save) -> None:
    save(10)
    save(20).rename(run.checkpoints_path / "000000040")
    assert run.load().images == 10
    assert "meta.json is damaged" in run.load().skipped[0][1]


def test_none_left(run: Run, save: Save) -> None:
    flip(save(10) / "weights.safetensors")
    truncate(save(20) / "meta.json")
    with pytest.raises(CheckpointError) as caught:
        run.load()
    assert caught.value.message.splitlines()[0].endswith("fruits can be used:")
    assert "000000010: weights.safetensors has changed" in caught.value.message
    assert "000000020: meta.json is damaged" in caught.value.message
    assert "backup" in caught.value.hint


def test_saving_goes_on_behind_a_damaged_one_and_clears_it_away(run: Run, save: Save) -> None:
    save(10)
    truncate(save(30) / "meta.json")
    save(20, keep=1)
    assert [info.images for info in run.checkpoints()] == [20]
    assert run.load().images == 20


def test_a_reader_survives_the_removal_of_what_it_listed(
    run: Run, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ganwerk.run.tensors as tensors

    save(10)
    newest, read = save(20), tensors.read_tensors

    def late(path: Path, seal: Any) -> Any:
        shutil.rmtree(newest, ignore_errors=True)
        return read(path, seal)

    monkeypatch.setattr(tensors, "read_tensors", late)
    assert run.load().images == 10


@pytest.mark.parametrize("works", range(6))
@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        (errno.ENOSPC, r"The disk is full: .*000000020 needs \d+ bytes, .*B are free", "Free some"),
        (errno.EDQUOT, "quota is used up", "Free some"),
        (errno.EACCES, r"Cannot write .*000000020: permission denied", "permissions"),
    ],
)
def test_a_disk_that_refuses_costs_nothing_that_was_saved(
    run: Run,
    save: Save,
    monkeypatch: pytest.MonkeyPatch,
    works: int,
    code: int,
    message: str,
    hint: str,
) -> None:
    save(10)
    done, sync = [0], os.fsync

    def fsync(descriptor: int) -> None:
        done[0] += 1
        if done[0] > works:
            raise OSError(code, os.strerror(code))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(MachineError, match=message) as caught:
        save(20, keep=1)
    assert hint in caught.value.hint
    monkeypatch.undo()
    assert not list(run.checkpoints_path.glob(".*"))
    assert run.load(10).weights["g.count"] == 10
    assert run.load().skipped == ()


def test_a_failed_replacement_brings_the_old_one_back(
    run: Run, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(10, note="first")
    rename = os.rename

    def refuse(source: Path, target: Path) -> None:
        if ".new-" in str(source):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rename(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(MachineError, match="The disk is full"):
        save(10, note="second")
    assert run.load().meta["note"] == "first"
    assert [path.name for path in run.checkpoints_path.iterdir()] == ["000000010"]


# A parent that has torch loaded forks children which save and are killed: by the parent at a random
# moment, or by themselves at the n-th call of the system that changes the disk.
KILL = """
import json, os, random, shutil, signal, sys, time
import torch
from ganwerk.run import Run
torch.set_num_threads(1)
path, ready = sys.argv[1], os.pipe()

def save(run, images):
    numbers = torch.full((50_000,), float(images))
    run.save(images, {"w": numbers}, {"s": numbers.double()}, {"step": images}, keep=2)
    run.journal.append({"event": "checkpoint", "images": images})

def check(least):
    run = Run.open(path)
    leftovers = [p.name for p in run.checkpoints_path.glob(".*")]
    with run.lock():
        assert not list(run.checkpoints_path.glob(".*")), "not swept"
        found = run.load()
        assert found.skipped == (), found.skipped
        for tensor in (found.weights["w"], found.state["s"]):
            assert bool((tensor == found.images).all()), "mixed content"
        assert found.images >= least and found.meta["step"] == found.images
        assert run.journal.torn == 0 and run.journal.rows()
    return found.images, bool(leftovers)

def child(work):
    pid = os.fork()
    if pid == 0:
        try:
            run = Run.open(path)
            with run.lock():
                os.write(ready[1], b"!")
                work(run)
        finally:
            os._exit(0)
    os.read(ready[0], 1)
    return pid

def forever(start):
    def work(run):
        for images in range(start, start + 10_000):
            save(run, images)
    return work

def die_at(call, images):
    def work(run):
        left = [call]
        def deadly(function):
            def wrapped(*args, **kwargs):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*args, **kwargs)
            return wrapped
        for name in ("fsync", "rename", "replace", "mkdir", "unlink", "rmdir", "write"):
            setattr(os, name, deadly(getattr(os, name)))
        save(run, images)
    return work

save(Run.open(path), 1)
newest, halves, killed = 1, 0, 0
for _ in range(8):
    pid = child(forever(newest + 1))
    time.sleep(random.uniform(0.01, 0.1))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    newest, half = check(newest)
    halves += half
save(Run.open(path), 99_998)
for images in (99_999, 99_998):  # a new number, then one that replaces another
    for call in range(1, 60):
        _, status = os.waitpid(child(die_at(call, images)), 0)
        check(99_998)
        if not os.WIFSIGNALED(status):
            break
        killed += 1
print(json.dumps([newest, halves, killed]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_at_any_moment_leaves_a_whole_checkpoint(run: Run, spawn: Any) -> None:
    process = spawn(KILL, run.path)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    newest, halves, killed = json.loads(output)
    assert newest > 1, "the children hardly saved anything"
    assert halves >= 1, "the kills did not meet a checkpoint half written"
    assert killed >= 15, "the kills did not meet all calls"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_journal_on_a_full_disk(run: Run) -> None:
    run.journal.path.unlink()
    run.journal.path.symlink_to("/dev/full")
    pattern = r"The disk is full: .*journal\.jsonl needs \d+ bytes"
    with pytest.raises(MachineError, match=pattern) as caught:
        run.journal.append({"event": "warning", "message": "hm"})
    assert "Free some space" in caught.value.hint
