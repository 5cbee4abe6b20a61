"""How the server and its child processes talk, and the page in its streams: messages of a head and
a body, one after the other.

A message is two lengths (unsigned, 4 bytes each, little end first), a head of JSON in UTF-8 and a
body of bytes. static/wire.js reads the same.
"""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any, BinaryIO

LENGTHS = struct.Struct("<II")
LARGEST_HEAD, LARGEST_BODY = 1 << 22, 1 << 26
Head = dict[str, Any]
Message = tuple[Head, bytes]


class BrokenError(Exception):
    """What came is no message, or ends within one."""


def encode(head: Head, body: bytes = b"") -> bytes:
    text = json.dumps(head, separators=(",", ":")).encode()
    return LENGTHS.pack(len(text), len(body)) + text + body


def _lengths(raw: bytes) -> tuple[int, int]:
    if len(raw) < LENGTHS.size:
        raise BrokenError("the stream ends within a message")
    head, body = LENGTHS.unpack(raw)
    if head > LARGEST_HEAD or body > LARGEST_BODY:
        raise BrokenError(f"a message of {head:,} + {body:,} bytes")
    return head, body


def _message(raw: bytes, head: int, body: int) -> Message:
    if len(raw) < head + body:
        raise BrokenError("the stream ends within a message")
    try:
        found = json.loads(raw[:head])
    except ValueError as error:
        raise BrokenError(f"a head that is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise BrokenError("a head that is no object")
    return found, raw[head:]


def read(stream: BinaryIO) -> Message | None:
    """The next message; None at the end. Raises BrokenError."""
    raw = stream.read(LENGTHS.size)
    if not raw:
        return None
    head, body = _lengths(raw)
    return _message(stream.read(head + body), head, body)


async def read_message_async(stream: asyncio.StreamReader) -> Message | None:
    """The next message; None at the end. Raises BrokenError."""
    try:
        head, body = _lengths(await stream.readexactly(LENGTHS.size))
        return _message(await stream.readexactly(head + body), head, body)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise BrokenError("the stream ends within a message") from error
        return None
