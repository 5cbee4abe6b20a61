"""Trainings by several processes. Few tests, as each start takes seconds; kills are in
tests/slow."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest

from ganwerk.run import Run
from tests.scale.started import TINY, command, done, environment, forked, standing


def test_words_and_sums_among_three():
    found = forked(3, "tests.scale.words")
    assert found.returncode == 0, found.stderr
    assert found.stdout == "all heard\n"


def test_two_processes_and_one_play_the_same_games():
    games = ["auto,ada:speed_images=100", "stylegan,balance:every=2", "dcgan,spectral-norm"]
    one, two = (forked(n, "tests.scale.games", "3", *games) for n in (1, 2))
    assert one.returncode == two.returncode == 0, one.stderr + two.stderr
    assert json.loads(two.stdout) == json.loads(one.stdout)
    assert list(json.loads(one.stdout)) == games


def train(start, processes, out, *more):
    arguments = ["ganwerk", "train", "digits", "--set", "budget.parts=4", *TINY]
    return start(processes, *arguments, "--images", "96", "--out", str(out), *more)


def test_a_run_of_two_processes_goes_on_with_one_and_with_four(tmp_path):
    """`auto`, whose generator has batch norm."""
    by_two, by_one = tmp_path / "two", tmp_path / "one"
    first = train(done, 2, by_two)
    assert first.returncode == 0, first.stderr
    assert first.stdout.count("Finished: 96 images") == 1  # one speaks for both
    assert train(done, 1, by_one).returncode == 0
    assert standing(by_two) == standing(by_one)
    rows = Run.open(by_two).journal.rows("step")
    assert all(0 <= row["communication"] <= 1 for row in rows)
    assert all("communication" not in row for row in Run.open(by_one).journal.rows("step"))
    for run, start, processes in ((by_two, done, 1), (by_one, forked, 4)):
        again = start(processes, "ganwerk", "resume", str(run), "--images", "64")
        assert again.returncode == 0, again.stderr
    assert standing(by_two) == standing(by_one)
    assert standing(by_one)[0] == 160


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--set", "budget.parts=3"), "2 processes cannot share the 3 parts of a batch equally"),
        (("--remedy", "replay"), "The remedy replay remembers fakes of the whole batch"),
    ],
)
def test_what_cannot_be_shared_is_refused_once_and_nothing_is_made(tmp_path, more, message):
    failed = train(forked, 2, tmp_path / "run", *more)
    assert failed.returncode != 0
    assert failed.stderr.count(message) == 1
    assert "Traceback" not in failed.stderr
    assert not (tmp_path / "run").exists()


def test_sigterm_stops_all_after_the_same_step(tmp_path):
    out = tmp_path / "run"
    arguments = ["ganwerk", "train", "digits", *TINY, "--minutes", "5", "--out", str(out)]
    running = subprocess.Popen(
        command(2, *arguments), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        while running.poll() is None and not (out.exists() and Run.open(out).journal.rows("step")):
            time.sleep(0.1)
        running.send_signal(signal.SIGTERM)
        said = running.communicate(timeout=120)
    finally:
        running.kill()
    rows = Run.open(out).journal.rows("end")
    assert [row["reason"] for row in rows] == ["stopped"], said
    assert standing(out)[0] == rows[0]["images"] > 0
