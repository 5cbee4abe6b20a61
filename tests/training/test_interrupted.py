"""Runs that were ended at an awkward moment, removed while they trained, or sent to a device that
does not work."""

from __future__ import annotations

import shutil

import pytest
import torch

from ganwerk.errors import CheckpointError, MachineError, RunError
from ganwerk.run import Run
from ganwerk.runtime.events import Stepped, Warned
from ganwerk.runtime.settings import settings_of
from ganwerk.training.finetune import finetune
from ganwerk.training.train import resume, train


class Killed(BaseException):
    """As if by kill -9: nobody catches it."""


@pytest.fixture(autouse=True)
def tell_every_step(monkeypatch):
    monkeypatch.setattr("ganwerk.training.play.TELL_SECONDS", 0.0)


@pytest.fixture
def killed(monkeypatch):
    """Run a training that is killed before its first checkpoint."""

    def kill(work):
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr("ganwerk.training.play.Player.play", kill_now)
            work()

    def kill_now(_):
        raise Killed

    return kill


def same_weights(a, b):
    one, other = Run.open(a).load(), Run.open(b).load()
    assert one.images == other.images
    assert all(torch.equal(one.state[name], other.state[name]) for name in one.state)


def test_killed_before_the_first_checkpoint_it_begins_bit_by_bit(tiny, killed):
    straight = train(tiny("straight", images=48))
    killed(lambda: train(tiny("part", images=48)))
    seen = []
    part = resume(straight.with_name("part"), watch=seen.append)
    assert any("before its first checkpoint" in e.message for e in seen if isinstance(e, Warned))
    same_weights(straight, part)


def test_a_finetuned_one_begins_with_the_other_weights(tiny, folder, killed):
    parent = train(tiny("parent", images=32))
    request = tiny("straight", images=32, game__reuse_fakes=True)
    straight = finetune(parent, request)
    killed(lambda: finetune(parent, tiny("part", images=32, game__reuse_fakes=True)))
    part = resume(straight.with_name("part"))
    same_weights(straight, part)
    shutil.rmtree(part / "checkpoints")
    (part / "journal.jsonl").write_text("")
    shutil.rmtree(parent)
    with pytest.raises(RunError, match=r"There is no run at .*parent"):
        resume(part)


def test_checkpoints_that_are_gone_are_not_a_run_that_never_began(tiny):
    path = train(tiny(images=32))
    shutil.move(path / "checkpoints", path.parent / "other disk")
    with pytest.raises(CheckpointError, match="up to 32 images, and now has none"):
        resume(path, more=("images", 16))
    assert not (path / "checkpoints").exists()


@pytest.mark.parametrize("gone", ["removed", "moved", "made anew"])
def test_a_run_that_goes_away_while_it_trains_is_an_error_and_stays_away(tiny, gone, tmp_path):
    path = tmp_path / "run"

    def take(event):
        if isinstance(event, Stepped) and event.step == 2:
            path.rename(tmp_path / "away")
            if gone == "made anew":
                shutil.copytree(tmp_path / "away", path)
            if gone == "removed":
                shutil.rmtree(tmp_path / "away")

    with pytest.raises(RunError, match="was removed or moved while it was being trained"):
        train(tiny(images=320), take)
    assert path.exists() == (gone == "made anew")


@pytest.mark.parametrize("part", ["pictures", "checkpoints"])
def test_parts_that_may_be_deleted_may_be_deleted_while_it_trains(tiny, part, tmp_path):
    def delete(event):
        if isinstance(event, Stepped) and event.step == 2:
            shutil.rmtree(tmp_path / "run" / part)

    run = Run.open(train(tiny(images=80), delete))
    assert run.load().images == 80
    assert run.grid_path(80).is_file()


@pytest.mark.parametrize("device", ["meta", "cuda:77", "nonsense", "vulkan"])
def test_a_device_that_does_not_work_leaves_the_run_as_it_was(tiny, device):
    path = train(tiny(images=32))
    before = {p.name: p.read_bytes() for p in path.glob("*.*")}
    with pytest.raises(MachineError, match=f"The device '{device}' cannot be used here") as caught:
        resume(path, more=("images", 16), device=device)
    assert "--device" in caught.value.hint
    assert before == {p.name: p.read_bytes() for p in path.glob("*.*")}
    resume(path, more=("images", 16))
    assert settings_of(Run.open(path)).run.device == "cpu"
