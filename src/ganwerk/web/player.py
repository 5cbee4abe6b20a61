"""The process that plays games of the laboratory: python -m ganwerk.web.player.

What it is asked (`do` in the head of a message):

play   experiment, preset, methods, seed: a stream of frames, until the game is over
pace   paused, and at most how many steps a second (null: as many as can be)
drop   nobody watches any more

A frame tells the facts of each lane and where its arrays lie in the body. It plays as many steps
between two frames as fit into a frame's time, at least one, all lanes as many.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch

from ganwerk.errors import GanwerkError
from ganwerk.lab.live import Lane, Stage
from ganwerk.lab.stacked import ready
from ganwerk.values import Progress
from ganwerk.web.channel import Channel, failure, serve
from ganwerk.web.framing import Head

FRAME_SECONDS = 0.04
JUDGED_SECONDS = 3.0
"""How often what takes long is counted: modes of pictures."""


class StoppedError(Exception):
    """Nobody watches any more, or another game is asked for."""


class Player:
    """One game at a time."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.number = 0
        self.paused = False
        self.most_per_second: float | None = None

    def run(self) -> None:
        """Until the server has gone. Raises EOFError then."""
        asked: Head | None = None
        while True:
            head = asked or self.channel.receive()[0]
            asked = None
            if head.get("do") != "play":
                continue
            self.number, self.paused, self.most_per_second = int(head["number"]), False, None
            self._pace(head)
            try:
                self._play(head)
            except GanwerkError as error:
                self._send({**failure(error), "last": True})
            except StoppedError as stopped:
                self._send({"dropped": True})
                asked = stopped.args[0]

    def _send(self, head: Head, body: bytes = b"") -> None:
        self.channel.send({"number": self.number, **head}, body)

    def _pace(self, head: Head) -> None:
        self.paused = bool(head.get("paused", self.paused))
        self.most_per_second = head.get("most_per_second", self.most_per_second)

    def _listen(self) -> None:
        """What has come meanwhile; while paused, until there is news.
        Raises StoppedError, EOFError."""
        while True:
            try:
                head, _ = self.channel.receive(None if self.paused else 0)
            except TimeoutError:
                return
            if head.get("do") == "play":
                raise StoppedError(head)
            if head.get("do") == "drop" and head.get("number") == self.number:
                raise StoppedError(None)
            if head.get("do") == "pace":
                self._pace(head)

    def _play(self, head: Head) -> None:
        root = head.get("data_root")
        if head["experiment"] == "stacked":
            ready(None if root is None else Path(root), self._prepare)
        stage = Stage(
            head["experiment"], head.get("preset") or "", head.get("methods") or (),
            int(head.get("seed", 0)), None if root is None else Path(root), head.get("steps"),
        )  # fmt: skip
        self._send({"stage": stage.described()})
        slow = head["experiment"] == "stacked"
        each, judged = 1, time.monotonic()
        self._show(stage.lanes, {})
        while not stage.finished:
            self._listen()
            began = time.monotonic()
            stage.play(stage.step + each)
            extra: dict[int, Any] = {}
            if slow and began - judged > JUDGED_SECONDS and not stage.finished:
                extra = {k: lane.judged() for k, lane in enumerate(stage.lanes)}
                judged = time.monotonic()
            self._show(stage.lanes, extra)
            each = min(stage.together, self._each(each, time.monotonic() - began))
        self._send({"result": [lane.judged() for lane in stage.lanes], "last": True})

    def _each(self, each: int, seconds: float) -> int:
        """How many steps are played for the next frame, after so many took so long. Waits where
        the pace asks for it."""
        if self.most_per_second:
            wanted = max(1, round(self.most_per_second * FRAME_SECONDS))
            time.sleep(max(0.0, each / self.most_per_second - seconds))
        else:
            wanted = max(1, int(each * FRAME_SECONDS / max(seconds, 1e-4)))
        return min(wanted, 2 * each)

    def _show(self, lanes: list[Lane], extra: dict[int, Any]) -> None:
        told, parts, offset = [], [], 0
        for number, lane in enumerate(lanes):
            facts, arrays = lane.frame()
            places = {}
            for name, array in arrays.items():
                parts.append(array.tobytes())
                places[name] = [offset, str(array.dtype), list(array.shape)]
                offset += -(-len(parts[-1]) // 4) * 4  # so that numbers of 4 bytes lie even
                parts[-1] = parts[-1].ljust(-(-len(parts[-1]) // 4) * 4, b"\0")
            told.append({**facts, **extra.get(number, {}), "arrays": places})
        self._send({"lanes": told}, b"".join(parts))

    def _prepare(self, progress: Progress) -> None:
        self._listen()
        self._send({"preparing": progress.task, "done": progress.done, "total": progress.total})


def main() -> int:
    torch.set_num_threads(1)
    return serve(lambda channel: Player(channel).run())


if __name__ == "__main__":
    raise SystemExit(main())
