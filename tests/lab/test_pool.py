"""Games in processes: kept, read again, played once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ganwerk.errors import ConfigError, RunError
from ganwerk.lab import dirac, experiments, points, verbs
from ganwerk.lab.pool import Task, load, play_all, save
from ganwerk.lab.presets import COLLAPSE
from ganwerk.lab.trial import Trial
from ganwerk.lab.verbs import Request
from ganwerk.values import ignore_progress

SETTING = replace(dirac.SETTING, steps=4)


def task(method="plain", seed=0):
    return Task(dirac.trial, SETTING, "dirac", method, seed)


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


def test_a_file_is_named_by_all_that_it_depends_on():
    names = {
        task().file,
        task("r1:weight=1").file,
        task(seed=1).file,
        replace(task(), setting=replace(SETTING, steps=5)).file,
        replace(task(), play=points.trial).file,
    }
    assert len(names) == 5 and task().file == task().file


def test_games_are_played_in_processes_and_only_once(tmp_path):
    tasks = [task(), task("r1:weight=1"), task(seed=1), task()]
    told = []
    first = play_all(tasks, tmp_path, 2, told.append)
    assert told[-1].done == told[-1].total == 12 and "3 of 3 games" in told[-1].unit
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    assert len(stamps) == 3
    next(iter(stamps)).unlink()
    again = play_all(tasks, tmp_path, 1, ignore_progress)
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.arrays["path"], other.arrays["path"])
    kept = [p for p in stamps if p.stat().st_mtime_ns == stamps[p]]
    assert len(kept) == 2


def request(out, **changes):
    given = {"setting": SETTING, "methods": ("plain", "r1:weight=0.5"), "seeds": 1, "out": out,
             "processes": 1}  # fmt: skip
    return Request(**given | changes)


def test_an_experiment_leaves_figures_and_numbers(tmp_path):
    out = tmp_path / "dirac"
    play_all([task(), task("r1:weight=0.5")], out / "games", 1, ignore_progress)
    (out / "experiment.json").write_text('{"experiment": "dirac"}')
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


def test_what_a_game_says_arrives(tmp_path):
    """A game that diverges in a process ends the experiment with its own words."""
    from ganwerk.errors import DivergedError

    wild = replace(COLLAPSE, steps=50, batch=8, optimiser="sgd", g_rate=1e30, d_rate=1e30)
    tasks = [Task(points.trial, wild, "ring", "loss=wasserstein", 0)]
    with pytest.raises(DivergedError, match="stopped being numbers"):
        play_all(tasks, tmp_path, 1, ignore_progress)
