"""Sweeps of tiny trainings: joined, killed, resumed, ended early, told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from ganwerk.errors import ConfigError, DataError, MachineError, RunError
from ganwerk.run import Run
from ganwerk.runtime.events import Saved
from ganwerk.sweep import trial as trials_module
from ganwerk.sweep.directory import Folder, waiting
from ganwerk.sweep.results import gather, table
from ganwerk.sweep.study import Trials
from ganwerk.sweep.sweep import Began, Done, sweep
from ganwerk.training.train import train
from tests.training.test_train import assert_same, everything


@pytest.fixture
def scored(monkeypatch):
    """Trials without training: `scored(f)` lets each have the curve f(values, images)."""

    def use(curve):
        def play(trials, taken, watch):
            for station in trials.stations(400)[:3]:
                if trials.report(taken, station, curve(taken.values, station)):
                    trials.tell(taken, None, "worse")
                    return "pruned"
            trials.tell(taken, curve(taken.values, 400))
            return "complete"

        monkeypatch.setattr("ganwerk.sweep.sweep.play", play)

    return use


def test_a_sweep_and_what_it_leaves(begun):
    folder, told = begun(seeds=(0, 1), trials=2), []
    outcome = sweep(folder, told.append)
    assert [type(event) for event in told] == [Began, Done, Began, Done]
    assert [row.state for row in outcome.rows] == ["complete", "complete"]
    for row in outcome.rows:
        number = row.number - 1
        scores = []
        for seed in (0, 1):
            run = Run.open(folder.run(number, seed))
            measured = run.journal.rows("measure")
            assert [m["images"] for m in measured] == [16, 32, 64]
            scores.append(measured[-1]["FD[pixelpca64-v1]"])
            assert f"weight = {row.values['remedy.r1.weight']}" in run.settings_toml
            assert f"seed = {seed}" in run.settings_toml
        assert row.score == pytest.approx(sum(scores) / 2)
        assert row.error == pytest.approx(abs(scores[0] - scores[1]) / 2)
        assert list(row.curve) == [16, 32, 64]
    best = outcome.best
    assert best is outcome.rows[0]
    assert best.score <= outcome.rows[1].score
    with Image.open(folder.path / "sweep.png") as figure:
        assert figure.width > 500
    kept = json.loads((folder.path / "results.json").read_bytes())
    assert kept["best"] == best.number
    assert [trial["score"] for trial in kept["trials"]] == [row.score for row in outcome.rows]
    assert outcome.floor == kept["floor"] > 0
    lines = table(outcome, Trials(folder).varied)
    assert lines[0].split() == ["trial", "remedy.r1.weight", "score"]
    assert f"{best.score:.2f} ± {best.error:.2f}" in lines[1]


def test_a_sweep_that_is_done_is_told_again(begun, scored):
    scored(lambda values, _: values["remedy.r1.weight"])
    first = sweep(begun())
    told = []
    again = sweep(Folder.open(first.folder), told.append)
    assert told == []
    assert again.rows == first.rows
    more = sweep(begun(trials=5))
    assert sorted(row.number for row in more.rows) == [1, 2, 3, 4, 5]
    assert all(row in more.rows for row in first.rows)


def test_no_two_trials_are_suggested_the_same(begun, scored):
    scored(lambda values, _: values["remedy.r1.weight"])
    outcome = sweep(begun(trials=20))
    assert len({row.values["remedy.r1.weight"] for row in outcome.rows}) == 20
    again = sweep(begun("again", trials=20))
    assert [row.values for row in again.rows] == [row.values for row in outcome.rows]


def test_trials_that_are_behind_end_early(begun, scored):
    scored(lambda values, images: values["remedy.r1.weight"] * 100 / images)
    outcome = sweep(begun(trials=16))
    pruned = [row for row in outcome.rows if row.state == "pruned"]
    assert 3 <= len(pruned) <= 13
    assert all(row.score is None and row.curve for row in pruned)
    weakest = max(row.score for row in outcome.rows if row.score is not None)
    assert outcome.best.score < weakest
    curves = [set(row.curve) for row in outcome.rows]
    assert set.union(*curves) == {100, 200, 400}


def test_pruning_stops_the_training_and_leaves_a_run(begun, monkeypatch):
    monkeypatch.setattr(Trials, "report", lambda *_: True)
    folder = begun(trials=1)
    outcome = sweep(folder)
    assert outcome.rows[0].state == "pruned"
    assert outcome.best is None
    run = Run.open(folder.run(0, 0))
    assert [row["reason"] for row in run.journal.rows("end")] == ["stopped"]
    assert run.journal.rows("end")[0]["images"] == 16
    assert not (folder.path / "sweep.png").exists()


def test_a_clean_stop_is_resumed_exactly(begun, monkeypatch):
    straight = begun("straight", trials=1)
    sweep(straight)
    folder, saves = begun(trials=1), []

    def stop_at_first(event):
        if isinstance(event, Saved):
            saves.append(event)
            signal.raise_signal(signal.SIGINT)

    outcome = sweep(folder, watch=stop_at_first)
    assert outcome.stopped
    assert [row.state for row in outcome.rows] == ["running"]
    told = []
    assert sweep(folder, told.append).rows[0].state == "complete"
    assert told[0].taken.resumed
    assert_same(straight.run(0, 0), folder.run(0, 0))


def test_what_a_killed_process_left_is_taken_up(begun, tmp_path):
    """kill -9 in the middle of a training, while this process waits for its trial."""
    straight = begun("straight", images=4000, trials=1)
    folder = begun(images=4000, trials=2)
    code = (
        "import sys; from pathlib import Path\n"
        "from ganwerk.sweep.directory import Folder; from ganwerk.sweep.sweep import sweep\n"
        "sweep(Folder.open(Path(sys.argv[1])))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(folder.path)])
    try:
        first = folder.run(0, 0)
        deadline = time.monotonic() + 120
        while not (first.exists() and len(Run.open(first).journal.rows("step")) >= 2):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        with Trials(folder).take() as other:  # the first is held: this is the second
            assert other is not None
            assert (other.number, other.resumed) == (1, False)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    outcome = sweep(folder)
    assert sorted((row.number, row.state) for row in outcome.rows) == [
        (1, "complete"), (2, "complete"),
    ]  # fmt: skip
    for number in (0, 1):
        assert len(Run.open(folder.run(number, 0)).journal.rows("start")) == 1
    sweep(straight)
    assert everything(straight.run(0, 0))[1]["images"] == 4000
    assert_same(straight.run(0, 0), folder.run(0, 0))


def test_several_share_the_trials(begun, scored):
    """Eight threads, each with its own view of the log: every trial once."""
    scored(lambda values, _: values["remedy.r1.weight"])
    folder, told, lock = begun(trials=12), [], threading.Lock()

    def hear(event):
        with lock:
            told.append(event)

    threads = [threading.Thread(target=sweep, args=(folder, hear)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    began = [event.taken.number for event in told if isinstance(event, Began)]
    assert sorted(began) == list(range(12))
    assert gather(Trials(folder)).count("running") == 0


def test_a_half_written_last_line_is_cut_off(begun, scored):
    scored(lambda values, _: 1.0)
    folder = begun(trials=2)
    sweep(folder)
    log = folder.path / "trials.log"
    log.write_bytes(log.read_bytes() + b'{"op_code":6,"wor')
    more = begun(trials=3)
    assert len(sweep(more).rows) == 3


def test_a_damaged_log(begun, scored):
    scored(lambda values, _: 1.0)
    folder = begun()
    (folder.path / "trials.log").write_bytes(b'{"op_code": "x"}\nnonsense\n')
    with pytest.raises(RunError, match=r"log of the trials .* is damaged") as caught:
        sweep(folder)
    assert "--out" in caught.value.hint


def test_a_trial_that_diverges_is_no_end_of_the_sweep(begun, monkeypatch):
    from ganwerk.errors import DivergedError

    real = trials_module.train

    def once(request, *rest):
        if "0001" in str(request.out):
            raise DivergedError("Step 3: d_loss is not finite.")
        return real(request, *rest)

    monkeypatch.setattr(trials_module, "train", once)
    outcome = sweep(begun(trials=2))
    assert [(row.number, row.state) for row in outcome.rows] == [(2, "complete"), (1, "pruned")]
    assert "not finite" in outcome.rows[1].why


def test_settings_that_do_not_fit_together(begun):
    """Label smoothing with a loss that has no targets is refused, the other loss trains."""
    vary = ("game.loss=wasserstein,non-saturating",)
    outcome = sweep(begun(vary=vary, remedies=("label-smoothing",), trials=4))
    states = {row.values["game.loss"]: row.state for row in outcome.rows}
    assert states["wasserstein"] == "refused"
    assert states.get("non-saturating", "complete") == "complete"
    never = begun("never", vary=("latent.dim=4..8",), trials=9, sets=("budget.batch=100000",))
    with pytest.raises(ConfigError, match="No trial can be trained"):
        sweep(never)


def test_too_few_pictures_to_measure(begun, folder):
    with pytest.raises(DataError, match="too few pictures"):
        sweep(begun(data=str(folder), trials=1))


def test_other_sweeps_and_other_folders(begun, tmp_path):
    made = begun()
    with pytest.raises(RunError, match=r"holds another sweep: .*seeds") as caught:
        begun(seeds=(1,))
    assert f"ganwerk sweep {made.path}" in caught.value.hint
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x").write_text("")
    with pytest.raises(RunError, match="something else than a sweep"):
        begun("mine")
    with pytest.raises(RunError, match="is no sweep"):
        Folder.open(tmp_path / "mine")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"optuna": "3.1.0"}, "of optuna 3; this is optuna"),
        ({"ganwerk": "9.9"}, "of ganwerk 9.9"),
        ({"format_version": 2}, "of format 2"),
        ({"sweep": {"data": 3}}, "is not what ganwerk wrote"),
    ],
)
def test_a_sweep_of_another_version(begun, change, said):
    made = begun()
    place = made.path / "sweep.json"
    place.write_text(json.dumps(json.loads(place.read_bytes()) | change))
    with pytest.raises(RunError, match=said):
        Folder.open(made.path)
    place.write_text("{")
    with pytest.raises(RunError, match="is damaged"):
        Folder.open(made.path)


def test_without_optuna(begun, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MachineError, match="needs Optuna") as caught:
        begun()
    assert "ganwerk[sweep]" in caught.value.hint


def test_a_lock_that_nobody_gives_back(tmp_path, monkeypatch):
    monkeypatch.setattr("ganwerk.sweep.directory.WAIT_SECONDS", 0.05)
    with (
        waiting(tmp_path / "lock"),
        pytest.raises(RunError, match=r"holds .*lock"),
        waiting(tmp_path / "lock"),
    ):
        pass


def test_stations_measure_after_exactly_so_many_images(tiny):
    from ganwerk.training.train import Supervision

    run = Run.open(train(tiny(images=160), supervision=Supervision(stations=(48, 96, 10_000))))
    assert [row["images"] for row in run.journal.rows("measure")] == [48, 96, 160]


def test_a_settings_file_comes_along(begun, tmp_path: Path):
    from ganwerk.sweep.directory import Definition
    from ganwerk.sweep.sweep import make

    file = tmp_path / "mine.toml"
    file.write_text("[latent]\ndim = 5\n")
    definition = begun().definition.model_copy(
        update={"settings": file.read_text(), "flags": {}, "trials": 1}
    )
    folder = make(tmp_path / "filed", Definition.model_validate(definition.model_dump()), file)
    file.unlink()
    request = folder.definition.request(folder.path)
    assert request.file is not None
    assert request.file.read_text() == "[latent]\ndim = 5\n"
