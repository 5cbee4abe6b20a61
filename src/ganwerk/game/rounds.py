"""What D sees and says in an update: the values that penalties, remedies and observers read.

Shape legend as in nn/types.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganwerk.nn.types import Scales

View = Callable[[Scales, torch.Generator], Scales]


def single(images: Tensor) -> Scales:
    """An ordinary GAN sees one scale."""
    return (images,)


def requiring_grad(scales: Scales) -> Scales:
    """The same pictures as leaves that take a gradient."""
    return tuple(scale.detach().requires_grad_(True) for scale in scales)


def per_sample(values: Tensor, samples: Tensor) -> Tensor:
    """(B,) in a shape that meets samples (B, ...) sample by sample."""
    return values.view(-1, *[1] * (samples.dim() - 1))


@dataclass(frozen=True, slots=True)
class Critic:
    """D behind the views it is allowed to see through. random: for the views, if there are any."""

    net: Callable[..., Tensor]
    group_size: int
    views: tuple[View, ...] = ()
    random: torch.Generator | None = None

    def __call__(self, scales: Scales, labels: Tensor | None) -> Tensor:
        for view in self.views:
            assert self.random is not None
            scales = view(scales, self.random)
        return self.net(scales, labels)

    def joint(self, real: Scales, fake: Scales, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """Logits for reals and fakes: in one call where no sample sees one of the other half."""
        if self.group_size == 0 or len(real[-1]) % self.group_size:
            return self.separate(real, fake, labels)
        both = tuple(torch.cat(pair) for pair in zip(real, fake, strict=True))
        logits = self(both, None if labels is None else torch.cat([labels, labels]))
        half = len(logits) // 2
        return logits[:half], logits[half:]

    def separate(self, real: Scales, fake: Scales, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """Two calls, so that the gradient at the reals does not pass through the fakes' half."""
        return self(real, labels), self(fake, labels)


@dataclass(frozen=True, slots=True)
class Round:
    """What D saw and said in an update. Penalties read it and never recompute it."""

    critic: Critic
    real: Scales
    fake: Scales
    labels: Tensor | None
    real_logits: Tensor
    fake_logits: Tensor
    random: torch.Generator
    progress: float = 0.0


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step measured, still on the device: reading it is the observer's choice.

    played: D's last update of the step. images: reals that D saw in all of its updates.
    to_scales: real pictures to the scales D sees. batch: reals that D saw in its last update. Of a
    batch in parts (see game.team) `played` has all logits and labels, and no pictures.
    """

    played: Round
    d_loss: Tensor
    g_loss: Tensor
    penalties: dict[str, Tensor]
    images: int
    to_scales: Callable[[Tensor], Scales] = single
    batch: int = 0
