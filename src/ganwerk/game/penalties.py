"""Gradient penalties on D: where to probe, times towards which norm.

R1, R2, WGAN-GP and DRAGAN are one formula with different values. Shape legend as in nn/types.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganwerk.game.rounds import Round, per_sample, requiring_grad
from ganwerk.nn.types import Scales

Probe = Callable[[Round], tuple[Scales, Tensor]]
TINY = 1e-12  # under the root, so that its derivative at a zero gradient is finite


@dataclass(frozen=True, slots=True)
class GradientPenalty:
    """weight * ||grad D(x)||^2 where centre is 0, else weight * (||grad D(x)|| - centre)^2.

    probe: gives the pictures x and their logits. fade: the share of the weight that is left at the
    end of the run, reached geometrically (R3GAN lets a tenth remain). every: the penalty is due in
    each `every`-th step and then counts `every` times (lazy regularisation, Karras et al. 2020,
    StyleGAN2, section 3.1; since it joins the adversarial gradient in one optimiser step, Adam
    needs no correction).
    """

    name: str
    probe: Probe
    centre: float
    weight: float
    every: int
    paper: str
    fade: float = 1.0

    @property
    def needs_input_gradient(self) -> bool:
        """It differentiates by the pictures."""
        return True

    def __call__(self, played: Round) -> Tensor:
        """One value per logit in float32: (B,), or fewer where D judges packs of pictures."""
        pictures, logits = self.probe(played)
        gradients = torch.autograd.grad(logits.sum(), pictures, create_graph=True)
        squared = torch.stack([g.square().flatten(1).sum(1) for g in gradients]).sum(0)
        squared = squared.view(len(logits), -1).sum(1)
        weight = self.weight * self.fade**played.progress
        if self.centre == 0:
            return weight * squared
        return weight * ((squared + TINY).sqrt() - self.centre).square()


def at_real(played: Round) -> tuple[Scales, Tensor]:
    return played.real, played.real_logits


def at_fake(played: Round) -> tuple[Scales, Tensor]:
    return played.fake, played.fake_logits


def between(played: Round) -> tuple[Scales, Tensor]:
    """A random point on the line from each fake to a real; one share per sample."""
    count = len(played.real[-1])
    share = torch.rand(count, generator=played.random, device=played.random.device)
    share = share.to(played.real[-1].dtype)
    pairs = zip(played.fake, played.real, strict=True)
    pictures = requiring_grad(
        tuple(torch.lerp(fake, real, per_sample(share, real)) for fake, real in pairs)
    )
    return pictures, played.critic(pictures, played.labels)


def around_real(played: Round) -> tuple[Scales, Tensor]:
    """Reals moved by uniform noise of half their standard deviation."""
    moved = []
    for real in played.real:
        noise = torch.rand(real.shape, generator=played.random, device=played.random.device)
        moved.append(real + 0.5 * real.std() * noise.to(real.dtype))
    pictures = requiring_grad(tuple(moved))
    return pictures, played.critic(pictures, played.labels)


def r1(weight: float, every: int = 1) -> GradientPenalty:
    """weight is gamma: gamma / 2 * ||grad D(x)||^2 on reals."""
    paper = "Mescheder et al. 2018, Which training methods for GANs do actually converge?, eq. 9"
    return GradientPenalty("r1", at_real, 0.0, weight / 2, every, paper)


def r2(weight: float, every: int = 1) -> GradientPenalty:
    """weight is gamma: gamma / 2 * ||grad D(x)||^2 on fakes."""
    paper = "Mescheder et al. 2018, Which training methods for GANs do actually converge?, eq. 10"
    return GradientPenalty("r2", at_fake, 0.0, weight / 2, every, paper)


def wgan_gp(weight: float, every: int = 1) -> GradientPenalty:
    """weight is lambda: lambda * (||grad D(x)|| - 1)^2 between reals and fakes."""
    paper = "Gulrajani et al. 2017, Improved training of Wasserstein GANs, equation 3"
    return GradientPenalty("wgan-gp", between, 1.0, weight, every, paper)


def dragan(weight: float, every: int = 1) -> GradientPenalty:
    """weight is lambda: lambda * (||grad D(x)|| - 1)^2 around reals."""
    paper = "Kodali et al. 2017, On convergence and stability of GANs, equation 4"
    return GradientPenalty("dragan", around_real, 1.0, weight, every, paper)


PENALTIES: dict[str, Callable[[float, int], GradientPenalty]] = {
    "r1": r1,
    "r2": r2,
    "wgan-gp": wgan_gp,
    "dragan": dragan,
}
