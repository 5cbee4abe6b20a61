"""Games in processes: kept, read again, played once."""

from __future__ import annotations

import os
import signal
from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import pytest

from ganwerk.errors import ConfigError, DivergedError, MachineError, RunError
from ganwerk.lab import dirac, experiments, points, pool, verbs
from ganwerk.lab.compare import compare, problem
from ganwerk.lab.pool import Task, load, play_all, save
from ganwerk.lab.presets import COLLAPSE
from ganwerk.lab.trial import Trial
from ganwerk.lab.verbs import Request
from ganwerk.values import ignore_progress

SETTING = replace(dirac.SETTING, steps=4)


def task(method="plain", seed=0):
    return Task(dirac.trial, SETTING, "dirac", method, seed)


def here(tasks, *_):
    """The games in this process instead of others."""
    return {t: t.play(t.setting, t.method, t.seed, lambda _: None) for t in tasks}


def test_a_trial_comes_back_as_it_was(tmp_path):
    trial = Trial({"modes": 3, "none": None}, {"a": np.arange(3), "b": np.ones((2, 2))})
    save(tmp_path / "x.npz", task(), trial)
    found = load(tmp_path / "x.npz")
    assert found.facts == trial.facts and list(found.arrays) == ["a", "b"]
    assert all(np.array_equal(found.arrays[k], trial.arrays[k]) for k in "ab")


@pytest.mark.parametrize("content", [b"", b"PK", b"nothing at all"])
def test_a_damaged_trial_counts_as_absent(tmp_path, content):
    (tmp_path / "x.npz").write_bytes(content)
    assert load(tmp_path / "x.npz") is None and load(tmp_path / "y.npz") is None


def test_no_damage_ends_the_reading(tmp_path):
    """Whichever byte is wrong: the game is read as it was, or counts as absent."""
    save(tmp_path / "x.npz", task(), Trial({"modes": 3}, {"a": np.arange(3)}))
    content = (tmp_path / "x.npz").read_bytes()
    absent = 0
    for place in range(0, len(content), 3):
        changed = bytearray(content)
        changed[place] ^= 0xFF
        (tmp_path / "x.npz").write_bytes(changed)
        found = load(tmp_path / "x.npz")
        absent += found is None
    assert absent > len(content) / 6


@pytest.mark.parametrize("about", ["[]", "3", '{"facts": 3}', "{}", "no json"])
def test_a_file_of_other_content_counts_as_absent(tmp_path, about):
    np.savez(tmp_path / "x.npz", about=np.frombuffer(about.encode(), np.uint8))
    assert load(tmp_path / "x.npz") is None
    np.savez(tmp_path / "y.npz", a=np.arange(3))
    assert load(tmp_path / "y.npz") is None


def test_a_file_is_named_by_all_that_it_depends_on():
    names = {
        task().file,
        task("r1:weight=1").file,
        task(seed=1).file,
        replace(task(), setting=replace(SETTING, steps=5)).file,
        replace(task(), play=points.trial).file,
    }
    assert len(names) == 5 and task().file == task().file


def test_games_are_played_in_processes_and_only_once(tmp_path, monkeypatch):
    """One of them diverges and ends the experiment with its own words; the others are kept."""
    wild = replace(COLLAPSE, steps=50, batch=8, optimiser="sgd", g_rate=1e30, d_rate=1e30)
    tasks = [task(), task("r1:weight=1"), task()]
    told = []
    with pytest.raises(DivergedError, match="stopped being numbers"):
        play_all([*tasks, Task(points.trial, wild, "ring", "loss=wasserstein", 0)], tmp_path, 1,
                 told.append)  # fmt: skip
    assert told[-1].done == 8 and told[-1].total == 58 and "2 of 3 games" in told[-1].unit
    (tmp_path / tasks[1].file).unlink()
    asked = []
    monkeypatch.setattr(pool, "_play", lambda tasks, *_: asked.extend(tasks) or here(tasks))
    again = play_all(tasks, tmp_path, 1, ignore_progress)
    assert asked == [tasks[1]]
    played = here(tasks)
    for one, other in zip(again, tasks, strict=True):
        assert np.array_equal(one.arrays["path"], played[other].arrays["path"])


