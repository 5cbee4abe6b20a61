"""The process that looks up training pictures: python -m ganwerk.web.nearest RUN.

It is given drawn pictures (N, H, W, C), uint8, and answers with the training picture nearest to
each: its name, how near it is, and the picture itself. `nearer` is the share of the held-out
pictures, real ones that were not trained on, that come nearer to a training picture than the drawn
one does: near 0 the drawn one is suspiciously near.
"""

from __future__ import annotations

import sys
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ganwerk.errors import DataError, GanwerkError
from ganwerk.evaluation.extractors import ExtractorOptions, Reals, make
from ganwerk.evaluation.judging import RealPictures, reals_of_run
from ganwerk.metrics.features import Extractor, extract
from ganwerk.metrics.search import nearest
from ganwerk.run import Run, encode_picture
from ganwerk.sampling.sample import Sampler
from ganwerk.values import ignore_progress
from ganwerk.web.channel import Channel, failure, serve
from ganwerk.web.framing import Head

FEATURES, LOOKED_UP = "pixelpca64", 2_000
"""In what is measured, and how many held-out pictures are measured beside."""

Pixels = NDArray[np.uint8]


class Searcher:
    """The training pictures of a run, and their features."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def reals(self) -> RealPictures:
        """Raises DataError if they are not there any more."""
        settings = Sampler.open(self.path, device="cpu").settings
        return reals_of_run(Run.open(self.path), settings, ignore_progress, None, "neighbours")

    @cached_property
    def train(self) -> Pixels:
        return np.ascontiguousarray(self.reals.images[self.reals.train])

    @cached_property
    def extractor(self) -> Extractor:
        return make(FEATURES, Reals(self.train, self.reals.mirror), ExtractorOptions())

    @cached_property
    def features(self) -> torch.Tensor:
        return extract(self.extractor, self.train)

    @cached_property
    def usual(self) -> torch.Tensor | None:
        """How far held-out pictures are from the nearest training picture, ascending."""
        some = self.reals.held_out[:LOOKED_UP]
        if not len(some):
            return None
        pictures = np.ascontiguousarray(self.reals.images[some])
        distances, _ = nearest(extract(self.extractor, pictures), self.features)
        return distances[:, 0].sort().values

    def look_up(self, drawn: Pixels) -> list[tuple[Head, bytes]]:
        """For each picture (N, H, W, C) the nearest one. Raises DataError."""
        if drawn.shape[1:] != (*self.train.shape[2:], self.train.shape[1]):
            raise DataError("The pictures have another size than those of the training.")
        made = extract(self.extractor, np.ascontiguousarray(drawn.transpose(0, 3, 1, 2)))
        distances, places = nearest(made, self.features)
        found: list[tuple[Head, bytes]] = []
        for distance, place in zip(distances[:, 0], places[:, 0].tolist(), strict=True):
            number = int(self.reals.train[place])
            nearer = None
            if self.usual is not None:
                nearer = float((self.usual < distance).double().mean())
            head = {"name": Path(self.reals.names[number]).name, "distance": float(distance),
                    "nearer": nearer, "held_out": len(self.reals.held_out)}  # fmt: skip
            pixels = self.reals.images[number].transpose(1, 2, 0)
            found.append((head, encode_picture(np.ascontiguousarray(pixels), "png")))
        return found

    def run(self, channel: Channel) -> None:
        """Until the server has gone. Raises EOFError then."""
        while True:
            head, body = channel.receive()
            if head.get("do") != "nearest":
                continue
            number = head["number"]
            try:
                found = self.look_up(np.frombuffer(body, np.uint8).reshape(head["shape"]))
            except GanwerkError as error:
                channel.send({"number": number, "last": True, **failure(error)})
                continue
            for index, (told, picture) in enumerate(found):
                last = index == len(found) - 1
                channel.send({"number": number, "index": index, "last": last, **told}, picture)


def main() -> int:
    torch.set_num_threads(1)
    return serve(Searcher(Path(sys.argv[1])).run)


if __name__ == "__main__":
    raise SystemExit(main())
