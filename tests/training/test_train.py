"""Training, stopping, resuming: a run is the same however often it was interrupted."""

from __future__ import annotations

import json
import os
import re
import signal

import numpy as np
import pytest
import torch
from PIL import Image

from ganwerk.config.load import preset_names
from ganwerk.errors import ConfigError, DataError, DivergedError, MachineError, RunError
from ganwerk.evaluation.judging import reals_of_run
from ganwerk.run import Run
from ganwerk.runtime.events import Ended, Pictured, Planned, Saved, Stepped, Warned
from ganwerk.sampling.sample import Sampler
from ganwerk.training import footprint
from ganwerk.training.probe import WAYS
from ganwerk.training.train import plan, resume, train
from ganwerk.values import ignore_progress


def everything(path, at="latest"):
    """All tensors of a checkpoint and the counters that matter."""
    found = Run.open(path).load(at)
    tensors = {f"w.{k}": v for k, v in found.weights.items()} | found.state
    return tensors, {k: v for k, v in found.meta["counters"].items() if k != "seconds"}


def assert_same(a, b):
    (tensors_a, counters_a), (tensors_b, counters_b) = everything(a), everything(b)
    assert counters_a == counters_b
    assert tensors_a.keys() == tensors_b.keys()
    different = [k for k in tensors_a if not torch.equal(tensors_a[k], tensors_b[k])]
    assert different == []


def test_what_a_run_leaves(tiny):
    seen = []
    path = train(tiny(), seen.append)
    run = Run.open(path)
    assert run.load().images == 320
    rows = run.journal.rows()
    assert [rows[0]["event"], rows[-2]["event"]] == ["start", "end"]
    assert rows[-2]["reason"] == "finished"
    assert rows[-1]["code"] == "GW602"  # the doctor's word on 320 images
    step = run.journal.rows("step")[-1]
    assert {"d_loss", "g_loss", "value", "real_logit", "fake_logit", "d_accuracy"} <= step.keys()
    assert step["images"] == 320
    assert (run.pictures_path / "real.png").is_file()
    with Image.open(run.grid_path(320)) as grid:
        assert grid.size[::-1] == (8 * 18 + 2, 10 * 18 + 2)
    assert run.about["data"]["class_names"] == [str(i) for i in range(10)]
    kinds = [type(event) for event in seen]
    assert kinds.index(Planned) < kinds.index(Stepped) < kinds.index(Ended)
    assert {Pictured, Saved} <= set(kinds)


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_trains_and_resumes_bit_by_bit(tiny, preset):
    straight = train(tiny("straight", preset=preset, images=96))
    part = train(tiny("part", preset=preset, images=96), stop_after(1))
    resume(part)
    assert_same(straight, part)


def stop_after(steps):
    """A watcher that presses Ctrl-C once so many steps were told."""

    def watch(event):
        if isinstance(event, Stepped) and event.step >= steps:
            os.kill(os.getpid(), signal.SIGINT)

    return watch


