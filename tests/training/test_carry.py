"""A D that has learned goes on with what a remedy adds to it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ganwerk.config import build
from ganwerk.doctor.change import changed
from ganwerk.errors import ConfigError
from ganwerk.game.step import train_step
from ganwerk.nn.types import Batch
from ganwerk.run import Run
from ganwerk.runtime.settings import settings_of
from ganwerk.training.carry import carried

ADDED = {
    "minibatch-stddev": {},
    "minibatch-discrimination": {"kernels": 4, "dim": 3},
    "packing": {},
    "spectral-norm": {},
    "ada": {},
    "replay": {"size": 8},
    "balance": {},
    "lecam": {},
    "optimistic": {},
    "extra-gradient": {},
    "instance-noise": {},
}


@pytest.fixture(scope="module")
def learned(trained, tmp_path_factory):
    """Settings and checkpoint of a small run without classes."""
    folder = tmp_path_factory.mktemp("carry") / "run"
    run = Run.open(trained(folder, data__conditional=False, budget__images=96))
    return settings_of(run), run.load()


def begun(settings, checkpoint):
    """The training of these settings with all that the checkpoint has."""
    state = build.state(settings, 10, torch.device("cpu"), 320.0)
    counters = checkpoint.meta["counters"]
    state.load(checkpoint.weights, carried(state, checkpoint.state), counters)
    return state


def batch_of(settings, seed=0):
    random = torch.Generator().manual_seed(seed)
    shape = (settings.budget.batch, settings.data.channels, *[settings.data.resolution] * 2)
    return Batch(torch.rand(shape, generator=random) * 2 - 1)


def verdict(state, images):
    state.d_net.eval()
    with torch.no_grad():
        return state.d_net((images,))


def test_unchanged_settings_change_nothing(learned):
    settings, checkpoint = learned
    state = build.state(settings, 10, torch.device("cpu"), 320.0)
    found = carried(state, checkpoint.state)
    assert found.keys() == checkpoint.state.keys()
    assert all(torch.equal(found[name], checkpoint.state[name]) for name in found)


@pytest.mark.parametrize("remedy", ADDED)
def test_the_game_goes_on_with_what_a_remedy_adds(learned, remedy):
    settings, checkpoint = learned
    after = changed(settings, {f"remedy.{remedy}": ADDED[remedy]})
    state = begun(after, checkpoint)
    assert (state.step, state.images) == (6, 96)
    recipe = replace(build.recipe(after), parts=tuple(state.parts.items()))
    for name, weight in state.g_net.state_dict().items():
        assert torch.equal(weight, checkpoint.state[f"g.{name}"])
    for _ in range(3):
        report = train_step(state, lambda i: batch_of(after, i), recipe)
        assert torch.isfinite(report.d_loss)
        assert torch.isfinite(report.g_loss)
    again = build.state(after, 10, torch.device("cpu"), 320.0)
    again.load(state.weights(), state.tensors(), state.counters())  # and is saved and loaded


@pytest.mark.parametrize("remedy", ["minibatch-stddev", "minibatch-discrimination"])
def test_what_compares_samples_begins_without_influence_and_learns(learned, remedy):
    settings, checkpoint = learned
    images = batch_of(settings).images
    expected = verdict(begun(settings, checkpoint), images)
    after = changed(settings, {f"remedy.{remedy}": ADDED[remedy]})
    state = begun(after, checkpoint)
    assert torch.equal(verdict(state, images), expected)
    (name,) = [
        n for n in state.d_net.state_dict() if n.endswith(("verdict.weight", "head.2.weight"))
    ]
    assert not state.d_net.state_dict()[name].any()
    state.d_net.train()
    train_step(state, lambda i: batch_of(after, i), build.recipe(after))
    assert state.d_net.state_dict()[name].any()


def test_packs_begin_as_their_first_picture(learned):
    settings, checkpoint = learned
    images = batch_of(settings).images
    expected = verdict(begun(settings, checkpoint), images)
    state = begun(changed(settings, {"remedy.packing": {"size": 2}}), checkpoint)
    assert torch.allclose(verdict(state, images), expected[::2], atol=1e-5)  # order of a sum
    parameters = dict(state.d_net.named_parameters())
    first = next(iter(parameters))
    name = f"d_optimiser.{first.removeprefix('net.')}/exp_avg_sq"
    moments = state.d_optimiser.state[parameters[first]]
    squares = checkpoint.state[name]
    assert torch.equal(moments["exp_avg_sq"], torch.cat([squares, squares], 1))
    assert not moments["exp_avg"][:, squares.shape[1] :].any()
    assert moments["step"] == checkpoint.state[name.replace("exp_avg_sq", "step")]


def test_spectral_vectors_are_those_of_the_weights_that_came_along(learned):
    settings, checkpoint = learned
    state = begun(changed(settings, {"remedy.spectral-norm": {}}), checkpoint)
    layer = next(m for m in state.d_net.modules() if hasattr(m, "parametrizations"))
    state.d_net.eval()
    largest = torch.linalg.svdvals(layer.weight.detach().flatten(1))[0]
    assert largest == pytest.approx(1.0, abs=0.1)  # after 15 power iterations


def test_another_network_is_refused(learned):
    settings, checkpoint = learned
    network = settings.network.model_copy(update={"discriminator_width": 12})
    state = build.state(
        settings.model_copy(update={"network": network}), 10, torch.device("cpu"), 320.0
    )
    with pytest.raises(ConfigError, match="D cannot go on with this change"):
        carried(state, checkpoint.state)
