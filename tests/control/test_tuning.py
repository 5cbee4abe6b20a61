"""Tuning a generator until a place draws a picture, and the run that this makes."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from ganwerk.control import tuning as tuning_module
from ganwerk.control.places import load_places
from ganwerk.control.project import Projection, project, read_photo
from ganwerk.control.search import Search
from ganwerk.control.steered import Steered
from ganwerk.control.tuning import Tuning, save_tuned
from ganwerk.errors import CheckpointError, ConfigError, DivergedError, RunError
from ganwerk.run import Run
from ganwerk.sampling.sample import Sampler
from ganwerk.training.finetune import finetune
from ganwerk.training.prepare import Request
from ganwerk.training.train import resume
from ganwerk.values import ignore_progress


def tuning_of(steered, perception, seed=777, start=3):
    """From one picture to another, which it is far from."""
    goal = torch.from_numpy(steered.sampler.draw([seed])[0]).permute(2, 0, 1)[None] / 127.5 - 1
    search = Search(steered, perception, goal, free_classes=False, own_noise=False)
    return Tuning(search, steered.places([start]))


def weights_of(steered):
    return {key: value.clone() for key, value in steered.sampler.net.state_dict().items()}


def told(steps):
    return lambda step: steps.append(step)


@pytest.mark.parametrize("name", ["run", "plain", "styled"])
def test_the_place_comes_to_draw_the_goal_and_the_old_generator_stays(name, request, perception):
    given = request.getfixturevalue(name)
    steered = given if isinstance(given, Steered) else Steered.open(given)
    before, steps = weights_of(steered), []
    tuning = tuning_of(steered, perception)
    with torch.no_grad():
        start = float(tuning.search.losses(steered.drawn(tuning.place)))
    tuning.bend(24, told(steps))
    with torch.no_grad():
        end = float(tuning.search.losses(tuning.steered.drawn(tuning.place)))
    assert end < 0.85 * start
    assert steps == list(range(1, 25))
    after = weights_of(steered)
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert not any(weight.requires_grad for weight in tuning.steered.sampler.net.parameters())


def test_styles_are_given_so_the_mapping_stays(styled, perception):
    before = weights_of(styled)
    tuning = tuning_of(styled, perception)
    tuning.bend(3, lambda _: None)
    after = weights_of(tuning.steered)
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed == {f"affine.{i}.{kind}" for i in range(4) for kind in ("weight", "bias")}


def test_a_first_step_is_as_long_for_large_weights_as_for_small_ones(plain, perception):
    tuning = tuning_of(Steered.open(plain), perception)
    before = weights_of(tuning.steered)
    tuning.bend(1, lambda _: None)
    after = weights_of(tuning.steered)
    shares = []
    for name, weight in tuning.steered.sampler.net.named_parameters():
        size = max(tuning_module.SMALLEST, float(before[name].square().mean().sqrt()))
        moved = (after[name] - before[name]).abs().max() / size
        if weight.dim() > 1:  # Adam's first step is its rate, where there is a gradient
            shares.append(float(moved))
    assert shares
    assert shares == pytest.approx([tuning_module.RATE] * len(shares), rel=0.01)


def test_what_is_drawn_elsewhere_is_kept(styled, perception, monkeypatch):
    others = styled.places(range(50, 58))
    kept, moved = styled.drawn(others), []
    for weight in (0.0, 10.0):
        monkeypatch.setattr(tuning_module, "ELSEWHERE_WEIGHT", weight)
        tuning = tuning_of(styled, perception)
        tuning.bend(16, lambda _: None)
        with torch.no_grad():
            moved.append(float((tuning.steered.drawn(others) - kept).square().mean()))
    assert moved[1] < 0.8 * moved[0]


def test_numbers_that_are_not_finite_end_it(plain, perception):
    tuning = tuning_of(Steered.open(plain), perception)
    tuning.place.styles[:] = float("nan")
    with pytest.raises(DivergedError, match="not finite after 0 steps"):
        tuning.bend(4, lambda _: None)


# The run that draws


def test_a_tuned_run_draws_and_is_not_trained(run, tmp_path):
    sampler = Sampler.open(run).copied()
    with torch.no_grad():
        for weight in sampler.net.parameters():
            weight.mul_(1.01)
    save_tuned(Run.open(run), sampler, tmp_path / "tuned", {"run": run, "photo": tmp_path / "p"})
    again = Sampler.open(tmp_path / "tuned")
    assert again.class_names == sampler.class_names
    assert np.array_equal(again.draw(range(6)), sampler.draw(range(6)))
    assert not np.array_equal(again.draw(range(6)), Sampler.open(run).draw(range(6)))
    made = Run.open(tmp_path / "tuned")
    assert made.about["tuned"] == {"run": str(run), "photo": str(tmp_path / "p")}
    assert made.about["name"] == "tuned"
    for use in (
        lambda: resume(tmp_path / "tuned", more=("images", 64)),
        lambda: finetune(tmp_path / "tuned", Request("digits", out=tmp_path / "child")),
    ):
        with pytest.raises(CheckpointError, match="holds a generator alone") as caught:
            use()
        assert "made from" in caught.value.hint
    assert not (tmp_path / "child").exists()


def test_only_a_tuned_run_is_replaced(run, tmp_path):
    parent, sampler = Run.open(run), Sampler.open(run)
    for _ in range(2):
        save_tuned(parent, sampler, tmp_path / "tuned", {})
    before = sorted(path.name for path in run.iterdir())
    with pytest.raises(RunError, match="already is a run"):
        save_tuned(parent, sampler, run, {})
    assert sorted(path.name for path in run.iterdir()) == before


def test_nothing_is_left_where_it_cannot_be_saved(run, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError("full")

    monkeypatch.setattr(Run, "save", full)
    with pytest.raises(OSError, match="full"):
        save_tuned(Run.open(run), Sampler.open(run), tmp_path / "tuned", {})
    assert not (tmp_path / "tuned").exists()


# The verb


def test_projecting_with_tuning(run, photo, tmp_path):
    out, seen = tmp_path / "out", []
    options = {"out": out, "steps": 9, "tries": 8, "classes": ["3"], "tune": 12}
    found = project(run, photo, progress=seen.append, **options)
    assert found.tuned == out / "tuned"
    assert found.perceptual < found.found <= found.begun
    assert (seen[-1].task, seen[-1].done) == ("tuning", 12)
    tuned = Steered.open(out / "tuned")
    drawn = tuned.draw(load_places(found.place, 1, 8, 10))[0, ..., 0]
    with Image.open(found.picture) as picture:
        assert np.array_equal(np.asarray(picture), drawn)
    facts = json.loads((out / "project.json").read_text())
    assert (facts["found"], facts["tuned"]) == (found.found, str(out / "tuned"))
    project(run, photo, force=True, **options | {"tune": 2})
    assert not np.array_equal(
        Steered.open(out / "tuned").sampler.draw([1]), tuned.sampler.draw([1])
    )


def test_interrupted_it_keeps_what_was_tuned(run, photo, perception):
    steered = Steered.open(run)
    goal, _ = read_photo(photo, steered)
    job = Projection(steered, perception, goal, ["3"], own_noise=True)

    def interrupting(progress):
        if progress.task == "tuning" and progress.done == 8:
            raise KeyboardInterrupt

    found = job.work(6, 8, interrupting)
    better = job.tune(found, 20, interrupting)
    assert job.said == ("Tuned for 8 of 20 steps.",)
    assert better.perceptual < found.perceptual
    assert job.steered is not steered


def test_who_ends_the_descent_gets_no_tuning(run, photo, tmp_path):
    def interrupting(progress):
        assert progress.task != "tuning"
        if progress.task == "projecting" and progress.done == 4:
            raise KeyboardInterrupt

    options = {"steps": 9, "tries": 8, "tune": 5, "progress": interrupting}
    found = project(run, photo, out=tmp_path / "out", **options)
    assert found.tuned is None
    assert found.found == found.perceptual
    assert not (tmp_path / "out" / "tuned").exists()


def test_a_trained_run_in_the_way_is_seen_before_the_search(run, photo, tmp_path):
    shutil.copytree(run, tmp_path / "out" / "tuned")

    def searching(progress):
        raise AssertionError(progress)

    with pytest.raises(RunError, match=r"already is a run .* was trained"):
        project(run, photo, out=tmp_path / "out", tune=5, force=True, progress=searching)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tuned"]


def test_a_tuning_that_comes_no_nearer_changes_nothing(run, photo, perception):
    steered = Steered.open(run)
    goal, _ = read_photo(photo, steered)
    job = Projection(steered, perception, goal, (), own_noise=True)
    there = job.search.best_of(steered.places([777]))[0]  # the photo is a picture of this run
    assert there.loss == pytest.approx(0, abs=1e-6)
    assert job.tune(there, 3, ignore_progress) is there
    assert job.steered is steered
    assert job.said == ("Tuning came no nearer: the generator is as it was.",)


def test_a_negative_number_of_steps(run, photo, tmp_path):
    with pytest.raises(ConfigError, match="--tune cannot be -1"):
        project(run, photo, out=tmp_path / "out", tune=-1)
    assert not (tmp_path / "out").exists()
