"""Random changes of pictures through which D looks at reals and fakes alike. All are differentiable
as often as wanted in the pictures, so that G learns through them and penalties do.

Shape legend: B batch, C channels, H = W px; pictures (B, C, H, W) in [-1, 1]. A share `p` of the
pictures is changed by each transform, independently. Magnitudes: Zhao et al. 2020, Differentiable
augmentation for data-efficient GAN training (colour, translation, cutout); Karras et al. 2020,
Training generative adversarial networks with limited data, appendix B (the others).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganwerk.errors import ConfigError, did_you_mean
from ganwerk.game.rounds import per_sample
from ganwerk.nn.types import Scales

SHIFT = 0.125  # of the side
SCALE = 0.2  # standard deviation of the enlargement, in octaves
BOX = 0.5  # of the side
NOISE = 0.1
Apply = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Dice:
    """Random numbers for `count` pictures."""

    count: int
    p: float
    random: torch.Generator

    def chosen(self) -> Tensor:
        """(B,) bool: which pictures are changed."""
        return torch.rand(self.count, generator=self.random, device=self.random.device) < self.p

    def uniform(self, low: float, high: float) -> Tensor:
        """(B,) float32."""
        u = torch.rand(self.count, generator=self.random, device=self.random.device)
        return low + (high - low) * u

    def normal(self, std: float) -> Tensor:
        """(B,) float32."""
        return std * torch.randn(self.count, generator=self.random, device=self.random.device)


@dataclass(frozen=True, slots=True)
class Affine:
    """Where in the old picture each place of the new one is found: x' = a x + b y + s,
    y' = c x + d y + t, in coordinates from -1 to 1; each (B,).

    Written out, because matrix products may be rounded to bfloat16 while a step is computed.
    """

    a: Tensor
    b: Tensor
    c: Tensor
    d: Tensor
    s: Tensor
    t: Tensor

    def after(self, other: Affine) -> Affine:
        """First the other, then this one, seen from the new picture."""
        return Affine(
            other.a * self.a + other.b * self.c,
            other.a * self.b + other.b * self.d,
            other.c * self.a + other.d * self.c,
            other.c * self.b + other.d * self.d,
            other.a * self.s + other.b * self.t + other.s,
            other.c * self.s + other.d * self.t + other.t,
        )

    def where(self, chosen: Tensor, other: Affine) -> Affine:
        """This map for the chosen pictures, the other one for the rest."""
        mine = (self.a, self.b, self.c, self.d, self.s, self.t)
        theirs = (other.a, other.b, other.c, other.d, other.s, other.t)
        return Affine(*(torch.where(chosen, m, o) for m, o in zip(mine, theirs, strict=True)))

    def grid(self, side: int) -> Tensor:
        """(B, H, W, 2): the place in the old picture of each pixel of the new one."""
        line = (torch.arange(side, device=self.a.device) * 2 + 1) / side - 1
        x, y = line[None, None, :], line[None, :, None]
        a, b, c, d, s, t = (
            v[:, None, None] for v in (self.a, self.b, self.c, self.d, self.s, self.t)
        )
        return torch.stack([a * x + b * y + s, c * x + d * y + t], dim=3)


def still(like: Tensor) -> Affine:
    """Every pixel stays where it is."""
    one, zero = torch.ones_like(like), torch.zeros_like(like)
    return Affine(one, zero, zero, one, zero, zero)


def _flip(dice: Dice, side: int) -> Affine:
    """Left becomes right for half of the pictures."""
    sign = 1 - 2 * (dice.uniform(0, 1) < 0.5).float()
    one, zero = torch.ones_like(sign), torch.zeros_like(sign)
    return Affine(sign, zero, zero, one, zero, zero)


def _turned(angle: Tensor) -> Affine:
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    return Affine(cos, -sin, sin, cos, zero, zero)


def _quarter(dice: Dice, side: int) -> Affine:
    """By 0, 1, 2 or 3 quarter turns."""
    quarters = dice.uniform(0, 4).floor()
    cos = (quarters == 0).float() - (quarters == 2).float()
    sin = (quarters == 1).float() - (quarters == 3).float()
    zero = torch.zeros_like(cos)
    return Affine(cos, -sin, sin, cos, zero, zero)


def _rotation(dice: Dice, side: int) -> Affine:
    return _turned(dice.uniform(-math.pi, math.pi))


def _translation(dice: Dice, side: int) -> Affine:
    """By whole pixels, at most an eighth of the side."""
    most = int(SHIFT * side + 0.5)
    x, y = (dice.uniform(-most, most + 1).floor() * 2 / side for _ in range(2))
    one, zero = torch.ones_like(x), torch.zeros_like(x)
    return Affine(one, zero, zero, one, x, y)


def _scale(dice: Dice, side: int) -> Affine:
    factor = torch.exp2(dice.normal(SCALE))
    zero = torch.zeros_like(factor)
    return Affine(factor, zero, zero, factor, zero, zero)


GEOMETRY: dict[str, Callable[[Dice, int], Affine]] = {
    "flip": _flip,
    "turn": _quarter,
    "translation": _translation,
    "scale": _scale,
    "rotation": _rotation,
}


def _colour(dice: Dice) -> Apply:
    """Brightness, saturation and contrast; transparency stays.

    One after the other they are z = x + b, then g + s (z - g) with the grey g of each pixel, then
    m + c (z - m) with the mean m of each picture; together c s x + c (1 - s) g(x) + c b +
    (1 - c) (m(x) + b), which passes over the pictures twice instead of nine times.
    """
    chosen = dice.chosen()
    b, s, c = dice.uniform(-0.5, 0.5), dice.uniform(0, 2), dice.uniform(0.5, 1.5)
    b, s, c = b * chosen, torch.where(chosen, s, 1.0), torch.where(chosen, c, 1.0)

    def apply(x: Tensor) -> Tensor:
        shown = x[:, :3] if x.shape[1] == 4 else x
        vivid = s if shown.shape[1] == 3 else torch.ones_like(s)
        grey = shown.mean(1, keepdim=True)
        mean = grey.mean((2, 3), keepdim=True)
        steady = (
            per_sample((1 - vivid) * c, x) * grey + per_sample(1 - c, x) * mean + per_sample(b, x)
        )
        y = torch.addcmul(steady, shown, per_sample(vivid * c, x))
        return torch.cat([y, x[:, 3:]], 1) if x.shape[1] == 4 else y

    return apply


def _cutout(dice: Dice) -> Apply:
    """A box of half the side somewhere becomes 0, the middle grey."""
    chosen = dice.chosen()
    across, down = dice.uniform(0, 1), dice.uniform(0, 1)

    def apply(x: Tensor) -> Tensor:
        places = (torch.arange(x.shape[3], device=x.device) + 0.5) / x.shape[3]
        column = (places - across[:, None]).abs() < BOX / 2
        row = (places - down[:, None]).abs() < BOX / 2
        box = (row[:, None, :, None] & column[:, None, None, :]) & per_sample(chosen, x)
        return x.masked_fill(box, 0.0)

    return apply


def _noise(dice: Dice) -> Apply:
    """Gaussian noise of a random strength, on pictures or vectors."""
    chosen, strength = dice.chosen(), dice.normal(NOISE).abs()

    def apply(x: Tensor) -> Tensor:
        drawn = torch.randn(x.shape, generator=dice.random, device=dice.random.device)
        noise = (drawn * per_sample(strength, x)).to(x.dtype)
        return torch.where(per_sample(chosen, x), x + noise, x)

    return apply


PIXELS: dict[str, Callable[[Dice], Apply]] = {
    "colour": _colour,
    "cutout": _cutout,
    "noise": _noise,
}
TRANSFORMS = (*GEOMETRY, *PIXELS)


def check_policy(remedy: str, policy: tuple[str, ...]) -> None:
    """Raises ConfigError for a transform that does not exist, and for none."""
    for name in policy:
        if name not in TRANSFORMS:
            raise ConfigError(
                f"The remedy {remedy} knows no transform '{name}'.", did_you_mean(name, TRANSFORMS)
            )
    if not policy:
        raise ConfigError(
            f"The remedy {remedy} has no transform to apply.",
            f"Choose some of {', '.join(TRANSFORMS)}.",
        )


def augment(
    scales: Scales, policy: tuple[str, ...], p: float, random: torch.Generator, padding: str
) -> Scales:
    """Each transform of the policy changes a share `p` of the pictures, the same at all scales.

    padding: what lies beyond the border, 'zeros' or 'reflection'. With p = 0 the pictures come back
    as they are. Raises ConfigError where a transform for pictures meets vectors.
    """
    if p == 0:
        return scales
    finest = scales[-1]
    if (finest.dim() != 4 or finest.shape[3] == 1) and any(name != "noise" for name in policy):
        raise ConfigError(
            f"The transforms {', '.join(policy)} are for pictures; these samples are vectors.",
            "Vectors can have 'noise'.",
        )
    dice = Dice(len(finest), p, random)
    geometry = [name for name in GEOMETRY if name in policy]
    if geometry:
        scales = _moved(scales, geometry, dice, padding)
    for name, make in PIXELS.items():
        if name in policy:
            apply = make(dice)
            scales = tuple(apply(scale) for scale in scales)
    return scales


def _moved(scales: Scales, names: list[str], dice: Dice, padding: str) -> Scales:
    """All geometric transforms in one interpolation; pictures that none has chosen stay exact."""
    side = scales[-1].shape[3]
    total = still(dice.uniform(0, 1))
    touched = torch.zeros(dice.count, dtype=torch.bool, device=dice.random.device)
    for name in names:
        chosen = dice.chosen()
        step = GEOMETRY[name](dice, side)
        total = total.after(step.where(chosen, still(step.a)))
        touched |= chosen
    return tuple(
        torch.where(per_sample(touched, x), _Look.apply(x, total.grid(x.shape[3]), padding), x)
        for x in scales
    )


PADDINGS = {"zeros": 0, "reflection": 2}  # as torch counts them


class _Look(torch.autograd.Function):
    """Bilinear interpolation at given places, linear in the pictures and so differentiable as often
    as wanted; torch's own cannot be differentiated twice, which gradient penalties need."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, grid: Tensor, padding: str) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape, ctx.padding = x.shape, padding
        return F.grid_sample(x, grid.to(x.dtype), "bilinear", padding, align_corners=False)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return _Spread.apply(gradients[0], grid, ctx.shape, ctx.padding), None, None


class _Spread(torch.autograd.Function):
    """The transpose of _Look: what each pixel receives from the places that looked at it."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, grid: Tensor, shape: tuple[int, ...], padding: str) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.padding = padding
        wanted = [True, False]  # for the pictures, not for the places
        found: tuple[Tensor, Tensor] = torch.ops.aten.grid_sampler_2d_backward(
            g, g.new_zeros(shape), grid.to(g.dtype), 0, PADDINGS[padding], False, wanted
        )
        return found[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (grid,) = ctx.saved_tensors
        return _Look.apply(gradients[0], grid, ctx.padding), None, None, None
