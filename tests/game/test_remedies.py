"""All remedies: alone, in every pair, on points and on pictures, and after a crash."""

from __future__ import annotations

import pytest
import torch
from tests.game.points import PictureD, PictureG, PointD, PointG, flat, game, pictures, points

from ganwerk.errors import ConfigError
from ganwerk.game.remedies import REMEDIES
from ganwerk.game.step import train_step

GIVEN = {
    "unrolled": {"steps": 1},
    "replay": {"size": 32, "span_images": 128},
    "minibatch-discrimination": {"kernels": 4, "dim": 2, "group": 4},
    "steps": {"d": 2},
    "skip": {"d_below": 0.99, "half_life_steps": 1.0},
    "balance": {"every": 2},
    "r1": {"weight": 0.1, "every": 2},
    "r2": {"weight": 0.1, "every": 2},
    "wgan-gp": {"weight": 0.1},
    "dragan": {"weight": 0.1},
    "instance-noise": {"until": 1.0},
    "ada": {"policy": ("flip", "translation", "scale", "colour"), "target": -0.9,
            "speed_images": 200.0},
}  # fmt: skip
ON_POINTS = {"ada": {"policy": ("noise",)}, "diffaugment": {"policy": ("noise",)}}
CLASH = {
    frozenset(("unrolled", "optimistic")),
    frozenset(("unrolled", "extra-gradient")),
    frozenset(("optimistic", "extra-gradient")),
}


def remedy(name, on_points=False):
    settings = GIVEN.get(name, {}) | (ON_POINTS.get(name, {}) if on_points else {})
    return REMEDIES[name](**settings)


def players(on_points):
    return ((PointG, PointD), points) if on_points else ((PictureG, PictureD), pictures)


@pytest.mark.parametrize("first", list(REMEDIES)[:-1])
def test_every_pair_trains_or_says_why_not(first):
    """With each remedy after it in the list; on points and on pictures in turn, in either order."""
    names = list(REMEDIES)
    for second in names[names.index(first) + 1 :]:
        on_points = names.index(second) % 2 == 0
        order = (first, second) if on_points else (second, first)
        nets, batch = players(on_points)
        made = [remedy(name, on_points) for name in order]
        if frozenset(order) in CLASH:
            with pytest.raises(ConfigError, match=f"'{order[0]}' and '{order[1]}'"):
                game(made, players=nets)
            continue
        state, recipe = game(made, players=nets)
        report = train_step(state, batch, recipe)
        weights = torch.cat([flat(state.g_net), flat(state.d_net), report.d_loss[None]])
        assert weights.isfinite().all(), order


@pytest.mark.parametrize("pair", sorted(sorted(pair) for pair in CLASH), ids="+".join)
def test_clashes_do_not_depend_on_the_order(pair):
    for order in (sorted(pair), sorted(pair)[::-1]):
        with pytest.raises(ConfigError, match=f"'{order[0]}' and '{order[1]}'"):
            game([remedy(name) for name in order])


def after(steps, names, on_points, resumed_at=None):
    """A training of so many steps, interrupted and loaded into new objects at `resumed_at`."""
    nets, batch = players(on_points)

    def begin():
        return game([remedy(name, on_points) for name in names], players=nets)

    state, recipe = begin()
    for step in range(steps):
        if step == resumed_at:
            saved = [{k: v.clone() for k, v in t.items()}
                     for t in (state.weights(), state.tensors())]  # fmt: skip
            counters = state.counters()
            state, recipe = begin()
            with torch.no_grad():
                for p in state.d_net.parameters():
                    p.add_(1.0)  # whatever a new object begins with must not matter
            state.load(*saved, counters)
        train_step(state, batch, recipe)
    return state


def assert_same(a, b):
    first, second = a.tensors(), b.tensors()
    assert first.keys() == second.keys()
    assert [k for k in first if not torch.equal(first[k], second[k])] == []


@pytest.mark.parametrize("on_points", [True, False], ids=["points", "pictures"])
@pytest.mark.parametrize("name", REMEDIES)
def test_saved_and_loaded_each_goes_on_bit_by_bit(name, on_points):
    assert_same(after(6, [name], on_points), after(6, [name], on_points, resumed_at=3))


@pytest.mark.parametrize(
    ("without", "on_points"),
    [
        ("optimistic extra-gradient", False),
        ("unrolled optimistic", False),
        ("unrolled extra-gradient", True),
    ],
)
def test_all_remedies_at_once_go_on_bit_by_bit(without, on_points):
    """As many as can be together: what two claims exclude is left out."""
    names = [name for name in REMEDIES if name not in without.split()]
    straight = after(6, names, on_points)
    assert_same(straight, after(6, names, on_points, resumed_at=3))
    if on_points is False:
        assert straight.parts["ada"].p > 0  # it did take part
    assert straight.parts["replay"].filled > 0


@pytest.mark.parametrize("name", ["replay", "ada", "lecam", "skip", "balance"])
def test_twice_the_same_is_an_error(name):
    with pytest.raises(ConfigError, match=r"twice|both set"):
        game([remedy(name, True), remedy(name, True)])


def test_a_remedy_can_be_used_twice():
    """A constructor's result holds no state: two recipes do not share a memory."""
    replay = remedy("replay")
    first, recipe = game([replay])
    second, _ = game([replay])
    train_step(first, points, recipe)
    assert first.parts["replay"].filled
    assert second.parts["replay"].filled == 0
