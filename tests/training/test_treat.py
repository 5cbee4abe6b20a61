"""Treatments of a running game: begun, kept, undone, killed in the middle, on a full disk."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from importlib import import_module

import pytest

from ganwerk.api import open_run
from ganwerk.doctor.finding import Finding, Times, Treatment
from ganwerk.doctor.judges import judges
from ganwerk.doctor.table import kinds
from ganwerk.doctor.tried import Verdict, tried
from ganwerk.errors import ConfigError, DivergedError, MachineError, RunError
from ganwerk.run import Run
from ganwerk.runtime.events import Stepped, Treated
from ganwerk.runtime.settings import settings_of
from ganwerk.training import exam, exam_pictures, play, treat
from ganwerk.training.finetune import finetune
from ganwerk.training.train import resume, train
from tests.training.test_interrupted import Killed
from tests.training.test_train import assert_same, stop_after

CODE = "GW203"
ADDS_A_LAYER = Treatment("see groups", "D sees groups.", {"remedy.minibatch-stddev": {}},
                         window_share=0.25)  # fmt: skip
SLOWER = Treatment("slower", "Both learn slower.", {"optimiser.generator_rate": Times(0.5)},
                   window_share=0.25)  # fmt: skip
PACKS = Treatment("packs", "D sees pairs.", {"remedy.packing": {}}, window_share=0.25)
ANEW = Treatment("begin again", "Begin again.", anew=True, window_share=0.25)
BEGINS = 96


@pytest.fixture(autouse=True)
def tell_every_step(monkeypatch):
    monkeypatch.setattr("ganwerk.training.play.TELL_SECONDS", 0.0)
    monkeypatch.setattr("ganwerk.training.exam.Examiner.due", due_now_and_then)
    monkeypatch.setattr(exam_pictures, "REPEATS", 2)
    # Looks at few pictures: what is tested is what follows from them
    monkeypatch.setattr(exam_pictures, "POOL", 128)
    monkeypatch.setattr(exam_pictures, "MOST", 64)
    monkeypatch.setattr(exam, "RAW", 32)


def due_now_and_then(_, state):
    return state.images % 48 == 0


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """`once("a name", request)`: what is requested, trained for the first test that asks for this
    name, and read by all. The name says by which doctor it is treated, too."""
    made = {}

    def straight(name, request):
        if name not in made:
            folder = tmp_path_factory.mktemp("straight") / "run"
            made[name] = train(replace(request, out=folder))
        return made[name]

    return straight


@pytest.fixture
def untreated(once, tiny):
    """Asked for before there is a Doctor in the test."""
    return once("untreated", tiny())


class Doctor:
    """Finds the same thing from BEGINS images on; judges as it is told."""

    def __init__(self, monkeypatch, *treatments, helps=True):
        kind = treat_kind(treatments)
        monkeypatch.setattr("ganwerk.doctor.tried.kinds", lambda: {CODE: kind})
        monkeypatch.setattr(treat, "doctor_says", self.finds)
        self.helps, self.asked = helps, []
        monkeypatch.setattr(treat, "helped", self.judges)

    def finds(self, session):
        seen = session.state.images
        return [Finding(CODE, "missing", "act", "", since_images=48)] if seen >= BEGINS else []

    def judges(self, *asked):
        self.asked.append(asked)
        return Verdict(self.helps, "as the test says")


def treat_kind(treatments):
    return replace(kinds()[CODE], treatments=tuple(treatments))


def treated(tiny, name="treated", images=320, **changes):
    return tiny(name, images=images, run__doctor="treat", **changes)


def history(path):
    return [(one.number, one.name, one.outcome) for one in tried(Run.open(path).journal.rows())]


def kill_at(monkeypatch, images):
    """A watcher that kills the training, without a word, once so many images were told."""

    def watch(event):
        if isinstance(event, Stepped) and event.images >= images:
            raise Killed

    return watch


def test_one_that_helped_is_kept_and_the_run_can_be_built_from_its_folder(tiny, monkeypatch):
    doctor = Doctor(monkeypatch, ADDS_A_LAYER)
    seen = []
    path = train(treated(tiny), seen.append)
    run = Run.open(path)
    assert history(path) == [(1, "see groups", "kept")]
    assert len(doctor.asked) == 1
    signal, better, _, before, after = doctor.asked[0]
    assert (signal, better) == ("coverage", "higher")
    assert before.keys() == after.keys() >= {"coverage", "distance"}
    (one,) = tried(run.journal.rows())
    assert one.images == one.from_images == BEGINS
    assert one.ended_images == one.until_images == BEGINS + 80
    assert one.before == pytest.approx(before["coverage"], rel=1e-5)  # digits of the journal
    assert one.changes[0] == "remedy.2.kind: absent -> minibatch-stddev"
    settings = settings_of(run)
    assert [remedy.kind for remedy in settings.remedy] == ["r1", "r2", "minibatch-stddev"]
    assert run.origins["remedy.2.kind"] == f"treatment 1 for {CODE}"
    assert run.load().meta["treatment"] == 1
    assert any(name.startswith("d.") and "groups" in name for name in run.load().state)
    told = [(e.number, e.outcome) for e in seen if isinstance(e, Treated)]
    assert told == [(1, "on trial"), (1, "kept")]
    assert resume(path, more=("images", 32)) == path


def test_other_commands_work_on_a_treated_run(tiny, monkeypatch, recwarn):
    Doctor(monkeypatch, PACKS)
    path = train(treated(tiny, data__conditional=False, run__keep_checkpoints=9))
    run = open_run(path)
    assert history(path) == [(1, "packs", "kept")]
    assert run.sample(range(4)).shape == (4, 16, 16, 1)
    assert run.sample(range(2), at=BEGINS).shape == (2, 16, 16, 1)  # from before the treatment
    assert list(recwarn) == []
    origins = {line.key: line.origin for line in run.settings()}
    assert origins["remedy.2.size"] == f"treatment 1 for {CODE}"
    page = run.report().read_text("utf-8")
    assert "treatment 1: kept" in page
    assert f"Treatment 1 for {CODE}, kept" in page
    assert "remedy.2.size: absent -&gt; 2" in page
    (one,) = run.treatments()
    assert (one.outcome, one.changes[-1]) == ("kept", "remedy.2.size: absent -> 2")
    taught = finetune(path, tiny("taught", images=32, data__conditional=False))
    assert [remedy.kind for remedy in settings_of(Run.open(taught)).remedy][-1] == "packing"


def test_it_can_begin_again_with_other_networks(tiny, monkeypatch):
    Doctor(monkeypatch, ANEW)
    spoilt = {"latent__dim": 1, "game__loss": "minimax", "optimiser__kind": "sgd"}
    path = train(treated(tiny, run__keep_checkpoints=9, **spoilt))
    run = open_run(path)
    (one,) = run.treatments()
    assert (one.images, one.from_images, one.outcome) == (BEGINS, BEGINS, "kept")
    assert "latent.dim: 1 -> 64" in one.changes
    settings = settings_of(Run.open(path))
    assert (settings.game.loss, settings.optimiser.kind) == ("relativistic", "adam")
    assert (settings.budget.images, settings.data.resolution) == (320, 16)
    assert Run.open(path).load().meta["counters"]["born_images"] == BEGINS
    assert [row["images"] for row in Run.open(path).journal.rows("step")] == [*range(16, 321, 16)]
    for at in ("latest", BEGINS):  # after it and before it, each with its own networks
        assert run.sample(range(2), at=at).shape == (2, 16, 16, 1)
    losses = {judge.recipe.loss for judge in judges(Run.open(path), 10)}
    assert len(losses) == 2  # each checkpoint's D, with the game that it played
    assert resume(path, more=("images", 32)) == path
    assert Run.open(path).load().meta["counters"]["born_images"] == BEGINS


def test_one_that_did_not_help_leaves_no_trace_in_the_weights(untreated, tiny, monkeypatch):
    Doctor(monkeypatch, ANEW, ADDS_A_LAYER, helps=False)
    path = train(treated(tiny))
    assert history(path) == [(1, "begin again", "undone"), (2, "see groups", "undone")]
    assert_same(untreated, path)
    run = Run.open(path)
    assert settings_of(run).remedy == settings_of(Run.open(untreated)).remedy
    assert "remedy.2.kind" not in run.origins
    assert run.origins == {**Run.open(untreated).origins, **run.origins}
    images = [row["images"] for row in run.journal.rows("step")]
    assert images == sorted(set(images))
    assert not any((info.meta or {}).get("treatment") for info in run.checkpoints())


def test_a_sham_changes_nothing_even_if_it_is_kept(untreated, tiny, monkeypatch):
    Doctor(monkeypatch, ANEW)
    path = train(tiny("sham", run__doctor="sham"))
    assert history(path) == [(1, "begin again", "kept")]
    assert_same(untreated, path)


@pytest.mark.parametrize("mode", ["watch", "off"])
def test_nobody_treats_who_was_not_asked_to(tiny, monkeypatch, mode):
    Doctor(monkeypatch, ADDS_A_LAYER)
    path = train(tiny(run__doctor=mode))
    assert history(path) == []
    assert not (path / "treatments").exists()


def test_no_more_than_so_many_and_never_two_at_once(tiny, monkeypatch):
    many = [Treatment(f"no. {i}", "", {"optimiser.generator_rate": Times(0.9)}, window_share=0.1)
            for i in range(5)]  # fmt: skip
    Doctor(monkeypatch, *many, helps=False)
    path = train(treated(tiny, run__most_treatments=3))
    assert history(path) == [(i + 1, f"no. {i}", "undone") for i in range(3)]


def test_what_the_network_cannot_take_is_passed_over(tiny, monkeypatch):
    Doctor(monkeypatch, PACKS, SLOWER)  # packs mix classes, and this D knows them
    path = train(treated(tiny, data__conditional=True))
    assert history(path) == [(1, "slower", "kept")]


def test_none_begins_that_could_not_be_judged_before_the_end(tiny, monkeypatch):
    Doctor(monkeypatch, ADDS_A_LAYER)
    assert history(train(treated(tiny, images=112))) == [(1, "see groups", "kept")][:0]


MOMENTS = [16, 32, 48, 64, 80]


@pytest.mark.parametrize("helps", [True, False])
@pytest.mark.parametrize("treatment", [ADDS_A_LAYER, PACKS, SLOWER, ANEW], ids=lambda t: t.name)
def test_stopped_in_the_middle_it_goes_on_bit_by_bit(tiny, monkeypatch, treatment, helps):
    Doctor(monkeypatch, treatment, helps=helps)
    changes = {"data__conditional": False}
    straight = train(treated(tiny, "straight", **changes))
    part = train(treated(tiny, "part", **changes), stop_after((BEGINS + 32) // 16))
    assert history(part) == [(1, treatment.name, "on trial")]
    resume(part, watch=stop_after((BEGINS + 48) // 16))
    resume(part)
    assert history(part) == history(straight)
    assert_same(straight, part)


@pytest.mark.parametrize("helps", [True, False])
@pytest.mark.parametrize("more", [0, 16, 48, 80, 96])
def test_killed_at_any_moment_it_goes_on_bit_by_bit(once, tiny, monkeypatch, more, helps):
    Doctor(monkeypatch, ADDS_A_LAYER, helps=helps)
    straight = once(f"{ADDS_A_LAYER.name}, {helps}", treated(tiny))
    request = treated(tiny, "killed")
    with pytest.raises(Killed):
        train(request, kill_at(monkeypatch, BEGINS + more))
    resume(request.out)
    if more:  # killed before it began, it may begin elsewhere
        assert history(request.out) == history(straight)
        assert_same(straight, request.out)


STEPS_OF_A_BEGINNING = [
    "ganwerk.training.trial._tell_begun",
    "ganwerk.training.trial.write_settings",
    "ganwerk.training.treat._other_session",
]


@pytest.mark.parametrize("treatment", [ADDS_A_LAYER, ANEW], ids=lambda t: t.name)
@pytest.mark.parametrize("place", STEPS_OF_A_BEGINNING)
def test_killed_while_it_begins(once, tiny, monkeypatch, place, treatment):
    Doctor(monkeypatch, treatment)
    straight = once(f"{treatment.name}, True", treated(tiny))
    request = treated(tiny, "killed")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(place, killed)
        train(request)
    resume(request.out)
    assert history(request.out) == [(1, treatment.name, "kept")]
    assert_same(straight, request.out)


STEPS_OF_AN_UNDOING = [
    "ganwerk.training.trial._tell_ended",
    "ganwerk.training.trial.put_right",
    "ganwerk.run.directory.Run.drop_checkpoints",
    "ganwerk.run.directory.Run.replace_settings",
]


@pytest.mark.parametrize("place", STEPS_OF_AN_UNDOING)
def test_killed_while_it_is_undone(untreated, tiny, monkeypatch, place):
    request = treated(tiny, "killed")
    doctor = Doctor(monkeypatch, ADDS_A_LAYER, helps=False)

    def judge_and_die(*asked):
        monkeypatch.setattr(place, killed)
        return Verdict(False, "")

    monkeypatch.setattr(treat, "helped", judge_and_die)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(place, KEPT[place])
        train(request)
    monkeypatch.setattr(place, KEPT[place])
    monkeypatch.setattr(treat, "helped", doctor.judges)
    resume(request.out)
    assert history(request.out) == [(1, "see groups", "undone")]
    assert_same(untreated, request.out)


def killed(*_, **__):
    raise Killed


def _of(place):
    module, name = place.rsplit(".", 1)
    if module.endswith(".Run"):
        return getattr(Run, name)
    return getattr(import_module(module), name)


KEPT = {place: _of(place) for place in STEPS_OF_AN_UNDOING}


def test_it_can_go_back_to_before_the_harm(tiny, monkeypatch):
    back = Treatment("back", "Back, and slower.", SLOWER.change, back=True, window_share=0.25)
    Doctor(monkeypatch, back)
    monkeypatch.setattr(play.Clock, "due", lambda self, seconds: True)  # a checkpoint each step
    path = train(treated(tiny, run__keep_checkpoints=6))
    (one,) = tried(Run.open(path).journal.rows())
    assert (one.images, one.outcome) == (BEGINS, "kept")
    assert one.from_images == 48  # where the harm began
    images = [row["images"] for row in Run.open(path).journal.rows("step")]
    assert images == sorted(set(images)) == list(range(16, 321, 16))


def test_gone_back_and_undone_it_is_as_if_it_had_never_been(untreated, tiny, monkeypatch):
    back = Treatment("back", "", SLOWER.change, back=True, window_share=0.25)
    Doctor(monkeypatch, back, helps=False)
    monkeypatch.setattr(play.Clock, "due", lambda self, seconds: True)
    path = train(treated(tiny, run__keep_checkpoints=6))
    assert history(path) == [(1, "back", "undone")]
    assert_same(untreated, path)
    part = train(treated(tiny, "part", run__keep_checkpoints=6), stop_after(7))
    resume(part)
    assert_same(untreated, part)


def test_a_disk_that_is_full_in_the_middle_undoes_it_when_resumed(untreated, tiny, monkeypatch):
    Doctor(monkeypatch, ADDS_A_LAYER)
    request = treated(tiny, "full")

    def full(event):
        if isinstance(event, Stepped) and event.images == BEGINS + 32:
            monkeypatch.setattr("ganwerk.run.tensors.write_tensors", no_space)
            monkeypatch.setattr(play.Clock, "due", lambda self, seconds: True)

    with monkeypatch.context(), pytest.raises(MachineError, match="The disk is full"):
        train(request, full)
    monkeypatch.undo()
    monkeypatch.setattr("ganwerk.training.play.TELL_SECONDS", 0.0)
    resume(request.out)
    assert history(request.out) == [(1, "see groups", "undone")]
    assert_same(untreated, request.out)


def no_space(path, tensors):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_one_that_diverges_is_undone(untreated, tiny, monkeypatch):
    Doctor(monkeypatch, ADDS_A_LAYER)
    take = play.Recorder.take

    def diverging(self, state):
        if any("groups" in name for name in state.d_net.state_dict()) and state.images > BEGINS:
            raise DivergedError("the loss is not finite")
        return take(self, state)

    monkeypatch.setattr(play.Recorder, "take", diverging)
    path = train(treated(tiny))
    (one,) = tried(Run.open(path).journal.rows())
    assert (one.outcome, one.reason) == ("undone", "the training diverged")
    assert_same(untreated, path)


def test_a_training_that_diverges_goes_on_slower_from_before(tiny, monkeypatch):
    take, rate = play.Recorder.take, 2e-3

    def diverging(self, state):
        if state.g_optimiser.param_groups[0]["lr"] >= rate / 2 and state.images > BEGINS:
            raise DivergedError("the loss is not finite")
        return take(self, state)

    monkeypatch.setattr(play.Recorder, "take", diverging)
    monkeypatch.setattr(treat, "helped", lambda *_: Verdict(True, ""))
    monkeypatch.setattr(play.Clock, "due", lambda self, seconds: True)
    flat = {"schedule__kind": "constant", "schedule__warmup_images": 0}
    path = train(treated(tiny, run__most_treatments=2, **flat))
    first, second = tried(Run.open(path).journal.rows())
    assert (first.code, first.name, first.outcome) == ("GW403", "begin again", "undone")
    assert first.reason == "the training diverged"
    assert (second.code, second.name, second.outcome) == ("GW403", "back and slower", "kept")
    with pytest.raises(DivergedError):
        train(tiny("watched", **flat))


def test_settings_changed_by_hand_are_still_refused(tiny, monkeypatch):
    Doctor(monkeypatch, ADDS_A_LAYER)
    path = train(treated(tiny), stop_after((BEGINS + 32) // 16))
    run = Run.open(path)
    text = run.settings_toml.replace("beta2 = 0.95", "beta2 = 0.9")
    (path / "run.toml").write_text(text)
    with pytest.raises(RunError, match=r"optimiser\.beta2: 0\.95 -> 0\.9"):
        resume(path)


def test_the_ledger_of_a_run_that_was_damaged_is_told(tiny, monkeypatch):
    Doctor(monkeypatch, ADDS_A_LAYER)
    path = train(treated(tiny))
    (path / "treatments" / "001.kept.json").write_text("{}")
    with pytest.raises(RunError, match=r"001\.kept\.json"):
        resume(path, more=("images", 16))


def treat_by_hand(path, code="GW203"):
    return resume(path, treat=code, more=("images", 160))


def test_by_hand_it_treats_what_the_run_has(tiny, monkeypatch):
    Doctor(monkeypatch, PACKS, ADDS_A_LAYER)
    path = train(tiny(images=96, data__conditional=True))
    treat_by_hand(path, "gw203")
    assert history(path) == [(1, "see groups", "kept")]  # packs are not for classes
    assert Run.open(path).load().images == 256
    with pytest.raises(ConfigError, match="Packing judges pictures of different classes"):
        treat_by_hand(path)


def test_by_hand_it_refuses_before_anything_changes(tiny, monkeypatch):
    Doctor(monkeypatch, ADDS_A_LAYER)
    path = train(tiny(images=64))
    with pytest.raises(RunError, match=r"has no finding GW203 \(Kinds of pictures are missing\)"):
        treat_by_hand(path)
    resume(path, more=("images", 64))
    with pytest.raises(ConfigError, match="There is no finding 'GW2O3'") as caught:
        treat_by_hand(path, "GW2O3")
    assert "Did you mean 'GW203'" in caught.value.hint
    with pytest.raises(RunError, match="judged after 36 images, and the run has 16 left") as caught:
        resume(path, treat=CODE, more=("images", 16))
    assert f"--treat {CODE} --images 72" in caught.value.hint
    resume(path, treat=CODE, more=("images", 160), watch=stop_after(10))
    with pytest.raises(RunError, match="still on trial, and there are never two at once"):
        resume(path, treat=CODE)
    resume(path)
    with pytest.raises(RunError, match="All treatments for GW203"):
        treat_by_hand(path)
    assert history(path) == [(1, "see groups", "kept")]


def test_by_hand_what_no_treatment_helps_is_told_before_all_else(tiny):
    """Of a finished run it matters more than that it is finished."""
    path = train(tiny(images=64))
    with pytest.raises(ConfigError, match=r"For GW602 \(Too short a run\) a run has no") as caught:
        resume(path, treat="GW602")
    assert f"ganwerk resume {path} --minutes 20" in caught.value.hint


def test_by_hand_what_was_asked_in_vain_left_nothing(tiny, monkeypatch):
    Doctor(monkeypatch, ADDS_A_LAYER, helps=False)
    path = train(tiny(images=96))
    straight = train(tiny("straight", images=96))
    resume(straight, more=("images", 160))
    treat_by_hand(path)
    assert history(path) == [(1, "see groups", "undone")]
    assert_same(straight, path)
