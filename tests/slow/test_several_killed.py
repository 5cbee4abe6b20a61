"""Several processes, one of which is killed at a random moment: torchrun starts them again, and the
weights are those of a training that nobody touched."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from tests.scale.games import GAMES
from tests.scale.started import TINY, command, done, environment, standing

from ganwerk.run import Run

KILLS = 20
ARGUMENTS = ["ganwerk", "train", "digits", "--set", "budget.parts=4", *TINY, "--images", "1600"]
ARGUMENTS += ["--set", "run.checkpoint_minutes=0.01"]


def workers(torchrun: int) -> list[psutil.Process]:
    """Process 0 and the others, of those that are alive."""
    with_rank = []
    for child in psutil.Process(torchrun).children(recursive=True):
        try:
            rank = child.environ().get("RANK")
        except psutil.Error:
            continue
        if rank is not None:
            with_rank.append((int(rank), child))
    return [child for _, child in sorted(with_rank, key=lambda pair: pair[0])]


def killed(out: Path, dice: random.Random) -> int:
    """Train, and kill one of two processes at a random moment of the training. Returns how many
    steps it stood after."""
    running = subprocess.Popen(
        command(2, *ARGUMENTS, "--out", str(out), restarts=2),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        while not (out / "about.json").exists() or not Run.open(out).journal.rows("checkpoint"):
            assert running.poll() is None, running.communicate()
            time.sleep(0.05)
        time.sleep(dice.uniform(0, 4))
        alive = workers(running.pid)
        if alive:
            os.kill(dice.choice(alive).pid, signal.SIGKILL)
        rows = Run.open(out).journal.rows("step")
        said = running.communicate(timeout=240)
    finally:
        running.kill()
    assert running.returncode == 0, said
    return len(rows)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_killed_at_random_moments_the_weights_are_the_same(tmp_path):
    assert done(1, *ARGUMENTS, "--out", str(tmp_path / "straight")).returncode == 0
    expected = standing(tmp_path / "straight")
    dice = random.Random(0)
    stood, resumed = [], 0
    for number in range(KILLS):
        out = tmp_path / f"run-{number}"
        stood.append(killed(out, dice))
        assert standing(out) == expected, f"kill {number}"
        resumed += bool(Run.open(out).journal.rows("resume"))
    assert len(set(stood)) > 1, "all kills came at the same moment"
    assert resumed > KILLS // 2, "most kills came too late"


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_three_presets_and_five_remedies_have_the_same_bits_for_any_number_of_processes():
    found = [done(processes, "tests.scale.games", "50", timeout=1500) for processes in (1, 2, 4)]
    assert [process.returncode for process in found] == [0, 0, 0]
    one, two, four = (process.stdout for process in found)
    assert one == two == four
    assert one.count(":") >= len(GAMES)
