"""Questions that a command answers as JSON: what is in the pictures, what would be trained.

A question runs in a process of its own; the page asks again for its answer. One that is asked
twice is answered once. Nothing is lost with the server: the same question can be asked again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from typing import Any

from ganwerk.errors import RunError
from ganwerk.web.child import kill
from ganwerk.web.commands import Arguments, argv, command_line
from ganwerk.web.launches import session

MOST_KEPT = 64
MOST_AT_ONCE = 2
MOST_LINE_BYTES = 1 << 26


class Query:
    """One question at work or answered. said: the newest line of progress. sample: names of some of
    the pictures that it is about."""

    def __init__(self, arguments: Arguments) -> None:
        self.arguments = arguments
        self.command = command_line(arguments)
        self.said: dict[str, Any] = {}
        self.answer: dict[str, Any] | None = None
        self.sample: list[str] | None = None
        self.task: asyncio.Task[None] | None = None

    def told(self) -> dict[str, Any]:
        return {"command": self.command, "said": self.said, "answer": self.answer}


class Queries:
    """The questions of the page."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Query] = OrderedDict()
        self._room = asyncio.Semaphore(MOST_AT_ONCE)
        self._processes: set[asyncio.subprocess.Process] = set()

    def submit(self, arguments: Arguments, anew: bool = False) -> str:
        """Begin, or go on with, the command `ganwerk WORDS`. Returns the id of the question."""
        name = hashlib.blake2b(json.dumps(list(arguments)).encode(), digest_size=8).hexdigest()
        known = self._kept.get(name)
        failed = known is not None and known.answer is not None and not known.answer.get("ok")
        if known is None or anew or failed:
            asked = self._kept[name] = Query(arguments)
            asked.task = asyncio.get_running_loop().create_task(self._run(asked))
        self._kept.move_to_end(name)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return name

    def of(self, name: str) -> Query:
        """Raises RunError for an id that is not known (any more)."""
        if name not in self._kept:
            raise RunError("This question is not known (any more).", "Ask it again.")
        return self._kept[name]

    async def _run(self, asked: Query) -> None:
        async with self._room:
            process = await asyncio.create_subprocess_exec(
                *argv(asked.arguments), stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
                limit=MOST_LINE_BYTES, **session(),
            )  # fmt: skip
            self._processes.add(process)
            try:
                await _listen(process, asked)
                await process.wait()
            finally:
                self._processes.discard(process)
        if asked.answer is None:
            asked.answer = {"ok": False, "error": "The command ended without an answer.",
                            "hint": f"Try it in a terminal: {asked.command}"}  # fmt: skip

    def close(self) -> None:
        for process in list(self._processes):
            kill(process)


async def _listen(process: asyncio.subprocess.Process, asked: Query) -> None:
    assert process.stdout is not None
    async for content in process.stdout:
        try:
            row = json.loads(content)
        except ValueError:
            continue
        if isinstance(row, dict) and "ok" in row:
            asked.answer = row
        elif isinstance(row, dict):
            asked.said = row
