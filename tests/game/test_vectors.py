"""Tensors as stretches of a vector."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.game.vectors import as_it_lies, in_the_shape_of

LAYOUTS = {
    "contiguous": lambda x: x,
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "turned": lambda x: x.permute(3, 1, 0, 2),
    "with gaps": lambda x: torch.cat([x, x])[::2],
    "one number for all": lambda x: x[:1].expand(4, -1, -1, -1),
}


@given(
    st.tuples(*[st.integers(1, 4)] * 4),
    st.sampled_from(["contiguous", "channels last"]),
    st.sampled_from(sorted(LAYOUTS)),
)
def test_there_and_back(shape, lies, wanted):
    """Whatever the two layouts are, no number moves to another place of its tensor."""
    like = LAYOUTS[wanted](torch.rand(shape))
    shape = tuple(like.shape)
    count = torch.Size(shape).numel()
    tensor = LAYOUTS[lies](torch.arange(count).float().view(shape))
    vector = as_it_lies(tensor, like)
    assert sorted(vector.tolist()) == list(range(count))
    assert torch.equal(in_the_shape_of(vector, like), tensor)
    whole = torch.cat([torch.full((3,), -1.0), vector, torch.full((2,), -1.0)])
    assert torch.equal(in_the_shape_of(whole[3 : 3 + count], like), tensor)


@pytest.mark.parametrize("layout", ["contiguous", "channels last", "turned"])
def test_what_lies_alike_is_not_copied(layout):
    like = LAYOUTS[layout](torch.rand(2, 3, 4, 5))
    gradient = torch.rand_like(like)
    vector = as_it_lies(gradient, like)
    assert vector.data_ptr() == gradient.data_ptr()
    assert in_the_shape_of(vector, like).stride() == like.stride()


def test_a_dimension_of_one_number_has_no_stride():
    like = torch.rand(4, 1, 3, 3)
    gradient = like.as_strided(like.shape, (9, 1, 3, 1))
    assert gradient.stride() != like.stride()
    assert as_it_lies(gradient, like).data_ptr() == gradient.data_ptr()


def test_the_order_is_that_of_the_pattern_alone():
    x = torch.rand(2, 3, 4, 5)
    like = x.contiguous(memory_format=torch.channels_last)
    assert torch.equal(as_it_lies(x, like), as_it_lies(like, like))
