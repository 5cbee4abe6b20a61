"""A child process that answers, as the server sees it."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from weakref import WeakSet

from ganwerk.errors import GanwerkError, MachineError
from ganwerk.web.framing import BrokenError, Head, Message, encode, read_message_async

STREAM_LIMIT = 1 << 20
LAST_WORDS = 2_000


_killed: WeakSet[asyncio.subprocess.Process] = WeakSet()


def kill(process: asyncio.subprocess.Process) -> None:
    """End it at once, if it has not ended. `process.kill()` looks first whether it has, and takes
    its exit status from under asyncio, which then complains of an unknown child."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        _killed.add(process)


async def all_gone(seconds: float = 2.0) -> None:
    """Until those that were killed are known to have ended: asyncio complains of one that ends
    after its loop."""
    waiting = [asyncio.ensure_future(p.wait()) for p in _killed if p.returncode is None]
    if waiting:
        _, late = await asyncio.wait(waiting, timeout=seconds)
        for task in late:
            task.cancel()


class GoneError(Exception):
    """The child ended while somebody waited for it."""


class DroppedError(Exception):
    """The asker has asked for something newer."""


class AnswerError(GanwerkError):
    """What the child says is wrong."""


class Child:
    """A process of the module `name` with these arguments, started when first asked.

    Each question has a number; answers come in any order. backlog: how many answers may wait for
    their reader before the child has to; 0: any number."""

    def __init__(self, name: str, arguments: Sequence[str] = (), backlog: int = 0) -> None:
        self.name, self.arguments, self.backlog = name, tuple(arguments), backlog
        self.used = time.monotonic()
        self._numbers = itertools.count(1)
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._answers: dict[int, asyncio.Queue[Message | None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.last_words = b""

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def busy(self) -> bool:
        """Whether somebody waits for it."""
        return bool(self._answers)

    async def start(self) -> None:
        """Raises MachineError if no process can be begun."""
        async with self._starting:
            if self._process is not None and self._process.returncode is None:
                return
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            try:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", self.name, *self.arguments, env=environment,
                    stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE, limit=STREAM_LIMIT,
                )  # fmt: skip
            except OSError as error:
                raise MachineError(
                    f"The process that draws cannot be started: {error}.",
                    "Close other programs and try again.",
                ) from error
            self.last_words = b""
            self._tasks = [asyncio.create_task(self._listen(self._process)),
                           asyncio.create_task(self._overhear(self._process))]  # fmt: skip

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with suppress(BrokenError, OSError):
            while (message := await read_message_async(process.stdout)) is not None:
                queue = self._answers.get(int(message[0].get("number", 0)))
                if queue is not None:
                    await queue.put(message)
        kill(process)  # it said what is no message, or closed its mouth
        await process.wait()
        if process is self._process:
            self._process = None
        for queue in list(self._answers.values()):
            await queue.put(None)

    async def _overhear(self, process: asyncio.subprocess.Process) -> None:
        """The end of what it says to stderr, for whoever asks why it died."""
        assert process.stderr is not None
        while some := await process.stderr.read(4096):
            self.last_words = (self.last_words + some)[-LAST_WORDS:]

    async def ask(self, head: Head, body: bytes = b"") -> AsyncGenerator[Message]:
        """The answers to one question, the last one included. An abandoned question is dropped.

        Raises GoneError if the child ends before the last one, DroppedError if the asker asked
        again meanwhile, MachineError if it cannot be started."""
        self.used = time.monotonic()
        number = next(self._numbers)
        queue: asyncio.Queue[Message | None] = asyncio.Queue(self.backlog)
        finished = False
        await self.start()
        self._answers[number] = queue
        try:
            await self.tell({**head, "number": number}, body)
            while not finished:
                message = await queue.get()
                if message is None:
                    raise GoneError
                finished = bool(message[0].get("dropped") or message[0].get("last"))
                if message[0].get("dropped"):
                    raise DroppedError
                yield message
        finally:
            self.used = time.monotonic()
            del self._answers[number]
            while not queue.empty():  # whoever waits to put something in may go on
                queue.get_nowait()
            if not finished and "asker" in head:
                with suppress(GoneError):
                    await self.tell({"do": "drop", "asker": head["asker"], "number": number})

    async def tell(self, head: Head, body: bytes = b"") -> None:
        """What is not answered. Raises GoneError."""
        process = self._process
        if process is None or process.stdin is None:
            raise GoneError
        try:
            process.stdin.write(encode(head, body))
            await process.stdin.drain()
        except (BrokenPipeError, ConnectionError):
            raise GoneError from None

    async def answers(self, head: Head, body: bytes = b"") -> AsyncGenerator[Message]:
        """`ask`, once more in a new process if the old one ended before it said anything.

        Raises MachineError if that ends, too."""
        for last in (False, True):
            said = False
            try:
                async with aclosing(self.ask(head, body)) as found:
                    async for message in found:
                        said = True
                        yield message
                return
            except GoneError:
                if last or said:
                    raise MachineError(
                        "The process that draws has ended in the middle of its work.",
                        "Try again; if the memory is full, close other programs.",
                    ) from None

    async def answer(self, head: Head, body: bytes = b"") -> Message:
        """The one answer. Raises AnswerError where it is an error."""
        async with aclosing(self.answers(head, body)) as found:
            async for answer in found:
                if "error" in answer[0]:
                    raise AnswerError(answer[0]["error"], answer[0].get("hint", ""))
                return answer
        raise MachineError("The process that draws gave no answer.", "Try again.")

    def stop(self) -> None:
        """End it at once."""
        process = self._process
        if process is not None:
            kill(process)

    async def close(self) -> None:
        """Let it end; whoever waits is told."""
        process = self._process
        if process is not None and process.stdin is not None:
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), 0.5)
            except TimeoutError:
                kill(process)
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task


class Children:
    """At most so many children of one kind, one for each key; the longest unused gives way."""

    def __init__(self, name: str, most: int, idle_seconds: float = 300.0) -> None:
        self.name, self.most, self.idle_seconds = name, most, idle_seconds
        self._by_key: dict[tuple[str, ...], Child] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    async def of(self, *key: str) -> Child:
        """The child with these arguments. Raises MachineError where all others are busy."""
        await self.tidy()
        if key not in self._by_key and len(self._by_key) >= self.most:
            await self._give_way()
        child = self._by_key.setdefault(key, Child(self.name, key))
        child.used = time.monotonic()
        return child

    async def _give_way(self) -> None:
        idle = [key for key, child in self._by_key.items() if not child.busy]
        if not idle:
            raise MachineError(
                f"{self.most} generators are drawing already.", "Try again in a moment."
            )
        await self._by_key.pop(min(idle, key=lambda key: self._by_key[key].used)).close()

    async def tidy(self) -> None:
        """End those that nobody has asked for long."""
        since = time.monotonic() - self.idle_seconds
        for key in [k for k, c in self._by_key.items() if c.used < since and not c.busy]:
            await self._by_key.pop(key).close()

    def stop(self) -> None:
        """End all at once."""
        for child in self._by_key.values():
            child.stop()
        self._by_key.clear()
