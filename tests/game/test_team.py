"""Batches in parts: the tree of sums, and games whose parts are computed one after the other."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.game.test_step import batch, flat, state_of
from tests.golden.curves import blobs, settings_of
from torch import nn

from ganwerk.config import build, load
from ganwerk.errors import ConfigError, DivergedError
from ganwerk.game.recipe import Recipe
from ganwerk.game.step import train_step
from ganwerk.game.team import Alone, Statistics, branches, running, tree_sum
from ganwerk.nn.types import Batch


@given(st.integers(1, 40), st.data())
def test_whoever_computes_the_parts_the_sum_has_the_same_bits(parts, data):
    processes = data.draw(st.sampled_from([n for n in range(1, parts + 1) if parts % n == 0]))
    random = torch.Generator().manual_seed(data.draw(st.integers(0, 2**31)))
    vectors, sizes = torch.randn(2, parts, 3, dtype=torch.float64, generator=random)
    vectors = vectors * 10**sizes  # float64: sums that cancel stay within the tolerance below
    each = {(i, i + 1): vectors[i] for i in range(parts)}
    size = parts // processes
    found = {}
    for rank in range(processes):
        mine = range(rank * size, (rank + 1) * size)
        own = {branch: vector for branch, vector in each.items() if branch[0] in mine}
        known = branches(mine, 0, parts)
        assert sorted(i for start, stop in known for i in range(start, stop)) == list(mine)
        found |= {branch: tree_sum(own, *branch) for branch in known}
    assert torch.equal(tree_sum(found, 0, parts), tree_sum(each, 0, parts))
    torch.testing.assert_close(tree_sum(each, 0, parts), vectors.sum(0))


def test_the_update_is_the_mean_over_the_parts_by_hand():
    """SGD moves D by the mean of the parts' gradients, each with random numbers of its own."""
    state = state_of()
    state.team = Alone(4)
    before = flat(state.d_net)
    train_step(state, batch, Recipe())
    moved = flat(state.d_net)
    gradients = []
    for part in range(4):
        small = state_of()
        random = small.random_of_part(part)
        small._random = random
        small.random_of_step = lambda random=random: random
        own = slice(2 * part, 2 * part + 2)
        train_step(small, lambda i, own=own: Batch(batch(i).images[own]), Recipe())
        gradients.append((before - flat(small.d_net)) / 0.1)
    torch.testing.assert_close(moved, before - 0.1 * torch.stack(gradients).mean(0))


def test_observers_are_told_of_the_whole_batch():
    state = state_of()
    state.team = Alone(2)
    seen = []
    labelled = Batch(batch(0).images, torch.arange(8))
    recipe = Recipe(observers=(lambda _, report: seen.append(report),))
    train_step(state, lambda i: labelled, recipe)
    (report,) = seen
    assert (report.images, report.batch) == (8, 8)
    assert report.played.labels.tolist() == list(range(8))
    assert len(report.played.real_logits) == len(report.played.fake_logits) == 8
    assert report.d_loss.isfinite() and state.images == 8


def test_running_statistics_are_the_mean_over_the_parts():
    norm = nn.BatchNorm1d(2)
    begun = norm.running_mean.clone(), norm.running_var.clone()
    statistics = Statistics(running(norm), [], 2)
    shown = [torch.randn(5, 2), torch.randn(5, 2) + 3]
    for place, x in enumerate(shown):
        with statistics.of(place):
            norm(x)
    moved = [torch.cat(statistics.moved(place)) for place in range(2)]
    statistics.settle((moved[0] + moved[1]) / 2)
    means = torch.stack([x.mean(0) for x in shown]).mean(0)
    variances = torch.stack([x.var(0) for x in shown]).mean(0)
    torch.testing.assert_close(norm.running_mean, torch.lerp(begun[0], means, 0.1))
    torch.testing.assert_close(norm.running_var, torch.lerp(begun[1], variances, 0.1))


def test_numbers_that_are_not_finite_stop_the_step_and_name_the_part():
    state = state_of()
    state.team = Alone(4)

    def poisoned(i):
        images = batch(i).images
        images[5] = float("inf")
        return Batch(images)

    with pytest.raises(DivergedError, match=r"gradient of D, in part 3 of 4 .* in step 0"):
        train_step(state, poisoned, Recipe())


def begun(settings):
    recipe = build.recipe(settings)
    return build.state(settings, 3, torch.device("cpu"), 1000.0, recipe), recipe


@pytest.mark.parametrize("preset", load.preset_names())
def test_every_preset_plays_in_parts_or_says_why_not(preset):
    settings = settings_of(preset, "budget.parts=2")
    state, recipe = begun(settings)
    assert state.team.count == 2
    before = flat(state.g_net)
    for _ in range(5):
        report = train_step(state, lambda i: blobs(i, settings.data.conditional), recipe)
    assert report.d_loss.isfinite() and report.g_loss.isfinite()
    assert not torch.equal(before, flat(state.g_net))


@pytest.mark.parametrize(
    ("preset", "remedies", "parts", "message"),
    [
        ("auto", [], 3, "A batch of 16 cannot be cut into 3 equal parts"),
        ("auto", [], 32, "A batch of 16 cannot be cut into 32 equal parts"),
        ("auto", ["replay"], 4, "replay remembers fakes of the whole batch"),
    ],
)
def test_what_cannot_be_played_in_parts_is_refused_in_one_sentence(
    preset, remedies, parts, message
):
    settings = settings_of(preset, f"budget.parts={parts}", remedies=remedies)
    with pytest.raises(ConfigError, match=message) as caught:
        begun(settings)
    assert caught.value.hint


def test_groups_that_a_part_would_cut_are_refused():
    with pytest.raises(ConfigError, match=r"groups of 4 samples, and a part of 2") as caught:
        begun(settings_of("stylegan", "budget.parts=8"))
    assert caught.value.hint.startswith("Add --batch 32")
