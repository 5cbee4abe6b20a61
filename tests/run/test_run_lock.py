from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganwerk.errors import MachineError, RunError
from ganwerk.run import Run

HOLD = """
import sys
from ganwerk.run import Run
with Run.open(sys.argv[1]).lock():
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_until_the_first_is_killed(run: Run, spawn: Any) -> None:
    holder = spawn(HOLD, run.path)
    assert holder.stdout.readline() == "locked\n"
    pattern = rf"Another process \(pid {holder.pid}, since 20..-.*\) is training this run: .*fruits"
    with pytest.raises(RunError, match=pattern) as caught, run.lock():
        pytest.fail("two processes hold the lock")
    assert f"kill {holder.pid}" in caught.value.hint
    assert "ganwerk sample" in caught.value.hint
    holder.kill()
    holder.wait()
    with run.lock():
        assert f'"pid": {os.getpid()}' in (run.path / "lock").read_text()


def test_the_lock_is_given_back_at_the_end_of_the_block(run: Run) -> None:
    for _ in range(2):
        with pytest.raises(KeyError), run.lock():
            raise KeyError
    with run.lock(), pytest.raises(RunError, match="is training this run"):
        Run.open(run.path).lock().__enter__()


def test_a_holder_that_has_not_said_who_it_is(run: Run) -> None:
    with run.lock():
        (run.path / "lock").write_text("")
        with pytest.raises(RunError, match="Another process is training this run") as caught:
            run.lock().__enter__()
    assert "Ctrl-C" in caught.value.hint


def test_a_holder_on_another_machine(run: Run) -> None:
    with run.lock():
        (run.path / "lock").write_text('{"pid": 7, "host": "attic", "started": "today"}')
        with pytest.raises(RunError, match=r"\(pid 7 on attic, since today\)") as caught:
            run.lock().__enter__()
    assert "kill 7" not in caught.value.hint


@pytest.mark.parametrize(
    ("code", "message"),
    [(errno.EACCES, "Cannot lock .*: permission denied"), (errno.ENOLCK, "Cannot lock ")],
)
def test_a_place_that_cannot_be_locked(
    run: Run, monkeypatch: pytest.MonkeyPatch, code: int, message: str
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    if code == errno.EACCES:
        monkeypatch.setattr(os, "open", refuse)
    else:
        monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(MachineError, match=message) as caught, run.lock():
        pytest.fail("locked")
    assert caught.value.hint


def test_the_journal_is_closed_with_the_lock_and_opens_again(run: Run) -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(2):
        with run.lock():
            run.journal.append({"event": "warning", "message": "hm"})
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert after == before
    assert len(run.journal.rows()) == 2


def test_leftovers_of_killed_processes_are_cleared_away(
    run: Run, save: Callable[..., Path]
) -> None:
    save(10)
    half = run.checkpoints_path / ".000000020.new-aa"
    gone = run.checkpoints_path / ".000000005.gone-bb"
    for folder in (half, gone):
        folder.mkdir()
        (folder / "weights.safetensors").write_bytes(b"half")
    stale, fresh = (run.pictures_path / f".grid-1.png.new-{x}" for x in "ab")
    for file in (stale, fresh):
        file.write_bytes(b"half")
    long_ago = time.time() - 3600
    os.utime(stale, (long_ago, long_ago))
    assert [info.images for info in run.checkpoints()] == [10]
    with run.lock():
        assert [path.name for path in run.checkpoints_path.iterdir()] == ["000000010"]
        # a report or a sample may be written at this moment by another process
        assert list(run.pictures_path.iterdir()) == [fresh]


def test_a_checkpoint_that_was_being_replaced_comes_back(
    run: Run, save: Callable[..., Path]
) -> None:
    path = save(10)
    path.rename(path.with_name(".000000010.old-cc"))
    with run.lock():
        assert run.load().images == 10
    assert [p.name for p in run.checkpoints_path.iterdir()] == ["000000010"]
