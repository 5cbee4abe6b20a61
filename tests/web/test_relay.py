"""What a child answers, in one piece or as a stream."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.responses import StreamingResponse

from ganwerk.errors import ConfigError
from ganwerk.web.child import DroppedError
from ganwerk.web.framing import Message, read
from ganwerk.web.relay import SOON_SECONDS, collected


class Question:
    """Answers after `seconds` each, or fails in the end."""

    def __init__(self, *found: Message, seconds: float = 0.0, error: Exception | None = None):
        self.found, self.seconds, self.error, self.closed = found, seconds, error, False

    async def answers(self) -> AsyncGenerator[Message]:
        try:
            for message in self.found:
                await asyncio.sleep(self.seconds)
                yield message
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True


def site(stops: Any = lambda: False) -> Any:
    return SimpleNamespace(stopping=stops)


def messages(content: bytes) -> list[Message]:
    stream = io.BytesIO(content)
    return list(iter(lambda: read(stream), None))


async def streamed(response: StreamingResponse) -> bytes:
    return b"".join([bytes(part) async for part in response.body_iterator])


PICTURE: Message = ({"index": 0, "last": True}, b"a picture")


def test_what_comes_soon_comes_in_one_piece() -> None:
    question = Question(PICTURE)
    response = asyncio.run(collected(site(), question.answers()))
    assert messages(response.body) == [PICTURE]
    assert response.headers["content-length"] == str(len(response.body))
    assert question.closed


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DroppedError(), {"dropped": True, "last": True}),
        (ConfigError("No.", "Yes."), {"error": "No.", "hint": "Yes.", "last": True}),
    ],
)
@pytest.mark.parametrize("before", [(), (PICTURE,)])
def test_an_error_is_the_last_message(error: Exception, said: Any, before: Any) -> None:
    question = Question(*before, error=error)
    response = asyncio.run(collected(site(), question.answers()))
    assert messages(response.body) == [*before, (said, b"")]
    assert question.closed


def test_what_takes_longer_is_a_stream_that_ends_with_the_server() -> None:
    late = Question(PICTURE, seconds=2 * SOON_SECONDS)

    async def play(question: Question, where: Any) -> bytes:
        response = await collected(where, question.answers())
        assert isinstance(response, StreamingResponse)
        content = await streamed(response)
        await asyncio.sleep(0.05)
        return content

    assert messages(asyncio.run(play(late, site()))) == [PICTURE]
    assert late.closed
    endless = Question(PICTURE, seconds=3_600)
    assert asyncio.run(play(endless, site(lambda: True))) == b""
    assert endless.closed
