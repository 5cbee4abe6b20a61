"""What a child answers, passed on to the page as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from starlette.responses import Response, StreamingResponse

from ganwerk.errors import GanwerkError
from ganwerk.web.child import DroppedError
from ganwerk.web.framing import Message, encode
from ganwerk.web.site import Site

MEDIA_TYPE = "application/octet-stream"
NO_STORE = {"cache-control": "no-store"}
SOON_SECONDS = 0.1
LOOK_SECONDS = 0.2
"""How late a stream can notice that the server ends."""


def relayed(site: Site, messages: AsyncGenerator[Message]) -> StreamingResponse:
    """The messages, in the same form. An error is a last message that says it; who goes away ends
    the question."""
    headers = {**NO_STORE, "x-accel-buffering": "no"}
    parts = _encoded(_while_serving(site, messages))
    return StreamingResponse(parts, media_type=MEDIA_TYPE, headers=headers)


async def collected(site: Site, messages: AsyncGenerator[Message]) -> Response:
    """The same in one piece, for a single picture that comes soon: a stream would take longer than
    it does. For one that does not it is a stream, which notices who goes away."""
    coming: asyncio.Future[Message | None] = asyncio.ensure_future(anext(messages, None))
    await asyncio.wait({coming}, timeout=SOON_SECONDS)
    rest = _after(coming, messages)
    if not coming.done():
        return relayed(site, rest)
    parts = [part async for part in _encoded(rest)]
    return Response(b"".join(parts), media_type=MEDIA_TYPE, headers=NO_STORE)


async def _after(
    first: asyncio.Future[Message | None], messages: AsyncGenerator[Message]
) -> AsyncGenerator[Message]:
    """The messages of which the first is on its way."""
    try:
        message = await first
        while message is not None:
            yield message
            message = await anext(messages, None)
    finally:
        await messages.aclose()


async def _encoded(messages: AsyncIterator[Message]) -> AsyncIterator[bytes]:
    try:
        async for head, body in messages:
            yield encode(head, body)
    except DroppedError:
        yield encode({"dropped": True, "last": True})
    except GanwerkError as error:
        yield encode({"error": error.message, "hint": error.hint, "last": True})


async def _while_serving(site: Site, messages: AsyncGenerator[Message]) -> AsyncIterator[Message]:
    coming: asyncio.Future[Message | None] | None = None
    try:
        while not site.stopping():
            coming = coming or asyncio.ensure_future(anext(messages, None))
            await asyncio.wait({coming}, timeout=LOOK_SECONDS)
            if coming.done():
                message, coming = coming.result(), None
                if message is None:
                    return
                yield message
    finally:
        # In a task of its own: this one may be cancelled, and may then wait for nothing
        closing = asyncio.ensure_future(_closed(messages, coming))
        _CLOSING.add(closing)
        closing.add_done_callback(_CLOSING.discard)


_CLOSING: set[asyncio.Future[None]] = set()


async def _closed(
    messages: AsyncGenerator[Message], coming: asyncio.Future[Message | None] | None
) -> None:
    """The question is over, whatever it waited for."""
    if coming is not None:
        coming.cancel()
        await asyncio.wait({coming})
    await messages.aclose()
