"""Asks the inspector: one picture after the other, by a process that may die of one."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from ganwerk.web.child import kill

PATIENCE_SECONDS = 20
"""For one picture."""

MOST_LINE_BYTES = 1 << 20


class Inspection:
    """Processes that decode, each started when it is first needed."""

    def __init__(self, processes: int = 2) -> None:
        self._idle: asyncio.LifoQueue[asyncio.subprocess.Process | None] = asyncio.LifoQueue()
        for _ in range(processes):
            self._idle.put_nowait(None)
        self._started: set[asyncio.subprocess.Process] = set()

    async def look(
        self, path: Path, px: int = 96, thumb: bool = False, member: str = ""
    ) -> dict[str, Any]:
        """{"ok": True, "width": ..., "height": ..., "jpeg": base64}, or {"ok": False, "reason"}.
        member: a name inside of the zip file at `path`."""
        process = await self._idle.get()
        try:
            if process is not None and process.returncode is not None:
                self._started.discard(process)
                process = None
            process = process or await self._start()
            asked = json.dumps(
                {"path": os.fspath(path), "px": px, "thumb": thumb, "member": member}
            )
            said = await asyncio.wait_for(_answer(process, asked), PATIENCE_SECONDS)
        except TimeoutError:
            said = {"ok": False, "reason": f"takes more than {PATIENCE_SECONDS} s to decode"}
            self._end(process)
        except (OSError, ValueError, EOFError):
            said = {"ok": False, "reason": "takes more memory than a picture may, or is hostile"}
            self._end(process)
        except BaseException:  # the request was broken off: its answer would be another's
            self._end(process)
            raise
        finally:
            alive = process is not None and process.returncode is None
            self._idle.put_nowait(process if alive and process in self._started else None)
        return said

    async def _start(self) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ganwerk.web.inspector", stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            limit=MOST_LINE_BYTES,
        )  # fmt: skip
        self._started.add(process)
        return process

    def _end(self, process: asyncio.subprocess.Process | None) -> None:
        if process is not None:
            self._started.discard(process)
            kill(process)

    def close(self) -> None:
        for process in list(self._started):
            self._end(process)


async def _answer(process: asyncio.subprocess.Process, asked: str) -> dict[str, Any]:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{asked}\n".encode())
    await process.stdin.drain()
    line = await process.stdout.readline()
    if not line:
        raise EOFError
    said: dict[str, Any] = json.loads(line)
    return said
