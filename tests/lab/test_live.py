"""Games that are watched are the games of the experiments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ganwerk.errors import ConfigError
from ganwerk.lab import dirac, line, live, points, presets
from ganwerk.lab.live import KINDS, Stage
from ganwerk.lab.mixture import MIXTURES

STEPS = 12
UNWATCHED = ("seconds",)


def played(experiment, methods, seed=3, preset="", at_once=5):
    stage = Stage(experiment, preset, methods, seed, steps=STEPS)
    while not stage.finished:
        stage.play(stage.step + at_once)
        for lane in stage.lanes:
            lane.frame()
    return stage


def same(found, facts):
    for name, value in found.items():
        if name not in UNWATCHED:
            assert facts[name] == value, name


@pytest.mark.parametrize("method", ["plain", "unrolled:steps=2", "packing:size=2"])
def test_the_swarm_ends_where_the_experiment_does(method):
    stage = played("ring", [method])
    setting = replace(presets.RING["collapse"].setting, steps=STEPS)
    trial = points.trial(setting, method, 3, lambda _: None)
    same(stage.lanes[0].judged(), trial.facts)
    _, arrays = stage.lanes[0].frame()
    reach = MIXTURES["ring"].reach
    shown = arrays["points"] / 16_384 * reach
    kept = trial.arrays["points"][-1]
    count = min(len(shown), len(kept), live.SWARM)
    assert np.allclose(shown[:count], kept[:count], atol=2e-3 * reach)


def test_so_do_line_and_dirac():
    stage = played("line", ["r1:weight=0.2"])
    trial = line.trial(replace(line.SETTING, steps=STEPS), "r1:weight=0.2", 3, lambda _: None)
    facts = {name: value for name, value in trial.facts.items() if name != "steps"}
    same(stage.lanes[0].judged(), facts)
    stage = played("dirac", ["plain", "r1:weight=0.5"])
    setting = replace(dirac.SETTING, steps=STEPS)
    for lane in stage.lanes:
        path = dirac.trial(setting, lane.text, 3, lambda _: None).arrays["path"]
        _, arrays = lane.frame()
        assert np.allclose(arrays["place"][:2], path[-1], atol=1e-6)


def test_the_field_has_its_top_at_the_top():
    stage = Stage("ring", "best", ["plain"], 0)
    lane = stage.lanes[0]

    class Height(torch.nn.Module):
        """Sure that what is right and high is real."""

        group_size = 1

        def forward(self, scales, labels=None):
            x, y = scales[-1].flatten(1).unbind(1)
            return x + 10 * y

    lane.state.d_net = Height()
    field = lane.frame()[1]["field"].astype(int)
    assert field.shape == (live.FIELD_CELLS, live.FIELD_CELLS)
    assert (np.diff(field, axis=0) <= 0).all()
    assert (np.diff(field, axis=1) >= 0).all()
    assert (field.max(), field.min()) == (255, 1)


def test_a_game_that_diverges_says_so_and_the_other_goes_on():
    stage = Stage("ring", "", ["g_rate=1e30", "plain"], 0, steps=STEPS)
    while not stage.finished:
        stage.play(stage.step + 4)
        frames = [lane.frame()[0] for lane in stage.lanes]
    assert frames[0]["error"]
    assert frames[0]["hint"]
    assert "error" not in frames[1]
    assert frames[1]["step"] == STEPS


@pytest.mark.parametrize(
    ("experiment", "preset", "methods", "why"),
    [
        ("rings", "", (), "no game 'rings'"),
        ("ring", "worst", (), "no preset 'worst'"),
        ("ring", "", ("r9",), "r9"),
        ("ring", "", ("plain",) * 5, "too many"),
        ("ring", "", ("r1:weight=-1",), "r1:weight=-1"),
        ("line", "", ("steps=0",), "steps"),
    ],
)
def test_what_cannot_be_played(experiment, preset, methods, why):
    with pytest.raises(ConfigError, match=why) as caught:
        Stage(experiment, preset, methods, 0)
    assert caught.value.hint


def test_every_game_describes_itself():
    for name in KINDS:
        if name == "stacked":
            continue  # wants the digits: tests/lab/test_stacked.py
        told = Stage(name, "", (), 0).described()
        assert told["experiment"] == name
        assert told["steps"] > 0
        assert all(lane["method"] for lane in told["lanes"])