@pytest.fixture(autouse=True)
def tell_every_step(monkeypatch):
    monkeypatch.setattr("ganwerk.training.play.TELL_SECONDS", 0.0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_and_handlers_come_back(tiny, number):
    before = signal.getsignal(number)

    def watch(event):
        if isinstance(event, Stepped) and event.step == 5:
            os.kill(os.getpid(), number)

    path = train(tiny(), watch)
    run = Run.open(path)
    assert run.load().images == 5 * 16
    assert run.journal.rows("end")[-1]["reason"] == "stopped"
    assert signal.getsignal(number) is before
    resume(path)
    assert run.load().images == 320
    assert_same(path, train(tiny("straight")))


@pytest.mark.parametrize(
    "changes",
    [
        {"network__kind": "dcgan"},
        {"game__d_steps": 2},
        {"game__reuse_fakes": False},
        {"optimiser__kind": "rmsprop"},
        {"run__precision": "bfloat16"},
        {"data__mirror": True},
        {"schedule__kind": "linear"},
    ],
    ids=lambda c: next(iter(c.values())),
)
def test_interrupted_twice_is_the_same_bit_by_bit(tiny, changes):
    straight = train(tiny("straight", **changes))
    broken = train(tiny("broken", **changes), stop_after(3))
    resume(broken, watch=stop_after(7))
    resume(broken)
    assert_same(straight, broken)


def test_the_journal_of_a_resumed_run_is_one_history(tiny):
    path = train(tiny(), stop_after(4))
    resume(path)
    images = [row["images"] for row in Run.open(path).journal.rows("step")]
    assert images == sorted(set(images))
    assert images[-1] == 320


def test_a_finished_run_says_how_to_prolong_it(tiny):
    path = train(tiny(images=64))
    with pytest.raises(RunError, match="finished") as caught:
        resume(path)
    assert f"ganwerk resume {path} --minutes" in caught.value.hint
    resume(path, more=("images", 64))
    assert Run.open(path).load().images == 128
    resume(path, more=("epochs", 0.05))
    assert Run.open(path).load().images == 128 + 96  # 0.05 * 1617 pictures, whole batches


def test_prolonged_schedules_are_those_of_the_longer_plan(tiny):
    path = train(tiny(images=320, schedule__kind="linear", schedule__hold=0.0))
    resume(path, more=("images", 320))
    rates = {row["images"]: row["g_rate"] for row in Run.open(path).journal.rows("step")}
    assert rates[320] == pytest.approx(0.002 * (1 - 304 / 320 * 0.99), rel=0.01)
    assert rates[336] == pytest.approx(0.002 * (1 - 320 / 640 * 0.99), rel=0.01)


def test_minutes_end_on_time(tiny):
    request = tiny()
    flags = {k: v for k, v in request.flags.items() if k != "budget.images"}
    flags["budget.minutes"] = (0.01, "--minutes 0.01")
    ended = []
    train(type(request)(request.where, flags=flags, out=request.out), ended.append)
    assert ended[-1].reason == "finished"
    assert ended[-1].seconds >= 0.6
    assert ended[-1].images > 16


def test_changed_settings_are_refused_with_the_difference(tiny):
    path = train(tiny(), stop_after(3))
    toml = path / "run.toml"
    toml.write_text(toml.read_text().replace("beta2 = 0.95", "beta2 = 0.9"))
    with pytest.raises(RunError, match=r"optimiser.beta2: 0.95 -> 0.9") as caught:
        resume(path)
    assert "Undo" in caught.value.hint


def test_settings_that_change_no_number_may_change(tiny):
    whole = train(tiny("whole", images=64))
    path = train(tiny(images=64), stop_after(2))
    toml = path / "run.toml"
    toml.write_text(toml.read_text().replace("keep_checkpoints = 3", "keep_checkpoints = 5"))
    resume(path)
    assert_same(whole, path)


def test_moved_pictures_are_found_again(tiny, folder, tmp_path):
    whole = train(tiny("whole", where=str(folder), images=64))
    path = train(tiny(where=str(folder), images=64), stop_after(2))
    elsewhere = folder.rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="does not exist") as caught:
        resume(path)
    assert f"ganwerk resume {path} --data PLACE" in caught.value.hint
    resume(path, where=str(elsewhere))
    assert_same(whole, path)
    run = Run.open(path)
    assert run.about["data"]["where"] == str(elsewhere)
    assert run.origins["data.where"] == "asked for when resumed"
    resume(path, more=("images", 32))


def test_a_run_goes_on_on_another_kind_of_device(tiny):
    path = train(tiny(images=64), stop_after(2))
    run, toml = Run.open(path), path / "run.toml"
    toml.write_text(toml.read_text().replace('device = "cpu"', 'device = "cuda:7"'))
    run.update_about(machine={"device": "cuda:7", "device_name": "A card"},
                     choices={"precision": {"g.gone": "bfloat16"}})  # fmt: skip
    with pytest.raises(MachineError, match="'cuda:7' cannot be used") as caught:
        resume(path)
    assert "--device cpu" in caught.value.hint
    told = []
    resume(path, device="cpu", watch=told.append)
    assert any(isinstance(e, Warned) and "A card" in e.message for e in told)
    assert run.about["machine"]["device"] == "cpu"
    assert run.load().images == 64


