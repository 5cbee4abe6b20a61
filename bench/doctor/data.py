"""The pictures of the benchmark: small sets as zip files in the working folder."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ganwerk.data.idx import read_idx


@dataclass(frozen=True)
class Set:
    """where: a named set, or made by `made`. images: budget of a run with the small network, which
    takes about 20 processor seconds."""

    name: str
    resolution: int
    images: int
    conditional: bool


SETS = {
    each.name: each
    for each in (
        Set("digits", 16, 24_000, True),
        Set("mnist", 16, 24_000, True),
        Set("dots", 16, 24_000, False),
        Set("fruits", 16, 24_000, True),
        Set("emoji", 16, 24_000, False),
        Set("cifar", 16, 24_000, True),
    )
}
COUNT = 2500


def where(name: str, data: Path, work: Path, count: int = 0) -> str:
    """The place of a set, or of `count` pictures of it; made when it is first asked for."""
    if name == "digits" and not count:
        return "digits"
    path = work / "data" / (f"{name}-{count}.zip" if count else f"{name}.zip")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with zipfile.ZipFile(part, "w") as archive:
            files = list(MAKERS[name](data))
            for file, picture in files[:: max(1, len(files) // count)][:count] if count else files:
                content = io.BytesIO()
                picture.save(content, "PNG")
                archive.writestr(file, content.getvalue())
        part.replace(path)
    return str(path)


Files = Iterator[tuple[str, Image.Image]]
Maker = Callable[[Path], Files]


def _mnist(data: Path) -> Files:
    images = read_idx(data / "mnist" / "train-images-idx3-ubyte.gz")[:COUNT]
    labels = read_idx(data / "mnist" / "train-labels-idx1-ubyte.gz")[:COUNT]
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        yield f"{label}/{i:05d}.png", Image.fromarray(image)


def _fruits(data: Path) -> Files:
    for path in sorted((data / "fruits" / "train").rglob("*.jpg")):
        with Image.open(path) as picture:
            yield f"{path.parent.name}/{path.stem}.png", picture.resize((32, 32))


def _packed(file: str) -> Maker:
    def make(data: Path) -> Files:
        with zipfile.ZipFile(data / file) as archive:
            names = sorted(n for n in archive.namelist() if n.endswith((".png", ".jpg", ".jpeg")))
            for name in names[:: max(1, len(names) // COUNT)][:COUNT]:
                with Image.open(archive.open(name)) as opened:
                    small = opened.convert("RGBA").resize((32, 32))
                    white = Image.new("RGBA", small.size, "white")
                    picture = Image.alpha_composite(white, small).convert("RGB")
                parts = Path(name).parts
                yield f"{parts[-2]}/{Path(name).stem}.png", picture

    return make


def _dots(data: Path) -> Files:
    """A laboratory mixture as pictures: a soft dot at one of eight places on a ring."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:16, :16]
    for i in range(2000):
        angle = 2 * np.pi * (i % 8) / 8
        cy, cx = 7.5 + 5 * np.array([np.sin(angle), np.cos(angle)]) + random.normal(0, 0.4, 2)
        dot = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 3) * random.uniform(200, 255)
        yield f"{i:05d}.png", Image.fromarray(dot.astype(np.uint8))


def _digits(data: Path) -> Files:
    from sklearn.datasets import load_digits

    found = load_digits()
    for i, (image, label) in enumerate(zip(found.images, found.target, strict=True)):
        small = Image.fromarray((image * 15.9).astype(np.uint8))
        yield f"{label}/{i:05d}.png", small.resize((16, 16))


MAKERS: dict[str, Maker] = {
    "digits": _digits,
    "mnist": _mnist,
    "fruits": _fruits,
    "emoji": _packed("emoji.zip"),
    "cifar": _packed("cifar10-train.zip"),
    "dots": _dots,
}
