"""The process that draws: python -m ganwerk.web.drawer RUN AT.

It holds one generator. What it is asked (`do` in the head of a message):

draw   wishes (see control.wish): a picture each, in this order
walk   stops, wishes too, and shares of the way: a picture each
exact  a wish: drawn as `ganwerk sample` does, in a batch of the fixed size, bit for bit
keep   a wish and a name: its place is written into the run
facts  what can be wished for
drop   an asker waits no longer

An answer has the number of its request; pictures also the index of their part, and how many images
the generator had seen. An asker that asks again drops what it asked before.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganwerk import checks
from ganwerk.control.layers import band
from ganwerk.control.places import Places
from ganwerk.control.steered import Pixels, Steered
from ganwerk.control.wish import read
from ganwerk.control.wished import Wisher
from ganwerk.errors import ConfigError, GanwerkError
from ganwerk.run import encode_picture, to_uint8
from ganwerk.run.index import list_checkpoints
from ganwerk.web.serving import Channel, failure, serve
from ganwerk.web.waiting import MOST_PICTURES, Piece, Request, Waiting
from ganwerk.web.wire import Head

LOOK_SECONDS = 2.0
"""How often a newer checkpoint is looked for."""
PATIENCE, ALONE_PATIENCE, URGENT_SECONDS = 1.5, 6.0, 1.0
"""How much longer than a single picture a batch may take: so long may an urgent one wait; and where
nothing urgent was asked for so many seconds."""
MOST_TOGETHER, MOST_URGENT = 32, 8


class Pace:
    """How many pictures are drawn together, by what that took here and now."""

    def __init__(self) -> None:
        self.seconds: dict[int, float] = {}

    def saw(self, count: int, seconds: float) -> None:
        if count & (count - 1) == 0:  # powers of two are enough to go by
            before = self.seconds.get(count, seconds)
            self.seconds[count] = before + 0.2 * (seconds - before)

    def most(self, patience: float = PATIENCE) -> int:
        """The largest power of two that is drawn within `patience` times what a single picture
        takes."""
        if 1 not in self.seconds:
            return 1
        limit, count = patience * self.seconds[1], 1
        while 2 * count <= MOST_TOGETHER and self._expected(2 * count) <= limit:
            count *= 2
        return count

    def _expected(self, count: int) -> float:
        if count in self.seconds:
            return self.seconds[count]
        known = max(each for each in self.seconds if each < count)
        one, most = self.seconds[1], self.seconds[known]
        each = 0.5 * one if known == 1 else max(0.0, most - one) / (known - 1)
        return most + (count - known) * each


class Drawer:
    """One generator and whoever waits for its pictures."""

    def __init__(self, path: Path, at: str | int, channel: Channel) -> None:
        self.path, self.at, self.channel = path, at, channel
        self.waiting, self.pace = Waiting(), Pace()
        self._opened: tuple[object, Wisher] | None = None
        self._looked = self._urgent = -float("inf")

    def run(self) -> None:
        """Until the server has gone. Raises EOFError then."""
        while True:
            self._receive()
            hurried = time.monotonic() - self._urgent < URGENT_SECONDS
            most = self.pace.most(PATIENCE if hurried else ALONE_PATIENCE)
            pieces = self.waiting.take(most, MOST_URGENT)
            try:
                wisher = self._newest()
            except GanwerkError as error:
                for piece in pieces:
                    self._send(piece, failure(error))
                continue
            self._draw(wisher, [piece for piece in pieces if piece.part[0] in PLACED])
            for piece in pieces:
                if piece.part[0] in OTHERS:
                    self._answer(wisher, piece)

    def _receive(self) -> None:
        """All that has come; waits only where there is nothing to do."""
        wait: float | None = 0 if len(self.waiting) else None
        with suppress(TimeoutError):
            while True:
                head, _ = self.channel.receive(wait)
                wait = 0
                if head.get("do") == "drop":
                    self._dropped(self.waiting.drop(str(head["asker"]), int(head["number"])))
                else:
                    request = request_of(head)
                    self._urgent = time.monotonic() if request.urgent else self._urgent
                    self._dropped(self.waiting.add(request))

    def _dropped(self, request: Request | None) -> None:
        if request is not None:
            self.channel.send({"number": request.number, "dropped": True})

    def _newest(self) -> Wisher:
        """The generator, a newer one where the latest is asked for. Raises GanwerkError."""
        now = time.monotonic()
        if self._opened is None or (self.at == "latest" and now - self._looked > LOOK_SECONDS):
            self._looked = now
            found = [(i.images, i.sequence) for i in list_checkpoints(self.path / "checkpoints")]
            if self._opened is None or self._opened[0] != found:
                self._opened = found, Wisher(Steered.open(self.path, self.at, "cpu"), self.path)
        return self._opened[1]

    def _answer(self, wisher: Wisher, piece: Piece) -> None:
        what, given, head = piece.part
        try:
            self._send(piece, *OTHERS[what](wisher, given, head))
        except GanwerkError as error:
            self._send(piece, failure(error))

    def _draw(self, wisher: Wisher, pieces: Sequence[Piece]) -> None:
        """All pictures of some pieces in one pass."""
        ready: list[tuple[Piece, Places]] = []
        for piece in pieces:
            what, given, _ = piece.part
            try:
                ready.append((piece, PLACED[what](wisher, given)))
            except GanwerkError as error:
                self._send(piece, failure(error))
        if not ready:
            return
        places = wisher.steered.joined([place for _, place in ready])
        began = time.perf_counter()
        try:
            with torch.inference_mode():
                pictures = to_uint8(wisher.steered.drawn(places))
        except GanwerkError as error:
            for piece, _ in ready:
                self._send(piece, failure(error))
            return
        self.pace.saw(len(ready), time.perf_counter() - began)
        for (piece, _), pixels in zip(ready, pictures, strict=True):
            self._send(piece, *picture(pixels, piece.part[2], wisher))

    def _send(self, piece: Piece, head: Head, body: bytes = b"") -> None:
        request = piece.request
        request.answered += 1
        last = request.answered == len(request.parts)
        about = {"number": request.number, "index": piece.index, "last": last}
        self.channel.send({**about, **head}, body)


def picture(pixels: Pixels, asked: Head, wisher: Wisher) -> tuple[Head, bytes]:
    """The head and body of a picture (H, W, C), of the kind that was asked for; 'raw' has its bytes
    as they are."""
    kind = str(asked.get("kind", "png"))
    head = {"images": wisher.steered.sampler.images, "kind": kind}
    if kind == "raw":
        return head | {"shape": list(pixels.shape)}, pixels.tobytes()
    factor = len(pixels) // int(asked.get("most_px") or len(pixels))
    if factor > 1:  # means of squares: at once on the screen, and small on the way
        rows = len(pixels) // factor * factor
        parts = pixels[:rows, :rows].reshape(rows // factor, factor, rows // factor, factor, -1)
        pixels = parts.mean((1, 3)).round().astype(np.uint8)
    return head, encode_picture(pixels, kind)


def request_of(head: Head) -> Request:
    """What a message asks for, checked by the server already."""
    what = str(head["do"])
    given: list[Any] = head.get("wishes") or [None]
    if what == "walk":
        given = [(head["stops"], share) for share in head["shares"]]
    parts = tuple((what, each, head) for each in given[:MOST_PICTURES])
    asker = str(head.get("asker") or f"request {head['number']}")
    return Request(int(head["number"]), asker, parts, bool(head.get("urgent")))


def _walked(wisher: Wisher, given: tuple[list[str], float]) -> Places:
    stops, share = given
    if len(stops) < 2:
        raise ConfigError("A walk needs two pictures or more.", "Pin another picture.")
    return wisher.walked([read(stop) for stop in stops], share)


def _exact(wisher: Wisher, wish: str, head: Head) -> tuple[Head, bytes]:
    pixels = wisher.steered.draw(wisher.place(read(wish)))[0]
    return picture(pixels, head, wisher)


def _keep(wisher: Wisher, wish: str, head: Head) -> tuple[Head, bytes]:
    return {"path": str(wisher.keep(read(wish), str(head["name"])))}, b""


def _facts(wisher: Wisher, _: None, head: Head) -> tuple[Head, bytes]:
    steered = wisher.steered
    sampler, space = steered.sampler, steered.space
    largest = max(space.resolutions)
    return {
        "images": sampler.images,
        "resolution": sampler.settings.data.resolution,
        "channels": sampler.settings.data.channels,
        "classes": list(steered.classes),
        "layers": [{"side_px": side, "band": band(side, largest)} for side in space.resolutions],
        "truncates": _truncates(wisher),
        "directions": wisher.directions.importance.tolist(),
        "warnings": list(sampler.warnings),
    }, b""


def _truncates(wisher: Wisher) -> bool:
    """Whether the generator knows a middle."""
    try:
        wisher.steered.places([0], (), 0.5)
    except ConfigError:
        return False
    return True


PLACED: dict[str, Callable[[Wisher, Any], Places]] = {
    "draw": lambda wisher, wish: wisher.place(read(wish)),
    "walk": _walked,
}
OTHERS: dict[str, Callable[[Wisher, Any, Head], tuple[Head, bytes]]] = {
    "exact": _exact,
    "keep": _keep,
    "facts": _facts,
}


def main() -> int:
    torch.set_num_threads(1)  # a second one would wait for a training's
    path, at = Path(sys.argv[1]), checks.at(sys.argv[2])
    return serve(lambda channel: Drawer(path, at, channel).run())


if __name__ == "__main__":
    raise SystemExit(main())
