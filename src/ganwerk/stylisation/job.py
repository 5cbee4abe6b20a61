"""What is asked for, checked and read: everything a transfer needs before its first step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganwerk.data.decode import MAX_PIXELS
from ganwerk.errors import ConfigError, DataError
from ganwerk.style.backbones import (
    RANDOM,
    Architecture,
    Weights,
    architecture,
    compact_weights,
    stride_of,
)
from ganwerk.style.calibration import random_weights
from ganwerk.style.colours import COLOURS, match_moments
from ganwerk.style.guides import LEAST_SHARE
from ganwerk.style.patches import SIDE_PX
from ganwerk.style.pyramid import fitted, fitted_area, long_sides, steps_of
from ganwerk.style.recipe import Recipe
from ganwerk.style.regions import Region, StylePicture
from ganwerk.stylisation.pictures import Picture, Source, read
from ganwerk.values import ProgressCallback, ignore_progress

DEFAULT_PX = 512
STARTS = ("content", "noise", "uniform", "style")


@dataclass(frozen=True)
class Request:
    """One photo and its styles.

    styles: (picture, weight). masks: none, one for all styles or one each, where it applies;
    white is everywhere. style_masks: none or one each, where the style is taken from.
    """

    content: Source
    styles: Sequence[tuple[Source, float]]
    recipe: Recipe
    masks: Sequence[Source] = ()
    style_masks: Sequence[Source] = ()
    weights_file: Path | None = None


@dataclass(frozen=True)
class Options:
    """How it is computed and what is written on the way. tile_px: 0 forbids tiles, None decides.

    save_every: write every so many closures' picture. film, curves: files of the optimisation as an
    animation and of its losses."""

    device: str | None = None
    precision: str = "auto"
    tile_px: int | None = None
    resume: bool = False
    force: bool = False
    save_every: int = 0
    film: Path | None = None
    curves: Path | None = None


@dataclass(frozen=True)
class Level:
    """A job at one scale. goal (1, 3, H, W): the picture whose content is kept. regions: the styles
    by where they apply."""

    goal: Tensor
    regions: Sequence[Region]


@dataclass(frozen=True)
class Job:
    """A request that can be computed. sides, steps: long side in px and closures of each scale."""

    recipe: Recipe
    content: Picture
    styles: tuple[Picture, ...]
    style_weights: tuple[float, ...]
    masks: tuple[Picture, ...]
    style_masks: tuple[Picture, ...]
    start: Picture | None
    height: int
    width: int
    sides: tuple[int, ...]
    steps: tuple[int, ...]
    made: Architecture
    weights: Weights = field(repr=False)

    def size(self, scale: int) -> tuple[int, int]:
        """Height and width in px at a scale."""
        if scale == len(self.sides) - 1:
            return self.height, self.width
        return fitted(self.height, self.width, self.sides[scale])

    def photo(self, scale: int) -> Tensor:
        return self.content.tensor(*self.size(scale))

    def style_pictures(self, scale: int) -> list[Tensor]:
        """The styles at a scale, in the photo's colours where the recipe asks for that."""
        before, _ = COLOURS[self.recipe.colours]
        found = []
        for style in self.styles:
            picture = style.tensor(*style_size(style, *self.size(scale), self.recipe))
            found.append(before(picture, self.photo(scale)) if before else picture)
        return found

    def level(self, scale: int) -> Level:
        """What is compared at a scale."""
        regions = self._regions(scale)
        return Level(self._goal(scale, regions), regions)

    def _goal(self, scale: int, regions: Sequence[Region]) -> Tensor:
        """What the content loss keeps: the photo, where the recipe says so in its styles' colours.

        In its own it would be at odds with the style, and the picture would become a weave of
        both."""
        photo = self.photo(scale)
        if not self.recipe.recolour:
            return photo
        found = photo.clone()
        for region in regions:
            whole = sum(style.weight for style in region.styles)
            coloured = torch.zeros_like(photo)
            for style in region.styles:
                coloured += match_moments(photo, style.picture) * (style.weight / whole)
            found = coloured if region.mask is None else found.lerp(coloured, region.mask)
        return found

    def _regions(self, scale: int) -> list[Region]:
        height, width = self.size(scale)
        styles = []
        for number, picture in enumerate(self.style_pictures(scale)):
            mask = None
            if self.style_masks:
                mask = self.style_masks[number].brightness(*picture.shape[-2:])
            styles.append(StylePicture(picture, self.style_weights[number], mask))
        if len(self.masks) <= 1:
            mask = self.masks[0].brightness(height, width) if self.masks else None
            return [Region(styles, mask)]
        return [Region([style], mask.brightness(height, width))
                for style, mask in zip(styles, self.masks, strict=True)]  # fmt: skip

    def coverage(self) -> Tensor | None:
        """(H, W) in [0, 1]: how much of the result replaces the photo. None is all."""
        if not self.masks:
            return None
        parts = [mask.brightness(self.height, self.width) for mask in self.masks]
        return torch.stack(parts).sum(0).clamp(0, 1)

    def fingerprint(self) -> str:
        """Digest of all that decides the result."""
        digest = blake2b(repr((asdict(self.recipe), self.style_weights)).encode())
        pictures = (self.content, *self.styles, *self.masks, *self.style_masks)
        for picture in (*pictures, *([self.start] if self.start else [])):
            digest.update(repr(picture.size).encode() + picture.colours.tobytes())
        if self.content.alpha is not None:
            digest.update(b"alpha" + self.content.alpha.tobytes())
        for name, tensor in sorted(self.weights.items()):  # safetensors gives any order
            digest.update(name.encode() + tensor.numpy().tobytes())
        return digest.hexdigest()


