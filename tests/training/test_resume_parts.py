"""Exact resume where a training has more of its own: in the middle of a fade, in small parts."""

from __future__ import annotations

import pytest
import torch

from ganwerk.run import Run
from ganwerk.training.train import resume, train
from tests.training.test_train import assert_same, everything, stop_after


@pytest.fixture(autouse=True)
def tell_every_step(monkeypatch):
    monkeypatch.setattr("ganwerk.training.play.TELL_SECONDS", 0.0)


def test_a_run_goes_on_in_the_middle_of_a_fade(tiny):
    """Phases of 32 images: at 48 the second stage is half there."""
    growing = {"preset": "progressive", "images": 112, "network__phase_images": 32}
    straight = train(tiny("straight", **growing))
    part = train(tiny("part", **growing), stop_after(3))
    tensors, counters = everything(part)
    assert counters["images"] == 48
    half = float(tensors["part.growth.level"])
    assert half == pytest.approx(0.0)  # of the step before: the fade has just begun
    resume(part, watch=stop_after(4))
    assert float(everything(part)[0]["part.growth.level"]) == pytest.approx(0.5)
    assert float(everything(part)[0]["w._extra_state"]) == pytest.approx(0.5)
    resume(part)
    assert_same(straight, part)


def test_a_run_with_a_batch_for_each_stage_goes_on_exactly(tiny):
    growing = {
        "preset": "progressive",
        "images": 160,
        "network__phase_images": 32,
        "network__stage_batches": (2, 1, 1),
        "network__stage_rates": (1.0, 0.5, 0.5),
    }
    straight = train(tiny("straight", **growing))
    part = train(tiny("part", **growing), stop_after(2))
    resume(part)
    assert_same(straight, part)


def test_a_run_in_parts_with_path_length_goes_on_exactly(tiny):
    styled = {
        "preset": "stylegan",
        "images": 96,
        "budget__micro_batch": 8,
        "network__path_weight": 2.0,
        "network__path_every": 2,
        "network__recompute_px": 16,
    }
    straight = train(tiny("straight", **styled))
    part = train(tiny("part", **styled), stop_after(3))
    resume(part)
    assert_same(straight, part)
    tensors, _ = everything(part)
    assert tensors["part.path-length.mean"] > 0
    assert torch.isfinite(tensors["w.mean_style"]).all()
    assert Run.open(part).about["choices"]["micro"] == 8
