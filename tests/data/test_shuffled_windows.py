from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.data.sampler import Sampler, Windows


@st.composite
def cut(draw: st.DrawFn) -> tuple[Windows, np.ndarray]:
    """Windows of a few shards, and some of the pictures in them."""
    sizes = draw(st.lists(st.integers(1, 12), min_size=2, max_size=9))
    shard_of = np.repeat(np.arange(len(sizes)), sizes)
    np.random.default_rng(draw(st.integers(0, 99))).shuffle(shard_of)
    windows = Windows(shard_of.astype(np.int32), len(sizes), draw(st.integers(1, len(sizes))))
    chosen = draw(st.lists(st.sampled_from(range(len(shard_of))), min_size=1, unique=True))
    return windows, np.sort(chosen)


@given(cut(), st.integers(1, 40), st.integers(0, 2**63))
def test_every_picture_once_per_epoch(made, batch: int, seed: int) -> None:
    windows, indices = made
    sampler, count = Sampler(indices, batch, seed, windows), len(indices)
    drawn = np.concatenate([sampler.batch(i) for i in range(-(-3 * count // batch))])
    for epoch in range(3):
        assert sorted(drawn[epoch * count : (epoch + 1) * count]) == indices.tolist()


@given(cut(), st.integers(1, 40), st.lists(st.integers(0, 10**12), min_size=1, max_size=6))
def test_a_batch_is_a_function_of_seed_and_number(made, batch: int, numbers: list[int]) -> None:
    windows, indices = made
    used = Sampler(indices, batch, 3, windows)
    for number in [*numbers, *reversed(numbers)]:
        fresh = Sampler(indices, batch, 3, windows)
        assert used.batch(number).tolist() == fresh.batch(number).tolist()
        assert used.ahead(number) == Sampler(indices, batch, 3, windows).ahead(number)


@given(cut(), st.integers(0, 30))
def test_a_picture_is_in_the_window_or_the_next(made, number: int) -> None:
    """A batch smaller than any window needs two windows at most, which `ahead` names."""
    windows, indices = made
    sampler = Sampler(indices, 1, 5, windows)
    ahead = sampler.ahead(number) or range(windows.shards)
    assert {windows.shard_of[picture] for picture in sampler.batch(number)} <= set(ahead)
    assert len(set(ahead)) == len(ahead) <= max(2 * windows.size, windows.shards)


@given(cut(), st.integers(1, 40), st.integers(0, 50))
def test_one_window_is_the_order_of_old_runs(made, batch: int, number: int) -> None:
    windows, indices = made
    whole = Windows(windows.shard_of, windows.shards, windows.shards)
    one, old = Sampler(indices, batch, 7, whole), Sampler(indices, batch, 7)
    assert one.batch(number).tolist() == old.batch(number).tolist()


def test_epochs_take_the_shards_in_new_orders() -> None:
    windows = Windows(np.repeat(np.arange(20), 4).astype(np.int32), 20, 2)
    sampler = Sampler(np.arange(80), 8, 0, windows)
    firsts = {tuple(sampler.ahead(10 * epoch)[:2]) for epoch in range(20)}
    assert len(firsts) > 15


def test_the_order_of_windows_is_the_same_in_every_version() -> None:
    # If this fails, a training that is resumed would see other batches than before.
    windows = Windows(np.repeat(np.arange(4), 3).astype(np.int32), 4, 2)
    sampler = Sampler(np.arange(12), 6, 7, windows)
    assert [sampler.batch(i).tolist() for i in (0, 1, 2)] == EXPECTED


EXPECTED = [[4, 0, 1, 5, 3, 2], [10, 6, 11, 9, 7, 8], [7, 2, 8, 1, 0, 6]]