def job_of(request: Request, progress: ProgressCallback = ignore_progress) -> Job:
    """Read and check everything. Raises DataError, ConfigError, MachineError."""
    recipe = request.recipe
    if not request.styles:
        raise ConfigError("No style was given.", "Name a painting: --style painting.jpg")
    content = read(request.content, "photo")
    styles = tuple(read(source, "style") for source, _ in request.styles)
    shares = tuple(weight for _, weight in request.styles)
    _check_weights(styles, shares)
    made = architecture(recipe.backbone)
    for style in styles:
        _check_size(style, made, recipe)
    masks = tuple(read(mask, "mask") for mask in request.masks)
    style_masks = tuple(read(mask, "style mask") for mask in request.style_masks)
    _check_masks(masks, len(styles), (content,) * len(masks), "--mask", or_one=True)
    _check_masks(style_masks, len(styles), styles, "--style-mask", or_one=False)
    start = None
    if recipe.start not in STARTS:
        start = read(recipe.start, "start")
    long_px = recipe.size_px or min(DEFAULT_PX, max(content.size))
    height, width = fitted(*content.size, long_px)
    sides = _sides(recipe, made, (height, width), styles)
    return Job(
        recipe, content, styles, shares, masks, style_masks, start, height, width,
        tuple(sides), tuple(steps_of(sides, recipe.steps)), made,
        weights_of(recipe, request.weights_file, progress),
    )  # fmt: skip


def style_size(style: Picture, height: int, width: int, recipe: Recipe) -> tuple[int, int]:
    """Height and width of a style beside a content of so many px."""
    return fitted_area(*style.size, height * width * recipe.style_size**2)


def _sides(
    recipe: Recipe, made: Architecture, size: tuple[int, int], styles: Sequence[Picture]
) -> list[int]:
    """Long sides in px, coarse to fine, where photo and styles are as wide as the deepest layer's
    stride and, for strokes, a patch. Raises ConfigError if they are not even at the finest."""
    stride = stride_of(made.last((*recipe.content_layers, *recipe.style_layers)))
    if min(size) < stride:
        raise ConfigError(
            f"The result would be {size[1]} x {size[0]} px, too narrow for {made.name}.",
            f"Choose a --size that leaves {stride} px on the shorter side.",
        )
    least = max(stride, SIDE_PX) if recipe.patch_weight else stride
    for style in styles:
        found = style_size(style, *size, recipe)
        if min(found) < least or math.prod(found) > MAX_PIXELS:
            narrow = min(found) < least
            raise ConfigError(
                f"The style {style.name} would be {found[1]} x {found[0]} px, too "
                f"{'narrow' if narrow else 'large'} to be compared.",
                f"Choose a {'larger' if narrow else 'smaller'} --style-scale or --size, or take "
                "another crop of it.",
            )

    def fits(side: int) -> bool:
        height, width = fitted(*size, side)
        narrowest = min(min(style_size(style, height, width, recipe)) for style in styles)
        return min(height, width) >= stride and narrowest >= least

    return [side for side in long_sides(max(size), recipe.smallest_px) if fits(side)]


def weights_of(recipe: Recipe, file: Path | None, progress: ProgressCallback) -> Weights:
    """Of the recipe's backbone. Raises MachineError, DataError where they cannot be had."""
    made = architecture(recipe.backbone)
    if recipe.backbone.endswith(RANDOM):
        return random_weights(made, recipe.seed)
    if file is None and made.name == "compact":
        return compact_weights()
    from ganwerk.stylisation.weights import from_file, published

    return from_file(file, made) if file else published(made, progress)


def _check_weights(styles: Sequence[Picture], weights: Sequence[float]) -> None:
    for style, weight in zip(styles, weights, strict=True):
        if not 0 < weight < float("inf"):
            raise ConfigError(
                f"The style {style.name} has the weight {weight:g}.", "Give a number above 0."
            )


def _check_size(style: Picture, made: Architecture, recipe: Recipe) -> None:
    layer = made.last(recipe.style_layers)
    field_px = made.receptive_field_px(layer)
    if min(style.size) < field_px:
        raise DataError(
            f"The style {style.name} is {style.size[1]} x {style.size[0]} px, smaller than the "
            f"{field_px} px that {layer} of {made.name} looks at.",
            "Take a larger picture of it, or name --style-layers that see less.",
        )


def _check_masks(
    masks: Sequence[Picture], count: int, of: Sequence[Picture], flag: str, *, or_one: bool
) -> None:
    if len(masks) not in ({0, count} | ({1} if or_one else set())):
        raise ConfigError(
            f"There are {len(masks)} {flag} for {count} styles.", f"Give one {flag} for each style."
        )
    for mask, picture in zip(masks, of, strict=False):
        if mask.size != picture.size:
            raise DataError(
                f"The mask {mask.name} is {mask.size[1]} x {mask.size[0]} px, its picture "
                f"{picture.name} {picture.size[1]} x {picture.size[0]}.",
                "Make the mask from the picture, at the same size.",
            )
        if float(mask.brightness(*mask.size).mean()) < LEAST_SHARE:
            raise DataError(
                f"The mask {mask.name} is black all over, so nothing would be painted.",
                "White is where the style applies.",
            )


def described(job: Job) -> dict[str, Any]:
    """The settings that stand inside the result."""
    return {
        "content": job.content.name,
        "styles": [f"{s.name}:{w:g}" for s, w in zip(job.styles, job.style_weights, strict=True)],
        "masks": [m.name for m in job.masks],
        "style_masks": [m.name for m in job.style_masks],
        "scales_px": job.sides,
        "closures": job.steps,
    } | recipe_settings(job.recipe)


def recipe_settings(recipe: Recipe) -> dict[str, Any]:
    """The recipe as it stands inside the result."""
    return {name: value for name, value in asdict(recipe).items() if value is not None}