def test_a_prolonged_run_has_the_longer_plan(tiny):
    path = train(tiny(images=64))
    resume(path, more=("images", 32))
    assert Run.open(path).about["plan"]["total_images"] == 96


def test_changed_pictures_are_named_and_can_be_accepted(tiny, folder):
    path = train(tiny(where=str(folder), images=64), stop_after(2))
    first = sorted(folder.rglob("*.png"))[0]
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(first)
    with pytest.raises(DataError, match=f"1 altered .*{first.name}") as caught:
        resume(path)
    assert "--accept-changed-data" in caught.value.hint
    warned = []
    resume(path, accept_changed_data=True, watch=warned.append)
    assert any(isinstance(e, Warned) and "changed" in e.message for e in warned)
    assert Run.open(path).load().images == 64


@pytest.mark.parametrize(("conditional", "before"), [(True, ["test", "train"]), (False, [])])
def test_a_place_that_is_understood_in_another_way_is_changed_data(
    tiny, folder, conditional, before
):
    wanted = tiny(where=str(folder), images=64, data__conditional=conditional)
    path = train(wanted, stop_after(2))
    run = Run.open(path)
    # As an earlier ganwerk saw it.
    run.update_about(data={"class_names": before, "class_counts": [30] * len(before)})
    told = f"2 classes (disk, square) instead of {len(before)} ({', '.join(before) or 'none'})"
    with pytest.raises(DataError, match=re.escape(told)):
        resume(path)
    resume(path, accept_changed_data=True, watch=stop_after(3))
    resume(path)  # is not asked again
    assert run.load().images == 64


def test_a_run_inside_its_own_pictures_goes_on(tiny, folder):
    path = train(tiny(f"{folder.name}/runs/x", where=str(folder), images=64), stop_after(2))
    assert resume(path) == path


def test_a_damaged_newest_checkpoint_costs_only_its_work(tiny):
    path = train(tiny(), stop_after(4))
    resume(path, watch=stop_after(8))
    newest = Run.open(path).checkpoints()[-1]
    file = newest.path / "state.safetensors"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    told = []
    resume(path, watch=told.append)
    assert any(isinstance(e, Warned) and newest.path.name in e.message for e in told)
    assert_same(path, train(tiny("straight")))


def test_two_processes_cannot_train_one_run(tiny):
    path = train(tiny(), stop_after(2))
    with Run.open(path).lock(), pytest.raises(RunError, match="Another process"):
        resume(path)


def test_an_occupied_name_is_refused_before_anything_is_written(tiny):
    path = train(tiny(images=32))
    before = sorted(p.name for p in path.iterdir())
    with pytest.raises(RunError, match=str(path)):
        train(tiny(images=32))
    assert sorted(p.name for p in path.iterdir()) == before


def test_divergence_stops_the_run_with_step_and_reason(tiny):
    request = tiny(optimiser__generator_rate=0.9, optimiser__discriminator_rate=0.9,
                   optimiser__kind="sgd", game__loss="least-squares")  # fmt: skip
    with pytest.raises(DivergedError, match=r"not a finite number in step \d+") as caught:
        train(request)
    assert "last checkpoint" in caught.value.hint
    assert caught.value.exit_code == 1
    assert Run.open(request.out).load().images == 0


