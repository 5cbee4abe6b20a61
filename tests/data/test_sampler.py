from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganwerk.data.sampler import Sampler, permutation, random_words, split
from ganwerk.errors import ConfigError, DataError

quick = settings(max_examples=60, deadline=None)


@quick
@given(
    count=st.integers(1, 70),
    batch=st.integers(1, 150),
    seed=st.integers(0, 2**63),
    epochs=st.integers(1, 4),
)
def test_every_picture_once_per_epoch(count: int, batch: int, seed: int, epochs: int) -> None:
    indices = np.arange(count) * 3 + 5
    sampler = Sampler(indices, batch, seed)
    batches = -(-count * epochs // batch)
    drawn = np.concatenate([sampler.batch(i) for i in range(batches)])
    assert len(drawn) == batches * batch
    for epoch in range(epochs):
        assert sorted(drawn[epoch * count : (epoch + 1) * count]) == indices.tolist()


@quick
@given(
    count=st.integers(1, 50),
    batch=st.integers(1, 40),
    seed=st.integers(0, 10),
    numbers=st.lists(st.integers(0, 10**12), min_size=1, max_size=6),
)
def test_batch_is_a_function_of_seed_and_number(
    count: int, batch: int, seed: int, numbers: list[int]
) -> None:
    used = Sampler(np.arange(count), batch, seed)
    for number in numbers:
        used.batch(number)
    for number in numbers:
        fresh = Sampler(np.arange(count), batch, seed).batch(number)
        assert (used.batch(number) == fresh).all()
        assert fresh.shape == (batch,)


def test_epochs_and_seeds_differ() -> None:
    orders = [Sampler(np.arange(100), 100, seed).batch(i) for seed in (0, 1) for i in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4


def test_orders_are_uniform() -> None:
    firsts = [permutation(0, 2, epoch, 5)[0] for epoch in range(2000)]
    assert np.abs(np.bincount(firsts) - 400).max() < 100


def test_the_stream_is_the_same_in_every_version() -> None:
    # If this fails, a training that is resumed would see other batches than before.
    assert random_words(1, 2, 3, 2).tolist() == EXPECTED_WORDS
    assert Sampler(np.arange(8), 4, 7).batch(0).tolist() == EXPECTED_BATCH


EXPECTED_WORDS = [13262081666550218681, 7586518172537843941]
EXPECTED_BATCH = [6, 7, 4, 0]


def test_bad_samplers() -> None:
    with pytest.raises(DataError, match="no pictures to draw from") as caught:
        Sampler(np.arange(0), 4, 0)
    assert caught.value.hint
    with pytest.raises(ConfigError, match="A batch of 0 pictures") as refused:
        Sampler(np.arange(4), 0, 0)
    assert "1 or more" in refused.value.hint
    with pytest.raises(ValueError, match="start at 0"):
        Sampler(np.arange(4), 2, 0).batch(-1)


@pytest.mark.parametrize(
    ("count", "held"),
    [(2, 1), (16, 3), (100, 20), (320, 64), (500, 64), (1962, 196), (20_000, 2000), (60_000, 2000)],
)
def test_size_of_the_hold_out(count: int, held: int) -> None:
    train, test = split(count, None, 0)
    assert len(test) == held
    assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(count))


@quick
@given(
    labels=st.lists(st.integers(0, 4), min_size=16, max_size=400).map(np.array),
    seed=st.integers(0, 2**64 - 1),
)
def test_split_is_stratified_and_deterministic(labels: np.ndarray, seed: int) -> None:
    train, test = split(len(labels), labels, seed)
    again = split(len(labels), labels.copy(), seed)
    assert np.array_equal(train, again[0])
    assert np.array_equal(test, again[1])
    assert sorted([*train, *test]) == list(range(len(labels)))
    assert len(test) <= max(1, 0.2 * len(labels))
    sizes, held = np.bincount(labels, minlength=5), np.bincount(labels[test], minlength=5)
    present = sizes > 0
    assert (np.bincount(labels[train], minlength=5)[present] >= 1).all()
    # Whole classes of one picture cannot be held out; their share falls to the others.
    if sizes[present].min() >= 20:
        assert np.abs(held - sizes * len(test) / len(labels)).max() < 1


def test_seeds_hold_out_different_pictures() -> None:
    assert not np.array_equal(split(1000, None, 0)[1], split(1000, None, 1)[1])


def test_bad_splits() -> None:
    with pytest.raises(DataError, match="1 pictures cannot be split") as caught:
        split(1, None, 0)
    assert caught.value.hint
    with pytest.raises(ConfigError, match=r"share of 0\.9") as refused:
        split(100, None, 0, share=0.9)
    assert refused.value.hint
