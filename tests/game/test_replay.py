from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.game.points import game, points

from ganwerk.errors import ConfigError
from ganwerk.game.remedies import REMEDIES
from ganwerk.game.remedies.replay import Pool
from ganwerk.game.step import train_step
from ganwerk.nn.types import Fakes


def fakes_of(number, count=8, classes=0):
    """Fakes that say in their pixels when they were drawn and of which class they are."""
    labels = torch.arange(count) % classes if classes else None
    images = torch.full((count, 2, 3, 3), float(number))
    if labels is not None:
        images[:, 1] = labels[:, None, None].float()
    return Fakes((images[:, :, :1, :1], images), labels)


def dice(seed=0):
    return torch.Generator().manual_seed(seed)


@given(
    st.integers(1, 40), st.floats(0, 1), st.integers(0, 3), st.integers(1, 9), st.integers(0, 100)
)
def test_shapes_and_labels_come_back_intact(size, share, classes, count, seed):
    """Whatever is mixed in: same shapes, same labels, and each picture is of its label's class,
    the same at all scales, and drawn before."""
    pool, random = Pool(size, share, span_images=50, half_life_images=20), dice(seed)
    for number in range(12):
        new = fakes_of(number, count, classes)
        shown = pool(new, random)
        assert [s.shape for s in shown.scales] == [s.shape for s in new.scales]
        fine = shown.scales[1]
        assert torch.equal(shown.scales[0], fine[:, :, :1, :1])
        assert torch.equal(fine, fine[:, :, :1, :1].expand_as(fine))
        assert fine[:, 0].max() <= number
        if classes:
            assert torch.equal(shown.labels, new.labels)
            assert torch.equal(fine[:, 1, 0, 0].long(), shown.labels)
        else:
            assert shown.labels is None


def test_share_and_span():
    """On average `share` of what is shown is old, and no older than the span."""
    pool, random = Pool(64, 0.25, span_images=640, half_life_images=0), dice()
    old = 0
    for number in range(400):
        drawn = pool(fakes_of(number), random).scales[1][:, 0, 0, 0]
        if number >= 100:
            old += int((drawn < number).sum())
            assert number - drawn.min() <= 640 / 8 + 1
    assert old / (300 * 8) == pytest.approx(0.25, abs=0.03)
    assert pool.filled == 64


def test_the_newer_the_likelier():
    """A picture that is a half-life older is half as likely, in number and in what is shown."""
    pool, random = Pool(100, 1.0, span_images=800, half_life_images=80), dice()
    ages = torch.zeros(101)
    for number in range(2000):
        drawn = pool(fakes_of(number), random).scales[1][:, 0, 0, 0]
        if number >= 200:
            ages += torch.bincount((number - drawn).long(), minlength=101)[:101]
    likely, born = pool.likelihood(), pool.born
    newest = born.max()
    half = likely[(newest - born) == 80]
    assert half == pytest.approx(0.5)
    ratio = ages[11:21].sum() / ages[1:11].sum()
    assert float(ratio) == pytest.approx(0.5, abs=0.05)
    assert ages[0] == 0  # the new ones are never what is replayed


def test_an_empty_pool_and_no_share_change_nothing():
    new = fakes_of(3)
    assert Pool(8, 1.0, 50, 0)(new, dice()) is new
    pool = Pool(8, 0.0, 50, 0)
    pool(new, dice())
    assert torch.equal(pool(fakes_of(4), dice()).scales[1], fakes_of(4).scales[1])


def test_a_class_that_the_pool_lacks_is_left_alone():
    pool = Pool(4, 1.0, span_images=1000, half_life_images=0)
    pool(Fakes((torch.zeros(1, 2),), torch.tensor([0])), dice())
    new = Fakes((torch.ones(4, 2),), torch.tensor([0, 1, 1, 0]))
    shown = pool(new, dice()).scales[0][:, 0]
    assert shown.tolist() == [0, 1, 1, 0]


def test_saved_and_loaded_it_shows_the_same():
    pool, random = Pool(16, 0.5, 100, 40), dice()
    for number in range(7):
        pool(fakes_of(number, classes=2), random)
    other = Pool(16, 0.5, 100, 40)
    other.load_state_dict({k: v.clone() for k, v in pool.state_dict().items()})
    for number in range(7, 15):
        a = pool(fakes_of(number, classes=2), dice(number))
        b = other(fakes_of(number, classes=2), dice(number))
        assert torch.equal(a.scales[1], b.scales[1])
    fresh = Pool(16, 0.5, 100, 40)
    fresh.load_state_dict(Pool(16, 0.5, 100, 40).state_dict())
    assert fresh.filled == 0


def test_g_learns_from_its_own_pictures():
    """What D remembers reaches D alone: G's update uses the newest fakes, which carry its graph."""
    replay = REMEDIES["replay"](size=32, share=1.0, span_images=64)
    state, recipe = game([replay])
    for _ in range(3):
        before = state.g_net.net[0].weight.detach().clone()
        report = train_step(state, points, recipe)
        assert not torch.equal(before, state.g_net.net[0].weight)
    assert state.parts["replay"].filled == 25
    assert not report.played.fake[0].requires_grad


@pytest.mark.parametrize("bad", [{"size": 0}, {"share": 1.5}, {"span_images": 0}])
def test_impossible_settings(bad):
    with pytest.raises(ConfigError, match="not possible"):
        REMEDIES["replay"](**bad)
