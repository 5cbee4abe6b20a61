"""The server of the page: one process, one loop, closed in a moment."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ganwerk.errors import MachineError
from ganwerk.web.app import build
from ganwerk.web.site import Site

PORTS = range(8765, 8785)
"""Tried in turn where none was asked for."""

HEAD_SECONDS = 20
"""A connection that has not sent a whole request by then is closed."""

MOST_CONNECTIONS = 4_000


class Impatient(H11Protocol):
    """Closes connections that ask nothing: thousands of these would take all file handles."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._waiting = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _give_up(self) -> None:
        asked: Any = self.cycle  # None until the head of a request is whole
        if asked is None and not self.transport.is_closing():
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        super().connection_lost(exc)


def listen(host: str, port: int | None) -> socket.socket:
    """A socket that listens; of the usual ports the first that is free, without `port`.

    Raises MachineError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    error: OSError | None = None
    for number in PORTS if port is None else (port,):
        # The protocol is named, or asyncio would leave small packets waiting for others
        made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, number))
            made.listen(1024)
            return made
        except OSError as refused:
            made.close()
            error = refused
    where = f"{host}:{port}" if port is not None else f"{host}, ports {PORTS[0]} to {PORTS[-1]}"
    raise MachineError(
        f"The page cannot listen at {where}: {error.strerror if error else 'no port'}.",
        "Choose another port: ganwerk serve --port 8800",
    )


def serve(site: Site, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until Ctrl-C or SIGTERM. ready: called when requests are answered."""
    _allow_many_files()
    config = uvicorn.Config(
        build(site), http=Impatient, ws="none", loop="asyncio", log_config=None,
        server_header=False, access_log=False, timeout_keep_alive=30, lifespan="on",
        timeout_graceful_shutdown=2, h11_max_incomplete_event_size=1 << 16,
    )  # fmt: skip
    server = Announced(config, ready)
    site.stopping = lambda: server.should_exit
    with suppress(KeyboardInterrupt):  # uvicorn raises it again when it has closed
        server.run(sockets=[listening])


class Announced(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def _allow_many_files() -> None:
    """As many open connections as the system grants this user."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, MOST_CONNECTIONS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