def test_too_large_for_memory_says_what_fits(tiny, monkeypatch):
    monkeypatch.setattr(footprint, "step_memory", lambda *_: 1 << 50)
    with pytest.raises(MachineError, match=r"16 px with batch 16 needs about") as caught:
        train(tiny())
    assert "What fits: --batch" in caught.value.hint
    assert not tiny().out.exists()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
)
def test_memory_that_runs_out_while_training(tiny, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr("ganwerk.training.play.train_step", fail)
    with pytest.raises(MachineError, match="memory did not suffice") as caught:
        train(tiny())
    assert "--batch" in caught.value.hint


def test_other_errors_of_torch_are_not_mistaken_for_memory(tiny, monkeypatch):
    def fail(*_):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr("ganwerk.training.play.train_step", fail)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        train(tiny())


def test_a_full_disk_is_foreseen(tiny, monkeypatch):
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(MachineError, match="MiB are free") as caught:
        train(tiny())
    assert "--out" in caught.value.hint


def test_an_unknown_device(tiny):
    with pytest.raises(MachineError, match="'gpu9' cannot be used"):
        train(tiny(run__device="gpu9"))


def test_classes_that_are_not_there(tiny, folder):
    for png in (folder / "square").iterdir():
        png.rename(folder / "disk" / png.name)
    with pytest.raises(ConfigError, match="no classes"):
        train(tiny(where=str(folder / "disk"), data__conditional=True))


def test_renamed_classes_are_those_of_the_run(tiny, folder):
    """For all that reads the run, and whoever goes on with it; the numbers are the same."""
    wanted = {"where": str(folder), "images": 64, "data__conditional": True}
    names = tiny("run", data__rename=["disk=Scheibe"], **wanted)
    path = train(names, stop_after(2))
    assert resume(path) == path
    run = Run.open(path)
    assert run.learned.class_names == ("Scheibe", "square")
    assert run.about["plan"]["classes"] == ["Scheibe", "square"]
    sampler = Sampler.open(path, device="cpu")
    assert sampler.labels([0], ["Scheibe"]).tolist() == [0]
    assert reals_of_run(run, sampler.settings, ignore_progress, None, "evaluate").warnings == ()
    plain = train(tiny("plain", **wanted))
    assert_same(path, plain)


def test_merged_classes_are_one_and_a_wrong_name_is_told(tiny, folder):
    wanted = {"where": str(folder), "images": 64}
    path = train(tiny("one", data__rename=["disk=shape", "square=shape"], **wanted))
    assert Run.open(path).learned.class_names == ()
    with pytest.raises(DataError, match="has no class 'disc'") as caught:
        train(tiny("wrong", data__rename=["disc=x"], **wanted))
    assert "disk" in caught.value.hint
    assert not (path.parent / "wrong").exists()


def test_a_size_no_network_draws_is_refused_before_reading(tiny):
    with pytest.raises(ConfigError, match="100 px") as caught:
        train(tiny(where="/nowhere", data__resolution=100))
    assert "96 and 112" in caught.value.hint


def test_the_mlp_draws_any_size(tiny):
    path = train(tiny(preset="listing", images=32, data__resolution=21))
    with Image.open(Run.open(path).grid_path(32)) as grid:
        assert grid.size == (8 * 23 + 2, 8 * 23 + 2)


def test_alpha_is_trained_and_drawn(tiny, tmp_path):
    random = np.random.default_rng(1)
    for i in range(40):
        pixels = random.integers(0, 255, (16, 16, 4), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    path = train(tiny(where=str(tmp_path), images=32, data__conditional=False))
    with Image.open(Run.open(path).grid_path(32)) as grid:
        assert grid.mode == "RGBA"


def test_the_plan_is_told_and_nothing_is_made(tiny):
    told = plan(tiny())
    assert told.total_images == 320
    assert told.conditional
    assert told.held_out == 1797 - 1617
    assert told.images_per_second > 0
    assert told.memory_bytes > 0
    assert not tiny().out.exists()


def test_tensorboard_gets_the_numbers_of_the_journal(tiny):
    path = train(tiny(images=48, run__tensorboard=True))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = EventAccumulator(str(path / "tensorboard")).Reload()
    logged = [event.value for event in log.Scalars("d_loss")]
    rows = [row["d_loss"] for row in Run.open(path).journal.rows("step")]
    assert logged == pytest.approx(rows, rel=1e-5)


def test_the_choices_of_precision_are_kept_for_a_resume(tiny):
    path = train(tiny(images=64, run__precision="measured"), stop_after(2))
    choices = Run.open(path).about["choices"]["precision"]
    assert set(choices.values()) <= set(WAYS)
    assert any(name.startswith("g.") for name in choices)
    resume(path)
    assert Run.open(path).about["choices"]["precision"] == choices


def test_run_files_hold_no_secrets_of_python(tiny):
    """Everything a run leaves is text, safetensors or pictures."""
    path = train(tiny(images=32))
    suffixes = {p.suffix for p in path.rglob("*") if p.is_file()}
    assert suffixes <= {".toml", ".json", ".jsonl", ".safetensors", ".png", ""}
    json.loads((path / "about.json").read_text())
