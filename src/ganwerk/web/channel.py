"""What all child processes of the page have: a way to talk, an end with the server.

Messages come on stdin and go to stdout (see web.framing); whatever else prints goes to stderr. The
child ends when stdin does: a server that was killed leaves nobody behind.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any

from ganwerk.errors import GanwerkError
from ganwerk.web.framing import BrokenError, Head, Message, encode, read

Send = Callable[[Head, bytes], None]


class Channel:
    """To the server and back."""

    def __init__(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's, whose end is ours
        self._out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        self._inbox: SimpleQueue[Message | None] = SimpleQueue()
        self._lock = Lock()
        Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            while (message := read(sys.stdin.buffer)) is not None:
                self._inbox.put(message)
        except BrokenError as error:
            print(f"ganwerk's page: {error}", file=sys.stderr)
        self._inbox.put(None)

    def receive(self, timeout: float | None = None) -> Message:
        """The next message. timeout: seconds to wait for it; None: until it comes.

        Raises TimeoutError without one, EOFError when no more can come."""
        try:
            found = self._inbox.get(timeout != 0, timeout)
        except Empty:
            raise TimeoutError from None
        if found is None:
            raise EOFError
        return found

    def send(self, head: Head, body: bytes = b"") -> None:
        """Raises EOFError if nobody listens any more."""
        with self._lock:
            try:
                self._out.write(encode(head, body))
                self._out.flush()
            except (BrokenPipeError, ValueError):
                raise EOFError from None


def failure(error: GanwerkError) -> Head:
    """What a head says of it."""
    return {"error": error.message, "hint": error.hint}


def serve(work: Callable[[Channel], Any]) -> int:
    """Work until the server has gone."""
    channel = Channel()
    try:
        work(channel)
    except EOFError:
        return 0
    except GanwerkError as error:
        channel.send(failure(error) | {"number": 0})
        return error.exit_code
    return 0
