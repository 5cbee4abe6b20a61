"""The averaged generator: what is sampled and judged."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class Ema:
    """An exponential moving average of a network's weights, with half-life in images.

    half_life_images: after so many images the weight of an old value is one half.
    ramp: the half-life is at most `ramp` times the images seen so far, so that the average forgets
    the first random weights (Karras et al. 2020, Training GANs with limited data, ADA code; 0.05).
    """

    def __init__(self, net: nn.Module, half_life_images: float, ramp: float) -> None:
        self._net = copy.deepcopy(net).requires_grad_(False).eval()
        self.half_life_images, self.ramp = half_life_images, ramp
        self._averaged: list[Tensor] = list(self._net.parameters())
        self._newest: nn.Module | None = None

    @property
    def net(self) -> nn.Module:
        """The averaged network, ready to draw."""
        if self._newest is not None:
            self._move(self._newest, 1.0)
            self._newest = None
        return self._net

    def keep(self, images_seen: int, batch: int) -> float:
        """The weight of the old average in an update after `images_seen` images by a `batch`."""
        half_life = min(self.half_life_images, self.ramp * images_seen)
        return float(0.5 ** (batch / half_life)) if half_life > 0 else 0.0

    def update(self, net: nn.Module, images_seen: int, batch: int) -> None:
        """Move towards the weights of `net`; buffers (batch norm's statistics) are copied."""
        if self.half_life_images == 0:
            self._newest = net  # no average: copied only when somebody looks
        else:
            self._move(net, 1 - self.keep(images_seen, batch))

    @torch.no_grad()
    def _move(self, net: nn.Module, share: float) -> None:
        now: list[Tensor] = [p.detach() for p in net.parameters()]
        torch._foreach_lerp_(self._averaged, now, share)
        for mine, theirs in zip(self._net.buffers(), net.buffers(), strict=True):
            mine.copy_(theirs)
