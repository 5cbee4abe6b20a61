"""Several photos, and the ones that need no file: what a command line names, as jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from ganwerk.errors import ConfigError
from ganwerk.style.recipe import Recipe
from ganwerk.work.style.job import Request
from ganwerk.work.style.pictures import SUFFIXES, pictures_in


def targets(photo: Path, styles: Sequence[Path], out: Path | None) -> Iterator[tuple[Path, Path]]:
    """(photo, result) for a photo, or for each of a folder. Raises DataError, ConfigError."""
    name = "-".join(path.stem for path in styles)
    if not photo.is_dir():
        yield photo, out or Path(f"{photo.stem}-{name}.png")
        return
    if out is not None and out.suffix.lower() in SUFFIXES:
        raise ConfigError(
            f"{photo} is a folder, and --out {out} is one file.", "Name a folder with --out."
        )
    folder = out or Path(f"{photo.name}-{name}")
    for path in pictures_in(photo):
        yield path, folder / f"{path.stem}-{name}.png"


def demo_requests(recipe: Recipe, out: Path | None) -> list[tuple[Request, Path]]:
    """scikit-learn's photos: a temple, redrawn in the style of a flower."""
    from sklearn.datasets import load_sample_image

    temple, flower = (Image.fromarray(load_sample_image(f"{n}.jpg")) for n in ("china", "flower"))
    return [(Request(temple, [(flower, 1.0)], recipe), out or Path("demo-style.png"))]
