"""The losses of the default recipe in its first images: no spike, whatever the seed."""

from __future__ import annotations

import pytest
import torch

from ganwerk.config import auto, build, load
from ganwerk.data import Feeder, Sampler, load_pictures, split
from ganwerk.game.step import train_step
from ganwerk.values import MachineFacts, Origin

CPU = MachineFacts("cpu", "a processor", 2, 8 << 30, 6 << 30)
HIGHEST = 3.0
"""D's loss at its equilibrium is ln 2; the recipe before came to 50 here, this one to 1.4."""


def highest_loss(seed: int, images: int) -> float:
    pictures = load_pictures("digits", root=None, memory_budget_bytes=1 << 28)
    draft = load.collect(sets=[f"run.seed={seed}", "run.precision=float32"])
    draft.give("data.where", "digits", Origin("asked for"))
    auto.decide(draft, pictures.facts(), CPU)
    settings = load.settle(draft)
    train, _ = split(len(pictures), pictures.labels, seed)
    sampler = Sampler(train, settings.budget.batch, seed)
    feeder = Feeder(pictures, sampler, seed=seed, with_labels=settings.data.conditional)
    recipe = build.recipe(settings)
    device = torch.device("cpu")
    state = build.state(settings, len(pictures.class_names), device, 60_000, by=recipe)
    highest = 0.0
    while state.images < images:
        highest = max(highest, float(train_step(state, feeder.batch, recipe).d_loss))
    return highest


@pytest.mark.parametrize("seed", [3, 4])
def test_the_loss_of_d_does_not_jump_at_the_start(seed):
    assert highest_loss(seed, 1_500) < HIGHEST


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 9))
def test_nor_in_the_first_ten_thousand_images(seed):
    assert highest_loss(seed, 10_000) < HIGHEST
