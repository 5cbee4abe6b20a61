"""The process that draws: python -m ganwerk.web.drawer RUN AT.

It holds one generator. What it is asked (`do` in the head of a message):

draw   specs (see control.spec): a picture each, in this order
walk   stops, specs too, and shares of the way: a picture each
exact  a spec: drawn as `ganwerk sample` does, in a batch of the fixed size, bit for bit
keep   a spec and a name: its place is written into the run
facts  what can be asked for
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
from ganwerk.control.resolve import SpecResolver
from ganwerk.control.spec import read
from ganwerk.control.steered import Pixels, Steered
from ganwerk.errors import ConfigError, GanwerkError
from ganwerk.run import encode_picture, to_uint8
from ganwerk.run.index import list_checkpoints
from ganwerk.web.channel import Channel, failure, serve
from ganwerk.web.framing import Head
from ganwerk.web.request_queue import MOST_PICTURES, Piece, Request, RequestQueue

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
        self.waiting, self.pace = RequestQueue(), Pace()
        self._opened: tuple[object, SpecResolver] | None = None
        self._looked = self._urgent = -float("inf")

    def run(self) -> None:
        """Until the server has gone. Raises EOFError then."""
        while True:
            self._receive()
            hurried = time.monotonic() - self._urgent < URGENT_SECONDS
            most = self.pace.most(PATIENCE if hurried else ALONE_PATIENCE)
            pieces = self.waiting.take(most, MOST_URGENT)
            try:
                resolver = self._newest()
            except GanwerkError as error:
                for piece in pieces:
                    self._send(piece, failure(error))
                continue
            self._draw(resolver, [piece for piece in pieces if piece.part[0] in PLACED])
            for piece in pieces:
                if piece.part[0] in OTHERS:
                    self._answer(resolver, piece)

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

    def _newest(self) -> SpecResolver:
        """The generator, a newer one where the latest is asked for. Raises GanwerkError."""
        now = time.monotonic()
        if self._opened is None or (self.at == "latest" and now - self._looked > LOOK_SECONDS):
            self._looked = now
            found = [(i.images, i.sequence) for i in list_checkpoints(self.path / "checkpoints")]
            if self._opened is None or self._opened[0] != found:
                steered = Steered.open(self.path, self.at, "cpu")
                self._opened = found, SpecResolver(steered, self.path)
        return self._opened[1]

    def _answer(self, resolver: SpecResolver, piece: Piece) -> None:
        what, given, head = piece.part
        try:
            self._send(piece, *OTHERS[what](resolver, given, head))
        except GanwerkError as error:
            self._send(piece, failure(error))

    def _draw(self, resolver: SpecResolver, pieces: Sequence[Piece]) -> None:
        """All pictures of some pieces in one pass."""
        ready: list[tuple[Piece, Places]] = []
        for piece in pieces:
            what, given, _ = piece.part
            try:
                ready.append((piece, PLACED[what](resolver, given)))
            except GanwerkError as error:
                self._send(piece, failure(error))
        if not ready:
            return
        places = resolver.steered.joined([place for _, place in ready])
        began = time.perf_counter()
        try:
            with torch.inference_mode():
                pictures = to_uint8(resolver.steered.drawn(places))
        except GanwerkError as error:
            for piece, _ in ready:
                self._send(piece, failure(error))
            return
        self.pace.saw(len(ready), time.perf_counter() - began)
        for (piece, _), pixels in zip(ready, pictures, strict=True):
            self._send(piece, *picture(pixels, piece.part[2], resolver))

    def _send(self, piece: Piece, head: Head, body: bytes = b"") -> None:
        request = piece.request
        request.answered += 1
        last = request.answered == len(request.parts)
        about = {"number": request.number, "index": piece.index, "last": last}
        self.channel.send({**about, **head}, body)


def picture(pixels: Pixels, asked: Head, resolver: SpecResolver) -> tuple[Head, bytes]:
    """The head and body of a picture (H, W, C), of the kind that was asked for; 'raw' has its bytes
    as they are."""
    kind = str(asked.get("kind", "png"))
    head = {"images": resolver.steered.sampler.images, "kind": kind}
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
    given: list[Any] = head.get("specs") or [None]
    if what == "walk":
        given = [(head["stops"], share) for share in head["shares"]]
    parts = tuple((what, each, head) for each in given[:MOST_PICTURES])
    asker = str(head.get("asker") or f"request {head['number']}")
    return Request(int(head["number"]), asker, parts, bool(head.get("urgent")))


def _walked(resolver: SpecResolver, given: tuple[list[str], float]) -> Places:
    stops, share = given
    if len(stops) < 2:
        raise ConfigError("A walk needs two pictures or more.", "Pin another picture.")
    return resolver.walked([read(stop) for stop in stops], share)


def _exact(resolver: SpecResolver, spec: str, head: Head) -> tuple[Head, bytes]:
    pixels = resolver.steered.draw(resolver.place(read(spec)))[0]
    return picture(pixels, head, resolver)


def _keep(resolver: SpecResolver, spec: str, head: Head) -> tuple[Head, bytes]:
    return {"path": str(resolver.keep(read(spec), str(head["name"])))}, b""


def _facts(resolver: SpecResolver, _: None, head: Head) -> tuple[Head, bytes]:
    steered = resolver.steered
    sampler, space = steered.sampler, steered.space
    largest = max(space.resolutions)
    return {
        "images": sampler.images,
        "resolution": sampler.settings.data.resolution,
        "channels": sampler.settings.data.channels,
        "classes": list(steered.classes),
        "layers": [{"side_px": side, "band": band(side, largest)} for side in space.resolutions],
        "truncates": _truncates(resolver),
        "directions": resolver.directions.importance.tolist(),
        "warnings": list(sampler.warnings),
    }, b""


def _truncates(resolver: SpecResolver) -> bool:
    """Whether the generator knows a middle."""
    try:
        resolver.steered.places([0], (), 0.5)
    except ConfigError:
        return False
    return True


PLACED: dict[str, Callable[[SpecResolver, Any], Places]] = {
    "draw": lambda resolver, spec: resolver.place(read(spec)),
    "walk": _walked,
}
OTHERS: dict[str, Callable[[SpecResolver, Any, Head], tuple[Head, bytes]]] = {
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
