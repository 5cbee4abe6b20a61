"""The function of a picture that is minimised, and its gradient, whole or by tiles.

With several tiles a step takes two passes: the first measures the style's statistics of the whole
picture without a graph; the second sends the gradient of the distances, which is then known, back
through each tile. The sum over tiles is the gradient of the whole, not an approximation.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganwerk.style.backbones import Encoder
from ganwerk.style.guides import guide
from ganwerk.style.losses import CONTENT_SCALES, STYLE_SCALES, VARIATIONS, squared_distance
from ganwerk.style.recipe import Recipe
from ganwerk.style.regions import Region, StylePicture
from ganwerk.style.statistics import STATISTICS, Statistic
from ganwerk.style.strokes import Strokes
from ganwerk.style.tiles import Tile, tiles_of

Key = tuple[str, int]
"""A style layer, and the number of a region."""


@dataclass(frozen=True)
class Losses:
    """total is what is minimised: the others times their weights."""

    total: float
    content: float
    style: float
    strokes: float
    variation: float


class Objective:
    """The losses of one content and its regions at one size, ready to be evaluated."""

    def __init__(
        self,
        recipe: Recipe,
        encoder: Encoder,
        content: Tensor,
        regions: Sequence[Region],
        tile_px: int | None = None,
    ) -> None:
        """recipe: complete. content (1, 3, H, W) in [0, 1]. tile_px: the most that is computed at
        once, as side of a square; None is everything."""
        self.recipe, self.encoder = recipe, encoder
        self.statistic: Statistic = STATISTICS[recipe.statistic]
        self._variation = VARIATIONS[recipe.variation]
        self.tiles = _tiles(encoder, content, tile_px)
        height, width = content.shape[-2:]
        self._guides = {
            (layer, number): guide(layer, height, width, region.mask, content)
            for layer in recipe.style_layers
            for number, region in enumerate(regions)
        }
        self._shares = _shares(regions)
        self._targets = self._style_targets(regions, tile_px)
        self._style_factors = self._scales(regions)
        self._contents = [self._content_of(tile, content) for tile in self.tiles]
        self._content_factors = self._content_scales()
        self._strokes = Strokes(regions) if recipe.patch_weight else None

    @torch.no_grad()
    def about(self, content: Tensor) -> Objective:
        """The same losses for another photo of the same size."""
        other = copy.copy(self)
        other._contents = [self._content_of(tile, content) for tile in self.tiles]
        other._content_factors = other._content_scales()
        if self._strokes:
            other._strokes = self._strokes.afresh()
        return other

    @property
    def memory(self) -> dict[str, Tensor]:
        """What a later step depends on besides the picture: the last matching of the patches."""
        return self._strokes.memory if self._strokes else {}

    @memory.setter
    def memory(self, tensors: Mapping[str, Tensor]) -> None:
        if self._strokes:
            self._strokes.memory = dict(tensors)

    def __call__(self, picture: Tensor, step: int = 0) -> tuple[Losses, Tensor]:
        """picture (1, 3, H, W) in the recipe's unit. The losses, and the total's gradient."""
        content_weight, style_weight = self.recipe.weights
        unit = self.recipe.unit
        variation, gradient = self._smoothness(picture)
        strokes = 0.0
        if self._strokes:
            strokes, pushed = self._strokes(picture / unit, step)
            gradient.add_(pushed, alpha=style_weight * self.recipe.patch_weight / unit)
        pull = None if len(self.tiles) == 1 else self._style_pull(picture / unit, step)
        content = style = 0.0
        for number, tile in enumerate(self.tiles):
            with torch.enable_grad():
                box = (tile.cut(picture) / unit).detach().requires_grad_()
                near, far = self._losses_of(number, box, step, pull)
                (pushed,) = torch.autograd.grad(content_weight * near + style_weight * far, box)
            tile.cut(gradient).add_(pushed, alpha=1 / unit)
            content, style = content + float(near.detach()), style + float(far.detach())
        if pull is not None:
            style = pull.style
        whole_style = style + self.recipe.patch_weight * strokes
        total = content_weight * content + style_weight * whole_style
        total += self.recipe.tv_weight * variation
        return Losses(total, content, style, strokes, variation), gradient

    def _smoothness(self, picture: Tensor) -> tuple[float, Tensor]:
        with torch.enable_grad():
            leaf = picture.detach().requires_grad_()
            value = self._variation(leaf)
            (gradient,) = torch.autograd.grad(value * self.recipe.tv_weight, leaf)
        return float(value.detach()), gradient

    def _losses_of(
        self, number: int, box: Tensor, step: int, pull: _Pull | None
    ) -> tuple[Tensor, Tensor]:
        """A tile's content loss, and its style loss or, given the pull of the whole picture,
        something with the same gradient."""
        tile = self.tiles[number]
        features = self.encoder(box)
        near = box.new_zeros(())
        for layer, wanted in self._contents[number].items():
            own = tile.own(layer, features[layer])
            near = near + squared_distance(own, wanted, self._content_factors[layer])
        measured = self._measure(tile, features, step)
        if pull is None:
            return near, self._distance(measured, step)
        far = box.new_zeros(())
        for key, value in measured.items():
            far = far + (value * pull.gradients[key][number]).sum()
        return near, far

    def _measure(self, tile: Tile, features: Mapping[str, Tensor], step: int) -> dict[Key, Tensor]:
        flat = {
            layer: _by_position(tile.own(layer, features[layer]))
            for layer in self.recipe.style_layers
        }
        return {
            (layer, number): self.statistic.measure(
                flat[layer], tile.own_of_whole(layer, weights).reshape(-1), step
            )
            for (layer, number), weights in self._guides.items()
        }

    def _distance(self, measured: Mapping[Key, Tensor], step: int) -> Tensor:
        parts = [
            self._style_factors[key] * self.statistic.distance(value, self._targets[key], step)
            for key, value in measured.items()
        ]
        return torch.stack(parts).sum()

    def _style_pull(self, picture: Tensor, step: int) -> _Pull:
        """The first pass: statistics of the whole, and what each tile's measurement must become."""
        with torch.no_grad():
            parts = [
                self._measure(tile, self.encoder(tile.cut(picture)), step) for tile in self.tiles
            ]
        with torch.enable_grad():
            joined = {
                key: self.statistic.join([part[key] for part in parts]).requires_grad_()
                for key in parts[0]
            }
            style = self._distance(joined, step)
            pulls = torch.autograd.grad(style, list(joined.values()))
        return _Pull(
            float(style.detach()),
            {
                key: self.statistic.split(pull, [part[key] for part in parts])
                for key, pull in zip(joined, pulls, strict=True)
            },
        )

    @torch.no_grad()
    def _content_of(self, tile: Tile, content: Tensor) -> dict[str, Tensor]:
        features = self.encoder(tile.cut(content))
        return {layer: tile.own(layer, features[layer]).clone()
                for layer in self.recipe.content_layers}  # fmt: skip

    def _content_scales(self) -> dict[str, float]:
        scale = CONTENT_SCALES[self.recipe.content_scale]
        layers = self.recipe.content_layers
        return {layer: scale([part[layer] for part in self._contents]) / len(layers)
                for layer in layers}  # fmt: skip

    @torch.no_grad()
    def _style_targets(self, regions: Sequence[Region], tile_px: int | None) -> dict[Key, Tensor]:
        found: dict[Key, list[Tensor]] = {}
        for number, region in enumerate(regions):
            for style in region.styles:
                for layer, target in self._target(style, tile_px).items():
                    found.setdefault((layer, number), []).append(target)
        mixed = {}
        for (layer, number), targets in found.items():
            weights = [style.weight for style in regions[number].styles]
            shares = [weight / sum(weights) for weight in weights]
            mixed[layer, number] = self.statistic.mix(targets, shares)
        return mixed

    def _target(self, style: StylePicture, tile_px: int | None) -> dict[str, Tensor]:
        """Layer to the statistics of one style."""
        height, width = style.picture.shape[-2:]
        guides = {
            layer: guide(layer, height, width, style.mask, style.picture)
            for layer in self.recipe.style_layers
        }
        parts: dict[str, list[Tensor]] = {layer: [] for layer in guides}
        for tile in _tiles(self.encoder, style.picture, tile_px):
            features = self.encoder(tile.cut(style.picture))
            for layer, weights in guides.items():
                flat = _by_position(tile.own(layer, features[layer]))
                own = tile.own_of_whole(layer, weights).reshape(-1)
                parts[layer].append(self.statistic.measure(flat, own, 0))
        return {layer: self.statistic.join(found) for layer, found in parts.items()}

    def _scales(self, regions: Sequence[Region]) -> dict[Key, float]:
        scale, layers = STYLE_SCALES[self.recipe.style_scale], self.recipe.style_layers
        weights = dict(zip(layers, self.recipe.layer_weights, strict=True))
        relative = len(layers) / sum(self.recipe.layer_weights) if self._relative else 1.0
        return {
            (layer, number): self._shares[number] * relative * weights[layer]
            * scale(self.statistic.scale(target), self._channels(layer), len(layers))
            for (layer, number), target in self._targets.items()
        }  # fmt: skip

    @property
    def _relative(self) -> bool:
        return self.recipe.style_scale == "relative"

    def _channels(self, layer: str) -> int:
        return self.encoder.architecture.widths[int(layer[4]) - 1]


@dataclass(frozen=True)
class _Pull:
    """style: the loss of the whole. gradients: key to one gradient of the measurement per tile."""

    style: float
    gradients: Mapping[Key, Sequence[Tensor]]


def _tiles(encoder: Encoder, picture: Tensor, tile_px: int | None) -> list[Tile]:
    height, width = picture.shape[-2:]
    return tiles_of(height, width, tile_px, encoder.halo_px, encoder.stride)


def _by_position(features: Tensor) -> Tensor:
    """(1, C, h, w) as (C, N); a view where the channels of a position lie side by side, as they do
    in the whole picture's features."""
    return features.permute(0, 2, 3, 1).flatten(0, 2).T


def _shares(regions: Sequence[Region]) -> list[float]:
    """How much of the picture each region is; all of it for one that is everywhere."""
    return [1.0 if region.mask is None else float(region.mask.mean()) for region in regions]
