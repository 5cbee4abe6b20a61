"""Looking for the place of a picture: many random ones, then descent from the best of them.

After Karras et al. 2020 (Analyzing and improving the image quality of StyleGAN, appendix D): Adam
on the style with a rate that falls, noise maps kept white by a penalty. Added here: several starts
at once, of which ever fewer go on; the picture is compared from coarse to fine; at first all layers
share one style (their W), then each has its own (Abdal et al. 2019, Image2StyleGAN: W+).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ganwerk.control.perception import Features, Perception
from ganwerk.control.places import Places, standardised
from ganwerk.control.steered import Steered
from ganwerk.errors import DivergedError
from ganwerk.sampling.space import Noise
from ganwerk.style.optimisers import Adam

RATE, NOISE_RATE, SHARE_RATE = 0.1, 0.05, 0.02
"""Of Adam: in standard deviations of styles, of noise, and of class shares."""
PIXEL_WEIGHT = 4.0
"""Of the mean squared difference of pixels in [0, 1], beside the perceptual distance."""
NOISE_WEIGHT = 1e3
RISE, FALL = 0.05, 0.3
"""Shares of the steps in which the rate rises from 0 at the start and falls to 0 at the end."""


@dataclass(frozen=True, slots=True)
class Stage:
    """steps: share of all. shrink: the pictures are compared at 1 / shrink of their sides. keep:
    how many starts go on. shared: whether all layers have one style."""

    steps: float
    shrink: int
    keep: int
    shared: bool


STAGES = (Stage(0.25, 4, 8, True), Stage(0.3, 2, 3, False), Stage(0.45, 1, 1, False))
SMALLEST_PX = 16


@dataclass(frozen=True)
class Point:
    """A step is done. best: which of the moving places had the least loss, at the side seen."""

    step: int
    steps: int
    best: int
    loss: float
    side_px: int


@dataclass(frozen=True, eq=False)
class Candidate:
    """A place, and how far its picture is from the goal: perceptually, and squared, by pixel."""

    places: Places
    perceptual: float
    pixel: float

    @property
    def loss(self) -> float:
        return self.perceptual + PIXEL_WEIGHT * self.pixel


class Search:
    """goal: the picture (1, C, H, W) in [-1, 1] at the run's size. free_classes: whether the shares
    of the classes may move. own_noise: whether the noise of layers may."""

    def __init__(
        self, steered: Steered, perception: Perception, goal: Tensor, *,
        free_classes: bool, own_noise: bool,
    ) -> None:  # fmt: skip
        self.steered, self.perception = steered, perception
        self.device = steered.sampler.device
        self.goal = goal.to(self.device)
        self.free_classes, self.own_noise = free_classes, own_noise
        with torch.no_grad():
            self.features: dict[int, Features] = {
                shrink: perception.features(self._shrunk(self.goal, shrink))
                for shrink in {stage.shrink for stage in STAGES}
            }

    @staticmethod
    def _shrunk(pictures: Tensor, shrink: int) -> Tensor:
        """Means of squares; never below SMALLEST_PX."""
        shrink = min(shrink, max(1, pictures.shape[-1] // SMALLEST_PX))
        return F.avg_pool2d(pictures, shrink) if shrink > 1 else pictures

    def losses(self, pictures: Tensor, shrink: int = 1) -> Tensor:
        """(N,): how far pictures are from the goal, compared at 1 / shrink of their sides."""
        seen = self._shrunk(pictures, shrink)
        perceptual = self.perception.distance(seen, self.features[shrink])
        return perceptual + PIXEL_WEIGHT * pixel_distance(pictures, self.goal)

    @torch.no_grad()
    def judge(self, places: Places) -> tuple[Tensor, Tensor]:
        """Perceptual and squared pixel distance (N,) from the goal, of the pictures as drawn."""
        perceptual, pixel = [], []
        for pictures in self.steered.batches(places):
            drawn = torch.from_numpy(pictures).permute(0, 3, 1, 2).to(self.device) / 127.5 - 1
            perceptual.append(self.perception.distance(drawn, self.features[1]))
            pixel.append(pixel_distance(drawn, self.goal))
        return torch.cat(perceptual).cpu(), torch.cat(pixel).cpu()

    def order(self, places: Places) -> Tensor:
        """Which is nearest to the goal, which next, and so on (N,)."""
        perceptual, pixel = self.judge(places)
        return (perceptual + PIXEL_WEIGHT * pixel).argsort()

    def starts(self, places: Places) -> list[Candidate]:
        """The best of many, as many as the first stage takes."""
        return self.best_of(places, STAGES[0].keep)

    def best_of(self, places: Places, most: int = 1) -> list[Candidate]:
        """Those whose pictures are nearest to the goal, the nearest first."""
        perceptual, pixel = self.judge(places)
        order = (perceptual + PIXEL_WEIGHT * pixel).argsort()[:most].tolist()
        return [Candidate(places[i], float(perceptual[i]), float(pixel[i])) for i in order]

    def descend(self, moving: Moving, steps: int, tell: Callable[[Point], None]) -> None:
        """Move the starts downhill. tell: is given each step. Whatever interrupts it, `moving` is
        as it was after the last whole step."""
        done = 0
        for number, stage in enumerate(STAGES):
            last = number == len(STAGES) - 1
            until = steps if last else done + round(stage.steps * steps)
            moving.enter(stage)
            while done < until:
                losses = self._step(moving, stage, done / steps)
                done += 1
                side = self._shrunk(self.goal, stage.shrink).shape[-1]
                best = int(losses.argmin())
                tell(Point(done, steps, best, float(losses[best]), side))

    def _step(self, moving: Moving, stage: Stage, progress: float) -> Tensor:
        """One step of all starts. Returns their losses (N,) before it."""
        leaves = [tensor.detach().requires_grad_() for tensor in moving.tensors.values()]
        current = dict(zip(moving.tensors, leaves, strict=True))
        styles, shares, noise = moving.read(current)
        pictures = self.steered.space.pictures(styles, shares, noise)
        losses = self.losses(pictures, stage.shrink)
        if not bool(losses.isfinite().all()):
            raise DivergedError(
                f"The projection's losses are not finite after {progress:.0%} of the steps.",
                "Look from an earlier checkpoint with --at.",
            )
        total = losses.sum()
        if noise is not None:
            total = total + NOISE_WEIGHT * sum(whiteness(n).sum() for n in noise)
        gradients = torch.autograd.grad(total, leaves)
        moving.move(dict(zip(current, gradients, strict=True)), rate_at(progress))
        return losses.detach()


class Moving:
    """The starts on their way: what moves, and what remembers how."""

    def __init__(self, search: Search, tensors: dict[str, Tensor], fixed: Tensor | None) -> None:
        self.search, self.tensors, self.fixed_shares = search, tensors, fixed
        self._rates = {"styles": RATE * search.steered.spread, "shares": SHARE_RATE}
        self._adams: dict[str, Adam] = {}

    @classmethod
    def at(cls, starts: Places, search: Search) -> Moving:
        device = search.device
        tensors = {"styles": starts.styles.to(device)}
        shares = None if starts.shares is None else starts.shares.to(device)
        if shares is not None and search.free_classes and search.steered.space.beside_classes:
            tensors["shares"], shares = shares, None
        if search.own_noise:
            for number, noise in enumerate(search.steered.space.fixed_noise):
                tensors[f"noise.{number:02d}"] = noise.expand(len(starts), -1, -1, -1).clone()
        return cls(search, tensors, shares)

    def enter(self, stage: Stage) -> None:
        """Go on with the best, each layer with its own style unless the stage shares one."""
        if len(self.tensors["styles"]) > stage.keep:
            order = self.search.order(self.places)[: stage.keep].to(self.search.device)
            self.tensors = {name: tensor[order] for name, tensor in self.tensors.items()}
            if self.fixed_shares is not None:
                self.fixed_shares = self.fixed_shares[order]
        layers = 1 if stage.shared else self.search.steered.space.layers
        styles = self.tensors["styles"]
        if styles.shape[1] != layers:
            styles = styles[:, :1] if stage.shared else styles.expand(-1, layers, -1)
            self.tensors["styles"] = styles.contiguous()
        self._adams = {
            name: Adam(self._rates.get(name, NOISE_RATE), 0.9, 0.999, 1e-8) for name in self.tensors
        }

    def read(self, tensors: dict[str, Tensor]) -> tuple[Tensor, Tensor | None, Noise | None]:
        """Styles (N, L, S), shares (N, K) and noise of these tensors."""
        styles = tensors["styles"].expand(-1, self.search.steered.space.layers, -1)
        noise = tuple(tensor for name, tensor in tensors.items() if name.startswith("noise."))
        return styles, tensors.get("shares", self.fixed_shares), noise or None

    @property
    def places(self) -> Places:
        """Where they are."""
        styles, shares, noise = self.read(self.tensors)
        return Places(
            styles.detach().cpu().contiguous(),
            None if shares is None else shares.detach().cpu(),
            None if noise is None else tuple(part.detach().cpu() for part in noise),
        )

    def move(self, gradients: dict[str, Tensor], rate: float) -> None:
        """One step of Adam for each tensor, then back to what the generator can be given."""
        moved = {}
        for name, gradient in gradients.items():
            adam, tensor = self._adams[name], self.tensors[name].detach().clone()
            base = adam.rate
            adam.rate = base * rate
            adam.move(tensor, gradient)
            adam.rate = base
            moved[name] = tensor
        moved["styles"] = self.search.steered.space.settled(moved["styles"])
        if "shares" in moved:
            shares = moved["shares"].clamp_min(0)
            moved["shares"] = shares / shares.sum(1, keepdim=True).clamp_min(1e-12)
        for name in moved:
            if name.startswith("noise."):
                moved[name] = standardised(moved[name])
        self.tensors = moved  # at once: an interruption finds the old step or the new one


def rate_at(progress: float) -> float:
    """Of the full rate: a short rise, then a cosine's fall. Karras et al. 2020, appendix D."""
    rise = min(1.0, (progress + 1e-3) / RISE)
    fall = min(1.0, (1 - progress) / FALL)
    return rise * (0.5 - 0.5 * math.cos(math.pi * fall))


def pixel_distance(pictures: Tensor, goal: Tensor) -> Tensor:
    """Mean squared difference (N,) in units of the range from black to white."""
    return ((pictures - goal) / 2).square().mean((1, 2, 3))


def whiteness(noise: Tensor) -> Tensor:
    """(N,): the squared correlation of noise (N, 1, h, w) with itself shifted by one, at its own
    size and every smaller one down to 8 px, averaged and brought back to variance 1; about 0 for
    white noise. Ibid."""
    total = noise.new_zeros(len(noise))
    while True:
        for axis in (2, 3):
            total = total + (noise * noise.roll(1, axis)).mean((1, 2, 3)).square()
        if noise.shape[-1] <= 8 or noise.shape[-1] % 2:
            return total
        noise = 2 * F.avg_pool2d(noise, 2)