def request(out, **changes):
    given = {"setting": SETTING, "methods": ("plain", "r1:weight=0.5"), "seeds": 1, "out": out,
             "processes": 1}  # fmt: skip
    return Request(**given | changes)


def test_an_experiment_leaves_figures_and_numbers(tmp_path, monkeypatch):
    out = tmp_path / "dirac"
    monkeypatch.setattr(pool, "_play", here)
    outcome = verbs.run(experiments.DIRAC, request(out, moving=False), ignore_progress)
    assert outcome.figures == (out / "dirac.png",) and outcome.figures[0].is_file()
    assert (out / "result.json").is_file()
    assert outcome.means["r1:weight=0.5"]["predicted"].mean == pytest.approx(0.95**0.5)


def test_another_experiments_folder_is_not_touched(tmp_path):
    verbs.occupy(tmp_path / "a", "ring")
    with pytest.raises(RunError, match="holds the experiment 'ring'"):
        verbs.run(experiments.DIRAC, request(tmp_path / "a"), ignore_progress)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "letter.txt").write_text("dear")
    with pytest.raises(RunError, match="holds something else"):
        verbs.run(experiments.DIRAC, request(tmp_path / "b"), ignore_progress)
    assert [p.name for p in (tmp_path / "b").iterdir()] == ["letter.txt"]


def test_mistakes_are_found_before_anything_is_made(tmp_path):
    out = tmp_path / "x"
    for methods in (("plain", "plain"), ("nothing",), ("steps:d=2+steps:d=3",)):
        with pytest.raises(ConfigError):
            verbs.run(experiments.DIRAC, request(out, methods=methods), ignore_progress)
    assert not out.exists()


def ended(value):
    future = Future()
    if isinstance(value, BaseException):
        future.set_exception(value)
    else:
        future.set_result(value)
    return future


def test_all_that_ended_well_is_saved_before_a_failure_is_raised(tmp_path):
    """Two games end in the same moment, the failed one first; one is still played."""
    tasks = [task(seed=seed) for seed in range(4)]
    games = [ended(DivergedError("no number")), ended(Trial({"modes": 1}, {})),
             ended(Trial({"modes": 2}, {})), Future()]  # fmt: skip
    running = dict(zip(games, tasks, strict=True))
    assert list(pool._kept(running, tmp_path)) == tasks[1:3]
    assert [load(tmp_path / t.file) is None for t in tasks] == [True, False, False, True]
    assert list(running.values()) == [tasks[0], tasks[3]]
    with pytest.raises(DivergedError, match="no number"):
        pool._raise_failure(running)


def dies(setting, method, seed, tell):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_process_is_the_machines_fault(tmp_path):
    tasks = [Task(dies, SETTING, "dirac", "plain", 0)]
    with pytest.raises(MachineError, match="was killed") as caught:
        play_all(tasks, tmp_path, 1, ignore_progress)
    assert "--processes" in caught.value.hint


def test_compared_problems_are_named_once(tmp_path):
    """'ring' is 'ring:collapse'."""
    named = [problem("ring"), problem("grid"), problem("ring:collapse")]
    with pytest.raises(ConfigError, match="'ring:collapse' is named twice"):
        compare(named, ["plain"], 1, tmp_path / "x", 1, ignore_progress)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("content", ["[1]", "3", "{}", "nothing"])
def test_a_strange_mark_is_something_else(tmp_path, content):
    (tmp_path / "experiment.json").write_text(content)
    with pytest.raises(RunError, match="holds something else"):
        verbs.occupy(tmp_path, "ring")
