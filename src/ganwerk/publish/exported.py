"""An export: the folder with the graphs, space.json and card.md, read with suspicion.

It may come from a stranger. Nothing in it is executed, no path in it is followed, every size is
checked before memory is taken. No torch.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ganwerk.errors import RunError
from ganwerk.run.files import disk_errors, human_bytes

FORMAT = 1
STYLES, PICTURE, SPACE, CARD = "styles.onnx", "picture.onnx", "space.json", "card.md"
NAMES = (STYLES, PICTURE, SPACE, CARD)
LARGEST_FILE = 2_000_000_000
LARGEST_TEXT = 64_000_000
HINT = "Export the run again: ganwerk export RUN"

Count = Annotated[int, Field(ge=1, le=65_536)]
Numbers = list[Annotated[float, Field(allow_inf_nan=False)]]


class _Table(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Latents(_Table):
    """How a picture's number becomes z: `kind` as in the settings."""

    kind: Literal["gaussian", "uniform", "sphere", "truncated"]
    dim: Count


class Picture(_Table):
    resolution: Annotated[int, Field(ge=1, le=4096)]
    channels: Literal[1, 3, 4]


class Kind(_Table):
    """A class and how often it is drawn."""

    name: Annotated[str, Field(max_length=500)]
    count: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Moved(_Table):
    """Directions that were found: vectors (M, S), the deviation of the pictures' places along each,
    which layers they move (from 0), and how far the sliders go."""

    vectors: Annotated[list[Numbers], Field(max_length=64)]
    spreads: Numbers
    layers: list[Annotated[int, Field(ge=0)]]
    strength: Annotated[float, Field(gt=0, le=20)]


class Exported(_Table):
    """space.json.

    layers: the side in px of what each layer of the styles draws; one without styles. size: numbers
    of a style. beside_classes: the shares of classes go into picture.onnx, else into styles.onnx.
    middles: what truncation draws towards: the origin (no rows), one style, or one for each class;
    None where it is not possible. images: that the generator had seen.
    """

    format: int
    ganwerk: str
    name: Annotated[str, Field(max_length=500)]
    images: Annotated[int, Field(ge=0)]
    latents: Latents
    picture: Picture
    classes: Annotated[list[Kind], Field(max_length=100_000)]
    layers: Annotated[list[Count], Field(min_length=1, max_length=64)]
    size: Count
    styled: bool
    beside_classes: bool
    middles: list[Numbers] | None
    directions: Moved | None
    precision: Literal["float16", "float32"]
    bytes: dict[str, Annotated[int, Field(ge=1, le=LARGEST_FILE)]]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if set(self.bytes) != {STYLES, PICTURE}:
            raise ValueError(f"'bytes' must name {STYLES} and {PICTURE}")
        rows = [*(self.middles or []), *(self.directions.vectors if self.directions else [])]
        if any(len(row) != self.size for row in rows):
            raise ValueError(f"a vector has not {self.size} numbers, as 'size' says")
        if self.middles and len(self.middles) != max(len(self.classes), 1):
            raise ValueError("'middles' are not one for each class")
        if self.classes and not sum(kind.count for kind in self.classes):
            raise ValueError("no class has a count")
        if found := self.directions:
            if len(found.spreads) != len(found.vectors):
                raise ValueError("'spreads' are not one for each direction")
            if any(layer >= len(self.layers) for layer in found.layers):
                raise ValueError("'directions' move layers that are not there")
        return self


def is_export(folder: Path) -> bool:
    return (folder / SPACE).is_file()


def open_export(folder: Path) -> Exported:
    """What space.json says. Raises RunError for a folder that is none, or a damaged one."""
    path = folder / SPACE
    text = read(path, LARGEST_TEXT)
    try:
        values = json.loads(text)
        version = values.get("format") if isinstance(values, dict) else None
        if isinstance(version, int) and version > FORMAT:
            raise RunError(
                f"The export {folder} was written by a newer ganwerk.",
                "Update: pip install --upgrade ganwerk",
            )
        found = Exported.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        told = first["msg"].removeprefix("Value error, ")
        raise RunError(f"{path} is damaged: {where + ': ' if where else ''}{told}.", HINT) from None
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged: {error}.", HINT) from None
    for name, size in found.bytes.items():
        there = _size(folder / name)
        if there != size:
            raise RunError(
                f"{folder / name} has {human_bytes(there)}, and {SPACE} says {human_bytes(size)}.",
                HINT,
            )
    return found


def read(path: Path, most: int = LARGEST_FILE) -> bytes:
    """The content of a file of an export. Raises RunError if it is missing or too large."""
    size = _size(path)
    if size > most:
        raise RunError(f"{path} is too large: {human_bytes(size)}.", HINT)
    with disk_errors(path, "read"):
        return path.read_bytes()


def _size(path: Path) -> int:
    with disk_errors(path, "read"):
        if not path.is_file() or path.is_symlink():
            raise RunError(f"{path} is missing.", HINT)
        return path.stat().st_size
