"""Messages between the server and its children."""

from __future__ import annotations

import asyncio
import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.web.framing import LARGEST_BODY, BrokenError, encode, read, read_message_async

HEADS = st.dictionaries(st.text(max_size=9), st.integers() | st.text(max_size=9) | st.booleans())


async def all_soon(raw):
    stream = asyncio.StreamReader()
    stream.feed_data(raw)
    stream.feed_eof()
    found = []
    while (message := await read_message_async(stream)) is not None:
        found.append(message)
    return found


def all_of(raw):
    stream = io.BytesIO(raw)
    return list(iter(lambda: read(stream), None))


@given(st.lists(st.tuples(HEADS, st.binary(max_size=50)), max_size=4))
def test_what_is_packed_is_read_both_ways(loop, messages):
    raw = b"".join(encode(head, body) for head, body in messages)
    assert all_of(raw) == messages
    assert loop(all_soon(raw)) == messages


@pytest.mark.parametrize(
    "raw",
    [
        encode({"a": 1}, b"body")[:-1],
        encode({"a": 1})[:3],
        struct.pack("<II", 3, 0) + b"{a}",
        struct.pack("<II", 2, 0) + b"[]",
        struct.pack("<II", 2, LARGEST_BODY + 1),
        b"Traceback (most recent call last)",
    ],
)
def test_what_is_no_message_is_broken(loop, raw):
    with pytest.raises(BrokenError):
        all_of(raw)
    with pytest.raises(BrokenError):
        loop(all_soon(raw))
