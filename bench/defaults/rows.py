"""The data sets of bench.defaults: what is trained on, and what it is measured against."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ganwerk.data import Pictures, load_pictures

Pixels = NDArray[np.uint8]
REFERENCE_SEED = 20_261_129
MEMORY_BYTES = 2 << 30


@dataclass(frozen=True)
class Row:
    """One data set. train: what the contenders see. reference, reference_labels: pictures they
    never see where there are any, else the same ones again. Pixels (N, C, H, W) uint8."""

    name: str
    train: Pictures
    reference: Pixels
    reference_labels: NDArray[np.int64] | None
    unseen: bool

    @property
    def classes(self) -> int:
        return len(self.train.class_names)


Make = Callable[[Path, Path], Row]
"""(folder with the data, folder for what is made of it) to the row."""


def _load(where: Path | str, root: Path | None = None, px: int | None = None) -> Pictures:
    return load_pictures(str(where), root=root, resolution=px, memory_budget_bytes=MEMORY_BYTES)


def _like(train: Pictures, where: Path | str, root: Path | None = None) -> Pictures:
    return load_pictures(
        str(where),
        root=root,
        resolution=int(train.images.shape[2]),
        channels=int(train.images.shape[1]),
        memory_budget_bytes=MEMORY_BYTES,
    )


def _digits(data: Path, made: Path) -> Row:
    train = _load("digits")
    return Row("digits", train, np.asarray(train.images), train.labels, unseen=False)


def _mnist(data: Path, made: Path) -> Row:
    train = _load("mnist", data / "mnist")
    test = _like(train, data / "mnist" / "t10k-images-idx3-ubyte.gz")
    return Row("mnist", train, np.asarray(test.images), test.labels, unseen=True)


def _mnist_without_classes(data: Path, made: Path) -> Row:
    whole = _mnist(data, made)
    unlabelled = replace(whole.train, labels=None, class_names=())
    return Row("mnist-unlabelled", unlabelled, whole.reference, None, unseen=True)


def _few(pictures: Pictures, each: int, made: Path) -> Path:
    """A folder with the first `each` pictures of each class, as PNG files."""
    assert pictures.labels is not None
    if made.exists():
        return made
    beside = made.with_name(made.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    for number, name in enumerate(pictures.class_names):
        (beside / name).mkdir(parents=True)
        for index in np.flatnonzero(pictures.labels == number)[:each]:
            pixels = np.asarray(pictures.images[index]).transpose(1, 2, 0).squeeze()
            Image.fromarray(pixels).save(beside / name / f"{index:06d}.png")
    beside.rename(made)
    return made


def _mnist_500(data: Path, made: Path) -> Row:
    train = _load(_few(_load("mnist", data / "mnist"), 50, made / "mnist-500"))
    test = _like(train, data / "mnist" / "t10k-images-idx3-ubyte.gz")
    return Row("mnist-500", train, np.asarray(test.images), test.labels, unseen=True)


def _fruits(data: Path, made: Path) -> Row:
    train = _load(data / "fruits" / "train", px=64)
    test = _like(train, data / "fruits" / "test")
    return Row("fruits", train, np.asarray(test.images), test.labels, unseen=True)


def _fruits_100(data: Path, made: Path) -> Row:
    whole = _fruits(data, made)
    train = _load(_few(whole.train, 100, made / "fruits-100"))
    return Row("fruits-100", train, whole.reference, whole.reference_labels, unseen=True)


def _cifar(data: Path, made: Path) -> Row:
    train = _load(data / "cifar10-train.zip")
    test = _like(train, data / "cifar10-test.zip")
    return Row("cifar10", train, np.asarray(test.images), test.labels, unseen=True)


def _cifar_one(data: Path, made: Path) -> Row:
    """One class of CIFAR-10: 5,000 pictures of horses."""
    whole = _cifar(data, made)
    horse = whole.train.class_names.index("horse")
    folder = made / "cifar10-horse"
    if not folder.exists():
        only = whole.train.labels == horse
        beside = folder.with_name("cifar10-horse.part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        for index in np.flatnonzero(only):
            pixels = np.asarray(whole.train.images[index]).transpose(1, 2, 0)
            Image.fromarray(pixels).save(beside / f"{index:06d}.png")
        beside.rename(folder)
    test = whole.reference[whole.reference_labels == horse]
    return Row("cifar10-horse", _load(folder), test, None, unseen=True)


def _emoji(data: Path, made: Path) -> Row:
    train = _load(data / "emoji.zip")
    return Row("emoji", train, np.asarray(train.images), train.labels, unseen=False)


def _sprites(data: Path, made: Path) -> Row:
    """Small coloured figures on empty ground, 48 px with transparency, without classes."""
    folder = made / "sprites"
    if not folder.exists():
        beside = folder.with_name("sprites.part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        random = np.random.default_rng(REFERENCE_SEED)
        for number in range(4000):
            sprite(random).save(beside / f"{number:05d}.png")
        beside.rename(folder)
    whole = _load(folder)
    reference = np.asarray(whole.images)
    return Row("sprites", whole, reference, None, unseen=False)


def sprite(random: np.random.Generator) -> Image.Image:
    """A figure with body, head, limbs and eyes: sizes, colours, tilt and place by chance."""
    side = 48
    picture = Image.new("RGBA", (side * 4, side * 4), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    hue = random.random(2)
    body, skin = (_colour(h, 0.5 + 0.5 * random.random(), random) for h in hue)
    centre = 96 + random.normal(0, 8, 2)
    wide, high = random.uniform(14, 30), random.uniform(18, 34)
    head = random.uniform(12, 22)
    x, y = centre
    limb = int(random.integers(5, 11))
    for sign in (-1, 1):
        reach = random.uniform(10, 30)
        pen.line([(x + sign * wide, y), (x + sign * (wide + reach), y + random.normal(0, 16))],
                 fill=skin, width=limb)  # fmt: skip
        pen.line([(x + sign * wide / 2, y + high), (x + sign * wide * 0.7, y + high + 24)],
                 fill=body, width=limb)  # fmt: skip
    if random.random() < 0.5:
        pen.ellipse([x - wide, y - high, x + wide, y + high], fill=body)
    else:
        pen.rounded_rectangle([x - wide, y - high, x + wide, y + high], 10, fill=body)
    top = y - high - head * 0.7
    pen.ellipse([x - head, top - head, x + head, top + head], fill=skin, outline=(30, 20, 20, 255))
    for sign in (-1, 1):
        eye = (x + sign * head * 0.4, top)
        pen.ellipse([eye[0] - 3, eye[1] - 3, eye[0] + 3, eye[1] + 3], fill=(20, 20, 30, 255))
    if random.random() < 0.4:
        brim = top - head * 0.6
        pen.polygon([(x - head, brim), (x + head, brim), (x, top - 2 * head)], fill=body)
    return picture.resize((side, side), Image.Resampling.LANCZOS)


def _colour(hue: float, value: float, random: np.random.Generator) -> tuple[int, int, int, int]:
    import colorsys

    red, green, blue = colorsys.hsv_to_rgb(hue, random.uniform(0.4, 1), value)
    return int(255 * red), int(255 * green), int(255 * blue), 255


ROWS: dict[str, Make] = {
    "digits": _digits,
    "mnist": _mnist,
    "mnist-unlabelled": _mnist_without_classes,
    "mnist-500": _mnist_500,
    "fruits": _fruits,
    "fruits-100": _fruits_100,
    "cifar10": _cifar,
    "cifar10-horse": _cifar_one,
    "emoji": _emoji,
    "sprites": _sprites,
}
