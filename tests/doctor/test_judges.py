"""Where a discriminator looks, and what it finds most real."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from ganwerk.doctor import judges as room
from ganwerk.doctor.judges import Judge, attention, judges, most_real
from ganwerk.game.recipe import Recipe
from ganwerk.run import Run
from ganwerk.runtime import machine
from ganwerk.runtime.events import nobody
from ganwerk.runtime.pictures import pictures_of
from ganwerk.runtime.settings import settings_of


class Linear(nn.Module):
    """A judge whose logit is a weighted sum of pixels: its gradient is the weights."""

    def __init__(self, weights):
        super().__init__()
        self.weights = weights

    def forward(self, scales, labels=None):
        return (scales[-1] * self.weights).sum((1, 2, 3))


def pictures_in(run):
    return pictures_of(run, settings_of(run), machine.facts("cpu"), nobody).pictures


@pytest.fixture
def looks_at(monkeypatch, digits_run):
    """Attention of a judge with these weights, in pictures of the digits' run."""

    def look(weights):
        made = Judge(Linear(torch.tensor(weights, dtype=torch.float32)), Recipe(), False)
        monkeypatch.setattr(room, "judges", lambda *_: iter([made]))
        some = np.random.default_rng(0).integers(0, 256, (100, 1, 16, 16), np.uint8)
        run = Run.open(digits_run)
        return attention(run, pictures_in(run), np.arange(80), some, None)

    return look


def test_a_judge_that_sees_only_the_border_is_told_by_it(looks_at):
    weights = np.zeros((1, 16, 16))
    weights[0, 0, 3] = -2.0
    found = looks_at(weights)
    assert found.border_share == pytest.approx(1.0)
    assert found.border_area == pytest.approx(1 - 14**2 / 16**2)
    assert found.sheet.shape == (4, 1, 16, 16)
    for heat in (found.sheet[1], found.sheet[3]):
        assert heat[0, 0, 3] == 255
        assert heat.sum() == 255


def test_one_that_looks_everywhere_alike_looks_at_the_border_by_its_area(looks_at):
    found = looks_at(np.ones((1, 16, 16)))
    assert found.border_share == pytest.approx(found.border_area)


def test_each_checkpoint_has_its_judge_and_together_they_rank_all_pictures(digits_run):
    run = Run.open(digits_run)
    found = list(judges(run, 10))
    assert len(found) == len(run.checkpoints())
    assert all(judge.conditional for judge in found)
    train = np.arange(5, 105)
    ranked = most_real(run, pictures_in(run), train)
    assert ranked is not None
    assert sorted(ranked) == sorted(train)
