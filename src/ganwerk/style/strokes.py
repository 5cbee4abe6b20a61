"""The pull towards the styles' patches: one bank per region, matched anew every few steps."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from ganwerk.style.patches import MATCH_EVERY, SIDE_PX, Bank, Pull, bank_of, match
from ganwerk.style.regions import Region


class Strokes:
    """A loss of the whole picture, 0 where every patch is one of its style's."""

    def __init__(self, regions: Sequence[Region]) -> None:
        self._masks = [region.mask for region in regions]
        self._banks = [_bank(region) for region in regions]
        self.memory: dict[str, Tensor] = {}

    def afresh(self) -> Strokes:
        """The same banks for another picture."""
        other = copy.copy(self)
        other.memory = {}
        return other

    @torch.no_grad()
    def __call__(self, picture: Tensor, step: int) -> tuple[float, Tensor]:
        """picture (1, 3, H, W) in [0, 1]. The loss, and its gradient."""
        loss, gradient = 0.0, torch.zeros_like(picture)
        for number, (bank, mask) in enumerate(zip(self._banks, self._masks, strict=True)):
            if min(picture.shape[-2:]) < SIDE_PX:
                continue
            pull = self._pull(number, bank, mask, picture, step)
            loss += pull.loss(picture, bank.variance)
            gradient += pull.gradient(picture, bank.variance)
        return loss, gradient

    def _pull(
        self, number: int, bank: Bank, mask: Tensor | None, picture: Tensor, step: int
    ) -> Pull:
        names = f"target.{number}", f"weights.{number}"
        if step % MATCH_EVERY == 0 or names[0] not in self.memory:
            pull = match(picture, bank, mask, step)
            self.memory |= dict(zip(names, (pull.target, pull.weights), strict=True))
        return Pull(self.memory[names[0]], self.memory[names[1]])


def _bank(region: Region) -> Bank:
    whole = sum(style.weight for style in region.styles)
    return bank_of([(s.picture, s.mask, s.weight / whole) for s in region.styles])
