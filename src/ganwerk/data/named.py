"""Sets that are known by name: one built in, three that are found on disk or downloaded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ganwerk.data.archive import ZipSource
from ganwerk.data.digests import digest_file
from ganwerk.data.download import fetch
from ganwerk.data.idx import IdxSource
from ganwerk.data.sources import Arrays, ArraySource, Labels, Source
from ganwerk.errors import DataError
from ganwerk.values import Progress, ProgressCallback

DIGITS = tuple("0123456789")
FASHION = (
    "T-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)


@dataclass(frozen=True)
class NamedSet:
    """torchvision: the class that downloads it, into a folder `inside` the one it is given;
    folders: where it may lie below a data root."""

    torchvision: str
    inside: str
    folders: tuple[str, ...]
    class_names: tuple[str, ...] = ()
    download_bytes: int = 0
    files: str = ""


_IDX_FILES = "train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz"

NAMED_SETS: dict[str, NamedSet] = {
    "digits": NamedSet("", "", ()),
    "mnist": NamedSet(
        "MNIST",
        "MNIST/raw",
        ("mnist", "MNIST/raw", "MNIST", "mnist/raw", "mnist/MNIST/raw"),
        DIGITS,
        11_594_722,
        _IDX_FILES,
    ),
    "fashion-mnist": NamedSet(
        "FashionMNIST",
        "FashionMNIST/raw",
        (
            "fashion-mnist",
            "fashion_mnist",
            "fashion",
            "FashionMNIST/raw",
            "FashionMNIST",
            "fashion-mnist/FashionMNIST/raw",
        ),
        FASHION,
        30_878_645,
        _IDX_FILES,
    ),
    "cifar10": NamedSet(
        "CIFAR10",
        "",
        ("cifar10", "CIFAR10", "cifar-10", "cifar"),
        (),
        170_498_071,
        "the folder cifar-10-batches-py, or a cifar10-train.zip with one folder per class",
    ),
}
"""What can be named instead of a path."""

BATCHES = "cifar-10-batches-py"


def named_source(
    name: str, *, root: Path | None, cache: Path, download: bool, progress: ProgressCallback
) -> Source:
    """The set from `root` where it is there, else from an earlier download, else downloaded.

    Raises DataError, which says into which folder to put which files by hand.
    """
    if name == "digits":
        return DigitsSource()
    known = NAMED_SETS[name]
    store = cache / "datasets"
    if root is not None:
        root = Path(os.path.expanduser(root))
        if not root.is_dir():
            raise DataError(
                f"The data root {root} is no folder.",
                f"Name a folder that holds {known.files}, or leave the data root out.",
            )
    for place in (root, store):
        found = _find(name, place) if place is not None else None
        if found is not None:
            return found
    target = root or store
    by_hand = f"Put {known.files} into {target / known.folders[0]} and start again"
    if not download:
        looked = f"neither in {root} nor" if root else "not"
        raise DataError(
            f"The set '{name}' is {looked} in {store}, and downloading is switched off.",
            f"{by_hand}, or allow the download.",
        )
    fetch(
        known.torchvision,
        name,
        store / _downloaded(name),
        known.download_bytes,
        by_hand,
        progress,
    )
    found = _find(name, store)
    if found is None:
        raise DataError(f"The download of the set '{name}' is not complete.", f"{by_hand}.")
    return found


def _downloaded(name: str) -> str:
    """The folder of a finished download."""
    return f"{name}-downloaded"


def _find(name: str, root: Path) -> Source | None:
    """The set below `root`, in any usual layout."""
    known = NAMED_SETS[name]
    # The root itself comes last, and only where its name does not say that it is the other set.
    folders = (*known.folders, f"{_downloaded(name)}/{known.inside}")
    places = [root / folder for folder in folders if (root / folder).is_dir()]
    if name == "cifar10" or ("fashion" in root.name.lower()) == (name == "fashion-mnist"):
        places.append(root)
    for place in places:
        if not place.is_dir():
            continue
        if name != "cifar10":
            found = IdxSource.in_folder(place, kind=name, where=name, class_names=known.class_names)
            if found is not None:
                return found
        elif (place / BATCHES).is_dir():
            return CifarSource(place)
        elif (place / "cifar10-train.zip").is_file():
            return ZipSource(place / "cifar10-train.zip")
    return None


class DigitsSource(ArraySource):
    """scikit-learn's 1,797 handwritten digits, 8 x 8 grey."""

    kind = where = "digits"

    def manifest(self, cache: Path, progress: ProgressCallback) -> dict[str, str]:
        path = _digits_file()
        progress(Progress("reading files", 1, 1, "files"))
        return {"digits.csv.gz": digest_file(path) if path else "built in"}

    def load(self) -> Arrays:
        path = _digits_file()
        if path:
            rows = np.loadtxt(path, delimiter=",")
            images, labels = rows[:, :-1].reshape(-1, 8, 8), rows[:, -1]
        else:
            from sklearn.datasets import load_digits

            digits = load_digits()
            images, labels = digits.images, digits.target
        # 17 levels, 0 to 16, to the full range of a byte.
        pixels = np.rint(images * (255 / 16)).astype(np.uint8)[:, None]
        return Arrays(pixels, Labels(labels.astype(np.int64), DIGITS))


def _digits_file() -> Path | None:
    """Where it usually lies, found without importing scikit-learn, which takes more than a
    second."""
    package = find_spec("sklearn")
    where = package.submodule_search_locations if package else None
    path = Path(where[0], "datasets/data/digits.csv.gz") if where else Path()
    return path if path.is_file() else None


class CifarSource(ArraySource):
    """CIFAR-10 as its authors distribute it, read by torchvision.

    The files are Python pickles, which is why torchvision compares each with its published digest
    before it opens one: nothing but the original is ever unpacked.
    """

    kind = where = "cifar10"

    def __init__(self, root: Path) -> None:
        self.root = root

    def manifest(self, cache: Path, progress: ProgressCallback) -> dict[str, str]:
        paths = sorted((self.root / BATCHES).glob("data_batch_?"))
        files = {}
        for done, path in enumerate(paths, 1):
            files[path.name] = digest_file(path)
            progress(Progress("reading files", done, len(paths), "files"))
        return files

    def load(self) -> Arrays:
        from torchvision.datasets import CIFAR10

        try:
            pictures = CIFAR10(self.root, train=True, download=False)
        except RuntimeError as error:
            raise DataError(
                f"{self.root / BATCHES} is damaged or not complete.",
                "Remove this folder and start again, or copy it anew.",
            ) from error
        images = np.ascontiguousarray(pictures.data.transpose(0, 3, 1, 2))
        return Arrays(images, Labels(np.array(pictures.targets, np.int64), tuple(pictures.classes)))
